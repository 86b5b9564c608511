// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Readings, four windows to a slot
/// @notice A window takes 64 bits: exported Wh (31), imported Wh (31), storage flag, recorded flag.
/// A meter is read every hour, so that three of four readings write a slot that exists.
library Readings {
    struct Block {
        uint256 word;
    }

    uint64 internal constant MAX_WH = (1 << 31) - 1;

    uint256 private constant WINDOWS_PER_BLOCK = 4;
    uint256 private constant BITS = 64;
    uint256 private constant IMPORTED_AT = 31;
    uint256 private constant STORAGE_AT = 62;
    uint256 private constant RECORDED_AT = 63;

    /// @notice Number of the block that a window lies in.
    function blockOf(uint64 window) internal pure returns (uint256) {
        return window / WINDOWS_PER_BLOCK;
    }

    function get(
        Block storage self,
        uint64 window
    ) internal view returns (bool recorded, bool isStorage, uint64 exportedWh, uint64 importedWh) {
        uint256 bits = self.word >> _shift(window);
        recorded = (bits >> RECORDED_AT) & 1 == 1;
        isStorage = (bits >> STORAGE_AT) & 1 == 1;
        exportedWh = uint64(bits & MAX_WH);
        importedWh = uint64((bits >> IMPORTED_AT) & MAX_WH);
    }

    /// @dev Only for a window that is not recorded, with energies up to `MAX_WH`.
    function set(
        Block storage self,
        uint64 window,
        bool isStorage,
        uint64 exportedWh,
        uint64 importedWh
    ) internal {
        uint256 bits = uint256(exportedWh) | (uint256(importedWh) << IMPORTED_AT);
        if (isStorage) bits |= 1 << STORAGE_AT;
        bits |= 1 << RECORDED_AT;
        self.word |= bits << _shift(window);
    }

    function _shift(uint64 window) private pure returns (uint256) {
        return (window % WINDOWS_PER_BLOCK) * BITS;
    }
}
