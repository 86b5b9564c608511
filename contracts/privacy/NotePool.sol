// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {Escrow, INotePool, NewNote, Spend, SpendInput} from "../interfaces/INotePool.sol";
import {IPaymentToken} from "../interfaces/IPaymentToken.sol";
import {IRangeVerifier, RangeClaim, RangeProof} from "../interfaces/IRangeVerifier.sol";
import {ISpendVerifier} from "../interfaces/ISpendVerifier.sol";
import {Bn254, Point} from "./libraries/Bn254.sol";
import {Note, NoteMessage, Notes} from "./libraries/Notes.sol";
import {Sum, Sums} from "./libraries/Sums.sol";
import {Transcript} from "./libraries/Transcript.sol";

/// @dev The payment token is our own and calls nobody back, so that no re-entrancy guard is needed.
contract NotePool is INotePool {
    using Notes for Note;
    using SafeERC20 for IPaymentToken;

    /// @notice What a spend says that is a transfer and nothing else.
    bytes32 public constant TRANSFER = keccak256("peerwatt/transfer/1");

    bytes32 private constant WITHDRAWAL_TAG = keccak256("peerwatt/withdrawal/1");
    bytes32 private constant LOCK_TAG = keccak256("peerwatt/lock/1");
    bytes32 private constant SPLIT_TAG = keccak256("peerwatt/split/1");
    bytes32 private constant SPEND_TAG = keccak256("peerwatt/spend/1");
    uint256 private constant PAIR = 2;
    uint256 private constant MIN_RING = 4;
    uint256 private constant AMOUNT_BITS = 32;
    uint256 private constant MAX_AMOUNT = (1 << AMOUNT_BITS) - 1;

    IPaymentToken public immutable paymentToken;
    ISpendVerifier public immutable spendVerifier;
    IRangeVerifier public immutable rangeVerifier;

    /// @inheritdoc INotePool
    uint128 public depositedTotal;

    /// @inheritdoc INotePool
    uint128 public withdrawnTotal;

    /// @inheritdoc INotePool
    mapping(uint256 imageX => bool) public isSpent;

    /// @dev The hash of the note with this key, or of the escrow that the key is kept for.
    mapping(uint256 keyX => bytes32) private _atKey;

    mapping(address holder => mapping(bytes32 id => bytes32 commitmentHash)) private _escrows;

    constructor(
        IPaymentToken paymentToken_,
        ISpendVerifier spendVerifier_,
        IRangeVerifier rangeVerifier_
    ) {
        paymentToken = paymentToken_;
        spendVerifier = spendVerifier_;
        rangeVerifier = rangeVerifier_;
    }

    // In, on, and out

    /// @inheritdoc INotePool
    function deposit(
        uint64 amount,
        uint256 blinding,
        Point calldata key,
        NoteMessage calldata message
    ) external {
        _requireAmount(amount);
        require(amount > 0, NothingDeposited());
        Bn254.requireScalar(blinding);

        Sum memory commitment = Sums.startWith(Bn254.valueBase(), amount);
        commitment.addProduct(Bn254.blindingBase(), blinding);

        depositedTotal += amount;
        _create(Note(key, commitment.total()), message, 0);
        emit Deposited(msg.sender, amount);

        paymentToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc INotePool
    function transfer(Spend calldata spend) external {
        _requireRange(_spend(spend, TRANSFER, 0, new Point[](0)));
        _pay(spend.relayer, spend.fee);
    }

    /// @inheritdoc INotePool
    function withdraw(Spend calldata spend, address recipient, uint64 amount) external {
        _requireAmount(amount);

        bytes32 purpose = withdrawalOf(recipient, amount);
        _requireRange(_spend(spend, purpose, amount, new Point[](0)));
        _pay(spend.relayer, spend.fee);
        _pay(recipient, amount);
    }

    // Escrows

    /// @inheritdoc INotePool
    function lock(
        Spend calldata spend,
        Escrow calldata escrow,
        RangeClaim[] calldata more
    ) external {
        RangeClaim[] memory claims = _claims(1, more);
        claims[0] = _lock(spend, escrow);
        _requireRanges(claims);
        _pay(spend.relayer, spend.fee);
    }

    /// @inheritdoc INotePool
    function lockAll(
        Spend[] calldata spends,
        Escrow[] calldata escrows,
        RangeClaim[] calldata more
    ) external {
        uint256 count = spends.length;
        require(count == escrows.length, LengthMismatch(count, escrows.length));

        RangeClaim[] memory claims = _claims(count, more);
        for (uint256 i = 0; i < count; ++i) claims[i] = _lock(spends[i], escrows[i]);
        _requireRanges(claims);
        for (uint256 i = 0; i < count; ++i) _pay(spends[i].relayer, spends[i].fee);
    }

    /// @inheritdoc INotePool
    function release(
        bytes32 id,
        Point calldata commitment,
        Point calldata key,
        NoteMessage calldata message
    ) external {
        bytes32 reservation = _endEscrow(id, commitment);

        _create(Note(key, commitment), message, reservation);
    }

    /// @inheritdoc INotePool
    function split(
        bytes32 id,
        Point calldata commitment,
        NewNote[2] calldata outputs,
        RangeProof calldata ranges,
        RangeClaim[] calldata more
    ) external {
        bytes32 reservation = _endEscrow(id, commitment);
        Point[] memory commitments = new Point[](PAIR);
        Sum memory rest = Sums.startWith(commitment);
        for (uint256 i = 0; i < PAIR; ++i) {
            commitments[i] = outputs[i].note.commitment;
            Bn254.requirePoint(commitments[i]);
            rest.add(Bn254.negate(commitments[i]));
        }
        require(rest.isInfinity(), Unbalanced());
        RangeClaim[] memory claims = _claims(1, more);
        claims[0] = _claim(splitContext(msg.sender, id), commitments, ranges);
        _requireRanges(claims);

        for (uint256 i = 0; i < PAIR; ++i) {
            _create(outputs[i].note, outputs[i].message, reservation);
        }
    }

    // Views

    /// @inheritdoc INotePool
    function noteHashOf(uint256 keyX) external view returns (bytes32) {
        return _atKey[keyX];
    }

    /// @inheritdoc INotePool
    function messageOf(Spend calldata spend, bytes32 purpose) public view returns (bytes32 state) {
        state = Transcript.contextOf(
            SPEND_TAG,
            abi.encode(purpose, spend.relayer, spend.fee, spend.deadline)
        );
        uint256 inputs = spend.inputs.length;
        for (uint256 i = 0; i < inputs; ++i) {
            state = Transcript.absorb(
                state,
                abi.encode(spend.inputs[i].signature.image, spend.inputs[i].signature.pseudo)
            );
        }
        uint256 outputs = spend.outputs.length;
        for (uint256 i = 0; i < outputs; ++i) {
            state = Transcript.absorb(state, abi.encode(spend.outputs[i]));
        }
    }

    /// @inheritdoc INotePool
    function withdrawalOf(address recipient, uint64 amount) public pure returns (bytes32) {
        return keccak256(abi.encode(WITHDRAWAL_TAG, recipient, amount));
    }

    /// @inheritdoc INotePool
    function lockOf(
        address holder,
        bytes32 id,
        Point calldata commitment
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(LOCK_TAG, holder, id, commitment));
    }

    /// @inheritdoc INotePool
    function spendContext() public view returns (bytes32) {
        return Transcript.contextOf(SPEND_TAG, Transcript.NOTHING);
    }

    /// @inheritdoc INotePool
    function splitContext(address holder, bytes32 id) public view returns (bytes32) {
        return Transcript.contextOf(SPLIT_TAG, abi.encode(holder, id));
    }

    // A spend

    /// @dev All but the ranges, which the caller verifies, and the fee, which it pays then.
    /// @param amount What leaves the pool beside the fee.
    /// @param locked Commitments that come out and become no notes.
    function _spend(
        Spend calldata spend,
        bytes32 purpose,
        uint256 amount,
        Point[] memory locked
    ) private returns (RangeClaim memory ranges) {
        require(block.timestamp <= spend.deadline, SpendExpired(spend.deadline));
        _requireAmount(spend.fee);
        bytes32 message = messageOf(spend, purpose);

        // What comes in, minus what comes out.
        Sum memory balance;
        uint256 leaving = amount + spend.fee;
        if (leaving > 0) balance.addProduct(Bn254.valueBase(), Bn254.N - leaving);
        uint256 inputs = spend.inputs.length;
        require(inputs > 0, NothingSpent());
        for (uint256 i = 0; i < inputs; ++i) _use(spend.inputs[i], message, balance);
        Point[] memory commitments = _commitments(locked, spend.outputs);
        uint256 count = commitments.length;
        for (uint256 i = 0; i < count; ++i) {
            Bn254.requirePoint(commitments[i]);
            balance.add(Bn254.negate(commitments[i]));
        }
        require(balance.isInfinity(), Unbalanced());

        uint256 outputs = spend.outputs.length;
        for (uint256 i = 0; i < outputs; ++i) {
            _create(spend.outputs[i].note, spend.outputs[i].message, 0);
        }
        return _claim(message, commitments, spend.ranges);
    }

    /// @dev A spend of which part becomes an escrow of the caller.
    function _lock(
        Spend calldata spend,
        Escrow calldata escrow
    ) private returns (RangeClaim memory ranges) {
        address holder = msg.sender;
        bytes32 id = escrow.id;
        require(_escrows[holder][id] == 0, EscrowExists(holder, id));

        _escrows[holder][id] = keccak256(abi.encode(escrow.commitment));
        bytes32 reservation = _reservation(holder, id);
        for (uint256 i = 0; i < PAIR; ++i) {
            Bn254.requirePoint(escrow.keys[i]);
            _setAtKey(escrow.keys[i].x, 0, reservation);
        }
        Point[] memory locked = new Point[](1);
        locked[0] = escrow.commitment;
        ranges = _spend(spend, lockOf(holder, id, escrow.commitment), 0, locked);
        emit EscrowLocked(holder, id, escrow.commitment);
    }

    /// @dev Marks a note as spent and adds what it hides.
    function _use(SpendInput calldata input, bytes32 message, Sum memory balance) private {
        uint256 imageX = input.signature.image.x;
        require(!isSpent[imageX], NoteSpentBefore(imageX));
        _requireNotes(input.ring);
        require(
            spendVerifier.verify(input.ring, spendContext(), message, input.signature),
            SpendSignatureInvalid(imageX)
        );

        isSpent[imageX] = true;
        balance.add(input.signature.pseudo);
        emit NoteSpent(imageX);
    }

    /// @dev In ascending order, so that each is there once and the order tells nothing. Who hides
    /// among too few gives away those whom its note hides with.
    function _requireNotes(Note[] calldata ring) private view {
        uint256 size = ring.length;
        require(size >= MIN_RING, ISpendVerifier.RingTooSmall(size));
        uint256 previous = 0;
        for (uint256 k = 0; k < size; ++k) {
            Note memory note = ring[k];
            uint256 keyX = note.key.x;
            require(keyX > previous, RingUnordered(keyX));
            require(_atKey[keyX] == note.hash(), NoteUnknown(keyX));
            previous = keyX;
        }
    }

    function _commitments(
        Point[] memory locked,
        NewNote[] calldata outputs
    ) private pure returns (Point[] memory commitments) {
        uint256 before = locked.length;
        uint256 count = outputs.length;
        commitments = new Point[](before + count);
        for (uint256 i = 0; i < before; ++i) commitments[i] = locked[i];
        for (uint256 i = 0; i < count; ++i) commitments[before + i] = outputs[i].note.commitment;
    }

    // Ranges

    function _claim(
        bytes32 context,
        Point[] memory commitments,
        RangeProof calldata proof
    ) private pure returns (RangeClaim memory) {
        uint256 values = commitments.length;
        uint256[] memory bits = new uint256[](values);
        for (uint256 j = 0; j < values; ++j) bits[j] = AMOUNT_BITS;
        return RangeClaim(context, bits, commitments, proof);
    }

    /// @dev Room for claims of the pool's own, and then those of the caller.
    function _claims(
        uint256 own,
        RangeClaim[] calldata more
    ) private pure returns (RangeClaim[] memory claims) {
        uint256 others = more.length;
        claims = new RangeClaim[](own + others);
        for (uint256 i = 0; i < others; ++i) claims[own + i] = more[i];
    }

    function _requireRange(RangeClaim memory claim) private view {
        RangeClaim[] memory claims = new RangeClaim[](1);
        claims[0] = claim;
        _requireRanges(claims);
    }

    function _requireRanges(RangeClaim[] memory claims) private view {
        require(rangeVerifier.verify(claims), RangesInvalid());
    }

    // Notes, escrows, tokens

    /// @param expected What has to be at the key: nothing, or the reservation of an escrow.
    function _create(Note memory note, NoteMessage memory message, bytes32 expected) private {
        Bn254.requirePoint(note.key);

        _setAtKey(note.key.x, expected, note.hash());
        emit NoteCreated(note.key.x, note, message);
    }

    function _setAtKey(uint256 keyX, bytes32 expected, bytes32 value) private {
        require(_atKey[keyX] == expected, KeyTaken(keyX));

        _atKey[keyX] = value;
    }

    function _endEscrow(
        bytes32 id,
        Point calldata commitment
    ) private returns (bytes32 reservation) {
        address holder = msg.sender;
        bytes32 commitmentHash = keccak256(abi.encode(commitment));
        require(_escrows[holder][id] == commitmentHash, EscrowUnknown(holder, id));

        delete _escrows[holder][id];
        emit EscrowReleased(holder, id);
        return _reservation(holder, id);
    }

    function _reservation(address holder, bytes32 id) private pure returns (bytes32) {
        return keccak256(abi.encode(holder, id));
    }

    function _pay(address recipient, uint64 amount) private {
        if (amount == 0) return;

        withdrawnTotal += amount;
        emit Withdrawn(recipient, amount);

        paymentToken.safeTransfer(recipient, amount);
    }

    function _requireAmount(uint64 amount) private pure {
        require(amount <= MAX_AMOUNT, AmountTooLarge(amount, MAX_AMOUNT));
    }
}
