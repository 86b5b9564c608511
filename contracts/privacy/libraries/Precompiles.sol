// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Bn254} from "./Bn254.sol";

/// @title Arithmetic that the chain does itself (EIP-196 and EIP-198)
library Precompiles {
    uint256 private constant EXPONENTIATION = 5;

    /// @dev What 32-byte numbers cost at first (EIP-198). From EIP-2565 (berlin) on it is 1,360,
    /// and 4,048 from EIP-7883 (osaka) on.
    uint256 private constant EXPONENTIATION_GAS = 13_000;

    /// @notice base^exponent modulo `modulus`.
    function power(
        uint256 base,
        uint256 exponent,
        uint256 modulus
    ) internal view returns (uint256 result) {
        bool succeeded;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, 0x20)
            mstore(add(input, 0x20), 0x20)
            mstore(add(input, 0x40), 0x20)
            mstore(add(input, 0x60), base)
            mstore(add(input, 0x80), exponent)
            mstore(add(input, 0xa0), modulus)
            succeeded := staticcall(EXPONENTIATION_GAS, EXPONENTIATION, input, 0xc0, 0x00, 0x20)
            result := mload(0x00)
        }
        require(succeeded, Bn254.PrecompileFailed());
    }

    /// @notice The inverse modulo a prime, and 0 for 0.
    function inverse(uint256 value, uint256 prime) internal view returns (uint256) {
        return power(value, prime - 2, prime);
    }

    /// @notice What squared gives the value modulo the curve's prime, if anything does.
    function squareRoot(uint256 value) internal view returns (uint256) {
        return power(value, (Bn254.P + 1) / 4, Bn254.P);
    }
}
