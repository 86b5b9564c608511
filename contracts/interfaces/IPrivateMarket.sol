// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Point} from "../privacy/libraries/Bn254.sol";
import {NoteMessage} from "../privacy/libraries/Notes.sol";
import {Spend} from "./INotePool.sol";
import {IPausing} from "./IPausing.sol";
import {RangeProof} from "./IRangeVerifier.sol";
import {RingSignature} from "./IRingVerifier.sol";
import {SigmaProof} from "./ISigmaVerifier.sol";

/// @title A market in which nobody sees who trades with whom, how much and at what price
/// @notice The workflow of Mezquita et al. 2022, section 4.2, and the steps of `IEnergyMarket`.
/// Members register a key. Before a window a round takes a snapshot of all keys: the ring. An offer
/// is signed by one of the ring, and nobody sees by which; its energy and price are commitments.
/// Who makes it acts further by a one-time account. The buyer pays out of the note pool. The
/// operator, who knows the meters anyway, says what was delivered, by a commitment again.
/// @dev Everybody can submit everything but `publishInfo`: nothing depends on who sends it. Units
/// are those of `IEnergyMarket`. Invariants:
/// - a member makes one offer in each slot of a round at most;
/// - what agreements take of an offer never exceeds its energy;
/// - an agreed price is the offer's at least, and within the band;
/// - a buyer locks what the agreed energy costs, rounded up; a seller gets that for all of it, and
///   for a part what the part costs, rounded down; what remains is the buyer's.
/// A pause stops offers and agreements; settlement goes on, and so does all that the pool does.
interface IPrivateMarket is IPausing {
    // ---------------------------------------------------------------- types

    /// @notice Bounds of all prices, money per kWh.
    struct Band {
        uint64 floor;
        uint64 ceiling;
    }

    /// @notice An offer as it stands.
    /// @param energy What no agreement has taken yet.
    struct Offer {
        uint256 id;
        address owner;
        Point energy;
        Point floorPrice;
    }

    /// @notice What a member signs with the ring.
    /// @param slot Tells apart the offers of a member in a round.
    /// @param owner The seller's one-time account (ERC-5564).
    /// @param energyHandle What lets the auditors open the energy, and
    /// @param priceHandle the price.
    /// @param ephemeralKey What the owner's account was made with; announced (ERC-5564).
    /// @param metadata Begins with the view tag; then anything for the members, who can read it.
    struct OfferTerms {
        uint64 window;
        uint64 slot;
        address owner;
        Point energy;
        Point floorPrice;
        Point energyHandle;
        Point priceHandle;
        bytes ephemeralKey;
        bytes metadata;
    }

    /// @param ring The keys of the round's snapshot.
    /// @param signature By one of them, of `hashOffer` in `imageContext`.
    /// @param handles That the handles open energy and price.
    /// @param ranges Of the energy (24 bits), and of the price over the band's floor and under its
    /// ceiling (20 bits each). The context of handles and ranges is `hashOffer`.
    struct OfferProofs {
        Point[] ring;
        RingSignature signature;
        SigmaProof handles;
        RangeProof ranges;
    }

    /// @notice What seller and buyer agree on. Its digest is its id.
    /// @param cost What the buyer locks.
    /// @param payoutKey Key of the note that pays the seller, and
    /// @param payoutMessage what the seller finds it by when all is delivered.
    /// @param refundKey Key of the note that returns to the buyer.
    /// @param refundBlinding Blinding of that note when a part returns, times `Bn254.refundBase`:
    /// known to both sides, so that neither can make the other a note that doesn't open.
    struct Agreement {
        uint256 offerId;
        Point energy;
        Point price;
        Point cost;
        Point payoutKey;
        NoteMessage payoutMessage;
        Point refundKey;
        Point refundBlinding;
    }

