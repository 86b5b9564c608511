// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title What a participant trades in one window, in one slot
/// @dev From the lowest bit: agreed to sell (48), sold (48), bought (48), unsettled sales (24),
/// unsettled purchases (24), window (64). Energies in Wh. What is sold or bought was exported by a
/// meter, below 2^30 each; 2^24 agreements of one participant in one window don't fit into its
/// five minutes.
type Trades is uint256;

using TradesBook for Trades global;

library TradesBook {
    uint256 internal constant MAX_AGREED_WH = ENERGY;

    uint256 private constant ENERGY = type(uint48).max;
    uint256 private constant COUNT = type(uint24).max;
    uint256 private constant SOLD_AT = 48;
    uint256 private constant BOUGHT_AT = 96;
    uint256 private constant SALES_AT = 144;
    uint256 private constant PURCHASES_AT = 168;
    uint256 private constant WINDOW_AT = 192;

    function none(uint64 window_) internal pure returns (Trades) {
        return Trades.wrap(uint256(window_) << WINDOW_AT);
    }

    function window(Trades self) internal pure returns (uint64) {
        return uint64(Trades.unwrap(self) >> WINDOW_AT);
    }

    function agreedWh(Trades self) internal pure returns (uint256) {
        return Trades.unwrap(self) & ENERGY;
    }

    function soldWh(Trades self) internal pure returns (uint256) {
        return (Trades.unwrap(self) >> SOLD_AT) & ENERGY;
    }

    function boughtWh(Trades self) internal pure returns (uint256) {
        return (Trades.unwrap(self) >> BOUGHT_AT) & ENERGY;
    }

    /// @notice How many sales and purchases are unsettled.
    function open(Trades self) internal pure returns (uint256) {
        uint256 word = Trades.unwrap(self);
        return ((word >> SALES_AT) & COUNT) + ((word >> PURCHASES_AT) & COUNT);
    }

    /// @dev The caller keeps what is agreed within `MAX_AGREED_WH`.
    function withSale(Trades self, uint256 energyWh) internal pure returns (Trades) {
        return Trades.wrap(Trades.unwrap(self) + energyWh + (1 << SALES_AT));
    }

    function withPurchase(Trades self) internal pure returns (Trades) {
        return Trades.wrap(Trades.unwrap(self) + (1 << PURCHASES_AT));
    }

    function settledSale(Trades self, uint256 deliveredWh) internal pure returns (Trades) {
        return Trades.wrap(Trades.unwrap(self) + (deliveredWh << SOLD_AT) - (1 << SALES_AT));
    }

    function settledPurchase(Trades self, uint256 deliveredWh) internal pure returns (Trades) {
        return Trades.wrap(Trades.unwrap(self) + (deliveredWh << BOUGHT_AT) - (1 << PURCHASES_AT));
    }
}
