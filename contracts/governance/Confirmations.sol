// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {AuthorityUtils} from "@openzeppelin/contracts/access/manager/AuthorityUtils.sol";

import {IConfirmations} from "../interfaces/IConfirmations.sol";

/// @title What several have to say before it counts
abstract contract Confirmations is IConfirmations, AccessManaged {
    /// @inheritdoc IConfirmations
    uint256 public threshold;

    /// @dev Whoever said it, until enough have.
    mapping(bytes32 subject => address[]) private _confirmedBy;

    constructor(uint256 threshold_) {
        _setThreshold(threshold_);
    }

    /// @inheritdoc IConfirmations
    function setThreshold(uint256 threshold_) external restricted {
        _setThreshold(threshold_);
    }

    /// @dev For a restricted function: says whether its caller was the last one needed. Who may
    /// call it no longer counts no longer. The members, who call through the Authority, need nobody
    /// else. What enough have said is forgotten.
    function _confirm(bytes32 subject) internal returns (bool enough) {
        address caller = _msgSender();
        address[] storage confirmedBy = _confirmedBy[subject];
        uint256 length = confirmedBy.length;
        uint256 count = 1;
        bool again;
        for (uint256 i = 0; i < length; ++i) {
            if (confirmedBy[i] == caller) again = true;
            else if (_mayCall(confirmedBy[i], msg.sig)) ++count;
        }
        enough = count >= threshold || caller == authority();
        require(enough || !again, AlreadyConfirmed(caller));

        if (enough) delete _confirmedBy[subject];
        else confirmedBy.push(caller);
    }

    /// @dev How many have said it, of those who may.
    function _confirmations(
        bytes32 subject,
        bytes4 selector
    ) internal view returns (uint256 count) {
        address[] storage confirmedBy = _confirmedBy[subject];
        uint256 length = confirmedBy.length;
        for (uint256 i = 0; i < length; ++i) {
            if (_mayCall(confirmedBy[i], selector)) ++count;
        }
    }

    function _mayCall(address account, bytes4 selector) private view returns (bool) {
        (bool immediate, uint32 delay) = AuthorityUtils.canCallWithDelay(
            authority(),
            account,
            address(this),
            selector
        );
        return immediate || delay > 0;
    }

    function _setThreshold(uint256 threshold_) private {
        require(threshold_ > 0, ThresholdZero());

        threshold = threshold_;
        emit ThresholdSet(threshold_);
    }
}
