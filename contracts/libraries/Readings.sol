// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Readings, four windows to a slot
/// @notice A window takes 64 bits: exported Wh (30), imported Wh (30), and a flag each for storage,
/// recorded, doubted, corrected. A meter is read every hour, so that three of four readings write a
/// slot that exists.
library Readings {
    struct Block {
        uint256 word;
    }

    struct Entry {
        uint64 exportedWh;
        uint64 importedWh;
        bool isStorage;
        bool recorded;
        bool doubted;
        bool corrected;
    }

    uint64 internal constant MAX_WH = (1 << 30) - 1;

    uint256 private constant WINDOWS_PER_BLOCK = 4;
    uint256 private constant BITS = 64;
    uint256 private constant IMPORTED_AT = 30;
    uint256 private constant STORAGE = 1 << 60;
    uint256 private constant RECORDED = 1 << 61;
    uint256 private constant DOUBTED = 1 << 62;
    uint256 private constant CORRECTED = 1 << 63;

    /// @notice Number of the block that a window lies in.
    function blockOf(uint64 window) internal pure returns (uint256) {
        return window / WINDOWS_PER_BLOCK;
    }

    function get(Block storage self, uint64 window) internal view returns (Entry memory) {
        uint256 bits = self.word >> _shift(window);
        return
            Entry({
                exportedWh: uint64(bits & MAX_WH),
                importedWh: uint64((bits >> IMPORTED_AT) & MAX_WH),
                isStorage: bits & STORAGE != 0,
                recorded: bits & RECORDED != 0,
                doubted: bits & DOUBTED != 0,
                corrected: bits & CORRECTED != 0
            });
    }

    /// @dev Only with energies up to `MAX_WH`.
    function set(Block storage self, uint64 window, Entry memory entry) internal {
        uint256 bits = uint256(entry.exportedWh) | (uint256(entry.importedWh) << IMPORTED_AT);
        if (entry.isStorage) bits |= STORAGE;
        if (entry.recorded) bits |= RECORDED;
        if (entry.doubted) bits |= DOUBTED;
        if (entry.corrected) bits |= CORRECTED;
        uint256 shift = _shift(window);
        uint256 others = self.word & ~(uint256(type(uint64).max) << shift);
        self.word = others | (bits << shift);
    }

    function _shift(uint64 window) private pure returns (uint256) {
        return (window % WINDOWS_PER_BLOCK) * BITS;
    }
}
