// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IERC5564Announcer} from "../interfaces/IERC5564Announcer.sol";
import {IMembership} from "../interfaces/IMembership.sol";
import {Escrow, INotePool, NewNote, Spend} from "../interfaces/INotePool.sol";
import {IPrivateMarket} from "../interfaces/IPrivateMarket.sol";
import {IRangeVerifier, RangeClaim, RangeProof} from "../interfaces/IRangeVerifier.sol";
import {IRingVerifier} from "../interfaces/IRingVerifier.sol";
import {
    CostStatement,
    Handle,
    ISigmaVerifier,
    Rounding,
    SigmaProof
} from "../interfaces/ISigmaVerifier.sol";
import {Costs} from "../libraries/Costs.sol";
import {Windows} from "../libraries/Windows.sol";
import {MarketAccess} from "../market/MarketAccess.sol";
import {Bn254, Point} from "./libraries/Bn254.sol";
import {Note, NoteMessage} from "./libraries/Notes.sol";
import {Sum, Sums} from "./libraries/Sums.sol";
import {Transcript} from "./libraries/Transcript.sol";

contract PrivateMarket is IPrivateMarket, MarketAccess, EIP712 {
    /// @notice Everything that the market relies on.
    struct Parts {
        IMembership membership;
        INotePool pool;
        IRingVerifier ringVerifier;
        ISigmaVerifier sigmaVerifier;
        IRangeVerifier rangeVerifier;
        IERC5564Announcer announcer;
    }

    struct Round {
        bytes32 ringHash;
        uint256 offerCount;
    }

    struct OfferRecord {
        Point energy;
        Point floorPrice;
        address owner;
    }

    uint256 public constant MAX_PAGE = 256;

    /// @notice Nobody hides among fewer, and nobody pays for more.
    uint256 public constant MIN_RING = 4;
    uint256 public constant MAX_RING = 32;

    /// @notice So many offers a member may make in a round.
    uint64 public constant SLOTS = 4;

    /// @notice So many windows ahead rounds can be opened: who joins is soon in a ring.
    uint64 public constant HORIZON = 3;

    /// @dev Widths of an energy, of a price's distances from its bounds, and of a remainder.
    uint256 private constant ENERGY_BITS = 24;
    uint256 private constant PRICE_BITS = 20;
    uint256 private constant ROUNDING_BITS = 16;

    /// @dev So many range proofs has an agreement beside the payment's.
    uint256 private constant RANGES = 2;

    /// @dev `_termsClaim` says why prices may not be lower.
    uint64 private constant MIN_FLOOR = 1000;

    uint256 private constant STEALTH_SCHEME = 1;
    uint256 private constant OFFER_INDEX_BITS = 32;

    bytes32 private constant POSSESSION_TAG = keccak256("peerwatt/private market/possession/1");
    bytes32 private constant IMAGE_TAG = keccak256("peerwatt/private market/image/1");
    bytes32 private constant OFFER_TAG = keccak256("peerwatt/private market/offer/1");
    bytes32 private constant AGREEMENT_TAG = keccak256("peerwatt/private market/agreement/1");
    bytes32 private constant SETTLEMENT_TAG = keccak256("peerwatt/private market/settlement/1");
    bytes32 private constant AGREEMENT_TYPEHASH = keccak256("Agreement(bytes32 id)");
    bytes32 private constant DELIVERY_TYPEHASH = keccak256(
        "Delivery(bytes32 agreementId,uint256 energyX,uint256 energyY)"
    );

    IMembership public immutable membership;
    INotePool public immutable pool;
    IRingVerifier public immutable ringVerifier;
    ISigmaVerifier public immutable sigmaVerifier;
    IRangeVerifier public immutable rangeVerifier;
    IERC5564Announcer public immutable announcer;
    uint64 private immutable _floor;
    uint64 private immutable _ceiling;

    /// @dev The commitments to these, and to the largest remainder, that anybody can open.
    uint256 private immutable _floorX;
    uint256 private immutable _floorY;
    uint256 private immutable _ceilingX;
    uint256 private immutable _ceilingY;
    uint256 private immutable _largestX;
    uint256 private immutable _largestY;

    /// @inheritdoc IPrivateMarket
    mapping(bytes32 context => mapping(uint256 imageX => bool)) public isImageUsed;

    /// @inheritdoc IPrivateMarket
    mapping(bytes32 agreementId => AgreementState) public agreementState;

    Point private _auditor;
    address[] private _registered;
    mapping(address member => Point) private _keys;
    mapping(uint256 keyX => address) private _holders;
    mapping(uint64 window => Round) private _rounds;
    mapping(bytes32 context => Point) private _tagBases;
    mapping(uint256 offerId => OfferRecord) private _offers;

    constructor(
        address authority,
        address forwarder,
        Parts memory parts,
        Band memory band_,
        Point memory auditor
    ) AccessManaged(authority) ERC2771Context(forwarder) EIP712("Peerwatt PrivateMarket", "1") {
        require(
            MIN_FLOOR <= band_.floor &&
                band_.floor <= band_.ceiling &&
                band_.ceiling - band_.floor < 1 << PRICE_BITS,
            BandInvalid(band_.floor, band_.ceiling)
        );

        membership = parts.membership;
        pool = parts.pool;
        ringVerifier = parts.ringVerifier;
        sigmaVerifier = parts.sigmaVerifier;
        rangeVerifier = parts.rangeVerifier;
        announcer = parts.announcer;
        _floor = band_.floor;
        _ceiling = band_.ceiling;
        (_floorX, _floorY) = _valueOf(band_.floor);
        (_ceilingX, _ceilingY) = _valueOf(band_.ceiling);
        (_largestX, _largestY) = _valueOf(Costs.WH_PER_KWH - 1);
        _setAuditor(auditor);
    }

    // Step 1: who takes part

    /// @inheritdoc IPrivateMarket
    function publishInfo(Point calldata key, SigmaProof calldata possession) external {
        address member = _msgSender();
        require(membership.isMember(member), NotMember(member));
        address holder = _holders[key.x];
        require(holder == address(0), KeyTaken(key.x, holder));
        require(
            sigmaVerifier.verifyPossession(key, possessionContext(member), possession),
            PossessionUnproved(member)
        );

        Point memory former = _keys[member];
        if (Bn254.isInfinity(former)) {
            require(_registered.length < MAX_RING, MembersTooMany(MAX_RING));
            _registered.push(member);
        } else {
            delete _holders[former.x];
        }
        _keys[member] = key;
        _holders[key.x] = member;
        emit InfoPublished(member, key);
    }

    // Steps 2 and 3: offers

    /// @inheritdoc IPrivateMarket
    function openRound(uint64 window) external {
        uint64 latest = Windows.current() + HORIZON;
        require(window <= latest, RoundTooEarly(window, latest));
        _requireTrading(window);
        require(_rounds[window].ringHash == 0, RoundExists(window));
        _forgetFormerMembers();
        uint256 size = _registered.length;
        require(size >= MIN_RING, MembersTooFew(size, MIN_RING));

        Point[] memory ring = new Point[](size);
        bytes memory words;
        for (uint256 i = 0; i < size; ++i) {
            ring[i] = _keys[_registered[i]];
            words = bytes.concat(words, abi.encode(ring[i]));
        }
        _rounds[window].ringHash = keccak256(words);
        emit RoundOpened(window, ring);
    }

    /// @inheritdoc IPrivateMarket
    function makeOffer(
        OfferTerms calldata terms,
        OfferProofs calldata proofs
    ) external whenNotPaused returns (uint256 offerId) {
        RangeClaim[] memory claims = new RangeClaim[](1);
        (offerId, claims[0]) = _makeOffer(terms, proofs);
        require(rangeVerifier.verify(claims), RangesInvalid());
    }

    /// @inheritdoc IPrivateMarket
    function makeOffers(
        OfferTerms[] calldata terms,
        OfferProofs[] calldata proofs
    ) external whenNotPaused returns (uint256[] memory offerIds) {
        uint256 count = terms.length;
        _requireLength(count, proofs.length);

        offerIds = new uint256[](count);
        RangeClaim[] memory claims = new RangeClaim[](count);
        for (uint256 i = 0; i < count; ++i) {
            (offerIds[i], claims[i]) = _makeOffer(terms[i], proofs[i]);
        }
        require(rangeVerifier.verify(claims), RangesInvalid());
    }

    /// @inheritdoc IPrivateMarket
    function getOffers(
        uint64 window,
        uint256 offset,
        uint256 limit
    ) external view returns (Offer[] memory offers, uint256 total) {
        total = _rounds[window].offerCount;
        uint256 remaining = offset < total ? total - offset : 0;
        uint256 length = Math.min(Math.min(limit, MAX_PAGE), remaining);

        offers = new Offer[](length);
        for (uint256 i = 0; i < length; ++i) {
            uint256 offerId = _offerId(window, offset + i);
            OfferRecord storage offer = _offers[offerId];
            offers[i] = Offer(offerId, offer.owner, offer.energy, offer.floorPrice);
        }
    }

    // Step 5: agreements (step 4, haggling, happens off chain)

    /// @inheritdoc IPrivateMarket
    function allowTransaction(
        Agreement calldata agreement,
        AgreementProofs calldata proofs,
        bytes calldata sellerSignature,
        Spend calldata payment
    ) external whenNotPaused returns (bytes32) {
        RangeClaim[] memory claims = new RangeClaim[](RANGES);
        Escrow memory escrow = _allow(agreement, proofs, sellerSignature, claims, 0);
        pool.lock(payment, escrow, claims);
        return escrow.id;
    }

    /// @inheritdoc IPrivateMarket
    function allowTransactions(
        Agreement[] calldata agreements,
        AgreementProofs[] calldata proofs,
        bytes[] calldata sellerSignatures,
        Spend[] calldata payments
    ) external whenNotPaused returns (bytes32[] memory ids) {
        uint256 count = agreements.length;
        _requireLength(count, proofs.length);
        _requireLength(count, sellerSignatures.length);
        _requireLength(count, payments.length);

        ids = new bytes32[](count);
        Escrow[] memory escrows = new Escrow[](count);
        RangeClaim[] memory claims = new RangeClaim[](RANGES * count);
        for (uint256 i = 0; i < count; ++i) {
            escrows[i] = _allow(agreements[i], proofs[i], sellerSignatures[i], claims, RANGES * i);
            ids[i] = escrows[i].id;
        }
        pool.lockAll(payments, escrows, claims);
    }

    // Step 6: settlement

    /// @inheritdoc IPrivateMarket
    function makeTransaction(Agreement calldata agreement, bytes calldata attestation) external {
        bytes32 id = _settle(agreement, agreement.energy, attestation);
        emit TransactionMade(id, agreement.energy, true);

        pool.release(id, agreement.cost, agreement.payoutKey, agreement.payoutMessage);
    }

    /// @inheritdoc IPrivateMarket
    function makePartialTransaction(
        Agreement calldata agreement,
        Point calldata delivered,
        bytes calldata attestation,
        Settlement calldata settlement
    ) external {
        bytes32 id = _settle(agreement, delivered, attestation);
        require(!Bn254.equals(delivered, agreement.energy), DeliveredInFull(id));
        bytes32 context = settlementContext(id, delivered, settlement.refundMessage);
        CostStatement memory cost = CostStatement(
            delivered,
            agreement.price,
            settlement.payout,
            settlement.remainder,
            Rounding.DOWN
        );
        require(sigmaVerifier.verifyCost(cost, context, settlement.costs), CostInvalid(context));
        Handle[] memory handles = new Handle[](1);
        handles[0] = Handle(settlement.refund, agreement.refundBlinding);
        _requireHandles(handles, Bn254.refundBase(), context, settlement.blinding);
        emit TransactionMade(id, delivered, false);

        RangeClaim[] memory claims = new RangeClaim[](1);
        claims[0] = _roundingClaim(context, settlement.remainder, settlement.rounding);
        NewNote[2] memory notes = [
            NewNote(Note(agreement.payoutKey, settlement.payout), agreement.payoutMessage),
            NewNote(Note(agreement.refundKey, settlement.refund), settlement.refundMessage)
        ];
        pool.split(id, agreement.cost, notes, settlement.amounts, claims);
    }

    /// @inheritdoc IPrivateMarket
    function cancelTransaction(Agreement calldata agreement) external {
        bytes32 id = _requireOpen(agreement);
        uint64 window = _windowOf(agreement.offerId);
        uint256 graceEnd = Windows.graceEnd(window);
        require(block.timestamp >= graceEnd, WindowOpen(window, graceEnd));

        agreementState[id] = AgreementState.CANCELLED;
        emit TransactionCancelled(id);

        NoteMessage memory nothing;
        pool.release(id, agreement.cost, agreement.refundKey, nothing);
    }

    // Rules

    /// @inheritdoc IPrivateMarket
    function setAuditor(Point calldata auditor) external restricted {
        _setAuditor(auditor);
    }

    // Views

    /// @inheritdoc IPrivateMarket
    function tagBaseOf(uint64 window, uint64 slot) external view returns (Point memory) {
        return ringVerifier.tagBase(imageContext(window, slot));
    }

    /// @inheritdoc IPrivateMarket
    function ringHashOf(uint64 window) external view returns (bytes32) {
        return _rounds[window].ringHash;
    }

    /// @inheritdoc IPrivateMarket
    function keyOf(address account) external view returns (Point memory) {
        return _keys[account];
    }

    /// @inheritdoc IPrivateMarket
    function auditorKey() external view returns (Point memory) {
        return _auditor;
    }

    /// @inheritdoc IPrivateMarket
    function band() external view returns (Band memory) {
        return Band(_floor, _ceiling);
    }

    /// @inheritdoc IPrivateMarket
    function hashOffer(OfferTerms calldata terms) public view returns (bytes32) {
        return
            Transcript.contextOf(
                OFFER_TAG,
                abi.encode(
                    terms.window,
                    terms.slot,
                    terms.owner,
                    terms.energy,
                    terms.floorPrice,
                    terms.energyHandle,
                    terms.priceHandle,
                    keccak256(terms.ephemeralKey),
                    keccak256(terms.metadata)
                )
            );
    }

    /// @inheritdoc IPrivateMarket
    function hashAgreement(Agreement calldata agreement) public view returns (bytes32) {
        return Transcript.contextOf(AGREEMENT_TAG, abi.encode(agreement));
    }

    /// @inheritdoc IPrivateMarket
    function imageContext(uint64 window, uint64 slot) public view returns (bytes32) {
        return Transcript.contextOf(IMAGE_TAG, abi.encode(window, slot));
    }

    /// @inheritdoc IPrivateMarket
    function possessionContext(address account) public view returns (bytes32) {
        return Transcript.contextOf(POSSESSION_TAG, abi.encode(account));
    }

    /// @inheritdoc IPrivateMarket
    function settlementContext(
        bytes32 agreementId,
        Point calldata delivered,
        NoteMessage calldata refundMessage
    ) public view returns (bytes32) {
        return
            Transcript.contextOf(SETTLEMENT_TAG, abi.encode(agreementId, delivered, refundMessage));
    }

    // Offers

    /// @dev All but the ranges, which the caller verifies.
    function _makeOffer(
        OfferTerms calldata terms,
        OfferProofs calldata proofs
    ) private returns (uint256 offerId, RangeClaim memory ranges) {
        uint64 window = terms.window;
        _requireTrading(window);
        require(terms.slot < SLOTS, SlotUnknown(terms.slot));
        Round storage round = _rounds[window];
        require(round.ringHash == Transcript.hashPoints(proofs.ring), RingUnknown(window));
        bytes32 context = imageContext(window, terms.slot);
        uint256 imageX = proofs.signature.image.x;
        require(!isImageUsed[context][imageX], OfferMadeBefore(imageX));
        bytes32 message = hashOffer(terms);
        require(
            ringVerifier.verify(proofs.ring, context, message, _tagBase(context), proofs.signature),
            SignatureInvalid(message)
        );
        Handle[] memory handles = new Handle[](2);
        handles[0] = Handle(terms.energy, terms.energyHandle);
        handles[1] = Handle(terms.floorPrice, terms.priceHandle);
        _requireHandles(handles, _auditor, message, proofs.handles);

        isImageUsed[context][imageX] = true;
        offerId = _offerId(window, round.offerCount);
        ++round.offerCount;
        _offers[offerId] = OfferRecord(terms.energy, terms.floorPrice, terms.owner);
        ranges = _termsClaim(
            message,
            terms.energy,
            terms.floorPrice,
            Point(_floorX, _floorY),
            proofs.ranges
        );
        emit OfferMade(offerId, window, terms.slot, imageX, terms);
        announcer.announce(STEALTH_SCHEME, terms.owner, terms.ephemeralKey, terms.metadata);
    }

    /// @dev Computed for the first offer of a slot, and stored for the others.
    function _tagBase(bytes32 context) private returns (Point memory base) {
        base = _tagBases[context];
        if (!Bn254.isInfinity(base)) return base;
        base = ringVerifier.tagBase(context);
        _tagBases[context] = base;
    }

    /// @dev Whoever is expelled leaves no key. The last one takes the place.
    function _forgetFormerMembers() private {
        for (uint256 i = _registered.length; i > 0; --i) {
            address account = _registered[i - 1];
            if (membership.isMember(account)) continue;
            delete _holders[_keys[account].x];
            delete _keys[account];
            _registered[i - 1] = _registered[_registered.length - 1];
            _registered.pop();
        }
    }

    // Agreements

    /// @dev All but the payment and the ranges, which the pool verifies with those of the payment.
    /// @param claims Where the ranges are put, from this place on.
    function _allow(
        Agreement calldata agreement,
        AgreementProofs calldata proofs,
        bytes calldata sellerSignature,
        RangeClaim[] memory claims,
        uint256 place
    ) private returns (Escrow memory) {
        OfferRecord storage offer = _offers[agreement.offerId];
        require(offer.owner != address(0), OfferUnknown(agreement.offerId));
        _requireCommitPhase(_windowOf(agreement.offerId));
        bytes32 id = hashAgreement(agreement);
        require(agreementState[id] == AgreementState.NONE, AgreementExists(id));
        address signer = _signerOf(keccak256(abi.encode(AGREEMENT_TYPEHASH, id)), sellerSignature);
        require(signer == offer.owner, SignatureInvalid(id));
        Handle[] memory handles = new Handle[](2);
        handles[0] = Handle(agreement.energy, proofs.energyHandle);
        handles[1] = Handle(agreement.price, proofs.priceHandle);
        _requireHandles(handles, _auditor, id, proofs.handles);
        CostStatement memory cost = CostStatement(
            agreement.energy,
            agreement.price,
            agreement.cost,
            proofs.remainder,
            Rounding.UP
        );
        require(sigmaVerifier.verifyCost(cost, id, proofs.costs), CostInvalid(id));

        Point memory remaining = _minus(offer.energy, agreement.energy);
        claims[place] = _termsClaim(id, remaining, agreement.price, offer.floorPrice, proofs.terms);
        claims[place + 1] = _roundingClaim(id, proofs.remainder, proofs.rounding);
        offer.energy = remaining;
        agreementState[id] = AgreementState.OPEN;
        emit TransactionAllowed(
            id,
            agreement.offerId,
            agreement,
            proofs.energyHandle,
            proofs.priceHandle
        );
        return Escrow(id, agreement.cost, [agreement.payoutKey, agreement.refundKey]);
    }

    /// @dev Whoever may call `makeTransaction` by the Authority's table says what was delivered.
    function _settle(
        Agreement calldata agreement,
        Point calldata delivered,
        bytes calldata attestation
    ) private returns (bytes32 id) {
        id = _requireOpen(agreement);
        uint64 window = _windowOf(agreement.offerId);
        uint256 end = Windows.end(window);
        require(block.timestamp >= end, WindowOpen(window, end));
        address signer = _signerOf(
            keccak256(abi.encode(DELIVERY_TYPEHASH, id, delivered.x, delivered.y)),
            attestation
        );
        (bool isTrusted, ) = IAccessManager(authority()).canCall(
            signer,
            address(this),
            this.makeTransaction.selector
        );
        require(isTrusted && signer != address(0), AttestationInvalid(signer));

        agreementState[id] = AgreementState.SETTLED;
    }

    function _requireOpen(Agreement calldata agreement) private view returns (bytes32 id) {
        id = hashAgreement(agreement);
        require(agreementState[id] == AgreementState.OPEN, AgreementNotOpen(id));
    }

    // What is proved

    function _requireHandles(
        Handle[] memory handles,
        Point memory auditor,
        bytes32 context,
        SigmaProof calldata proof
    ) private view {
        require(
            sigmaVerifier.verifyHandles(handles, auditor, context, proof),
            HandlesInvalid(context)
        );
    }

    /// @dev The energy is below 2^24, and the price at least the minimum, at most the ceiling.
    ///
    /// An agreement's own energy E = offer - remaining needs no range: it is above -2^24, so that
    /// energy times price wraps around nothing, and it is not negative. For E price = 1000 cost -
    /// remainder, where cost is not negative and the remainder is 999 at most: so E price >= -999.
    /// With a price of 1000 or more (`MIN_FLOOR`) no E below zero does that.
    function _termsClaim(
        bytes32 context,
        Point memory energy,
        Point memory price,
        Point memory minimum,
        RangeProof calldata proof
    ) private view returns (RangeClaim memory claim) {
        claim.context = context;
        claim.bits = new uint256[](3);
        (claim.bits[0], claim.bits[1], claim.bits[2]) = (ENERGY_BITS, PRICE_BITS, PRICE_BITS);
        claim.commitments = new Point[](3);
        claim.commitments[0] = energy;
        claim.commitments[1] = _minus(price, minimum);
        claim.commitments[2] = _minus(Point(_ceilingX, _ceilingY), price);
        claim.proof = proof;
    }

    /// @dev The remainder is 0..999: neither it nor 999 less it is negative.
    function _roundingClaim(
        bytes32 context,
        Point memory remainder,
        RangeProof calldata proof
    ) private view returns (RangeClaim memory claim) {
        claim.context = context;
        claim.bits = new uint256[](2);
        (claim.bits[0], claim.bits[1]) = (ROUNDING_BITS, ROUNDING_BITS);
        claim.commitments = new Point[](2);
        claim.commitments[0] = remainder;
        claim.commitments[1] = _minus(Point(_largestX, _largestY), remainder);
        claim.proof = proof;
    }

    /// @dev The commitment to a number that everybody knows.
    function _valueOf(uint256 value) private view returns (uint256 x, uint256 y) {
        Sum memory sum = Sums.startWith(Bn254.valueBase(), value);
        return (sum.x, sum.y);
    }

    function _minus(Point memory left, Point memory right) private view returns (Point memory) {
        Bn254.requirePoint(left);
        Bn254.requirePoint(right);

        Sum memory sum = Sums.startWith(left);
        sum.add(Bn254.negate(right));
        return sum.total();
    }

    // Small things

    function _requireLength(uint256 expected, uint256 length) private pure {
        require(length == expected, LengthMismatch(expected, length));
    }

    /// @return signer Zero where the signature is none.
    function _signerOf(
        bytes32 structHash,
        bytes calldata signature
    ) private view returns (address signer) {
        (signer, , ) = ECDSA.tryRecover(_hashTypedDataV4(structHash), signature);
    }

    function _setAuditor(Point memory auditor) private {
        Bn254.requirePoint(auditor);

        _auditor = auditor;
        emit AuditorChanged(auditor);
    }

    function _requireTrading(uint64 window) private view {
        uint256 closing = Windows.commitStart(window);
        require(block.timestamp < closing, WindowClosed(window, closing));
    }

    function _requireCommitPhase(uint64 window) private view {
        uint256 from = Windows.commitStart(window);
        uint256 until = Windows.start(window);
        require(
            from <= block.timestamp && block.timestamp < until,
            NotCommitPhase(window, from, until)
        );
    }

    function _offerId(uint64 window, uint256 index) private pure returns (uint256) {
        return (uint256(window) << OFFER_INDEX_BITS) | index;
    }

    function _windowOf(uint256 offerId) private pure returns (uint64) {
        return uint64(offerId >> OFFER_INDEX_BITS);
    }
}
