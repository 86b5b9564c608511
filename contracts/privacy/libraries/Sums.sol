// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Bn254, Point} from "./Bn254.sol";

/// @dev The sum so far, and room for the product that comes next, as the precompiles want them.
struct Sum {
    uint256 x;
    uint256 y;
    uint256 nextX;
    uint256 nextY;
    uint256 scalar;
}

using Sums for Sum global;

/// @title Sums of points times scalars
/// @notice A new `Sum` is infinity. Points have been checked (`Bn254.requirePoint`) or are our own;
/// scalars may be any number.
library Sums {
    uint256 private constant ADDITION = 6;
    uint256 private constant MULTIPLICATION = 7;

    /// @dev What they cost at first (EIP-196). Since EIP-1108 it is 150 and 6,000.
    uint256 private constant ADDITION_GAS = 500;
    uint256 private constant MULTIPLICATION_GAS = 40_000;

    /// @notice A sum that begins with a point.
    function startWith(Point memory point) internal pure returns (Sum memory sum) {
        sum.x = point.x;
        sum.y = point.y;
    }

    /// @notice A sum that begins with scalar times the point.
    function startWith(Point memory point, uint256 scalar) internal view returns (Sum memory sum) {
        sum.x = point.x;
        sum.y = point.y;
        sum.nextX = scalar;
        bool multiplied;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            multiplied := staticcall(MULTIPLICATION_GAS, MULTIPLICATION, sum, 0x60, sum, 0x40)
        }
        require(multiplied, Bn254.PrecompileFailed());
    }

    /// @notice Adds scalar times the point.
    function addProduct(Sum memory self, Point memory point, uint256 scalar) internal view {
        if (scalar == 1) return add(self, point);
        self.nextX = point.x;
        self.nextY = point.y;
        self.scalar = scalar;
        bool multiplied;
        bool added;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let next := add(self, 0x40)
            multiplied := staticcall(MULTIPLICATION_GAS, MULTIPLICATION, next, 0x60, next, 0x40)
            added := staticcall(ADDITION_GAS, ADDITION, self, 0x80, self, 0x40)
        }
        require(multiplied && added, Bn254.PrecompileFailed());
    }

    /// @notice Adds scalar times a point that lies in the call's input.
    function addProductAt(Sum memory self, uint256 at, uint256 scalar) internal view {
        bool multiplied;
        bool added;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let next := add(self, 0x40)
            calldatacopy(next, at, 0x40)
            mstore(add(self, 0x80), scalar)
            multiplied := 1
            if iszero(eq(scalar, 1)) {
                multiplied := staticcall(MULTIPLICATION_GAS, MULTIPLICATION, next, 0x60, next, 0x40)
            }
            added := staticcall(ADDITION_GAS, ADDITION, self, 0x80, self, 0x40)
        }
        require(multiplied && added, Bn254.PrecompileFailed());
    }

    /// @notice Adds a point.
    function add(Sum memory self, Point memory point) internal view {
        self.nextX = point.x;
        self.nextY = point.y;
        bool added;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            added := staticcall(ADDITION_GAS, ADDITION, self, 0x80, self, 0x40)
        }
        require(added, Bn254.PrecompileFailed());
    }

    /// @notice Adds points that lie one after another in memory, each times its scalar.
    /// @param points The address of the first, of as many as there are scalars.
    function addProducts(Sum memory self, uint256 points, uint256[] memory scalars) internal view {
        bool succeeded = true;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let next := add(self, 0x40)
            let scalar := add(scalars, 0x20)
            let end := add(scalar, mul(mload(scalars), 0x20))
            for {} lt(scalar, end) {
                scalar := add(scalar, 0x20)
            } {
                mstore(next, mload(points))
                mstore(add(self, 0x60), mload(add(points, 0x20)))
                mstore(add(self, 0x80), mload(scalar))
                points := add(points, 0x40)
                let multiplied := staticcall(
                    MULTIPLICATION_GAS,
                    MULTIPLICATION,
                    next,
                    0x60,
                    next,
                    0x40
                )
                let added := staticcall(ADDITION_GAS, ADDITION, self, 0x80, self, 0x40)
                succeeded := and(succeeded, and(multiplied, added))
            }
        }
        require(succeeded, Bn254.PrecompileFailed());
    }

    function total(Sum memory self) internal pure returns (Point memory) {
        return Point(self.x, self.y);
    }

    function isInfinity(Sum memory self) internal pure returns (bool) {
        return self.x == 0 && self.y == 0;
    }
}
