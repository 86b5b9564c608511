// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEnergyMarket} from "../interfaces/IEnergyMarket.sol";
import {Costs} from "../libraries/Costs.sol";
import {Account} from "../types/Account.sol";
import {Side} from "../types/Side.sol";
import {MarketAgreements} from "./MarketAgreements.sol";

/// @title Venues beside bilateral negotiation, on the same accounts and agreements
abstract contract MarketVenues is MarketAgreements {
    using Costs for uint256;

    uint256 private constant VENUE_AT = 96;

    /// @inheritdoc IEnergyMarket
    mapping(address account => bool) public isVenue;

    modifier onlyVenue() {
        require(isVenue[msg.sender], NotVenue(msg.sender));
        _;
    }

    /// @inheritdoc IEnergyMarket
    function setVenue(address venue, bool admitted) external restricted {
        isVenue[venue] = admitted;
        emit VenueSet(venue, admitted);
    }

    /// @inheritdoc IEnergyMarket
    function coverOrder(
        Side side,
        address owner,
        uint64 window,
        uint64 energyWh,
        uint64 limitPrice
    ) external onlyVenue whenNotPaused returns (uint256 cover) {
        Account account = _accounts[owner];
        require(account.isParticipant(), NotParticipant(owner));
        require(account.debt() == 0, DebtOutstanding(owner, account.debt()));
        WindowTerms storage terms = _freezeTerms(window);
        _requirePrice(limitPrice, terms.gridFloor, terms.gridCeiling);

        cover = _cover(side, terms, energyWh, limitPrice);

        _lockIn(account, owner, cover);
    }

    /// @inheritdoc IEnergyMarket
    function releaseOrder(
        Side side,
        address owner,
        uint64 window,
        uint64 energyWh,
        uint64 limitPrice
    ) external onlyVenue returns (uint256 cover) {
        cover = _cover(side, _frozenTerms(window), energyWh, limitPrice);

        _unlock(owner, cover, cover);
    }

    /// @inheritdoc IEnergyMarket
    function openClearing(uint64 window) external onlyVenue whenNotPaused returns (Terms memory) {
        _freezeTerms(window);
        return _termsOf(window);
    }

    /// @inheritdoc IEnergyMarket
    function setClearing(uint64 window, bool clearing) external onlyVenue {
        _frozenTerms(window).clearing = clearing;
    }

    /// @inheritdoc IEnergyMarket
    function recordFill(Fill calldata fill) external onlyVenue returns (bytes32 agreementId) {
        // No offer has such an id, and no two orders meet twice in a window: it is a new one.
        Agreement memory a = Agreement({
            offerId: (uint256(uint160(msg.sender)) << VENUE_AT) | fill.sellId,
            seller: fill.seller,
            buyer: fill.buyer,
            window: fill.window,
            energyWh: fill.energyWh,
            price: fill.price,
            deadline: 0,
            salt: fill.buyId
        });
        agreementId = _hash(a);
        WindowTerms storage terms = _frozenTerms(a.window);
        WindowTerms storage sellTerms = _frozenTerms(fill.sellWindow);
        uint256 buyCover = _cover(Side.BUY, terms, a.energyWh, fill.buyLimit);
        uint256 sellCover = _cover(Side.SELL, sellTerms, a.energyWh, fill.sellLimit);

        _open(a, agreementId);
        _exchange(a.buyer, buyCover, _escrow(a));
        _exchange(a.seller, sellCover, _failureCost(a.energyWh, a.price, terms));
        emit TransactionAllowed(
            agreementId,
            a.seller,
            a.buyer,
            a.offerId,
            a.window,
            a.energyWh,
            a.price
        );
    }

    /// @dev Locks `kept` in place of `cover`. A venue matches nobody beyond their limit, and at its
    /// limit an order's cover is what the agreement needs, or more.
    function _exchange(address account, uint256 cover, uint256 kept) private {
        uint256 surplus = cover - kept;
        if (surplus > 0) _unlock(account, surplus, surplus);
    }

    /// @param terms Those of the order's own window, which are frozen.
    function _cover(
        Side side,
        WindowTerms storage terms,
        uint256 energyWh,
        uint256 limitPrice
    ) private view returns (uint256) {
        if (side == Side.BUY) return energyWh.costOfEach(limitPrice);
        return energyWh.costOfEach(terms.gridCeiling - limitPrice + terms.penaltyRate);
    }
}
