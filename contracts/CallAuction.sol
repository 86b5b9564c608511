// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICallAuction} from "./interfaces/ICallAuction.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {Windows} from "./libraries/Windows.sol";
import {PackedOrder, PackedOrders} from "./types/PackedOrder.sol";
import {Side} from "./types/Side.sol";

contract CallAuction is ICallAuction, AccessManaged, ERC2771Context {
    /// @dev One slot.
    /// @param chain How many books before it, without a gap, are cleared; `MAX_LIFE` at most. An
    /// order is in the book if the first of them is not after the order's own: carrying it writes
    /// nothing.
    struct BookRecord {
        uint32 buys;
        uint32 sells;
        uint8 chain;
        bool cleared;
    }

    /// @dev One slot.
    struct RuleChange {
        uint64 fromWindow;
        PricingRule rule;
    }

    /// @dev How far a book is cleared between two calls: three slots.
    /// @param buyAt The head of the buys, which are matched and leave one by one.
    /// @param sellAt The head of the sells that are matched.
    /// @param leaveAt The first of the sells that leave when all is matched.
    struct Progress {
        bytes32 lists;
        uint64 window;
        uint32 buyAt;
        uint32 sellAt;
        uint32 leaveAt;
        uint32 carriedBuys;
        uint32 carriedSells;
        uint32 uniformPrice;
        uint32 fills;
        uint64 tradedWh;
        uint64 servedWh;
        uint32 marginalBuy;
        uint32 marginalSell;
    }

    /// @dev How far a book is cleared within a call, and what by. Lives in memory.
    /// @param buys The buys as they stand, from `buyAt` on.
    /// @param sells The sells as they stand, from `leaveAt` on.
    /// @param room How many fills and departures the call may execute yet.
    /// @param covers What the sells of earlier windows were covered at, by their age, plus one.
    struct Clearing {
        uint64 window;
        PricingRule rule;
        uint256 gridFloor;
        uint256 gridCeiling;
        uint256 cover;
        PackedOrder[] buys;
        PackedOrder[] sells;
        uint256[] covers;
        uint256 room;
        Progress progress;
    }

    /// @inheritdoc ICallAuction
    uint256 public constant MAX_FILLS = 300;

    /// @inheritdoc ICallAuction
    uint64 public constant MAX_LIFE = 168;

    /// @dev To list so many orders costs as much as a fill.
    uint256 private constant ORDERS_PER_FILL = 15;

    uint256 private constant MAX_ENERGY_WH = type(uint32).max;

    /// @inheritdoc ICallAuction
    IEnergyMarket public immutable market;

    /// @dev Windows in orders are counted from this one.
    uint64 private immutable _origin;

    mapping(uint256 orderId => PackedOrder) private _orders;
    mapping(uint64 window => BookRecord) private _books;
    uint256 private _lastId;
    Progress private _progress;
    RuleChange[] private _rules;

    constructor(
        address authority,
        address forwarder,
        IEnergyMarket market_
    ) AccessManaged(authority) ERC2771Context(forwarder) {
        market = market_;
        _origin = Windows.current();
        _setPricingRule(0, PricingRule.MIDPOINT);
    }

    // Orders

    /// @inheritdoc ICallAuction
    function placeOrder(
        Side side,
        uint64 energyWh,
        uint64 limitPrice,
        uint64 window,
        uint64 expiresAt
    ) external returns (uint256 orderId) {
        address owner = _msgSender();
        require(energyWh > 0, EnergyZero());
        require(energyWh <= MAX_ENERGY_WH, EnergyTooLarge(energyWh, MAX_ENERGY_WH));
        uint256 closing = Windows.commitStart(window);
        require(block.timestamp < closing, WindowClosed(window, closing));
        uint64 horizon = _horizon();
        require(window <= horizon, WindowTooFar(window, horizon));
        require(expiresAt > closing, ExpiryTooEarly(expiresAt, closing + 1));
        uint256 latest = _latestExpiry(window);
        require(expiresAt <= latest, ExpiryTooLate(expiresAt, latest));
        market.coverOrder(side, owner, window, energyWh, limitPrice);

        // 2^32 orders don't fit into a week, and the window is none of those before the first.
        unchecked {
            orderId = ++_lastId;
            _orders[orderId] = PackedOrders.pack(
                owner,
                side,
                energyWh,
                limitPrice,
                window - _origin,
                Windows.closingBefore(expiresAt) - window
            );
            BookRecord storage book = _books[window];
            if (side == Side.BUY) ++book.buys;
            else ++book.sells;
        }
        emit OrderPlaced(orderId, owner, window, side, energyWh, limitPrice, expiresAt);
    }

    /// @inheritdoc ICallAuction
    function cancelOrder(uint256 orderId) external {
        address caller = _msgSender();
        PackedOrder order = _standing(orderId);
        require(order.exists(), OrderUnknown(orderId));
        address owner = order.owner();
        require(caller == owner, NotOwner(caller, owner));
        (bool inBook, uint64 window) = _whereabouts(order);
        if (inBook) {
            require(block.timestamp < Windows.commitStart(window), BookClosed(window));

            BookRecord storage book = _books[window];
            if (order.side() == Side.BUY) --book.buys;
            else --book.sells;
        }
        _release(orderId, order);
        emit OrderCancelled(orderId, owner, order.energyWh());
    }

    /// @inheritdoc ICallAuction
    function releaseOrders(uint256[] calldata orderIds) external {
        uint256 length = orderIds.length;
        for (uint256 i = 0; i < length; ++i) {
            uint256 orderId = orderIds[i];
            PackedOrder order = _orders[orderId];
            if (order.exists()) {
                (bool inBook, uint64 window) = _whereabouts(order);
                require(!inBook, OrderInBook(orderId, window));

                _expire(orderId, order);
            }
        }
    }

    /// @inheritdoc ICallAuction
    function orderOf(uint256 orderId) external view returns (Order memory) {
        PackedOrder order = _standing(orderId);
        require(order.exists(), OrderUnknown(orderId));

        return _unpacked(orderId, order);
    }

    /// @inheritdoc ICallAuction
    function getOrders(uint256[] calldata orderIds) external view returns (Order[] memory orders) {
        uint256 length = orderIds.length;
        orders = new Order[](length);
        for (uint256 i = 0; i < length; ++i) {
            PackedOrder order = _standing(orderIds[i]);
            if (order.exists()) orders[i] = _unpacked(orderIds[i], order);
            else orders[i].id = orderIds[i];
        }
    }

    function _horizon() private view returns (uint64) {
        unchecked {
            return Windows.current() + Windows.HORIZON;
        }
    }

    function _latestExpiry(uint64 window) private pure returns (uint256) {
        unchecked {
            return Windows.commitStart(window + MAX_LIFE + 1);
        }
    }

    /// @dev An order, none if it is gone; reverts as long as nobody can know what is left of it.
    function _standing(uint256 orderId) private view returns (PackedOrder order) {
        order = _orders[orderId];
        uint64 clearing = _progress.window;
        if (clearing == 0) return order;
        require(order.exists() && !_isIn(order, clearing), BookClearing(clearing));
    }

    /// @dev The book that an order is in. Only an unfinished clearing keeps orders in a book after
    /// the window has begun.
    function _whereabouts(PackedOrder order) private view returns (bool inBook, uint64 window) {
        uint64 first = _firstOf(order);
        window = Windows.current() + 1;
        if (_books[window].cleared) ++window;
        if (first > window) return (true, first);
        if (_isIn(order, window)) return (true, window);
        window = _progress.window;
        inBook = window != 0 && _isIn(order, window);
    }

    /// @dev Whether the chain of cleared books has brought an order here from its first one. None
    /// that has expired is left behind there.
    function _isIn(PackedOrder order, uint64 window) private view returns (bool) {
        return _isWithin(order, window - _books[window].chain, window);
    }

    function _isWithin(PackedOrder order, uint64 since, uint64 until) private view returns (bool) {
        uint64 first = _firstOf(order);
        return since <= first && first <= until;
    }

    function _firstOf(PackedOrder order) private view returns (uint64) {
        unchecked {
            return _origin + order.first();
        }
    }

    function _lastOf(PackedOrder order) private view returns (uint64) {
        unchecked {
            return _origin + order.last();
        }
    }

    function _unpacked(uint256 orderId, PackedOrder order) private view returns (Order memory) {
        return
            Order({
                id: orderId,
                owner: order.owner(),
                side: order.side(),
                energyWh: order.energyWh(),
                limitPrice: order.limitPrice(),
                window: _firstOf(order),
                lastWindow: _lastOf(order)
            });
    }

    function _expire(uint256 orderId, PackedOrder order) private {
        _release(orderId, order);
        emit OrderExpired(orderId, _lastOf(order), order.energyWh());
    }

    /// @dev An order leaves, and its cover returns.
    function _release(uint256 orderId, PackedOrder order) private {
        _orders[orderId] = PackedOrders.NONE;
        market.releaseOrder(
            order.side(),
            order.owner(),
            _firstOf(order),
            order.energyWh(),
            order.limitPrice()
        );
    }

    // Clearing

    /// @inheritdoc ICallAuction
    function clear(
        uint64 window,
        uint256[] calldata buyIds,
        uint256[] calldata sellIds
    ) external returns (bool done) {
        bool goesOn = window != 0 && window == _progress.window;
        Clearing memory c = goesOn ? _resumed(buyIds, sellIds) : _begun(window, buyIds, sellIds);
        uint256 listed = buyIds.length + sellIds.length;
        c.room = Math.saturatingSub(MAX_FILLS, listed / ORDERS_PER_FILL);

        done = _match(c, buyIds, sellIds) && _leaveBuys(c, buyIds) && _leaveSells(c, sellIds);
        if (done) _finish(c, goesOn);
        else _interrupt(c, goesOn ? c.progress.lists : _hash(buyIds, sellIds));
    }

    /// @inheritdoc ICallAuction
    function bookOf(uint64 window) external view returns (Book memory) {
        BookRecord memory book = _books[window];
        BookState state = _stateOf(window, book.cleared);
        if (state == BookState.CLOSED && block.timestamp >= Windows.start(window)) {
            return Book(0, 0, state);
        }
        return Book(book.buys, book.sells, state);
    }

    function _stateOf(uint64 window, bool cleared) private view returns (BookState) {
        if (cleared) return BookState.CLEARED;
        if (window != 0 && window == _progress.window) return BookState.CLEARING;
        bool isOpen = block.timestamp < Windows.commitStart(window);
        return isOpen ? BookState.OPEN : BookState.CLOSED;
    }

    function _begun(
        uint64 window,
        uint256[] calldata buyIds,
        uint256[] calldata sellIds
    ) private returns (Clearing memory c) {
        BookRecord memory book = _books[window];
        require(!book.cleared, BookIsCleared(window));
        _requireCommitPhase(window);
        uint64 other = _progress.window;
        require(other == 0, BookClearing(other));
        IEnergyMarket.Terms memory terms = market.openClearing(window);
        require(book.buys > 0 || book.sells > 0, BookEmpty(window));

        _setTerms(c, window, terms);
        c.buys = _verified(Side.BUY, buyIds, book.buys, window, window - book.chain);
        c.sells = _verified(Side.SELL, sellIds, book.sells, window, window - book.chain);
        if (c.rule == PricingRule.UNIFORM) c.progress.uniformPrice = uint32(_uniformPrice(c));
    }

    function _resumed(
        uint256[] calldata buyIds,
        uint256[] calldata sellIds
    ) private view returns (Clearing memory c) {
        c.progress = _progress;
        require(_hash(buyIds, sellIds) == c.progress.lists, ListsChanged());

        _setTerms(c, c.progress.window, market.termsOf(c.progress.window));
        c.buys = _loaded(buyIds, c.progress.buyAt);
        c.sells = _loaded(sellIds, c.progress.leaveAt);
    }

    function _setTerms(
        Clearing memory c,
        uint64 window,
        IEnergyMarket.Terms memory terms
    ) private view {
        c.window = window;
        c.rule = pricingRuleOf(window);
        c.gridFloor = terms.gridFloor;
        c.gridCeiling = terms.gridCeiling;
        c.cover = terms.gridCeiling + terms.penaltyRate;
        c.covers = new uint256[](MAX_LIFE + 1);
    }

    /// @dev The listed orders, if they are those of a side of the book, all of them, in their
    /// order.
    function _verified(
        Side side,
        uint256[] calldata ids,
        uint256 total,
        uint64 window,
        uint64 since
    ) private view returns (PackedOrder[] memory orders) {
        uint256 length = ids.length;
        orders = new PackedOrder[](length);
        uint256 formerKey;
        for (uint256 i = 0; i < length; ++i) {
            uint256 id = ids[i];
            PackedOrder order = _orders[id];
            require(
                order.exists() && order.side() == side && _isWithin(order, since, window),
                OrderNotInBook(side, i, id)
            );
            uint256 key = _sortingKey(side, order.limitPrice(), id);
            require(key > formerKey, OrderMisplaced(side, i, id));
            formerKey = key;
            orders[i] = order;
        }
        require(length == total, BookIncomplete(side, length, total));
    }

    /// @dev Grows from each order to the one that comes next. Ids are positive and below 2^128.
    function _sortingKey(
        Side side,
        uint256 limitPrice,
        uint256 orderId
    ) private pure returns (uint256) {
        uint256 rank = side == Side.BUY ? limitPrice ^ type(uint32).max : limitPrice;
        return (rank << 128) | orderId;
    }

    function _loaded(
        uint256[] calldata ids,
        uint256 from
    ) private view returns (PackedOrder[] memory orders) {
        uint256 length = ids.length;
        orders = new PackedOrder[](length);
        for (uint256 i = from; i < length; ++i) orders[i] = _orders[ids[i]];
    }

    /// @dev Executes matches as long as the heads cross. Whether it could execute all of them.
    function _match(
        Clearing memory c,
        uint256[] calldata buyIds,
        uint256[] calldata sellIds
    ) private returns (bool done) {
        uint256 before = c.room;
        done = _matchHeads(c, buyIds, sellIds);

        if (c.room < before) {
            _writeHead(c.buys, buyIds, c.progress.buyAt);
            _writeHead(c.sells, sellIds, c.progress.sellAt);
        }
    }

    function _matchHeads(
        Clearing memory c,
        uint256[] calldata buyIds,
        uint256[] calldata sellIds
    ) private returns (bool) {
        Progress memory p = c.progress;
        uint256 buyCount = buyIds.length;
        uint256 sellCount = sellIds.length;
        while (p.buyAt < buyCount && p.sellAt < sellCount) {
            PackedOrder sell = c.sells[p.sellAt];
            if (_isShort(c, sell)) {
                ++p.sellAt;
                continue;
            }
            uint256 bid = _bid(c, c.buys[p.buyAt]);
            uint256 ask = _ask(c, sell);
            if (bid < ask) return true;
            if (c.room == 0) return false;
            _fill(c, buyIds[p.buyAt], sellIds[p.sellAt], bid, ask);
        }
        return true;
    }

    /// @dev What is left of an order, which may have been executed in part.
    function _writeHead(PackedOrder[] memory orders, uint256[] calldata ids, uint256 at) private {
        if (at < ids.length) _orders[ids[at]] = orders[at];
    }

    function _fill(
        Clearing memory c,
        uint256 buyId,
        uint256 sellId,
        uint256 bid,
        uint256 ask
    ) private {
        Progress memory p = c.progress;
        PackedOrder buy = c.buys[p.buyAt];
        PackedOrder sell = c.sells[p.sellAt];
        uint64 energyWh = uint64(Math.min(buy.energyWh(), sell.energyWh()));
        uint64 price = _price(c, bid, ask);

        --c.room;
        ++p.fills;
        p.tradedWh += energyWh;
        (p.marginalBuy, p.marginalSell) = (uint32(bid), uint32(ask));
        if (buy.energyWh() == energyWh) {
            _orders[buyId] = PackedOrders.NONE;
            ++p.buyAt;
        } else {
            c.buys[p.buyAt] = buy.less(energyWh);
        }
        if (sell.energyWh() == energyWh) {
            _orders[sellId] = PackedOrders.NONE;
            c.sells[p.sellAt] = PackedOrders.NONE;
            ++p.sellAt;
        } else {
            c.sells[p.sellAt] = sell.less(energyWh);
        }
        market.recordFill(
            IEnergyMarket.Fill({
                buyId: buyId,
                sellId: sellId,
                buyer: buy.owner(),
                seller: sell.owner(),
                window: c.window,
                energyWh: energyWh,
                price: price,
                buyLimit: buy.limitPrice(),
                sellLimit: sell.limitPrice(),
                sellWindow: _firstOf(sell)
            })
        );
        emit OrderFilled(buyId, sellId, c.window, energyWh, price);
    }

    /// @dev The buys that no member sells to: the grid serves them, or they expire, or stay.
    function _leaveBuys(Clearing memory c, uint256[] calldata ids) private returns (bool) {
        Progress memory p = c.progress;
        uint256 length = ids.length;
        while (p.buyAt < length) {
            PackedOrder order = c.buys[p.buyAt];
            bool served = _bid(c, order) == c.gridCeiling;
            if (served || _lastOf(order) == c.window) {
                if (c.room == 0) return false;
                --c.room;
                if (served) _serve(c, ids[p.buyAt], order);
                else _expire(ids[p.buyAt], order);
            } else {
                ++p.carriedBuys;
            }
            ++p.buyAt;
        }
        return true;
    }

    /// @dev The sells that no member buys from, those that were passed over among them: they expire
    /// or stay.
    function _leaveSells(Clearing memory c, uint256[] calldata ids) private returns (bool) {
        Progress memory p = c.progress;
        uint256 length = ids.length;
        while (p.leaveAt < length) {
            PackedOrder order = c.sells[p.leaveAt];
            if (order.exists()) {
                if (_lastOf(order) == c.window) {
                    if (c.room == 0) return false;
                    --c.room;
                    _expire(ids[p.leaveAt], order);
                } else {
                    ++p.carriedSells;
                }
            }
            ++p.leaveAt;
        }
        return true;
    }

    function _serve(Clearing memory c, uint256 buyId, PackedOrder order) private {
        c.progress.servedWh += order.energyWh();
        _release(buyId, order);
        emit OrderServed(buyId, c.window, order.energyWh());
    }

    function _finish(Clearing memory c, bool wentOn) private {
        Progress memory p = c.progress;
        BookRecord storage book = _books[c.window];
        uint256 chain = Math.min(uint256(book.chain) + 1, MAX_LIFE);
        (book.buys, book.sells, book.cleared) = (0, 0, true);
        if (p.carriedBuys > 0 || p.carriedSells > 0) {
            BookRecord storage next = _books[c.window + 1];
            next.buys += p.carriedBuys;
            next.sells += p.carriedSells;
            next.chain = uint8(chain);
        }
        if (wentOn) delete _progress;
        emit BookCleared(
            c.window,
            c.rule,
            p.tradedWh,
            p.servedWh,
            p.marginalBuy,
            p.marginalSell,
            p.fills
        );

        if (wentOn) market.setClearing(c.window, false);
    }

    function _interrupt(Clearing memory c, bytes32 lists) private {
        bool isFirst = c.progress.window == 0;
        c.progress.lists = lists;
        c.progress.window = c.window;
        _progress = c.progress;

        if (isFirst) market.setClearing(c.window, true);
    }

    function _hash(
        uint256[] calldata buyIds,
        uint256[] calldata sellIds
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(buyIds, sellIds));
    }

    function _requireCommitPhase(uint64 window) private view {
        uint256 from = Windows.commitStart(window);
        uint256 until = Windows.start(window);
        require(
            from <= block.timestamp && block.timestamp < until,
            CommitPhaseOnly(window, from, until)
        );
    }

    // Prices

    /// @inheritdoc ICallAuction
    function setPricingRule(PricingRule rule) external restricted {
        _setPricingRule(Windows.current() + 2, rule);
    }

    /// @inheritdoc ICallAuction
    function pricingRuleOf(uint64 window) public view returns (PricingRule) {
        // The newest come first, as it is them that are asked for.
        uint256 i = _rules.length - 1;
        while (_rules[i].fromWindow > window) --i;
        return _rules[i].rule;
    }

    function _setPricingRule(uint64 fromWindow, PricingRule rule) private {
        uint256 length = _rules.length;
        if (length > 0 && _rules[length - 1].fromWindow == fromWindow) _rules.pop();
        _rules.push(RuleChange(fromWindow, rule));
        emit PricingRuleSet(fromWindow, rule);
    }

    function _price(Clearing memory c, uint256 bid, uint256 ask) private pure returns (uint64) {
        if (c.rule == PricingRule.UNIFORM) return c.progress.uniformPrice;
        return uint64(c.rule == PricingRule.PAY_AS_BID ? bid : (bid + ask) / 2);
    }

    /// @dev The price of the last match, which has to be known before the first one: walks the same
    /// way as `_match`. Where a buy at the ceiling is left over, the last match is the grid's.
    function _uniformPrice(Clearing memory c) private view returns (uint256 price) {
        uint256 buyAt;
        uint256 sellAt;
        uint256 boughtWh;
        uint256 soldWh;
        uint256 buyCount = c.buys.length;
        uint256 sellCount = c.sells.length;
        while (buyAt < buyCount && sellAt < sellCount) {
            if (_isShort(c, c.sells[sellAt])) {
                ++sellAt;
                continue;
            }
            uint256 bid = _bid(c, c.buys[buyAt]);
            uint256 ask = _ask(c, c.sells[sellAt]);
            if (bid < ask) break;
            price = (bid + ask) / 2;

            uint256 wantedWh = c.buys[buyAt].energyWh() - boughtWh;
            uint256 offeredWh = c.sells[sellAt].energyWh() - soldWh;
            (boughtWh, soldWh) = (boughtWh + offeredWh, soldWh + wantedWh);
            if (wantedWh <= offeredWh) (buyAt, boughtWh) = (buyAt + 1, 0);
            if (offeredWh <= wantedWh) (sellAt, soldWh) = (sellAt + 1, 0);
        }
        bool isServed = buyAt < buyCount && _bid(c, c.buys[buyAt]) == c.gridCeiling;
        if (isServed) price = c.gridCeiling;
    }

    function _bid(Clearing memory c, PackedOrder buy) private pure returns (uint256) {
        return Math.min(buy.limitPrice(), c.gridCeiling);
    }

    function _ask(Clearing memory c, PackedOrder sell) private pure returns (uint256) {
        return Math.max(sell.limitPrice(), c.gridFloor);
    }

    /// @dev Whether a sell of an earlier window was covered for a lower ceiling or penalty.
    function _isShort(Clearing memory c, PackedOrder sell) private view returns (bool) {
        uint64 first = _firstOf(sell);
        if (first == c.window) return false;
        uint256 age = c.window - first;
        if (c.covers[age] == 0) {
            IEnergyMarket.Terms memory terms = market.termsOf(first);
            c.covers[age] = terms.gridCeiling + terms.penaltyRate + 1;
        }
        return c.covers[age] <= c.cover;
    }

    // The caller

    function _msgSender() internal view override(Context, ERC2771Context) returns (address) {
        return ERC2771Context._msgSender();
    }

    function _msgData() internal view override(Context, ERC2771Context) returns (bytes calldata) {
        return ERC2771Context._msgData();
    }

    function _contextSuffixLength()
        internal
        view
        override(Context, ERC2771Context)
        returns (uint256)
    {
        return ERC2771Context._contextSuffixLength();
    }
}
