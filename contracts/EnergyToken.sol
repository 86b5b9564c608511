// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {IEnergyToken} from "./interfaces/IEnergyToken.sol";

contract EnergyToken is IEnergyToken, ERC20Permit {
    /// @inheritdoc IEnergyToken
    address public immutable registry;

    /// @inheritdoc IEnergyToken
    address public immutable market;

    // One slot. 2^80 Wh is a thousand billion TWh.
    uint80 private _injectedWh;
    uint80 private _withdrawnWh;
    uint80 private _lostWh;

    modifier onlyMarket() {
        require(msg.sender == market, NotLinked(msg.sender));
        _;
    }

    constructor(
        address registry_,
        address market_
    ) ERC20("Peerwatt Energy", "PWE") ERC20Permit("Peerwatt Energy") {
        registry = registry_;
        market = market_;
    }

    /// @inheritdoc IEnergyToken
    function inject(address holder, uint256 energyWh) external {
        require(msg.sender == registry || msg.sender == market, NotLinked(msg.sender));

        _inject(holder, energyWh);
    }

    /// @inheritdoc IEnergyToken
    function withdraw(
        address holder,
        uint256 energyWh
    ) external onlyMarket returns (uint256 coveredWh) {
        coveredWh = _cover(holder, energyWh);
        _withdrawnWh += uint80(energyWh);
        _burn(holder, energyWh);
    }

    /// @inheritdoc IEnergyToken
    function lose(
        address holder,
        uint256 energyWh
    ) external onlyMarket returns (uint256 coveredWh) {
        coveredWh = _cover(holder, energyWh);
        _lostWh += uint80(energyWh);
        _burn(holder, energyWh);
        emit EnergyLost(holder, energyWh);
    }

    /// @inheritdoc IEnergyToken
    function deliver(
        address seller,
        address buyer,
        uint256 energyWh
    ) external onlyMarket returns (uint256 coveredWh) {
        coveredWh = _cover(seller, energyWh);
        _transfer(seller, buyer, energyWh);
    }

    /// @inheritdoc IEnergyToken
    function energyTotals()
        external
        view
        returns (uint256 injectedWh, uint256 withdrawnWh, uint256 lostWh)
    {
        return (_injectedWh, _withdrawnWh, _lostWh);
    }

    /// @notice A wallet shows kWh.
    function decimals() public pure override returns (uint8) {
        return 3;
    }

    /// @dev Who has given away what it owes gets it from the grid, so that nobody has to wait.
    function _cover(address holder, uint256 energyWh) private returns (uint256 coveredWh) {
        uint256 balance = balanceOf(holder);
        if (balance < energyWh) {
            coveredWh = energyWh - balance;
            _inject(holder, coveredWh);
        }
    }

    function _inject(address holder, uint256 energyWh) private {
        _injectedWh += uint80(energyWh);
        _mint(holder, energyWh);
    }
}
