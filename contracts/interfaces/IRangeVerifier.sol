// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Point} from "../privacy/libraries/Bn254.sol";

/// @notice A Bulletproof: A (`bits`), S (`masks`), T1, T2, tau_x, mu, t, what is left of the
/// vectors a and b, and L and R of each round.
struct RangeProof {
    Point bits;
    Point masks;
    Point t1;
    Point t2;
    uint256 tauX;
    uint256 mu;
    uint256 t;
    uint256[4] a;
    uint256[4] b;
    Point[2][] rounds;
}

/// @notice Commitment j hides a number below 2^bits[j], and the proof of all of them.
/// @param bits Widths, 1 to 64 each, that add up to 4, 8, 16, 32, 64 or 128.
struct RangeClaim {
    bytes32 context;
    uint256[] bits;
    Point[] commitments;
    RangeProof proof;
}

/// @title Committed numbers lie in their ranges
interface IRangeVerifier {
    error LengthMismatch(uint256 bits, uint256 commitments);
    error WidthInvalid(uint256 bits);
    error VectorLengthInvalid(uint256 length);

    /// @notice Whether all claims hold. Reverts if one is none: if something is no point of the
    /// curve or no scalar, or widths are not as they have to be.
    /// @dev Claims that are verified together share most of the cost of the longest.
    function verify(RangeClaim[] calldata claims) external view returns (bool);
}
