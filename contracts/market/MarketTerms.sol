// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEnergyMarket} from "../interfaces/IEnergyMarket.sol";
import {Windows} from "../libraries/Windows.sol";
import {MarketAccess} from "./MarketAccess.sol";

/// @title The grid's prices and the penalty, window by window
abstract contract MarketTerms is MarketAccess, IEnergyMarket {
    /// @dev One slot a window. Prices are below 2^32.
    struct WindowTerms {
        uint32 gridFloor;
        uint32 gridCeiling;
        uint32 penaltyRate;
        uint32 offerCount;
        bool published;
        bool frozen;
        bool clearing;
    }

    /// @dev One slot, so that a window keeps the defaults that it began with.
    struct DefaultTerms {
        uint64 fromWindow;
        uint32 gridFloor;
        uint32 gridCeiling;
        uint32 penaltyRate;
    }

    /// @inheritdoc IEnergyMarket
    uint256 public constant MAX_BATCH = 100;

    mapping(uint64 window => WindowTerms) private _terms;
    DefaultTerms[] private _defaults;
    TermLimits private _termLimits;

    constructor(Terms memory terms, TermLimits memory limits) {
        _setTermLimits(limits, terms);
        _setDefaultTerms(0, terms);
    }

    /// @inheritdoc IEnergyMarket
    function publishTerms(uint64 firstWindow, Terms[] calldata terms) external restricted {
        uint256 length = terms.length;
        require(length <= MAX_BATCH, BatchTooLarge(length, MAX_BATCH));

        for (uint256 i = 0; i < length; ++i) {
            uint64 window = firstWindow + uint64(i);
            uint256 start = Windows.start(window);
            require(block.timestamp < start, WindowClosed(window, start));
            require(!_terms[window].frozen, TermsFrozen(window));
            _requireWithin(terms[i], _termLimits);

            _write(_terms[window], terms[i]);
            _terms[window].published = true;
            emit TermsPublished(
                window,
                terms[i].gridFloor,
                terms[i].gridCeiling,
                terms[i].penaltyRate
            );
        }
    }

    /// @inheritdoc IEnergyMarket
    function setDefaultTerms(Terms calldata terms) external restricted {
        _requireWithin(terms, _termLimits);

        _setDefaultTerms(Windows.current() + 1, terms);
    }

    /// @inheritdoc IEnergyMarket
    function setTermLimits(TermLimits calldata limits) external restricted {
        _setTermLimits(limits, defaultTerms());
    }

    /// @inheritdoc IEnergyMarket
    function termsOf(uint64 window) external view returns (Terms memory) {
        return _termsOf(window);
    }

    /// @inheritdoc IEnergyMarket
    function termLimits() external view returns (TermLimits memory) {
        return _termLimits;
    }

    /// @inheritdoc IEnergyMarket
    function defaultTerms() public view returns (Terms memory) {
        return _defaultTermsOf(type(uint64).max);
    }

    /// @dev The terms of a window, which can change no more from now on.
    function _freezeTerms(uint64 window) internal returns (WindowTerms storage terms) {
        terms = _terms[window];
        if (!terms.frozen) {
            if (!terms.published) _write(terms, _termsOf(window));
            terms.frozen = true;
        }
    }

    /// @dev The terms of a window that are frozen already.
    function _frozenTerms(uint64 window) internal view returns (WindowTerms storage) {
        return _terms[window];
    }

    function _termsOf(uint64 window) internal view returns (Terms memory) {
        WindowTerms memory terms = _terms[window];
        if (!terms.published && !terms.frozen) return _defaultTermsOf(window);
        return Terms(terms.gridFloor, terms.gridCeiling, terms.penaltyRate);
    }

    /// @dev The newest come first, as it is them that are asked for.
    function _defaultTermsOf(uint64 window) private view returns (Terms memory) {
        uint256 i = _defaults.length - 1;
        while (_defaults[i].fromWindow > window) --i;
        DefaultTerms memory terms = _defaults[i];
        return Terms(terms.gridFloor, terms.gridCeiling, terms.penaltyRate);
    }

    /// @dev Narrowing is safe: terms are within limits that are below 2^32.
    function _setDefaultTerms(uint64 fromWindow, Terms memory terms) private {
        uint256 length = _defaults.length;
        if (length > 0 && _defaults[length - 1].fromWindow == fromWindow) _defaults.pop();
        _defaults.push(
            DefaultTerms({
                fromWindow: fromWindow,
                gridFloor: uint32(terms.gridFloor),
                gridCeiling: uint32(terms.gridCeiling),
                penaltyRate: uint32(terms.penaltyRate)
            })
        );
        emit DefaultTermsSet(fromWindow, terms.gridFloor, terms.gridCeiling, terms.penaltyRate);
    }

    function _setTermLimits(TermLimits memory limits, Terms memory standing) private {
        require(
            limits.minGridFloor <= limits.maxGridCeiling &&
                limits.maxGridCeiling <= type(uint32).max &&
                limits.maxPenaltyRate <= type(uint32).max,
            LimitsInvalid(limits.minGridFloor, limits.maxGridCeiling, limits.maxPenaltyRate)
        );
        _requireWithin(standing, limits);

        _termLimits = limits;
        emit TermLimitsSet(limits.minGridFloor, limits.maxGridCeiling, limits.maxPenaltyRate);
    }

    /// @dev Narrowing is safe: terms are within limits that are below 2^32.
    function _write(WindowTerms storage record, Terms memory terms) private {
        record.gridFloor = uint32(terms.gridFloor);
        record.gridCeiling = uint32(terms.gridCeiling);
        record.penaltyRate = uint32(terms.penaltyRate);
    }

    function _requireWithin(Terms memory terms, TermLimits memory limits) private pure {
        require(
            limits.minGridFloor <= terms.gridFloor &&
                terms.gridFloor <= terms.gridCeiling &&
                terms.gridCeiling <= limits.maxGridCeiling &&
                terms.penaltyRate <= limits.maxPenaltyRate,
            TermsOutOfLimits(terms.gridFloor, terms.gridCeiling, terms.penaltyRate)
        );
    }
}
