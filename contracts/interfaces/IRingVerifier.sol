// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Point} from "../privacy/libraries/Bn254.sol";

/// @notice One of the ring says this, once in a context.
/// @param image The signer's mark in the context: a second signature there leaves the same.
struct RingSignature {
    Point image;
    uint256 challenge;
    uint256[] responses;
}

/// @title Who signed is one of these
/// @notice A linkable ring signature (LSAG: Liu, Wei, Wong 2004; base of the image by the event
/// alone: Tsang, Wei 2005).
///
/// | symbol | meaning |
/// | --- | --- |
/// | P_k | public keys of the ring, x_k G |
/// | B | tag base of the context |
/// | I | key image, x B |
/// | c_k, s_k | challenges and responses, c_0 is `challenge` |
interface IRingVerifier {
    error RingTooSmall(uint256 size);

    /// @notice The base of all key images in a context. It costs a tenth of a verification: whoever
    /// needs it often stores it.
    function tagBase(bytes32 context) external view returns (Point memory);

    /// @notice Whether one of the ring signed the message. Reverts if something is no point of the
    /// curve or no scalar.
    /// @dev For the caller to see to: that the base is that of the context, that nobody is in the
    /// ring who doesn't belong there, that the image, by its x alone, is new in the context.
    /// @param context What can be done once.
    /// @param message The hash of all that is to be executed.
    function verify(
        Point[] calldata ring,
        bytes32 context,
        bytes32 message,
        Point calldata base,
        RingSignature calldata signature
    ) external view returns (bool);
}
