// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Which side of the market an order is on
enum Side {
    BUY,
    SELL
}
