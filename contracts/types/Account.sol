// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title A participant's money in the market, in one slot
/// @dev From the lowest bit: free (64), locked (64), debt (64), participant flag (1). All amounts
/// are below 2^64: what is free or locked is backed by tokens of which there are less, and a debt
/// grows by less than 2^54 a window.
type Account is uint256;

using Accounts for Account global;

library Accounts {
    uint256 private constant AMOUNT = type(uint64).max;
    uint256 private constant LOCKED_AT = 64;
    uint256 private constant DEBT_AT = 128;
    uint256 private constant PARTICIPANT_AT = 192;

    function free(Account self) internal pure returns (uint256) {
        return Account.unwrap(self) & AMOUNT;
    }

    function locked(Account self) internal pure returns (uint256) {
        return (Account.unwrap(self) >> LOCKED_AT) & AMOUNT;
    }

    function debt(Account self) internal pure returns (uint256) {
        return (Account.unwrap(self) >> DEBT_AT) & AMOUNT;
    }

    function isParticipant(Account self) internal pure returns (bool) {
        return Account.unwrap(self) >> PARTICIPANT_AT == 1;
    }

    function asParticipant(Account self) internal pure returns (Account) {
        return Account.wrap(Account.unwrap(self) | (1 << PARTICIPANT_AT));
    }

    /// @notice The same participant with other amounts.
    function withMoney(
        Account self,
        uint256 free_,
        uint256 locked_,
        uint256 debt_
    ) internal pure returns (Account) {
        uint256 flag = (Account.unwrap(self) >> PARTICIPANT_AT) << PARTICIPANT_AT;
        return Account.wrap(flag | (debt_ << DEBT_AT) | (locked_ << LOCKED_AT) | free_);
    }
}
