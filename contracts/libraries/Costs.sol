// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Money for energy
/// @dev Unchecked: energies are below 2^81 and prices below 2^33, so that no product overflows.
library Costs {
    uint256 internal constant WH_PER_KWH = 1000;

    /// @notice What is paid out for energy.
    function costDown(uint256 energyWh, uint256 pricePerKwh) internal pure returns (uint256) {
        unchecked {
            return (energyWh * pricePerKwh) / WH_PER_KWH;
        }
    }

    /// @notice What is locked or charged for energy.
    function costUp(uint256 energyWh, uint256 pricePerKwh) internal pure returns (uint256) {
        unchecked {
            return (energyWh * pricePerKwh + WH_PER_KWH - 1) / WH_PER_KWH;
        }
    }

    /// @notice What is locked for energy that is to be split: every Wh is rounded up on its own.
    function costOfEach(uint256 energyWh, uint256 pricePerKwh) internal pure returns (uint256) {
        unchecked {
            return energyWh * ((pricePerKwh + WH_PER_KWH - 1) / WH_PER_KWH);
        }
    }
}
