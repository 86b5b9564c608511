// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Delivery windows
/// @notice A window is one delivery hour, numbered from the epoch.
library Windows {
    uint64 internal constant LENGTH = 1 hours;

    /// @dev Before a window there is time only to write agreements (Mezquita et al. 2022, 4.1).
    uint64 internal constant COMMIT_MARGIN = 5 minutes;

    /// @dev So many windows after its end a window is settled with or without its readings.
    uint64 internal constant GRACE = 2;

    /// @dev So many windows ahead there can be offers: one week.
    uint64 internal constant HORIZON = 168;

    function current() internal view returns (uint64) {
        return uint64(block.timestamp / LENGTH);
    }

    function start(uint64 window) internal pure returns (uint256) {
        return uint256(window) * LENGTH;
    }

    function end(uint64 window) internal pure returns (uint256) {
        return (uint256(window) + 1) * LENGTH;
    }

    function commitStart(uint64 window) internal pure returns (uint256) {
        uint256 windowStart = start(window);
        return windowStart < COMMIT_MARGIN ? 0 : windowStart - COMMIT_MARGIN;
    }

    function graceEnd(uint64 window) internal pure returns (uint256) {
        return end(window) + GRACE * LENGTH;
    }
}
