// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Bn254, Point} from "./Bn254.sol";

/// @title Challenges from a hash of everything that was said before (Fiat and Shamir)
/// @notice All that is said are words of 32 bytes, as `abi.encode` writes static types. The state
/// is one word:
///
///     begin    state = keccak(tag, context, words)        tag = keccak(name)
///     absorb   state = keccak(state, words)
///     challenge      = state mod N
library Transcript {
    /// @dev What an empty `bytes` is to `absorb`.
    bytes internal constant NOTHING = "";

    function begin(
        bytes32 tag,
        bytes32 context,
        bytes memory words
    ) internal pure returns (bytes32) {
        return keccak256(bytes.concat(tag, context, words));
    }

    function absorb(bytes32 state, bytes memory words) internal pure returns (bytes32) {
        return keccak256(bytes.concat(state, words));
    }

    /// @notice Absorbs words as they lie in the call's input.
    function absorbAt(
        bytes32 state,
        uint256 at,
        uint256 words
    ) internal pure returns (bytes32 next) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            let size := mul(words, 0x20)
            mstore(buffer, state)
            calldatacopy(add(buffer, 0x20), at, size)
            next := keccak256(buffer, add(size, 0x20))
        }
    }

    function challenge(bytes32 state) internal pure returns (uint256) {
        return uint256(state) % Bn254.N;
    }

    /// @notice What ties a proof to a purpose of this contract on this chain.
    function contextOf(bytes32 tag, bytes memory words) internal view returns (bytes32) {
        return
            keccak256(
                bytes.concat(
                    tag,
                    bytes32(block.chainid),
                    bytes32(uint256(uint160(address(this)))),
                    words
                )
            );
    }

    /// @notice The hash of points, one after another.
    function hashPoints(Point[] calldata points) internal pure returns (bytes32 hash) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let words := mload(0x40)
            let size := mul(points.length, 0x40)
            calldatacopy(words, points.offset, size)
            hash := keccak256(words, size)
        }
    }

    /// @notice The hash of numbers, one after another.
    function hashNumbers(uint256[] calldata numbers) internal pure returns (bytes32 hash) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let words := mload(0x40)
            let size := mul(numbers.length, 0x20)
            calldatacopy(words, numbers.offset, size)
            hash := keccak256(words, size)
        }
    }
}
