// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import {IEnergyMarket} from "../interfaces/IEnergyMarket.sol";
import {Costs} from "../libraries/Costs.sol";
import {Trades, TradesBook} from "../types/Trades.sol";
import {MarketAccounts} from "./MarketAccounts.sol";
import {MarketTerms} from "./MarketTerms.sol";

/// @title Agreements, and what each participant trades by them
abstract contract MarketAgreements is MarketTerms, MarketAccounts, EIP712 {
    using BitMaps for BitMaps.BitMap;
    using Costs for uint256;

    /// @dev A participant's trades lie in lanes, window after window in turn. A window can be
    /// closed six windows after its end at the latest, fifty-five minutes before its lane is needed
    /// again.
    uint256 internal constant LANES = 8;
    uint64 internal constant NO_WINDOW = type(uint64).max;

    bytes32 private constant AGREEMENT_TYPEHASH = keccak256(
        "Agreement(uint256 offerId,address seller,address buyer,uint64 window,"
        "uint64 energyWh,uint64 price,uint64 deadline,uint256 salt)"
    );

    /// @inheritdoc IEnergyMarket
    mapping(bytes32 agreementId => AgreementState) public agreementState;

    mapping(address participant => Trades[LANES]) internal _lanes;
    mapping(address participant => BitMaps.BitMap windows) internal _closed;

    constructor() EIP712("Peerwatt EnergyMarket", "1") {}

    /// @inheritdoc IEnergyMarket
    function hashAgreement(Agreement calldata agreement) external view returns (bytes32) {
        return _hash(agreement);
    }

    /// @dev The caller locks what the agreement needs and emits `TransactionAllowed`.
    function _open(Agreement memory a, bytes32 id) internal {
        agreementState[id] = AgreementState.OPEN;
        _openSale(a.seller, a.window, a.energyWh);
        _openPurchase(a.buyer, a.window);
    }

    /// @dev The trades of a window, none if its lane has another one.
    function _tradesOf(address participant, uint64 window) internal view returns (Trades trades) {
        trades = _lanes[participant][window % LANES];
        if (trades.window() != window) return TradesBook.none(window);
    }

    /// @dev All fields are static, so the struct's own encoding is the one that EIP-712 wants.
    function _hash(Agreement memory agreement) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(AGREEMENT_TYPEHASH, agreement)));
    }

    /// @dev What the failure to deliver costs a seller: the buyer's way to the grid, and a penalty.
    function _failureCost(
        uint256 energyWh,
        uint256 price,
        WindowTerms storage terms
    ) internal view returns (uint256) {
        return energyWh.costUp(terms.gridCeiling - price + terms.penaltyRate);
    }

    function _requirePrice(uint64 price, uint256 minimum, uint256 maximum) internal pure {
        require(
            minimum <= price && price <= maximum,
            PriceOutOfRange(price, uint64(minimum), uint64(maximum))
        );
    }

    function _escrow(Agreement memory a) internal pure returns (uint256) {
        return uint256(a.energyWh).costUp(a.price);
    }

    function _openSale(address seller, uint64 window, uint256 energyWh) private {
        Trades[LANES] storage lanes = _lanes[seller];
        Trades trades = _openLane(lanes, seller, window);
        uint256 maximum = TradesBook.MAX_AGREED_WH;
        uint256 agreedWh = trades.agreedWh() + energyWh;
        require(agreedWh <= maximum, EnergyTooLarge(agreedWh, maximum));

        lanes[window % LANES] = trades.withSale(energyWh);
    }

    function _openPurchase(address buyer, uint64 window) private {
        Trades[LANES] storage lanes = _lanes[buyer];
        lanes[window % LANES] = _openLane(lanes, buyer, window).withPurchase();
    }

    /// @dev A lane is free for a new window when the position of its former one is closed.
    function _openLane(
        Trades[LANES] storage lanes,
        address participant,
        uint64 window
    ) private view returns (Trades trades) {
        trades = lanes[window % LANES];
        uint64 former = trades.window();
        if (former == window) return trades;
        require(
            former == NO_WINDOW || _closed[participant].get(former),
            PositionOpen(participant, former)
        );
        return TradesBook.none(window);
    }
}
