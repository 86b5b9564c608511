// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Point} from "./Bn254.sol";

/// @notice Shielded money: a one-time key on bn254, which only its owner can spend by, and the
/// commitment to its amount.
struct Note {
    Point key;
    Point commitment;
}

/// @notice What is published with a note, for its owner to find and read it.
struct NoteMessage {
    Point ephemeral;
    uint8 viewTag;
    uint64 encryptedAmount;
}

/// @title Hashes of notes
library Notes {
    function hash(Note memory note) internal pure returns (bytes32) {
        return keccak256(abi.encode(note));
    }

    /// @notice The hash of notes, one after another.
    function hashAll(Note[] calldata notes) internal pure returns (bytes32 result) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let words := mload(0x40)
            let size := mul(notes.length, 0x80)
            calldatacopy(words, notes.offset, size)
            result := keccak256(words, size)
        }
    }
}