    /// @param remainder What rounding up has added to the cost.
    /// @param costs That energy times price is the cost, rounded up.
    /// @param handles That the handles open energy and price.
    /// @param terms Ranges of the energy that the offer has left (24 bits), and of the price over
    /// the offer's and under the ceiling (20 bits each).
    /// @param rounding Ranges of the remainder, and of 999 less the remainder (16 bits each). The
    /// context of all four is the agreement's id.
    struct AgreementProofs {
        Point energyHandle;
        Point priceHandle;
        Point remainder;
        SigmaProof costs;
        SigmaProof handles;
        RangeProof terms;
        RangeProof rounding;
    }

    /// @notice What becomes of the escrow when a part was delivered.
    /// @param payout What the seller gets.
    /// @param refund What the buyer gets back: the rest.
    /// @param remainder What rounding down has taken from the payout.
    /// @param costs That delivered energy times price is the payout, rounded down.
    /// @param blinding That the refund has the agreed blinding: a handle's proof, with the refund
    /// as commitment, `refundBlinding` as handle, and its base in place of the auditors' key.
    /// @param amounts Ranges of payout and refund; its context is the pool's `splitContext`.
    /// @param rounding As in `AgreementProofs`. The context of `costs`, `blinding` and `rounding`
    /// is `settlementContext`.
    struct Settlement {
        Point payout;
        Point refund;
        NoteMessage refundMessage;
        Point remainder;
        SigmaProof costs;
        SigmaProof blinding;
        RangeProof amounts;
        RangeProof rounding;
    }

    enum AgreementState {
        NONE,
        OPEN,
        SETTLED,
        CANCELLED
    }

    // --------------------------------------------------------------- events

    event InfoPublished(address indexed member, Point key);
    event RoundOpened(uint64 indexed window, Point[] ring);
    event OfferMade(
        uint256 indexed offerId,
        uint64 indexed window,
        uint64 slot,
        uint256 imageX,
        OfferTerms terms
    );
    event TransactionAllowed(
        bytes32 indexed agreementId,
        uint256 indexed offerId,
        Agreement agreement,
        Point energyHandle,
        Point priceHandle
    );
    event TransactionMade(bytes32 indexed agreementId, Point delivered, bool inFull);
    event TransactionCancelled(bytes32 indexed agreementId);
    event AuditorChanged(Point auditor);

    // --------------------------------------------------------------- errors

    error BandInvalid(uint64 floor, uint64 ceiling);
    error NotMember(address account);
    error KeyTaken(uint256 keyX, address holder);
    error PossessionUnproved(address account);
    error MembersTooMany(uint256 maximum);
    error MembersTooFew(uint256 members, uint256 minimum);
    error LengthMismatch(uint256 terms, uint256 proofs);
    error RoundTooEarly(uint64 window, uint64 latest);
    error RoundExists(uint64 window);
    error RingUnknown(uint64 window);
    error SlotUnknown(uint64 slot);
    error WindowClosed(uint64 window, uint256 closedAt);
    error NotCommitPhase(uint64 window, uint256 from, uint256 until);
    error WindowOpen(uint64 window, uint256 until);
    error OfferMadeBefore(uint256 imageX);
    error OfferUnknown(uint256 offerId);

    /// @notice Of these three each names what has no such signature or proof: the hash of an offer,
    /// an agreement's id, the context of a settlement.
    error SignatureInvalid(bytes32 signed);
    error HandlesInvalid(bytes32 context);
    error CostInvalid(bytes32 context);
    error RangesInvalid();
    error AgreementExists(bytes32 agreementId);
    error AgreementNotOpen(bytes32 agreementId);
    error AttestationInvalid(address signer);
    error DeliveredInFull(bytes32 agreementId);

    // -------------------------------------------------------- who takes part

    /// @notice Registers the caller's member key, for rounds that are opened from now on; a former
    /// one is forgotten. Only by members.
    /// @param possession That the caller knows the key's secret; its context is
    /// `possessionContext`.
    function publishInfo(Point calldata key, SigmaProof calldata possession) external;

    // ---------------------------------------------------------------- offers

    /// @notice Opens the round of a window: takes the snapshot of the keys of all who are members
    /// now. By anyone, three windows ahead at most.
    function openRound(uint64 window) external;

