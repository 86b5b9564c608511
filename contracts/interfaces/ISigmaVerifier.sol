// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Point} from "../privacy/libraries/Bn254.sol";

/// @notice Somebody knows secrets that satisfy linear equations (Maurer 2009).
struct SigmaProof {
    uint256 challenge;
    uint256[] responses;
}

/// @notice How a cost is rounded to whole units.
enum Rounding {
    DOWN,
    UP
}

/// @notice `cost` is what `energy` costs at `price`, rounded so; all four are commitments:
/// energy price = 1000 cost + remainder when rounded down, - remainder when rounded up.
struct CostStatement {
    Point energy;
    Point price;
    Point cost;
    Point remainder;
    Rounding rounding;
}

/// @notice A commitment, and beside it what lets the auditors open it (twisted ElGamal).
struct Handle {
    Point commitment;
    Point point;
}

/// @title Proofs about keys, products and handles
/// @notice Each says whether its proof holds. They revert if something is no point of the curve or
/// no scalar.
interface ISigmaVerifier {
    /// @notice Whether the prover knows the secret of a public key (Schnorr 1991).
    function verifyPossession(
        Point calldata key,
        bytes32 context,
        SigmaProof calldata proof
    ) external view returns (bool);

    /// @notice Whether the third commitment hides the product of what the first two hide.
    function verifyProduct(
        Point calldata first,
        Point calldata second,
        Point calldata third,
        bytes32 context,
        SigmaProof calldata proof
    ) external view returns (bool);

    /// @notice Whether the equation of a cost holds.
    /// @dev For the caller to see to: that the remainder hides 0..999, and that energy, price and
    /// cost hide numbers so small that nothing wraps around the group's order.
    function verifyCost(
        CostStatement calldata statement,
        bytes32 context,
        SigmaProof calldata proof
    ) external view returns (bool);

    /// @notice Whether each handle opens its commitment for the holders of the auditors' key.
    function verifyHandles(
        Handle[] calldata handles,
        Point calldata auditor,
        bytes32 context,
        SigmaProof calldata proof
    ) external view returns (bool);
}
