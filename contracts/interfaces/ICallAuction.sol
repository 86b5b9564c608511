// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IEnergyMarket} from "./IEnergyMarket.sol";
import {Side} from "../types/Side.sol";

/// @title The call auction of a neighbourhood
/// @notice The order book of Huang et al. 2022. Participants of the market place orders for a
/// window (one hour); in the last five minutes before it anyone clears its book by high-low
/// matching, and every fill becomes an agreement in the market, which settles it like all others.
/// The orders are sorted off chain and verified here in one pass, so that nobody has to trust who
/// sorted them. What is left of an order takes part in the windows that follow, until it expires.
/// @dev Units: energy in Wh, prices in money per kWh, times in seconds. The money stays in the
/// accounts of the market, where an order locks its cover. The cover is linear in the energy, so
/// that it can be split without dust: `residual * ceil(rate / 1000)`, where the rate of a buy is
/// its limit, and that of a sell, with the terms of its own window, `ceiling - limit + penalty`: no
/// price at which it can be executed needs more. Invariants:
/// - the book of a window is what was placed for it, and what the book before it left over if that
///   was cleared;
/// - an order's cover is locked exactly as long as it has energy left;
/// - nobody trades beyond their limit;
/// - who sorts the orders cannot change the result.
interface ICallAuction {
    // ---------------------------------------------------------------- types

    /// @notice How a match of a buy and a sell is priced. `MIDPOINT`: in the middle of its two
    /// limits, rounded down. `UNIFORM`: as the last match by `MIDPOINT`, for all of the window; at
    /// the ceiling if the grid serves anybody. `PAY_AS_BID`: the buy's limit.
    enum PricingRule {
        MIDPOINT,
        UNIFORM,
        PAY_AS_BID
    }

    /// @notice `OPEN` until the commit margin, then `CLOSED`. `CLEARING`: some, not all, of its
    /// fills are executed. `CLEARED`: what was left has moved on.
    enum BookState {
        OPEN,
        CLOSED,
        CLEARING,
        CLEARED
    }

    /// @param energyWh What is left of it. 0: there is no such order, or none any more.
    /// @param limitPrice What it pays at most, or asks at least.
    /// @param window The first window that it is for.
    /// @param lastWindow The last one.
    struct Order {
        uint256 id;
        address owner;
        Side side;
        uint64 energyWh;
        uint64 limitPrice;
        uint64 window;
        uint64 lastWindow;
    }

    /// @param buys How many buys are in it.
    /// @param sells How many sells are in it.
    struct Book {
        uint64 buys;
        uint64 sells;
        BookState state;
    }

    // --------------------------------------------------------------- events

    event OrderPlaced(
        uint256 indexed orderId,
        address indexed owner,
        uint64 indexed window,
        Side side,
        uint64 energyWh,
        uint64 limitPrice,
        uint64 expiresAt
    );
    /// @param energyWh What was left of it.
    event OrderCancelled(uint256 indexed orderId, address indexed owner, uint64 energyWh);
    /// @notice A buy and a sell were matched. Comes right after the market's `TransactionAllowed`
    /// for the same energy.
    event OrderFilled(
        uint256 indexed buyId,
        uint256 indexed sellId,
        uint64 indexed window,
        uint64 energyWh,
        uint64 price
    );
    /// @notice What was left of a buy at the ceiling comes from the grid. It needs no agreement:
    /// closing the position buys it.
    event OrderServed(uint256 indexed orderId, uint64 indexed window, uint64 energyWh);
    /// @param window The last window that the order was for.
    /// @param energyWh What was left of it.
    event OrderExpired(uint256 indexed orderId, uint64 indexed window, uint64 energyWh);
    /// @param tradedWh Energy that members trade with each other.
    /// @param servedWh Energy that comes from the grid.
    /// @param marginalBuy Effective limit of the buy in the last match between members; 0 if none.
    /// @param marginalSell Effective limit of the sell in that match; 0 if none.
    /// @param fills How many matches there were between members.
    event BookCleared(
        uint64 indexed window,
        PricingRule rule,
        uint64 tradedWh,
        uint64 servedWh,
        uint64 marginalBuy,
        uint64 marginalSell,
        uint64 fills
    );
    event PricingRuleSet(uint64 indexed fromWindow, PricingRule rule);

    // --------------------------------------------------------------- errors

