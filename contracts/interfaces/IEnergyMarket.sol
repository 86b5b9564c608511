// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Side} from "../types/Side.sol";
import {IPausing} from "./IPausing.sol";

/// @title The market of a neighbourhood
/// @notice The workflow of Mezquita et al. 2022, section 4.1. Households publish who they are,
/// offer energy for a window (one hour), haggle off chain, write their agreements in the last five
/// minutes before the window, and are paid when the meters have seen the energy.
/// @dev Units: energy in Wh, money in 1e-6, prices in money per kWh, times in seconds. Money lies
/// in accounts of the market. Invariants:
/// - the market's balance of payment tokens is the sum of all `free` and `locked`;
/// - an account's `locked` is the sum of its open escrows and bonds and of its orders' covers;
/// - the agreements of an offer never exceed its energy;
/// - nobody's default stops the settlement of others.
/// A pause stops new participants, offers, agreements and orders; clearing that has begun goes on,
/// and so do settlement, positions and withdrawals.
interface IEnergyMarket is IPausing {
    // ---------------------------------------------------------------- types

    /// @param endpoint Where others open a negotiation with this participant.
    /// @param householdId Which household it is, in words that only auditors need to understand.
    /// @param meter The participant's certified meter.
    /// @param stealthMetaAddress ERC-5564 meta-address; empty if none.
    struct ParticipantInfo {
        string endpoint;
        bytes32 householdId;
        address meter;
        bytes stealthMetaAddress;
    }

    struct Offer {
        uint256 id;
        address seller;
        uint64 window;
        uint64 energyWh;
        uint64 floorPrice;
        uint64 agreedWh;
        bool cancelled;
    }

    /// @notice What a buyer signs (EIP-712) and a seller submits. Its digest is its id.
    /// @param energyWh Energy to deliver within the window.
    /// @param price Money per kWh.
    /// @param deadline Last second at which it may be submitted.
    /// @param salt Tells apart agreements that are alike in all else.
    struct Agreement {
        uint256 offerId;
        address seller;
        address buyer;
        uint64 window;
        uint64 energyWh;
        uint64 price;
        uint64 deadline;
        uint256 salt;
    }

    enum AgreementState {
        NONE,
        OPEN,
        SETTLED
    }

    /// @notice What holds in one window. Published terms are frozen by the window's first offer or
    /// its beginning, default terms by its first offer or the first position closed in it.
    /// @param gridFloor What the grid pays for a kWh.
    /// @param gridCeiling What the grid asks for a kWh.
    /// @param penaltyRate What a seller pays the operator for a kWh that it did not deliver.
    struct Terms {
        uint64 gridFloor;
        uint64 gridCeiling;
        uint64 penaltyRate;
    }

    /// @notice A match of two orders at a venue. What they have locked for the energy returns, and
    /// an agreement's escrow and bond are locked instead.
    /// @param buyLimit Limit of the buy, which its cover was locked at.
    /// @param sellLimit Limit of the sell.
    /// @param sellWindow The window whose terms the sell's cover was locked at.
    struct Fill {
        uint256 buyId;
        uint256 sellId;
        address buyer;
        address seller;
        uint64 window;
        uint64 energyWh;
        uint64 price;
        uint64 buyLimit;
        uint64 sellLimit;
        uint64 sellWindow;
    }

    /// @notice Bounds that the members set for the operator's terms.
    struct TermLimits {
        uint64 minGridFloor;
        uint64 maxGridCeiling;
        uint64 maxPenaltyRate;
    }

    /// @notice What became of a participant's window. What it traded is remembered until the window
    /// eight later is traded.
    struct Position {
        uint64 soldWh;
        uint64 boughtWh;
        uint64 openAgreements;
        bool closed;
    }

    /// @notice What a participant has failed to do, in some windows.
    /// @param windows In how many of them it failed.
    /// @param shortfallWh Energy that it had agreed to sell and did not deliver.
    /// @param debt Money that it could not pay when it was due, whether it has paid since or not.
    struct Lapses {
        uint64 windows;
        uint256 shortfallWh;
        uint256 debt;
    }

    // --------------------------------------------------------------- events

