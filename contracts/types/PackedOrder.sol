// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Side} from "./Side.sol";

/// @title An order of the call auction, in one slot
/// @dev From the lowest bit: energy that is left in Wh (32), limit price (32), side (1), first
/// window (23, counted from the auction's own first: for nine hundred years), windows that it lives
/// on after that (8), owner (160). 0: no order.
type PackedOrder is uint256;

using PackedOrders for PackedOrder global;

library PackedOrders {
    PackedOrder internal constant NONE = PackedOrder.wrap(0);

    uint256 private constant ENERGY = type(uint32).max;
    uint256 private constant LIMIT_AT = 32;
    uint256 private constant SIDE_AT = 64;
    uint256 private constant FIRST_AT = 65;
    uint256 private constant FIRST = (1 << 23) - 1;
    uint256 private constant LIFE_AT = 88;
    uint256 private constant OWNER_AT = 96;

    /// @dev The caller keeps every value within its bits.
    function pack(
        address owner_,
        Side side_,
        uint256 energyWh_,
        uint256 limitPrice_,
        uint256 first_,
        uint256 life
    ) internal pure returns (PackedOrder) {
        return
            PackedOrder.wrap(
                (uint256(uint160(owner_)) << OWNER_AT) |
                    (life << LIFE_AT) |
                    (first_ << FIRST_AT) |
                    (uint256(side_) << SIDE_AT) |
                    (limitPrice_ << LIMIT_AT) |
                    energyWh_
            );
    }

    function exists(PackedOrder self) internal pure returns (bool) {
        return PackedOrder.unwrap(self) != PackedOrder.unwrap(NONE);
    }

    function owner(PackedOrder self) internal pure returns (address) {
        return address(uint160(PackedOrder.unwrap(self) >> OWNER_AT));
    }

    function side(PackedOrder self) internal pure returns (Side) {
        return Side((PackedOrder.unwrap(self) >> SIDE_AT) & 1);
    }

    function energyWh(PackedOrder self) internal pure returns (uint64) {
        return uint64(PackedOrder.unwrap(self) & ENERGY);
    }

    function limitPrice(PackedOrder self) internal pure returns (uint64) {
        return uint32(PackedOrder.unwrap(self) >> LIMIT_AT);
    }

    /// @notice Number of the first window, counted from the auction's first.
    function first(PackedOrder self) internal pure returns (uint64) {
        return uint64((PackedOrder.unwrap(self) >> FIRST_AT) & FIRST);
    }

    /// @notice Number of the last window, counted alike.
    function last(PackedOrder self) internal pure returns (uint64) {
        unchecked {
            return first(self) + uint8(PackedOrder.unwrap(self) >> LIFE_AT);
        }
    }

    /// @notice What is left when a part is executed.
    /// @dev The caller executes no more than there is.
    function less(PackedOrder self, uint256 executedWh) internal pure returns (PackedOrder) {
        unchecked {
            return PackedOrder.wrap(PackedOrder.unwrap(self) - executedWh);
        }
    }
}
