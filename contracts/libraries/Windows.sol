// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Delivery windows
/// @notice A window is one delivery hour, numbered from the epoch.
/// @dev Unchecked: windows and moments have 64 bits, so that no moment of theirs needs
/// more than 77.
library Windows {
    uint64 internal constant LENGTH = 1 hours;

    /// @dev Before a window there is time only to write agreements (Mezquita et al. 2022, 4.1).
    uint64 internal constant COMMIT_MARGIN = 5 minutes;

    /// @dev So many windows after its end a window is settled with or without its readings.
    uint64 internal constant GRACE = 2;

    /// @dev So many windows after its end a reading that auditors doubt holds nobody up any more. A
    /// participant's trades of a window have to be closed within seven.
    uint64 internal constant HOLD = 6;

    /// @dev So many windows ahead there can be offers: one week.
    uint64 internal constant HORIZON = 168;

    function current() internal view returns (uint64) {
        return uint64(block.timestamp / LENGTH);
    }

    function start(uint64 window) internal pure returns (uint256) {
        unchecked {
            return uint256(window) * LENGTH;
        }
    }

    function end(uint64 window) internal pure returns (uint256) {
        unchecked {
            return (uint256(window) + 1) * LENGTH;
        }
    }

    function commitStart(uint64 window) internal pure returns (uint256) {
        unchecked {
            return window == 0 ? 0 : uint256(window) * LENGTH - COMMIT_MARGIN;
        }
    }

    function graceEnd(uint64 window) internal pure returns (uint256) {
        unchecked {
            return (uint256(window) + 1 + GRACE) * LENGTH;
        }
    }

    function holdEnd(uint64 window) internal pure returns (uint256) {
        unchecked {
            return (uint256(window) + 1 + HOLD) * LENGTH;
        }
    }

    /// @notice The last window whose commit margin begins before a moment.
    function closingBefore(uint64 moment) internal pure returns (uint64) {
        unchecked {
            return uint64((uint256(moment) + COMMIT_MARGIN - 1) / LENGTH);
        }
    }
}
