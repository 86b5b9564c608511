// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEnergyMarket} from "../interfaces/IEnergyMarket.sol";

/// @title What participants have failed to do
/// @dev Only lapses are written: who keeps to its word costs nobody anything.
abstract contract MarketRecord is IEnergyMarket {
    /// @dev One slot.
    struct Lapse {
        uint64 shortfallWh;
        uint128 debt;
    }

    mapping(address participant => mapping(uint64 window => Lapse)) private _lapses;

    /// @inheritdoc IEnergyMarket
    function lapsesOf(
        address participant,
        uint64 firstWindow,
        uint64 windows
    ) external view returns (Lapses memory lapses) {
        for (uint64 i = 0; i < windows; ++i) {
            Lapse memory lapse = _lapses[participant][firstWindow + i];
            if (lapse.shortfallWh > 0 || lapse.debt > 0) ++lapses.windows;
            lapses.shortfallWh += lapse.shortfallWh;
            lapses.debt += lapse.debt;
        }
    }

    /// @dev A window's shortfall is below 2^48, its debts are below 2^54 each.
    function _noteShortfall(address participant, uint64 window, uint256 energyWh) internal {
        _lapses[participant][window].shortfallWh += uint64(energyWh);
    }

    function _noteDebt(address participant, uint64 window, uint256 amount) internal {
        _lapses[participant][window].debt += uint128(amount);
    }
}