    event InfoPublished(
        address indexed participant,
        address indexed meter,
        bytes32 indexed householdId,
        string endpoint,
        bytes stealthMetaAddress
    );
    event Deposited(address indexed participant, uint256 amount);
    event Withdrawn(address indexed participant, uint256 amount);
    event OfferMade(
        uint256 indexed offerId,
        address indexed seller,
        uint64 indexed window,
        uint64 energyWh,
        uint64 floorPrice
    );
    event OfferCancelled(uint256 indexed offerId, address indexed seller, uint64 indexed window);
    event TransactionAllowed(
        bytes32 indexed agreementId,
        address indexed seller,
        address indexed buyer,
        uint256 offerId,
        uint64 window,
        uint64 energyWh,
        uint64 price
    );
    /// @param paid What the seller received for the delivered energy.
    /// @param compensation What the buyer received for the shortfall.
    /// @param penalty What the operator received for the shortfall, with all dust.
    event TransactionMade(
        bytes32 indexed agreementId,
        address indexed seller,
        address indexed buyer,
        uint64 deliveredWh,
        uint256 paid,
        uint256 compensation,
        uint256 penalty
    );
    /// @param netWh Energy left over (sold to the grid) or, negative, lacking (bought from it).
    /// @param amount Money due for it: to the participant if `netWh` is positive, else from it.
    event PositionClosed(
        address indexed participant,
        uint64 indexed window,
        int256 netWh,
        uint256 amount
    );
    /// @notice Energy that a participant owed but had given away was bought from the grid for it.
    event EnergyCovered(
        address indexed participant,
        uint64 indexed window,
        uint256 energyWh,
        uint256 amount
    );
    event DebtIncurred(address indexed participant, uint256 amount);
    event DebtPaid(address indexed participant, uint256 amount);
    event ClaimIncurred(address indexed participant, uint256 amount);
    event ClaimPaid(address indexed participant, uint256 amount);
    event TermsPublished(
        uint64 indexed window,
        uint64 gridFloor,
        uint64 gridCeiling,
        uint64 penaltyRate
    );
    event DefaultTermsSet(
        uint64 indexed fromWindow,
        uint64 gridFloor,
        uint64 gridCeiling,
        uint64 penaltyRate
    );
    event TermLimitsSet(uint64 minGridFloor, uint64 maxGridCeiling, uint64 maxPenaltyRate);
    event TreasurySet(address indexed treasury);
    event VenueSet(address indexed venue, bool admitted);

    // --------------------------------------------------------------- errors

    error ZeroAddress();
    error NotCertified(address participant);
    error MeterMismatch(address meter, address certifiedMeter);
    error InfoTooLong(uint256 length, uint256 maximum);
    error NotParticipant(address account);
    error AmountZero();
    error AmountTooLarge(uint256 amount, uint256 maximum);
    error FundsInsufficient(address account, uint256 required, uint256 free);
    error DebtOutstanding(address account, uint256 debt);
    error WindowClosed(uint64 window, uint256 closedSince);
    error WindowTooFar(uint64 window, uint64 lastWindow);
    error CommitPhaseOnly(uint64 window, uint256 from, uint256 until);
    error WindowNotOver(uint64 window, uint256 end);
    error EnergyZero();
    error EnergyTooLarge(uint256 energyWh, uint256 maximum);
    error PriceOutOfRange(uint64 price, uint64 minimum, uint64 maximum);
    error OfferUnknown(uint256 offerId);
    error OfferIsCancelled(uint256 offerId);
    error OfferExceeded(uint256 offerId, uint256 energyWh, uint256 availableWh);
    error NotSeller(address caller, address seller);
    error SellerMismatch(address seller, address offerSeller);
    error WindowMismatch(uint64 window, uint64 offerWindow);
    error SelfTrade(address participant);
    error AgreementExpired(uint64 deadline);
    error AgreementExists(bytes32 agreementId);
    error AgreementUnknown(bytes32 agreementId);
    error AgreementSettled(bytes32 agreementId);
    error SignatureInvalid(address buyer);
    error PositionOpen(address participant, uint64 window);
    error ReadingIsHeld(address participant, uint64 window, uint256 until);
    error ReadingMissing(address participant, uint64 window, uint256 waitUntil);
    error AgreementsOpen(address participant, uint64 window, uint256 count);
    error PositionIsClosed(address participant, uint64 window);
    error NotVenue(address caller);
    error WindowClearing(uint64 window);
    error TermsFrozen(uint64 window);
    error TermsOutOfLimits(uint64 gridFloor, uint64 gridCeiling, uint64 penaltyRate);
    error LimitsInvalid(uint64 minGridFloor, uint64 maxGridCeiling, uint64 maxPenaltyRate);
    error LengthMismatch(uint256 agreements, uint256 signatures);
    error BatchTooLarge(uint256 length, uint256 maximum);

