// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IPaymentToken} from "../interfaces/IPaymentToken.sol";
import {ITreasury} from "../interfaces/ITreasury.sol";
import {Confirmations} from "./Confirmations.sol";

/// @dev The payment token is our own and calls nobody back, so that no re-entrancy guard is needed.
contract Treasury is ITreasury, Confirmations, ERC2771Context {
    /// @inheritdoc ITreasury
    uint256 public constant PAYOUT_TIME = 7 days;

    /// @inheritdoc ITreasury
    IPaymentToken public immutable paymentToken;

    /// @inheritdoc ITreasury
    uint256 public dailyLimit;

    uint128 private _reserve;
    uint64 private _attestedAt;
    uint64 private _mintingDay;
    uint256 private _mintedThatDay;
    uint256 private _lastWithdrawal;

    mapping(uint256 withdrawalId => Withdrawal) private _withdrawals;

    constructor(
        address authority,
        address forwarder,
        IPaymentToken paymentToken_,
        uint256 threshold_,
        uint256 dailyLimit_
    ) AccessManaged(authority) Confirmations(threshold_) ERC2771Context(forwarder) {
        paymentToken = paymentToken_;
        _setDailyLimit(dailyLimit_);
    }

    // Money comes in

    /// @inheritdoc ITreasury
    function confirmDeposit(
        address holder,
        uint256 amount,
        bytes32 bankReference
    ) external restricted returns (bool minted) {
        require(amount > 0, AmountZero());
        _requireUnused(bankReference);
        minted = _confirm(_hashDeposit(holder, amount, bankReference));
        emit DepositConfirmed(bankReference, _msgSender(), holder, amount);
        if (!minted) return false;
        uint256 left = leftToday();
        require(amount <= left, DailyLimitExceeded(amount, left));
        uint256 supply = paymentToken.totalSupply() + amount;
        require(supply <= _reserve, ReserveExceeded(supply, _reserve));

        _mintedThatDay = dailyLimit - left + amount;
        _mintingDay = _today();

        paymentToken.mint(holder, amount, bankReference);
    }

    // Money goes out

    /// @inheritdoc ITreasury
    function requestWithdrawal(
        uint256 amount,
        bytes32 payoutHash
    ) external returns (uint256 withdrawalId) {
        require(amount > 0, AmountZero());
        address holder = _msgSender();

        withdrawalId = ++_lastWithdrawal;
        _withdrawals[withdrawalId] = Withdrawal({
            holder: holder,
            requestedAt: uint40(block.timestamp),
            state: WithdrawalState.REQUESTED,
            amount: amount,
            payoutHash: payoutHash
        });
        emit WithdrawalRequested(withdrawalId, holder, amount, payoutHash);

        paymentToken.transferFrom(holder, address(this), amount);
    }

    /// @inheritdoc ITreasury
    function confirmPayout(
        uint256 withdrawalId,
        bytes32 bankReference
    ) external restricted returns (bool paid) {
        Withdrawal storage withdrawal = _requested(withdrawalId);
        uint256 end = withdrawal.requestedAt + PAYOUT_TIME;
        require(block.timestamp < end, PayoutTimeOver(withdrawalId, end));
        _requireUnused(bankReference);
        paid = _confirm(keccak256(abi.encode("payout", withdrawalId, bankReference)));
        emit PayoutConfirmed(withdrawalId, _msgSender(), bankReference);
        if (!paid) return false;

        withdrawal.state = WithdrawalState.PAID;
        // What has been paid out is in the bank no more.
        _reserve = uint128(Math.saturatingSub(_reserve, withdrawal.amount));
        emit WithdrawalPaid(withdrawalId, bankReference);

        paymentToken.approve(address(this), withdrawal.amount);
        paymentToken.burn(address(this), withdrawal.amount, bankReference);
    }

    /// @inheritdoc ITreasury
    function rejectWithdrawal(uint256 withdrawalId) external restricted returns (bool returned) {
        Withdrawal storage withdrawal = _requested(withdrawalId);
        returned = _confirm(keccak256(abi.encode("rejection", withdrawalId)));
        emit RejectionConfirmed(withdrawalId, _msgSender());

        if (returned) _return(withdrawalId, withdrawal);
    }

    /// @inheritdoc ITreasury
    function returnWithdrawal(uint256 withdrawalId) external {
        Withdrawal storage withdrawal = _requested(withdrawalId);
        uint256 end = withdrawal.requestedAt + PAYOUT_TIME;
        require(block.timestamp >= end, PayoutTimeRunning(withdrawalId, end));

        _return(withdrawalId, withdrawal);
    }

    // What is in the bank, and how much may be made of it

    /// @inheritdoc ITreasury
    function attestReserve(uint256 amount, bytes32 statementHash) external restricted {
        _reserve = uint128(Math.min(amount, type(uint128).max));
        _attestedAt = uint64(block.timestamp);
        emit ReserveAttested(amount, statementHash, _msgSender());
    }

    /// @inheritdoc ITreasury
    function setDailyLimit(uint256 amount) external restricted {
        _setDailyLimit(amount);
    }

    // Views

    /// @inheritdoc ITreasury
    function withdrawalOf(uint256 withdrawalId) external view returns (Withdrawal memory) {
        return _withdrawals[withdrawalId];
    }

    /// @inheritdoc ITreasury
    function depositConfirmations(
        address holder,
        uint256 amount,
        bytes32 bankReference
    ) external view returns (uint256) {
        return
            _confirmations(
                _hashDeposit(holder, amount, bankReference),
                this.confirmDeposit.selector
            );
    }

    /// @inheritdoc ITreasury
    function reserve() external view returns (uint256 amount, uint256 attestedAt) {
        return (_reserve, _attestedAt);
    }

    /// @inheritdoc ITreasury
    function leftToday() public view returns (uint256) {
        uint256 minted = _mintingDay == _today() ? _mintedThatDay : 0;
        return Math.saturatingSub(dailyLimit, minted);
    }

    function _return(uint256 withdrawalId, Withdrawal storage withdrawal) private {
        withdrawal.state = WithdrawalState.RETURNED;
        emit WithdrawalReturned(withdrawalId);

        paymentToken.transfer(withdrawal.holder, withdrawal.amount);
    }

    function _setDailyLimit(uint256 dailyLimit_) private {
        dailyLimit = dailyLimit_;
        emit DailyLimitSet(dailyLimit_);
    }

    function _requireUnused(bytes32 bankReference) private view {
        require(!paymentToken.referenceUsed(bankReference), BankReferenceUsed(bankReference));
    }

    function _requested(uint256 withdrawalId) private view returns (Withdrawal storage withdrawal) {
        withdrawal = _withdrawals[withdrawalId];
        require(
            withdrawal.state == WithdrawalState.REQUESTED,
            WithdrawalNotRequested(withdrawalId)
        );
    }

    function _today() private view returns (uint64) {
        return uint64(block.timestamp / 1 days);
    }

    function _hashDeposit(
        address holder,
        uint256 amount,
        bytes32 bankReference
    ) private pure returns (bytes32) {
        return keccak256(abi.encode("deposit", holder, amount, bankReference));
    }

    function _msgSender() internal view override(Context, ERC2771Context) returns (address) {
        return ERC2771Context._msgSender();
    }

    function _msgData() internal view override(Context, ERC2771Context) returns (bytes calldata) {
        return ERC2771Context._msgData();
    }

    function _contextSuffixLength()
        internal
        view
        override(Context, ERC2771Context)
        returns (uint256)
    {
        return ERC2771Context._contextSuffixLength();
    }
}
