// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Money for energy
/// @dev Energy and prices are below 2^32, so that the product fits into 64 bits.
library Costs {
    uint256 internal constant WH_PER_KWH = 1000;

    /// @notice What is paid out for energy.
    function costDown(uint256 energyWh, uint256 pricePerKwh) internal pure returns (uint256) {
        return (energyWh * pricePerKwh) / WH_PER_KWH;
    }

    /// @notice What is locked or charged for energy.
    function costUp(uint256 energyWh, uint256 pricePerKwh) internal pure returns (uint256) {
        return (energyWh * pricePerKwh + WH_PER_KWH - 1) / WH_PER_KWH;
    }
}
