// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IConfirmations} from "./IConfirmations.sol";
import {IPaymentToken} from "./IPaymentToken.sol";

/// @title Money between the bank and the market
/// @notice Several treasurers confirm what the bank has received and paid out; none of them can do
/// it alone. Tokens are made for confirmed deposits, within what the auditors have seen in the bank
/// and within a daily bound, and end with confirmed payouts.
/// @dev References are hashes of the bank's transactions. Invariants: making tokens and paying them
/// out never lifts the total supply above the reserve; the treasury's balance is at least the sum
/// of the withdrawals that are requested, and exactly that unless somebody has given it tokens.
interface ITreasury is IConfirmations {
    enum WithdrawalState {
        NONE,
        REQUESTED,
        PAID,
        RETURNED
    }

    /// @param requestedAt Second of the request, from which the time to pay it out counts.
    struct Withdrawal {
        address holder;
        uint40 requestedAt;
        WithdrawalState state;
        uint256 amount;
        bytes32 payoutHash;
    }

    event DepositConfirmed(
        bytes32 indexed bankReference,
        address indexed treasurer,
        address indexed holder,
        uint256 amount
    );
    event WithdrawalRequested(
        uint256 indexed withdrawalId,
        address indexed holder,
        uint256 amount,
        bytes32 payoutHash
    );
    event PayoutConfirmed(
        uint256 indexed withdrawalId,
        address indexed treasurer,
        bytes32 indexed bankReference
    );
    event RejectionConfirmed(uint256 indexed withdrawalId, address indexed treasurer);
    event WithdrawalPaid(uint256 indexed withdrawalId, bytes32 indexed bankReference);
    event WithdrawalReturned(uint256 indexed withdrawalId);
    event ReserveAttested(uint256 reserve, bytes32 statementHash, address indexed auditor);
    event DailyLimitSet(uint256 dailyLimit);

    error AmountZero();
    error BankReferenceUsed(bytes32 bankReference);
    error ReserveExceeded(uint256 supply, uint256 reserve);
    error DailyLimitExceeded(uint256 amount, uint256 left);
    error WithdrawalNotRequested(uint256 withdrawalId);
    error PayoutTimeOver(uint256 withdrawalId, uint256 end);
    error PayoutTimeRunning(uint256 withdrawalId, uint256 end);

    /// @notice Confirms that the bank has received money for `holder`. When as many treasurers as
    /// the threshold have confirmed exactly this, tokens are made. Restricted to the treasurers.
    /// @return minted Whether this confirmation was the last one needed.
    function confirmDeposit(
        address holder,
        uint256 amount,
        bytes32 bankReference
    ) external returns (bool minted);

    /// @notice Locks the caller's tokens (needs an allowance) until they are paid out or returned.
    /// @param payoutHash Hash of where to pay to, which the treasurers know.
    function requestWithdrawal(
        uint256 amount,
        bytes32 payoutHash
    ) external returns (uint256 withdrawalId);

    /// @notice Confirms that the bank has paid a withdrawal. When as many treasurers as the
    /// threshold have confirmed it under the same reference, its tokens end. Restricted to the
    /// treasurers, until `PAYOUT_TIME` after the request.
    /// @return paid Whether this confirmation was the last one needed.
    function confirmPayout(
        uint256 withdrawalId,
        bytes32 bankReference
    ) external returns (bool paid);

    /// @notice Refuses a withdrawal. When as many treasurers as the threshold have, its tokens
    /// return. Restricted to the treasurers.
    /// @return returned Whether this confirmation was the last one needed.
    function rejectWithdrawal(uint256 withdrawalId) external returns (bool returned);

    /// @notice Returns the tokens of a withdrawal that was not paid in time. By anyone.
    function returnWithdrawal(uint256 withdrawalId) external;

    /// @notice Says what the bank's statement shows, above which no tokens are made. Restricted to
    /// the auditors.
    function attestReserve(uint256 reserve, bytes32 statementHash) external;

    /// @notice Bounds what can be made in a day (UTC). Restricted to the members.
    function setDailyLimit(uint256 dailyLimit) external;

    function withdrawalOf(uint256 withdrawalId) external view returns (Withdrawal memory);

    /// @notice How many have confirmed a deposit, as it is described.
    function depositConfirmations(
        address holder,
        uint256 amount,
        bytes32 bankReference
    ) external view returns (uint256);

    /// @notice What can still be made today.
    function leftToday() external view returns (uint256);

    /// @notice What is in the bank, as far as is proved: what the auditors have last seen there,
    /// less what was paid out since; and when they saw it, 0 if never.
    function reserve() external view returns (uint256 amount, uint256 attestedAt);

    function dailyLimit() external view returns (uint256);

    function paymentToken() external view returns (IPaymentToken);

    /// @notice Seconds in which a withdrawal is paid out, or returns.
    // solhint-disable-next-line func-name-mixedcase
    function PAYOUT_TIME() external view returns (uint256);
}
