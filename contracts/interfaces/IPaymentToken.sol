// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Money in the market, backed by money in a bank
/// @notice 6 decimals. The treasury mints against a bank deposit and burns when it has paid out.
/// @dev Invariant: `totalSupply == depositedTotal - withdrawnTotal`.
interface IPaymentToken is IERC20 {
    event DepositMinted(address indexed holder, uint256 amount, bytes32 indexed depositReference);
    event WithdrawalBurned(
        address indexed holder,
        uint256 amount,
        bytes32 indexed withdrawalReference
    );

    /// @notice This bank reference has been used before.
    error ReferenceUsed(bytes32 bankReference);

    /// @notice A bank reference is the hash of the bank's transaction and never empty.
    error ReferenceMissing();

    /// @notice All that was ever minted against deposits.
    function depositedTotal() external view returns (uint256);

    /// @notice All that was ever burned for withdrawals.
    function withdrawnTotal() external view returns (uint256);

    /// @notice Whether a deposit or withdrawal with this bank reference is on the books.
    function referenceUsed(bytes32 bankReference) external view returns (bool);

    /// @notice Puts money that reached the bank into circulation. Restricted to the treasury.
    function mint(address holder, uint256 amount, bytes32 depositReference) external;

    /// @notice Takes money out of circulation that was paid out. Restricted to the treasury, which
    /// needs the holder's allowance.
    function burn(address holder, uint256 amount, bytes32 withdrawalReference) external;
}
