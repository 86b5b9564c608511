// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title What several have to say before it counts
/// @notice Of those who hold a role, as many as the threshold confirm exactly the same thing. Who
/// has lost the role meanwhile does not count. What the members decide by vote needs nobody else.
interface IConfirmations {
    event ThresholdSet(uint256 threshold);

    error ThresholdZero();
    error AlreadyConfirmed(address account);

    /// @notice Says how many have to confirm; it counts from the next confirmation on, which may
    /// then be a repeated one. Restricted to the members.
    function setThreshold(uint256 threshold) external;

    /// @notice How many have to confirm.
    function threshold() external view returns (uint256);
}
