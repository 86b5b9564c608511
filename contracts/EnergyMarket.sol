// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IEnergyToken} from "./interfaces/IEnergyToken.sol";
import {IMeterRegistry} from "./interfaces/IMeterRegistry.sol";
import {IPaymentToken} from "./interfaces/IPaymentToken.sol";
import {Costs} from "./libraries/Costs.sol";
import {Windows} from "./libraries/Windows.sol";
import {MarketAccounts} from "./market/MarketAccounts.sol";
import {MarketTerms} from "./market/MarketTerms.sol";
import {MarketVenues} from "./market/MarketVenues.sol";
import {Account} from "./types/Account.sol";
import {Trades, TradesBook} from "./types/Trades.sol";

contract EnergyMarket is MarketVenues {
    using BitMaps for BitMaps.BitMap;
    using Costs for uint256;

    /// @dev One slot. A cancelled offer has no energy; it was cancelled before it was agreed on.
    struct OfferRecord {
        address seller;
        uint32 energyWh;
        uint32 agreedWh;
        uint32 floorPrice;
    }

    /// @inheritdoc IEnergyMarket
    uint256 public constant MAX_PAGE = 256;

    uint256 private constant MAX_ENERGY_WH = type(uint32).max;
    uint256 private constant MAX_ENDPOINT_BYTES = 256;
    uint256 private constant MAX_META_ADDRESS_BYTES = 128;
    uint256 private constant OFFER_INDEX_BITS = 32;

    IEnergyToken public immutable energyToken;
    IMeterRegistry public immutable meterRegistry;

    mapping(address participant => ParticipantInfo) private _infos;
    mapping(uint256 offerId => OfferRecord) private _offers;

    constructor(
        address authority,
        address forwarder,
        IPaymentToken paymentToken_,
        IEnergyToken energyToken_,
        IMeterRegistry meterRegistry_,
        address treasury_,
        Terms memory defaultTerms_,
        TermLimits memory termLimits_
    )
        AccessManaged(authority)
        ERC2771Context(forwarder)
        MarketTerms(defaultTerms_, termLimits_)
        MarketAccounts(paymentToken_, treasury_)
    {
        energyToken = energyToken_;
        meterRegistry = meterRegistry_;
    }

    // Step 1: who takes part

    /// @inheritdoc IEnergyMarket
    function publishInfo(ParticipantInfo calldata info) external whenNotPaused {
        address participant = _msgSender();
        address meter = meterRegistry.certificateOf(participant).meter;
        require(meterRegistry.isCertified(participant), NotCertified(participant));
        require(info.meter == meter, MeterMismatch(info.meter, meter));
        _requireShort(bytes(info.endpoint).length, MAX_ENDPOINT_BYTES);
        _requireShort(info.stealthMetaAddress.length, MAX_META_ADDRESS_BYTES);

        Account account = _accounts[participant];
        if (!account.isParticipant()) {
            _accounts[participant] = account.asParticipant();
            // Written once here, so that every later trade changes a slot and never makes one.
            for (uint256 lane = 0; lane < LANES; ++lane) {
                _lanes[participant][lane] = TradesBook.none(NO_WINDOW);
            }
            energyToken.prepare(participant);
        }
        _infos[participant] = info;
        emit InfoPublished(
            participant,
            info.meter,
            info.householdId,
            info.endpoint,
            info.stealthMetaAddress
        );
    }

    /// @inheritdoc IEnergyMarket
    function participantInfo(address participant) external view returns (ParticipantInfo memory) {
        return _infos[participant];
    }

    /// @inheritdoc IEnergyMarket
    function isParticipant(address account) external view returns (bool) {
        return _accounts[account].isParticipant();
    }

    // Steps 2 and 3: offers

    /// @inheritdoc IEnergyMarket
    function makeOffer(
        uint64 window,
        uint64 energyWh,
        uint64 floorPrice
    ) external whenNotPaused returns (uint256 offerId) {
        address seller = _msgSender();
        _requireParticipant(seller);
        _requireNoDebt(seller);
        _requireTrading(window);
        uint64 lastWindow = Windows.current() + Windows.HORIZON;
        require(window <= lastWindow, WindowTooFar(window, lastWindow));
        require(energyWh > 0, EnergyZero());
        require(energyWh <= MAX_ENERGY_WH, EnergyTooLarge(energyWh, MAX_ENERGY_WH));
        WindowTerms storage terms = _freezeTerms(window);
        uint64 ceiling = terms.gridCeiling;
        require(floorPrice <= ceiling, PriceOutOfRange(floorPrice, 0, ceiling));

        offerId = _offerId(window, terms.offerCount);
        ++terms.offerCount;
        _offers[offerId] = OfferRecord({
            seller: seller,
            energyWh: uint32(energyWh),
            agreedWh: 0,
            floorPrice: uint32(floorPrice)
        });
        emit OfferMade(offerId, seller, window, energyWh, floorPrice);
    }

    /// @inheritdoc IEnergyMarket
    function cancelOffer(uint256 offerId) external {
        address caller = _msgSender();
        OfferRecord storage offer = _offers[offerId];
        uint64 window = _windowOf(offerId);
        require(offer.seller != address(0), OfferUnknown(offerId));
        require(caller == offer.seller, NotSeller(caller, offer.seller));
        require(offer.energyWh > 0, OfferIsCancelled(offerId));
        _requireTrading(window);

        offer.energyWh = 0;
        emit OfferCancelled(offerId, caller, window);
    }

    /// @inheritdoc IEnergyMarket
    function getOffers(
        uint64 window,
        uint256 offset,
        uint256 limit
    ) external view returns (Offer[] memory offers, uint256 total) {
        total = _frozenTerms(window).offerCount;
        uint256 remaining = offset < total ? total - offset : 0;
        uint256 length = Math.min(Math.min(limit, MAX_PAGE), remaining);

        offers = new Offer[](length);
        for (uint256 i = 0; i < length; ++i) {
            offers[i] = _offerAt(_offerId(window, offset + i));
        }
    }

    /// @inheritdoc IEnergyMarket
    function offerOf(uint256 offerId) external view returns (Offer memory) {
        require(_offers[offerId].seller != address(0), OfferUnknown(offerId));

        return _offerAt(offerId);
    }

    // Step 5: agreements (step 4, haggling, happens off chain)

    /// @inheritdoc IEnergyMarket
    function allowTransaction(
        Agreement calldata agreement,
        bytes calldata buyerSignature
    ) external whenNotPaused returns (bytes32 agreementId) {
        return _allow(agreement, buyerSignature, _msgSender());
    }

    /// @inheritdoc IEnergyMarket
    function allowTransactions(
        Agreement[] calldata agreements,
        bytes[] calldata buyerSignatures
    ) external whenNotPaused returns (bytes32[] memory agreementIds) {
        uint256 length = agreements.length;
        require(length == buyerSignatures.length, LengthMismatch(length, buyerSignatures.length));
        _requireBatch(length);
        address caller = _msgSender();

        agreementIds = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            agreementIds[i] = _allow(agreements[i], buyerSignatures[i], caller);
        }
    }

    function _allow(
        Agreement memory a,
        bytes calldata signature,
        address caller
    ) private returns (bytes32 id) {
        require(caller == a.seller, NotSeller(caller, a.seller));
        OfferRecord storage offer = _offers[a.offerId];
        _requireMatch(a, offer);
        _requireCommitPhase(a.window);
        require(block.timestamp <= a.deadline, AgreementExpired(a.deadline));
        require(a.buyer != a.seller, SelfTrade(a.buyer));
        _requireParticipant(a.buyer);
        _requireNoDebt(a.buyer);
        _requireNoDebt(a.seller);
        WindowTerms storage terms = _frozenTerms(a.window);
        _requirePrice(a.price, Math.max(offer.floorPrice, terms.gridFloor), terms.gridCeiling);
        _requireAvailable(a, offer);
        id = _hash(a);
        require(agreementState[id] == AgreementState.NONE, AgreementExists(id));
        _requireSigned(a.buyer, id, signature);

        // Narrowing is safe: the agreements of an offer are at most its energy.
        offer.agreedWh += uint32(a.energyWh);
        _open(a, id);
        _lock(a.buyer, _escrow(a));
        _lock(a.seller, _failureCost(a.energyWh, a.price, terms));
        emit TransactionAllowed(id, a.seller, a.buyer, a.offerId, a.window, a.energyWh, a.price);
    }

    // Step 6: settlement

    /// @inheritdoc IEnergyMarket
    function makeTransaction(Agreement calldata agreement) external {
        Agreement memory a = agreement;
        bytes32 id = _hash(a);
        AgreementState state = agreementState[id];
        require(state != AgreementState.SETTLED, AgreementSettled(id));

        _settle(a, id, state);
    }

    /// @inheritdoc IEnergyMarket
    function makeTransactions(Agreement[] calldata agreements) external {
        uint256 length = agreements.length;
        _requireBatch(length);

        for (uint256 i = 0; i < length; ++i) {
            Agreement memory a = agreements[i];
            bytes32 id = _hash(a);
            AgreementState state = agreementState[id];
            if (state != AgreementState.SETTLED) _settle(a, id, state);
        }
    }

    function _settle(Agreement memory a, bytes32 id, AgreementState state) private {
        _requireSettling(a.window);
        uint256 exportedWh = _exportOf(a.seller, a.window);
        require(state == AgreementState.OPEN, AgreementUnknown(id));
        WindowTerms storage terms = _frozenTerms(a.window);
        Trades sales = _lanes[a.seller][a.window % LANES];
        uint256 deliveredWh = _delivered(a.energyWh, exportedWh, sales.agreedWh());

        agreementState[id] = AgreementState.SETTLED;
        _lanes[a.seller][a.window % LANES] = sales.settledSale(deliveredWh);
        Trades purchases = _lanes[a.buyer][a.window % LANES];
        _lanes[a.buyer][a.window % LANES] = purchases.settledPurchase(deliveredWh);
        _pay(a, id, deliveredWh, terms);

        if (deliveredWh > 0) {
            uint256 coveredWh = energyToken.deliver(a.seller, a.buyer, deliveredWh);
            _chargeCovered(a.seller, a.window, coveredWh, terms.gridCeiling);
        }
    }

    /// @dev All that is unlocked reaches one of three: buyer, seller, or, with the dust, treasury.
    function _pay(
        Agreement memory a,
        bytes32 id,
        uint256 deliveredWh,
        WindowTerms storage terms
    ) private {
        uint256 paid = deliveredWh.costDown(a.price);
        uint256 compensation;
        uint256 penalty;
        // No difference is negative: what is delivered is at most what was agreed, a cost grows
        // with its energy, and rounding up is never below rounding down.
        unchecked {
            uint256 shortfallWh = a.energyWh - deliveredWh;
            uint256 charged = deliveredWh.costUp(a.price);
            uint256 lost = _failureCost(shortfallWh, a.price, terms);
            uint256 escrow = _escrow(a);
            uint256 bond = _failureCost(a.energyWh, a.price, terms);
            compensation = shortfallWh.costDown(terms.gridCeiling - a.price);
            penalty = charged - paid + lost - compensation;

            _unlock(a.buyer, escrow, escrow - charged + compensation);
            _unlock(a.seller, bond, bond - lost + paid);
        }
        if (deliveredWh < a.energyWh) {
            _noteShortfall(a.seller, a.window, a.energyWh - deliveredWh);
        }
        if (penalty > 0) _addToTreasury(penalty);
        emit TransactionMade(
            id,
            a.seller,
            a.buyer,
            uint64(deliveredWh),
            paid,
            compensation,
            penalty
        );
    }

    /// @dev Pro rata where the seller exported less than it agreed to sell.
    function _delivered(
        uint256 energyWh,
        uint256 exportedWh,
        uint256 agreedWh
    ) private pure returns (uint256) {
        return exportedWh >= agreedWh ? energyWh : (energyWh * exportedWh) / agreedWh;
    }

    // What is left: positions

    /// @inheritdoc IEnergyMarket
    function closePosition(address participant, uint64 window) external {
        require(!_closed[participant].get(window), PositionIsClosed(participant, window));

        _close(participant, window);
    }

    /// @inheritdoc IEnergyMarket
    function closePositions(address[] calldata participants, uint64 window) external {
        uint256 length = participants.length;
        _requireBatch(length);

        for (uint256 i = 0; i < length; ++i) {
            if (!_closed[participants[i]].get(window)) _close(participants[i], window);
        }
    }

    /// @inheritdoc IEnergyMarket
    function positionOf(
        address participant,
        uint64 window
    ) external view returns (Position memory) {
        Trades trades = _tradesOf(participant, window);
        return
            Position({
                soldWh: uint64(trades.soldWh()),
                boughtWh: uint64(trades.boughtWh()),
                openAgreements: uint64(trades.open()),
                closed: _closed[participant].get(window)
            });
    }

    function _close(address participant, uint64 window) private {
        _requireParticipant(participant);
        _requireSettling(window);
        IMeterRegistry.RecordedReading memory reading = meterRegistry.readingOf(
            participant,
            window
        );
        _requireRead(reading.recorded, reading.held, participant, window);
        Trades trades = _tradesOf(participant, window);
        uint256 open = trades.open();
        require(open == 0, AgreementsOpen(participant, window, open));
        Terms memory terms = _termsOf(window);
        uint256 boughtWh = trades.boughtWh();
        uint256 exportedWh = reading.recorded ? reading.exportedWh : trades.soldWh();
        uint256 importedWh = reading.recorded ? reading.importedWh : boughtWh;
        uint256 heldWh = exportedWh + boughtWh - trades.soldWh();
        uint256 surplusWh = Math.saturatingSub(heldWh, importedWh);
        uint256 lackWh = Math.saturatingSub(importedWh, heldWh);
        uint256 amount =
            surplusWh > 0 ? surplusWh.costDown(terms.gridFloor) : lackWh.costUp(terms.gridCeiling);

        _closed[participant].set(window);
        if (lackWh > 0) energyToken.inject(participant, lackWh);
        // What a storage took in stays in the microgrid, less what it lost.
        uint256 withdrawnWh = reading.isStorage ? surplusWh : heldWh + lackWh;
        uint256 coveredWh;
        if (withdrawnWh > 0) coveredWh = energyToken.withdraw(participant, withdrawnWh);
        if (reading.lossesWh > 0) coveredWh += energyToken.lose(participant, reading.lossesWh);
        if (reading.retractedWh > 0) {
            coveredWh += energyToken.retract(participant, reading.retractedWh);
        }
        _chargeCovered(participant, window, coveredWh, terms.gridCeiling);
        if (surplusWh > 0) _payFromTreasury(participant, amount);
        if (lackWh > 0) _charge(participant, window, amount);
        emit PositionClosed(participant, window, int256(surplusWh) - int256(lackWh), amount);
    }

    /// @dev A participant may have given away energy that it owed; the grid has fed it in instead.
    function _chargeCovered(
        address participant,
        uint64 window,
        uint256 coveredWh,
        uint256 gridCeiling
    ) private {
        if (coveredWh == 0) return;
        uint256 amount = coveredWh.costUp(gridCeiling);

        _charge(participant, window, amount);
        emit EnergyCovered(participant, window, coveredWh, amount);
    }

    // The clock

    /// @inheritdoc IEnergyMarket
    function windowLength() external pure returns (uint64) {
        return Windows.LENGTH;
    }

    /// @inheritdoc IEnergyMarket
    function commitMargin() external pure returns (uint64) {
        return Windows.COMMIT_MARGIN;
    }

    /// @inheritdoc IEnergyMarket
    function currentWindow() external view returns (uint64) {
        return Windows.current();
    }

    // Rules

    function _requireTrading(uint64 window) private view {
        uint256 commitStart = Windows.commitStart(window);
        require(block.timestamp < commitStart, WindowClosed(window, commitStart));
    }

    function _requireCommitPhase(uint64 window) private view {
        uint256 from = Windows.commitStart(window);
        uint256 until = Windows.start(window);
        require(
            from <= block.timestamp && block.timestamp < until,
            CommitPhaseOnly(window, from, until)
        );
    }

    function _requireSettling(uint64 window) private view {
        uint256 end = Windows.end(window);
        require(block.timestamp >= end, WindowNotOver(window, end));
        require(!_frozenTerms(window).clearing, WindowClearing(window));
    }

    function _requireRead(
        bool recorded,
        bool held,
        address participant,
        uint64 window
    ) private view {
        require(!held, ReadingIsHeld(participant, window, Windows.holdEnd(window)));
        uint256 graceEnd = Windows.graceEnd(window);
        require(
            recorded || block.timestamp >= graceEnd,
            ReadingMissing(participant, window, graceEnd)
        );
    }

    function _requireMatch(Agreement memory a, OfferRecord storage offer) private view {
        address seller = offer.seller;
        require(seller != address(0), OfferUnknown(a.offerId));
        require(a.seller == seller, SellerMismatch(a.seller, seller));
        uint64 window = _windowOf(a.offerId);
        require(a.window == window, WindowMismatch(a.window, window));
        require(offer.energyWh > 0, OfferIsCancelled(a.offerId));
    }

    function _requireAvailable(Agreement memory a, OfferRecord storage offer) private view {
        require(a.energyWh > 0, EnergyZero());
        uint256 availableWh = offer.energyWh - offer.agreedWh;
        require(a.energyWh <= availableWh, OfferExceeded(a.offerId, a.energyWh, availableWh));
    }

    /// @dev A key's signature costs no look-up of code; a contract is asked if that does not fit.
    function _requireSigned(address buyer, bytes32 id, bytes calldata signature) private view {
        (address signer, , ) = ECDSA.tryRecover(id, signature);
        require(
            signer == buyer || SignatureChecker.isValidERC1271SignatureNow(buyer, id, signature),
            SignatureInvalid(buyer)
        );
    }

    function _requireBatch(uint256 length) private pure {
        require(length <= MAX_BATCH, BatchTooLarge(length, MAX_BATCH));
    }

    function _requireShort(uint256 length, uint256 maximum) private pure {
        require(length <= maximum, InfoTooLong(length, maximum));
    }

    // Records

    /// @dev What was exported, if that is known or no longer waited for.
    function _exportOf(
        address participant,
        uint64 window
    ) private view returns (uint256 exportedWh) {
        bool recorded;
        bool held;
        (recorded, held, exportedWh) = meterRegistry.exportOf(participant, window);
        _requireRead(recorded, held, participant, window);
    }

    function _offerAt(uint256 offerId) private view returns (Offer memory) {
        OfferRecord memory record = _offers[offerId];
        return
            Offer({
                id: offerId,
                seller: record.seller,
                window: _windowOf(offerId),
                energyWh: record.energyWh,
                floorPrice: record.floorPrice,
                agreedWh: record.agreedWh,
                cancelled: record.energyWh == 0
            });
    }

    function _offerId(uint64 window, uint256 index) private pure returns (uint256) {
        return (uint256(window) << OFFER_INDEX_BITS) | index;
    }

    function _windowOf(uint256 offerId) private pure returns (uint64) {
        return uint64(offerId >> OFFER_INDEX_BITS);
    }
}
