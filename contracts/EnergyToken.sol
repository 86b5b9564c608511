// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
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

    /// @dev Balances plus one; 0 where there was never one. A household's balance is used up every
    /// hour: a slot that is kept costs less to fill again than a new one.
    mapping(address holder => uint256) private _kept;

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
    function prepare(address holder) external onlyMarket {
        if (_kept[holder] == 0) _kept[holder] = 1;
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
    function retract(
        address holder,
        uint256 energyWh
    ) external onlyMarket returns (uint256 coveredWh) {
        coveredWh = _cover(holder, energyWh);
        _injectedWh -= uint80(energyWh);
        _burn(holder, energyWh);
        emit EnergyRetracted(holder, energyWh);
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

    /// @inheritdoc IERC20
    function balanceOf(address holder) public view override(ERC20, IERC20) returns (uint256) {
        uint256 kept = _kept[holder];
        return kept == 0 ? 0 : kept - 1;
    }

    /// @inheritdoc IERC20
    function totalSupply() public view override(ERC20, IERC20) returns (uint256) {
        return uint256(_injectedWh) - _withdrawnWh - _lostWh;
    }

    /// @notice A wallet shows kWh.
    function decimals() public pure override returns (uint8) {
        return 3;
    }

    /// @dev In place of the balances and the supply of `ERC20`, which this token keeps itself.
    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0)) {
            uint256 held = balanceOf(from);
            require(value <= held, ERC20InsufficientBalance(from, held, value));
            _kept[from] = held - value + 1;
        }
        if (to != address(0)) _kept[to] = balanceOf(to) + value + 1;
        emit Transfer(from, to, value);
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
