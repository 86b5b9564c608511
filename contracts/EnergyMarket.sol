// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IEnergyToken} from "./interfaces/IEnergyToken.sol";
import {IMeterRegistry} from "./interfaces/IMeterRegistry.sol";
import {IPaymentToken} from "./interfaces/IPaymentToken.sol";
import {Costs} from "./libraries/Costs.sol";
import {Windows} from "./libraries/Windows.sol";
import {MarketAccounts} from "./market/MarketAccounts.sol";
import {MarketTerms} from "./market/MarketTerms.sol";

contract EnergyMarket is MarketTerms, MarketAccounts, Pausable, EIP712 {
    using Costs for uint256;

    /// @dev One slot. A cancelled offer has no energy; it was cancelled before it was agreed on.
    struct OfferRecord {
        address seller;
        uint32 energyWh;
        uint32 agreedWh;
        uint32 floorPrice;
    }

    /// @dev What a seller has agreed to deliver in one window, and how much of it is unsettled.
    struct Sales {
        uint64 window;
        uint64 agreedWh;
        uint64 open;
    }

    /// @dev What a participant has bought and sold in one window. `openPurchases` are unsettled.
    struct Trades {
        uint64 boughtWh;
        uint64 soldWh;
        uint32 openPurchases;
        bool closed;
    }

    /// @inheritdoc IEnergyMarket
    uint256 public constant MAX_PAGE = 256;

    uint256 private constant MAX_ENERGY_WH = type(uint32).max;
    uint256 private constant MAX_ENDPOINT_BYTES = 256;
    uint256 private constant MAX_META_ADDRESS_BYTES = 128;
    uint256 private constant OFFER_INDEX_BITS = 32;

    /// @dev A window is settled for sure three windows after its end, so that four lanes do.
    uint256 private constant SALES_LANES = 4;
    uint64 private constant NO_WINDOW = type(uint64).max;

    bytes32 private constant AGREEMENT_TYPEHASH = keccak256(
        "Agreement(uint256 offerId,address seller,address buyer,uint64 window,"
        "uint64 energyWh,uint64 price,uint64 deadline,uint256 salt)"
    );

    IEnergyToken public immutable energyToken;
    IMeterRegistry public immutable meterRegistry;

    /// @inheritdoc IEnergyMarket
    mapping(bytes32 agreementId => AgreementState) public agreementState;

    mapping(address participant => ParticipantInfo) private _infos;
    mapping(uint256 offerId => OfferRecord) private _offers;
    mapping(address seller => Sales[SALES_LANES]) private _sales;
    mapping(address participant => mapping(uint64 window => Trades)) private _trades;

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
        EIP712("Peerwatt EnergyMarket", "1")
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

        if (!_accounts[participant].isParticipant) {
            _accounts[participant].isParticipant = true;
            // Written once here, so that every later sale changes a slot and never makes one.
            for (uint256 lane = 0; lane < SALES_LANES; ++lane) {
                _sales[participant][lane].window = NO_WINDOW;
            }
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
        return _accounts[account].isParticipant;
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

    /// @inheritdoc IEnergyMarket
    function hashAgreement(Agreement calldata agreement) external view returns (bytes32) {
        return _hash(agreement);
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
        WindowTerms memory terms = _frozenTerms(a.window);
        _requirePrice(a.price, Math.max(offer.floorPrice, terms.gridFloor), terms.gridCeiling);
        _requireAvailable(a, offer);
        id = _hash(a);
        require(agreementState[id] == AgreementState.NONE, AgreementExists(id));
        _requireSigned(a.buyer, id, signature);

        agreementState[id] = AgreementState.OPEN;
        // Narrowing is safe: the agreements of an offer are at most its energy.
        offer.agreedWh += uint32(a.energyWh);
        _openSale(a.seller, a.window, a.energyWh);
        ++_trades[a.buyer][a.window].openPurchases;
        _lock(a.buyer, _escrow(a));
        _lock(a.seller, _failureCost(a.energyWh, a.price, terms));
        emit TransactionAllowed(id, a.seller, a.buyer, a.offerId, a.window, a.energyWh, a.price);
    }

    /// @dev A lane is free for a new window when the sales of its former one are settled.
    function _openSale(address seller, uint64 window, uint64 energyWh) private {
        Sales storage sales = _sales[seller][window % SALES_LANES];
        if (sales.window != window) {
            require(sales.open == 0, SettlementOutstanding(seller, sales.window));
            sales.window = window;
            sales.agreedWh = 0;
        }
        sales.agreedWh += energyWh;
        ++sales.open;
    }

    // Step 6: settlement

    /// @inheritdoc IEnergyMarket
    function makeTransaction(Agreement calldata agreement) external {
        bytes32 id = _hash(agreement);
        require(agreementState[id] != AgreementState.SETTLED, AgreementSettled(id));

        _settle(agreement, id);
    }

    /// @inheritdoc IEnergyMarket
    function makeTransactions(Agreement[] calldata agreements) external {
        uint256 length = agreements.length;
        _requireBatch(length);

        for (uint256 i = 0; i < length; ++i) {
            bytes32 id = _hash(agreements[i]);
            if (agreementState[id] != AgreementState.SETTLED) _settle(agreements[i], id);
        }
    }

    function _settle(Agreement memory a, bytes32 id) private {
        _requireOver(a.window);
        uint256 exportedWh = _readingOf(a.seller, a.window).exportedWh;
        _readingOf(a.buyer, a.window);
        require(agreementState[id] == AgreementState.OPEN, AgreementUnknown(id));

        agreementState[id] = AgreementState.SETTLED;
        uint256 deliveredWh = _closeSale(a, exportedWh);
        --_trades[a.buyer][a.window].openPurchases;
        // Narrowing is safe: what is delivered was exported, hence is below 2^31.
        _trades[a.buyer][a.window].boughtWh += uint64(deliveredWh);
        _trades[a.seller][a.window].soldWh += uint64(deliveredWh);
        _pay(a, id, deliveredWh);
        _deliver(a, deliveredWh);
    }

    function _closeSale(
        Agreement memory a,
        uint256 exportedWh
    ) private returns (uint256 deliveredWh) {
        Sales storage sales = _sales[a.seller][a.window % SALES_LANES];
        --sales.open;

        uint256 promisedWh = sales.agreedWh;
        if (exportedWh >= promisedWh) return a.energyWh;
        return (a.energyWh * exportedWh) / promisedWh;
    }

    /// @dev All that is unlocked reaches one of three: buyer, seller, or, with the dust, treasury.
    function _pay(Agreement memory a, bytes32 id, uint256 deliveredWh) private {
        WindowTerms memory terms = _frozenTerms(a.window);
        uint256 shortfallWh = a.energyWh - deliveredWh;
        uint256 charged = deliveredWh.costUp(a.price);
        uint256 paid = deliveredWh.costDown(a.price);
        uint256 lost = _failureCost(shortfallWh, a.price, terms);
        uint256 compensation = shortfallWh.costDown(terms.gridCeiling - a.price);
        uint256 penalty = charged - paid + lost - compensation;
        uint256 escrow = _escrow(a);
        uint256 bond = _failureCost(a.energyWh, a.price, terms);

        _unlock(a.buyer, escrow, escrow - charged + compensation);
        _unlock(a.seller, bond, bond - lost + paid);
        if (penalty > 0) _credit(treasury, penalty);
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

    function _deliver(Agreement memory a, uint256 deliveredWh) private {
        if (deliveredWh == 0) return;
        _cover(a.seller, a.window, deliveredWh, _frozenTerms(a.window).gridCeiling);
        energyToken.deliver(a.seller, a.buyer, deliveredWh);
    }

    // What is left: positions

    /// @inheritdoc IEnergyMarket
    function closePosition(address participant, uint64 window) external {
        require(!_trades[participant][window].closed, PositionIsClosed(participant, window));

        _close(participant, window);
    }

    /// @inheritdoc IEnergyMarket
    function closePositions(address[] calldata participants, uint64 window) external {
        uint256 length = participants.length;
        _requireBatch(length);

        for (uint256 i = 0; i < length; ++i) {
            if (!_trades[participants[i]][window].closed) _close(participants[i], window);
        }
    }

    /// @inheritdoc IEnergyMarket
    function positionOf(
        address participant,
        uint64 window
    ) external view returns (Position memory) {
        Trades memory trades = _trades[participant][window];
        return
            Position({
                soldWh: trades.soldWh,
                boughtWh: trades.boughtWh,
                openAgreements: uint64(_openAgreements(participant, window)),
                closed: trades.closed
            });
    }

    function _close(address participant, uint64 window) private {
        _requireParticipant(participant);
        _requireOver(window);
        IMeterRegistry.RecordedReading memory reading = _readingOf(participant, window);
        uint256 open = _openAgreements(participant, window);
        require(open == 0, AgreementsOpen(participant, window, open));
        Trades memory trades = _trades[participant][window];
        WindowTerms memory terms = _freezeTerms(window);

        _trades[participant][window].closed = true;
        if (!reading.recorded) {
            reading.exportedWh = trades.soldWh;
            reading.importedWh = trades.boughtWh;
        }
        // Both sides are sums of a few values below 2^64.
        uint256 heldWh = uint256(reading.exportedWh) + trades.boughtWh - trades.soldWh;
        uint256 surplusWh = Math.saturatingSub(heldWh, reading.importedWh);
        uint256 lackWh = Math.saturatingSub(reading.importedWh, heldWh);
        uint256 amount =
            surplusWh > 0 ? surplusWh.costDown(terms.gridFloor) : lackWh.costUp(terms.gridCeiling);

        if (reading.isStorage) {
            _balanceStorage(participant, window, surplusWh, lackWh, reading.lossesWh, terms);
        } else {
            _cover(participant, window, heldWh, terms.gridCeiling);
            if (lackWh > 0) energyToken.inject(participant, lackWh);
            if (heldWh + lackWh > 0) energyToken.withdraw(participant, heldWh + lackWh);
        }
        if (surplusWh > 0) _payFromTreasury(participant, amount);
        if (lackWh > 0) _charge(participant, amount);
        emit PositionClosed(participant, window, int256(surplusWh) - int256(lackWh), amount);
    }

    /// @dev What a storage took in stays in the microgrid, less what it lost.
    function _balanceStorage(
        address participant,
        uint64 window,
        uint256 surplusWh,
        uint256 lackWh,
        uint256 lossesWh,
        WindowTerms memory terms
    ) private {
        if (lackWh > 0) energyToken.inject(participant, lackWh);
        _cover(participant, window, surplusWh + lossesWh, terms.gridCeiling);
        if (surplusWh > 0) energyToken.withdraw(participant, surplusWh);
        if (lossesWh > 0) energyToken.lose(participant, lossesWh);
    }

    /// @dev A participant may have given away energy that it owes. The grid then feeds it in, at
    /// the participant's cost, so that nobody else has to wait.
    function _cover(
        address participant,
        uint64 window,
        uint256 energyWh,
        uint256 gridCeiling
    ) private {
        uint256 balance = energyToken.balanceOf(participant);
        if (balance >= energyWh) return;
        uint256 missingWh = energyWh - balance;
        uint256 amount = missingWh.costUp(gridCeiling);

        energyToken.inject(participant, missingWh);
        _charge(participant, amount);
        emit EnergyCovered(participant, window, missingWh, amount);
    }

    // Pausing

    /// @inheritdoc IEnergyMarket
    function pause() external restricted {
        _pause();
    }

    /// @inheritdoc IEnergyMarket
    function unpause() external restricted {
        _unpause();
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

    function _requireParticipant(address account) private view {
        require(_accounts[account].isParticipant, NotParticipant(account));
    }

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

    function _requireOver(uint64 window) private view {
        uint256 end = Windows.end(window);
        require(block.timestamp >= end, WindowNotOver(window, end));
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

    function _requirePrice(uint64 price, uint256 minimum, uint256 maximum) private pure {
        require(
            minimum <= price && price <= maximum,
            PriceOutOfRange(price, uint64(minimum), uint64(maximum))
        );
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

    // Amounts

    function _escrow(Agreement memory a) private pure returns (uint256) {
        return uint256(a.energyWh).costUp(a.price);
    }

    /// @dev What the failure to deliver costs a seller: the buyer's way to the grid, and a penalty.
    function _failureCost(
        uint256 energyWh,
        uint256 price,
        WindowTerms memory terms
    ) private pure returns (uint256) {
        return energyWh.costUp(terms.gridCeiling - price + terms.penaltyRate);
    }

    // Records

    /// @dev The reading, if it is there or no longer waited for.
    function _readingOf(
        address participant,
        uint64 window
    ) private view returns (IMeterRegistry.RecordedReading memory reading) {
        reading = meterRegistry.readingOf(participant, window);
        uint256 graceEnd = Windows.graceEnd(window);
        require(
            reading.recorded || block.timestamp >= graceEnd,
            ReadingMissing(participant, window, graceEnd)
        );
    }

    function _openAgreements(address participant, uint64 window) private view returns (uint256) {
        Sales memory sales = _sales[participant][window % SALES_LANES];
        uint256 openSales = sales.window == window ? sales.open : 0;
        return openSales + _trades[participant][window].openPurchases;
    }

    /// @dev All fields are static, so the struct's own encoding is the one that EIP-712 wants.
    function _hash(Agreement memory agreement) private view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(AGREEMENT_TYPEHASH, agreement)));
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

    function _msgSender() internal view override(Context, MarketAccounts) returns (address) {
        return MarketAccounts._msgSender();
    }

    function _msgData() internal view override(Context, MarketAccounts) returns (bytes calldata) {
        return MarketAccounts._msgData();
    }

    function _contextSuffixLength()
        internal
        view
        override(Context, MarketAccounts)
        returns (uint256)
    {
        return MarketAccounts._contextSuffixLength();
    }
}
