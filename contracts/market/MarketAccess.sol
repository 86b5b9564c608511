// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {IPausing} from "../interfaces/IPausing.sol";

/// @title Who calls a market, what they may do, and whether trade is paused
abstract contract MarketAccess is IPausing, AccessManaged, ERC2771Context, Pausable {
    /// @inheritdoc IPausing
    uint64 public constant PAUSE_LENGTH = 3 days;

    /// @inheritdoc IPausing
    uint64 public constant PAUSE_REST = 4 days;

    /// @inheritdoc IPausing
    uint64 public pausedUntil;

    /// @inheritdoc IPausing
    function pause() external restricted whenNotPaused {
        uint256 restEnd = uint256(pausedUntil) + PAUSE_REST;
        require(block.timestamp >= restEnd, PausedLately(restEnd));

        pausedUntil = uint64(block.timestamp) + PAUSE_LENGTH;
        emit Paused(_msgSender());
    }

    /// @inheritdoc IPausing
    function unpause() external restricted whenPaused {
        pausedUntil = uint64(block.timestamp);
        emit Unpaused(_msgSender());
    }

    /// @dev A pause that nobody ends is over by itself: the flag of `Pausable` is not used.
    function paused() public view override returns (bool) {
        return block.timestamp < pausedUntil;
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