    // ---------------------------------------------------- who takes part

    /// @notice Makes the caller a participant, or updates what is known of it. Needs a certified
    /// meter. Step 1 of the workflow.
    function publishInfo(ParticipantInfo calldata info) external;

    /// @notice What a participant has published; empty if it never did.
    function participantInfo(address participant) external view returns (ParticipantInfo memory);

    function isParticipant(address account) external view returns (bool);

    // ------------------------------------------------------------ accounts

    /// @notice Puts payment tokens into the caller's account (needs an allowance). A debt is paid
    /// first.
    function deposit(uint256 amount) external;

    /// @notice `deposit` with an ERC-2612 permit in place of an allowance.
    function depositWithPermit(
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Takes free money out of the caller's account. Never paused.
    function withdraw(uint256 amount) external;

    /// @return free Money that can be withdrawn or locked.
    /// @return locked Open escrows and bonds, and the covers of orders.
    /// @return debt Money owed to the operator for energy from the grid.
    function accountOf(
        address participant
    ) external view returns (uint256 free, uint256 locked, uint256 debt);

    /// @notice Money that the operator's treasury owes for energy sold to the grid.
    function claimOf(address participant) external view returns (uint256);

    /// @notice Pays as much of a participant's claim as the treasury has. By anyone.
    /// @return paid What was paid.
    function payClaim(address participant) external returns (uint256 paid);

    // -------------------------------------------------------------- offers

    /// @notice Offers energy for a future window, before its commit margin, at no less than
    /// `floorPrice`. Step 2.
    function makeOffer(
        uint64 window,
        uint64 energyWh,
        uint64 floorPrice
    ) external returns (uint256 offerId);

    /// @notice Takes an offer back, before the commit margin of its window.
    function cancelOffer(uint256 offerId) external;

    /// @notice A page of a window's offers in the order of their making. At most `MAX_PAGE`.
    /// Step 3.
    /// @param offset How many to skip.
    /// @param limit How many to return at most.
    /// @return offers The page; a cancelled offer has no energy left.
    /// @return total How many offers the window has.
    function getOffers(
        uint64 window,
        uint256 offset,
        uint256 limit
    ) external view returns (Offer[] memory offers, uint256 total);

    /// @notice One offer by its id.
    function offerOf(uint256 offerId) external view returns (Offer memory);

    // ---------------------------------------------------------- agreements

    /// @notice Writes an agreement that the buyer has signed (EIP-712, or EIP-1271 for contracts),
    /// within the commit margin. By the seller. Locks the buyer's payment and the seller's bond:
    /// what a total failure would cost the buyer, and the penalty for it. Who trades has closed its
    /// position of eight windows before. Step 5.
    function allowTransaction(
        Agreement calldata agreement,
        bytes calldata buyerSignature
    ) external returns (bytes32 agreementId);

    /// @notice `allowTransaction` for up to `MAX_BATCH` agreements of the caller; all or none.
    function allowTransactions(
        Agreement[] calldata agreements,
        bytes[] calldata buyerSignatures
    ) external returns (bytes32[] memory agreementIds);

    /// @notice Settles an agreement once the seller's meter has been read, or two windows after the
    /// end at the latest; a missing reading then counts as nothing delivered. The buyer's reading
    /// is not waited for: what was delivered is the buyer's. By anyone; never paused. Step 6.
    /// @dev delivered = agreed * min(1, exported / all that the seller agreed for the window),
    /// rounded down: the same for every order of calls.
    function makeTransaction(Agreement calldata agreement) external;

    /// @notice `makeTransaction` for up to `MAX_BATCH` agreements. One that is settled already is
    /// passed over, so that nobody's batch fails because somebody else was faster.
    function makeTransactions(Agreement[] calldata agreements) external;

    /// @notice The EIP-712 digest that the buyer signs, which is the agreement's id.
    function hashAgreement(Agreement calldata agreement) external view returns (bytes32);

    function agreementState(bytes32 agreementId) external view returns (AgreementState);

    // -------------------------------------------------------------- venues

    /// @notice Admits a venue, whose fills become agreements, or ends that. Restricted to the
    /// members: a venue is trusted with the money of all who take part.
    function setVenue(address venue, bool admitted) external;

    function isVenue(address account) external view returns (bool);

    /// @notice Locks what an order needs: `energyWh * ceil(rate / 1000)`, where the rate is the
    /// limit of a buy, and `ceiling - limit + penalty` for a sell. The owner is a participant
    /// without debt, the limit within the grid's prices, which are frozen by it. Only by a venue.
    function coverOrder(
        Side side,
        address owner,
        uint64 window,
        uint64 energyWh,
        uint64 limitPrice
    ) external returns (uint256 cover);

    /// @notice Returns the cover of an order, or of a part of it. Only by a venue; never paused.
    function releaseOrder(
        Side side,
        address owner,
        uint64 window,
        uint64 energyWh,
        uint64 limitPrice
    ) external returns (uint256 cover);

    /// @notice The terms that the orders of a window are matched by, frozen by it. Only by a venue.
    function openClearing(uint64 window) external returns (Terms memory);

    /// @notice Says whether a window is between the first and the last of its fills. Until then
    /// nothing of it is settled, as the seller's other agreements are not all known. Only by a
    /// venue.
    function setClearing(uint64 window, bool clearing) external;

    /// @notice Writes a match of two orders as an agreement: of the offer `venue << 96 | sellId`,
    /// with the deadline 0 and the salt `buyId`. It needs no signature, as the orders consent, and
    /// is settled like all others. Only by a venue; never paused, so that clearing can end.
    function recordFill(Fill calldata fill) external returns (bytes32 agreementId);

    // ----------------------------------------------------------- positions

    /// @notice Closes what is left of a participant's reading after its agreements against the
    /// grid: `net = exported - sold + bought - imported`. A surplus is sold at the floor, a lack is
    /// bought at the ceiling. By anyone, when the window is over, the reading is in (or two windows
    /// have passed) and the participant's agreements are settled; never paused.
    /// @dev Without a reading the participant counts as having used what it bought.
    function closePosition(address participant, uint64 window) external;

    /// @notice The record of a participant over `windows` windows from `firstWindow` on: for those
    /// who think about trading with it, or about its membership.
    function lapsesOf(
        address participant,
        uint64 firstWindow,
        uint64 windows
    ) external view returns (Lapses memory);

    /// @notice `closePosition` for up to `MAX_BATCH` participants. One that is closed already is
    /// passed over.
    function closePositions(address[] calldata participants, uint64 window) external;

    function positionOf(address participant, uint64 window) external view returns (Position memory);

    // --------------------------------------------------- terms and control

    /// @notice The terms of a window: published for it, or the default ones. They change no more
    /// once the window has begun or has an offer.
    function termsOf(uint64 window) external view returns (Terms memory);

    /// @notice Sets the terms of consecutive windows (up to `MAX_BATCH`) that have not begun and
    /// have no offer yet. Restricted to the operator.
    function publishTerms(uint64 firstWindow, Terms[] calldata terms) external;

    /// @notice Sets the terms of windows for which none are published, from the next window on.
    /// Restricted to the operator.
    function setDefaultTerms(Terms calldata terms) external;

    /// @notice Bounds the operator's terms. Restricted to the members.
    function setTermLimits(TermLimits calldata limits) external;

    /// @notice Sets whose account buys and sells for the grid and receives penalties and dust.
    /// Restricted to the members.
    function setTreasury(address account) external;

    function defaultTerms() external view returns (Terms memory);

    function termLimits() external view returns (TermLimits memory);

    function treasury() external view returns (address);

    /// @notice Length of a window in seconds.
    function windowLength() external view returns (uint64);

    /// @notice Seconds before a window in which only agreements are written.
    function commitMargin() external view returns (uint64);

    /// @notice The window that the present moment lies in.
    function currentWindow() external view returns (uint64);

    // solhint-disable func-name-mixedcase

    /// @notice Largest number of items in one call.
    function MAX_BATCH() external view returns (uint256);

    /// @notice Largest number of offers on one page.
    function MAX_PAGE() external view returns (uint256);
}
