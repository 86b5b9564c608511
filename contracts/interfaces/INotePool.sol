// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Point} from "../privacy/libraries/Bn254.sol";
import {Note, NoteMessage} from "../privacy/libraries/Notes.sol";
import {RangeClaim, RangeProof} from "./IRangeVerifier.sol";
import {SpendSignature} from "./ISpendVerifier.sol";

/// @notice A note that comes into being, and what its owner finds it by.
struct NewNote {
    Note note;
    NoteMessage message;
}

/// @notice One note of the ring is used up; nobody sees which.
/// @param ring Four notes or more in ascending order of the x of their keys.
struct SpendInput {
    Note[] ring;
    SpendSignature signature;
}

/// @notice What one or several notes of the same owner become.
/// @param outputs New notes: with what is locked 1, 2 or 4 of them.
/// @param ranges That each output hides less than 2^32; its context is the spend's message.
/// @param relayer Who gets the fee, which is public, for paying the gas.
/// @param deadline Last second at which it may be executed.
struct Spend {
    SpendInput[] inputs;
    NewNote[] outputs;
    RangeProof ranges;
    address relayer;
    uint64 fee;
    uint64 deadline;
}

/// @notice Part of a spend that is locked, until its holder says what becomes of it.
/// @param id Names the escrow among the holder's.
/// @param commitment What is locked; its range is proved with the outputs', as the first.
/// @param keys Keys that are kept for the notes that the escrow will become.
struct Escrow {
    bytes32 id;
    Point commitment;
    Point[2] keys;
}

/// @title Shielded payment tokens
/// @notice Whoever deposits tokens gets a note, which hides its owner, and from the first transfer
/// on its amount. A note is spent by a ring signature: that it is one of several that exist is all
/// that others see. Notes for public amounts go in and out.
/// @dev Amounts are in 1e-6 of the currency, below 2^32 each. Everything that is executed is signed
/// (`messageOf`), so that anybody can submit it and nobody can alter it. Invariants:
/// - the pool has at least the tokens deposited and not withdrawn, and these are what all notes
///   that are not spent and all escrows hide;
/// - each note is spent once, as it leaves one key image;
/// - no two notes have the same key, or only one of them could ever be spent.
/// Whoever sees a key before its note is there can take it by a deposit, and loses that money: the
/// sender then makes the note anew. What is locked has its keys kept from then on.
interface INotePool {
    event Deposited(address indexed payer, uint256 amount);
    event Withdrawn(address indexed recipient, uint256 amount);
    event NoteCreated(uint256 indexed keyX, Note note, NoteMessage message);
    event NoteSpent(uint256 indexed imageX);
    event EscrowLocked(address indexed holder, bytes32 indexed id, Point commitment);
    event EscrowReleased(address indexed holder, bytes32 indexed id);

    error AmountTooLarge(uint256 amount, uint256 maximum);
    error NothingDeposited();
    error NothingSpent();
    error SpendExpired(uint256 deadline);
    error RingUnordered(uint256 keyX);
    error NoteUnknown(uint256 keyX);
    error NoteSpentBefore(uint256 imageX);
    error SpendSignatureInvalid(uint256 imageX);
    error Unbalanced();
    error RangesInvalid();
    error KeyTaken(uint256 keyX);
    error EscrowUnknown(address holder, bytes32 id);
    error EscrowExists(address holder, bytes32 id);
    error LengthMismatch(uint256 spends, uint256 escrows);

    /// @notice Turns the caller's tokens, one unit at least, into a note of `amount` H + `blinding`
    /// G. Both are public, and the note looks like any other once it has been in a ring.
    function deposit(
        uint64 amount,
        uint256 blinding,
        Point calldata key,
        NoteMessage calldata message
    ) external;

    /// @notice Turns notes into others.
    function transfer(Spend calldata spend) external;

    /// @notice Pays tokens for notes.
    function withdraw(Spend calldata spend, address recipient, uint64 amount) external;

    // Escrows: for contracts, which are their holders

    /// @notice Locks part of a spend for the caller, which its owner has named in it.
    /// @param more Claims that the caller wants verified with the pool's own, which is cheaper.
    function lock(
        Spend calldata spend,
        Escrow calldata escrow,
        RangeClaim[] calldata more
    ) external;

    /// @notice Locks part of each of several spends. One that fails lets all fail.
    /// @param more As for `lock`: all claims are verified together.
    function lockAll(
        Spend[] calldata spends,
        Escrow[] calldata escrows,
        RangeClaim[] calldata more
    ) external;

    /// @notice The whole escrow becomes a note with one of its keys.
    function release(
        bytes32 id,
        Point calldata commitment,
        Point calldata key,
        NoteMessage calldata message
    ) external;

    /// @notice The escrow becomes two notes with its keys, that hide as much together.
    /// @param ranges That both hide less than 2^32; its context is `splitContext`.
    function split(
        bytes32 id,
        Point calldata commitment,
        NewNote[2] calldata outputs,
        RangeProof calldata ranges,
        RangeClaim[] calldata more
    ) external;

    // Views

    /// @notice What the key images of a spend sign.
    /// @param purpose `TRANSFER`, or what `withdrawalOf` or `lockOf` gives.
    function messageOf(Spend calldata spend, bytes32 purpose) external view returns (bytes32);

    function withdrawalOf(address recipient, uint64 amount) external view returns (bytes32 purpose);

    function lockOf(
        address holder,
        bytes32 id,
        Point calldata commitment
    ) external view returns (bytes32 purpose);

    /// @notice The context of all spend signatures here.
    function spendContext() external view returns (bytes32);

    function splitContext(address holder, bytes32 id) external view returns (bytes32);

    /// @notice The hash of the note with a key whose x this is; 0 if there is none.
    function noteHashOf(uint256 keyX) external view returns (bytes32);

    function isSpent(uint256 imageX) external view returns (bool);

    /// @notice Tokens that have ever been deposited, and withdrawn (fees among them).
    function depositedTotal() external view returns (uint128);

    function withdrawnTotal() external view returns (uint128);
}