    /// @notice Makes an offer, until the commit margin before its window begins.
    function makeOffer(
        OfferTerms calldata terms,
        OfferProofs calldata proofs
    ) external returns (uint256 offerId);

    /// @notice Makes several offers at once, whose ranges cost little more than those of one. One
    /// that fails lets all fail.
    function makeOffers(
        OfferTerms[] calldata terms,
        OfferProofs[] calldata proofs
    ) external returns (uint256[] memory offerIds);

    /// @notice A page of a window's offers: from number `offset` on, `limit` or `MAX_PAGE`.
    /// @return offers What they are.
    /// @return total How many the window has.
    function getOffers(
        uint64 window,
        uint256 offset,
        uint256 limit
    ) external view returns (Offer[] memory offers, uint256 total);

    // ------------------------------------------------------------ agreements

    /// @notice Writes an agreement and locks its cost, in the commit margin.
    /// @param sellerSignature EIP-712, of `Agreement(bytes32 id)`, by the offer's owner.
    /// @param payment The buyer's spend, for the pool's `lock`.
    function allowTransaction(
        Agreement calldata agreement,
        AgreementProofs calldata proofs,
        bytes calldata sellerSignature,
        Spend calldata payment
    ) external returns (bytes32 agreementId);

    /// @notice Writes several agreements at once, whose ranges cost little more than those of one.
    /// Of the same offer each takes what those before it have left. One that fails lets all fail.
    function allowTransactions(
        Agreement[] calldata agreements,
        AgreementProofs[] calldata proofs,
        bytes[] calldata sellerSignatures,
        Spend[] calldata payments
    ) external returns (bytes32[] memory agreementIds);

    /// @notice Pays the seller for all that was agreed, after the window.
    /// @param attestation EIP-712, of `Delivery(bytes32 agreementId,uint256 energyX,uint256
    /// energyY)` with the agreement's energy, by somebody whom the Authority lets call this.
    function makeTransaction(Agreement calldata agreement, bytes calldata attestation) external;

    /// @notice Pays the seller for a part, and returns the rest.
    /// @param delivered The commitment in the attestation. That of all that was agreed is refused,
    /// or the buyer could take what rounding gains, and leave the seller a note it doesn't expect.
    function makePartialTransaction(
        Agreement calldata agreement,
        Point calldata delivered,
        bytes calldata attestation,
        Settlement calldata settlement
    ) external;

    /// @notice Returns all to the buyer, in a note that hides the cost as it was committed, when
    /// the grace after the window is over without an attestation's use. By anyone.
    function cancelTransaction(Agreement calldata agreement) external;

    // ------------------------------------------------------------------ rules

    /// @notice Changes the key that handles are for. Restricted to the members.
    function setAuditor(Point calldata auditor) external;

    // ------------------------------------------------------------------ views

    /// @notice What a ring signature for an offer signs.
    function hashOffer(OfferTerms calldata terms) external view returns (bytes32);

    /// @notice The agreement's id.
    function hashAgreement(Agreement calldata agreement) external view returns (bytes32);

    /// @notice What a key image belongs to: one thing that a member may do once.
    function imageContext(uint64 window, uint64 slot) external view returns (bytes32);

    function possessionContext(address account) external view returns (bytes32);

    function settlementContext(
        bytes32 agreementId,
        Point calldata delivered,
        NoteMessage calldata refundMessage
    ) external view returns (bytes32);

    /// @notice The base of the key images in a slot of a round.
    function tagBaseOf(uint64 window, uint64 slot) external view returns (Point memory);

    /// @notice The hash of the keys in a round's ring; 0 if it has not been opened.
    function ringHashOf(uint64 window) external view returns (bytes32);

    /// @notice A member's key; infinity if it has none.
    function keyOf(address account) external view returns (Point memory);

    function isImageUsed(bytes32 context, uint256 imageX) external view returns (bool);

    function agreementState(bytes32 agreementId) external view returns (AgreementState);

    function auditorKey() external view returns (Point memory);

    function band() external view returns (Band memory);
}
