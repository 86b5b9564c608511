// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A table of points, kept as code, which is the cheapest to read
/// @notice A zero byte, so that nobody can call it, and the points: U, all G_i, all H_i.
contract RangeGenerators {
    constructor(bytes memory points) {
        bytes memory code = bytes.concat(bytes1(0), points);
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            return(add(code, 0x20), mload(code))
        }
    }
}
