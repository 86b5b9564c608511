// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Trade can be paused, for a while
/// @notice A pause stops what begins; what has begun goes on, and nobody's money is held back.
interface IPausing {
    error PausedLately(uint256 restEnd);

    /// @notice Begins a pause. It ends by itself after `PAUSE_LENGTH`; the next one can begin
    /// `PAUSE_REST` after its end. Restricted to the operator.
    function pause() external;

    /// @notice Ends a pause before its time. Restricted to the members.
    function unpause() external;

    /// @notice The second from which on the last pause is over; 0 if there was none.
    function pausedUntil() external view returns (uint64);

    // solhint-disable func-name-mixedcase

    /// @notice Seconds after which a pause ends by itself.
    function PAUSE_LENGTH() external view returns (uint64);

    /// @notice Seconds after a pause in which the operator cannot pause again, so that a pause that
    /// goes on is the members' will.
    function PAUSE_REST() external view returns (uint64);
}
