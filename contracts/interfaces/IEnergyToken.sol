// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Energy that is in the microgrid
/// @notice One unit is 1 Wh that was injected and not yet withdrawn (3 decimals: a wallet shows
/// kWh). Tokens appear and vanish only with metered facts, through the two links that are fixed at
/// deployment: the meter registry and the market. For everybody else it is a plain ERC-20.
/// @dev Injected is what the meters saw, and the grid put in. Invariant:
/// `totalSupply == injectedWh - withdrawnWh - lostWh`.
interface IEnergyToken is IERC20 {
    /// @notice A burn that is a loss. Burns without an event of their own are withdrawals, mints
    /// are injections: they need no event beside `Transfer`.
    event EnergyLost(address indexed holder, uint256 energyWh);

    /// @notice A burn that undoes an injection.
    event EnergyRetracted(address indexed holder, uint256 energyWh);

    /// @notice The caller is neither the registry nor the market, or not the one this needs.
    error NotLinked(address caller);

    /// @notice The contract that reports metered exports.
    function registry() external view returns (address);

    /// @notice The contract that settles agreements and closes positions.
    function market() external view returns (address);

    /// @notice Wh that have come into being, gone out and been lost since the deployment.
    function energyTotals()
        external
        view
        returns (uint256 injectedWh, uint256 withdrawnWh, uint256 lostWh);

    /// @notice Makes room for the balance of a holder, so that no later transfer has to. Only by
    /// the market.
    function prepare(address holder) external;

    /// @notice Energy went into the microgrid. Only by the registry (a metered export) or the
    /// market (the grid feeds what a participant has bought of it).
    function inject(address holder, uint256 energyWh) external;

    /// @notice Energy left the microgrid: it was consumed, or sold to the grid. Only by the market.
    /// @return coveredWh What the holder lacked and the grid has injected for it before.
    function withdraw(address holder, uint256 energyWh) external returns (uint256 coveredWh);

    /// @notice Energy was lost in a storage. Only by the market.
    /// @return coveredWh What the holder lacked and the grid has injected for it before.
    function lose(address holder, uint256 energyWh) external returns (uint256 coveredWh);

    /// @notice Takes back tokens for energy that was never injected. Only by the market.
    /// @return coveredWh What the holder lacked and the grid has injected for it before.
    function retract(address holder, uint256 energyWh) external returns (uint256 coveredWh);

    /// @notice Hands sold energy to its buyer. Only by the market, which moves exactly what an
    /// agreement of `seller` has sold; no allowance is needed.
    /// @return coveredWh What the seller lacked and the grid has injected for it before.
    function deliver(
        address seller,
        address buyer,
        uint256 energyWh
    ) external returns (uint256 coveredWh);
}
