// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// solhint-disable max-line-length
import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockAccess} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockAccess.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
// solhint-enable max-line-length
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IConsortium} from "../interfaces/IConsortium.sol";
import {IMembership} from "../interfaces/IMembership.sol";

contract Consortium is
    IConsortium,
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockAccess,
    ERC2771Context
{
    /// @notice Times in seconds, the quorum in percent of the members.
    struct Rules {
        uint48 votingDelay;
        uint32 votingPeriod;
        uint32 executionDelay;
        uint256 quorumPercent;
    }

    /// @dev One vote: every member may propose.
    uint256 private constant PROPOSAL_THRESHOLD = 1;

    constructor(
        address authority,
        address forwarder,
        IMembership membership_,
        Rules memory rules
    )
        Governor("Peerwatt Consortium")
        GovernorSettings(rules.votingDelay, rules.votingPeriod, PROPOSAL_THRESHOLD)
        GovernorVotes(IVotes(address(membership_)))
        GovernorVotesQuorumFraction(rules.quorumPercent)
        GovernorTimelockAccess(authority, rules.executionDelay)
        ERC2771Context(forwarder)
    {}

    /// @inheritdoc IConsortium
    function membership() public view returns (IMembership) {
        return IMembership(address(token()));
    }

    /// @inheritdoc IGovernor
    /// @dev Rounded up, so that of three members not one alone decides.
    function quorum(
        uint256 timepoint
    ) public view override(Governor, GovernorVotesQuorumFraction) returns (uint256) {
        return
            Math.mulDiv(
                token().getPastTotalSupply(timepoint),
                quorumNumerator(timepoint),
                quorumDenominator(),
                Math.Rounding.Ceil
            );
    }

    // Who was a member when a vote began and is none any more has no say

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal override returns (uint256) {
        _requireMember(proposer);

        return super._propose(targets, values, calldatas, description, proposer);
    }

    function _castVote(
        uint256 proposalId,
        address account,
        uint8 support,
        string memory reason,
        bytes memory params
    ) internal override returns (uint256) {
        _requireMember(account);

        return super._castVote(proposalId, account, support, reason, params);
    }

    function _requireMember(address account) private view {
        require(membership().isMember(account), NotMember(account));
    }

    // What Solidity wants to be said where extensions meet

    /// @inheritdoc IGovernor
    function proposalThreshold()
        public
        view
        override(Governor, GovernorSettings)
        returns (uint256)
    {
        return super.proposalThreshold();
    }

    /// @inheritdoc IGovernor
    function proposalNeedsQueuing(
        uint256 proposalId
    ) public view override(Governor, GovernorTimelockAccess) returns (bool) {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @inheritdoc IGovernor
    function propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description
    ) public override(Governor, GovernorTimelockAccess) returns (uint256) {
        return super.propose(targets, values, calldatas, description);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) {
        // The extension asks how long ago a proposal was queued, but not whether it was.
        require(
            proposalEta(proposalId) != 0 || !proposalNeedsQueuing(proposalId),
            NotQueued(proposalId)
        );

        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
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
