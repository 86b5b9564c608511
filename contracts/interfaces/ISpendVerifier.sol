// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Point} from "../privacy/libraries/Bn254.sol";
import {Note} from "../privacy/libraries/Notes.sol";

/// @notice One of the ring's notes is spent, and the pseudo commitment hides its amount.
/// @param image The note's mark: whoever spends it again leaves the same.
/// @param pseudo A commitment to the amount of the note that is spent, which doesn't say which.
struct SpendSignature {
    Point image;
    Point blindingImage;
    Point pseudo;
    uint256 challenge;
    uint256[] responses;
}

/// @title What is spent is one of these notes
/// @notice CLSAG (Goodell, Noether, Blue 2019), without the factors for a cofactor.
///
/// | symbol | meaning |
/// | --- | --- |
/// | P_k, C_k | keys and commitments of the ring's notes |
/// | C' | pseudo commitment; C_i - C' = z G for the note i that is spent |
/// | I, D | key image x Hp(P_i), and z Hp(P_i) |
/// | mu_P, mu_C | weights of keys and of commitments |
/// | W | mu_P I + mu_C D |
interface ISpendVerifier {
    error RingTooSmall(uint256 size);

    /// @notice Whether one of the ring's notes is spent into the pseudo commitment. Reverts if
    /// something is no point of the curve or no scalar.
    /// @dev For the caller to see to: that all notes of the ring exist, each once; that the image,
    /// by its x alone, is new; that what comes in and what goes out are the same.
    /// @param message The hash of all that is to be executed.
    function verify(
        Note[] calldata ring,
        bytes32 context,
        bytes32 message,
        SpendSignature calldata signature
    ) external view returns (bool);
}