    error EnergyZero();
    error EnergyTooLarge(uint256 energyWh, uint256 maximum);
    error WindowClosed(uint64 window, uint256 closedSince);
    error WindowTooFar(uint64 window, uint64 lastWindow);
    error ExpiryTooEarly(uint64 expiresAt, uint256 earliest);
    error ExpiryTooLate(uint64 expiresAt, uint256 latest);
    error OrderUnknown(uint256 orderId);
    error NotOwner(address caller, address owner);
    error OrderInBook(uint256 orderId, uint64 window);
    error CommitPhaseOnly(uint64 window, uint256 from, uint256 until);
    error BookClosed(uint64 window);
    error BookEmpty(uint64 window);
    error BookIsCleared(uint64 window);
    error BookClearing(uint64 window);
    error BookIncomplete(Side side, uint256 listed, uint256 total);
    error OrderNotInBook(Side side, uint256 position, uint256 orderId);
    error OrderMisplaced(Side side, uint256 position, uint256 orderId);
    error ListsChanged();

    // -------------------------------------------------------------- orders

    /// @notice Places an order of the caller, a participant without debt, for a future window whose
    /// commit margin has not begun, and locks its cover. The limit lies within the grid's prices of
    /// that window, which are frozen by it.
    /// @param expiresAt The order takes part in the books that close before this moment: at least
    /// that of `window`, at most `MAX_LIFE` more.
    /// @return orderId One sequence for all orders, from 1.
    function placeOrder(
        Side side,
        uint64 energyWh,
        uint64 limitPrice,
        uint64 window,
        uint64 expiresAt
    ) external returns (uint256 orderId);

    /// @notice Takes back what is left of an order and returns its cover. By its owner, unless the
    /// book that it is in is closed and not cleared yet. Never paused.
    function cancelOrder(uint256 orderId) external;

    /// @notice Returns the covers of orders that are in no book any more, because nobody cleared
    /// theirs in time. Orders that are gone are passed over. By anyone; never paused.
    function releaseOrders(uint256[] calldata orderIds) external;

    /// @notice What is left of an order. Reverts with `BookClearing` as long as that is being found
    /// out, and with `OrderUnknown` if nothing is left.
    function orderOf(uint256 orderId) external view returns (Order memory);

    /// @notice `orderOf` for many; those that are gone have no owner and no energy.
    function getOrders(uint256[] calldata orderIds) external view returns (Order[] memory);

    // ------------------------------------------------------------ clearing

    /// @notice Clears the book of a window, within its commit margin. By anyone.
    ///
    /// The head of the buys (dearest first) is matched with the head of the sells (cheapest first)
    /// as long as the buy's limit is at least the sell's. The smaller one is executed wholly, the
    /// other stays at the head. The grid's prices bound the limits: what a buy pays at most is
    /// `min(limit, ceiling)`, what a sell asks at least is `max(limit, floor)`. Behind all others
    /// the grid itself sells at the ceiling, without limit.
    ///
    /// Executes up to `MAX_FILLS` orders' fills and departures, and one less for every 15 orders in
    /// the book, so that a call fits into a block of 30 million gas; where there are more, the same
    /// call goes on, by anyone and at any time, also when the window has begun. Until it is done,
    /// the market settles nothing of that window and no other book is cleared. More than 4,499
    /// orders are too many to be cleared.
    ///
    /// @dev An order from an earlier window whose cover does not suffice, as the ceiling or the
    /// penalty has grown, is listed, but passed over. A participant whose position of eight windows
    /// before is open holds the book up, until anyone closes it.
    /// @param buyIds All buys in the book, by limit from high to low, then by id.
    /// @param sellIds All sells in the book, by limit from low to high, then by id.
    /// @return done Whether the book is cleared.
    function clear(
        uint64 window,
        uint256[] calldata buyIds,
        uint256[] calldata sellIds
    ) external returns (bool done);

    /// @notice How many orders a book has, and its state. While it is being cleared these are the
    /// orders that it had before; when it is cleared, or nobody did so in time, it has none.
    function bookOf(uint64 window) external view returns (Book memory);

    /// @notice Sets how matches are priced, from the window after the next on: never for a book
    /// that is closed already. Restricted to the members.
    function setPricingRule(PricingRule rule) external;

    function pricingRuleOf(uint64 window) external view returns (PricingRule);

    // --------------------------------------------------------------- links

    /// @notice Where the money is, and where fills become agreements.
    function market() external view returns (IEnergyMarket);

    // solhint-disable func-name-mixedcase

    /// @notice Largest number of fills and departures in one call of `clear`, of a short list.
    function MAX_FILLS() external view returns (uint256);

    /// @notice Largest number of windows that an order takes part in after its first.
    function MAX_LIFE() external view returns (uint64);
}
