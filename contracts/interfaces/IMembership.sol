// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title Who is a member
/// @notice One token a household, which stays with it (ERC-5192), and is one vote. The number of
/// the token is the household's id.
/// @dev Votes are counted by time stamps (ERC-6372). Invariant: the votes of all are as many as
/// there are members.
interface IMembership is IERC721 {
    event MemberAdmitted(address indexed member, bytes32 indexed householdId);
    event MemberExpelled(address indexed member, bytes32 indexed householdId);
    event DelegationAllowed(bool allowed);

    error ZeroAddress();
    error AlreadyMember(address account);
    error NotMember(address account);
    error HouseholdTaken(bytes32 householdId, address member);
    error MembershipBound(uint256 tokenId);
    error DelegationRefused(address member, address delegatee);
    error DelegationStands(address member, address delegatee);

    /// @notice Makes an account the member of a household, with a vote from now on. Restricted to
    /// the members.
    function admit(address account, bytes32 householdId) external;

    /// @notice Ends a membership and takes its vote. What the household has in the market stays its
    /// own. Restricted to the members.
    function expel(address member) external;

    /// @notice Says whether members may hand their vote to another member. Restricted to the
    /// members.
    function setDelegationAllowed(bool allowed) external;

    /// @notice Gives a member the vote back that it had handed on, when that is allowed no longer,
    /// or the other one is no member any more. By anyone.
    function returnVote(address member) external;

    function isMember(address account) external view returns (bool);

    /// @notice The household that an account is the member of. Reverts for others.
    function householdOf(address member) external view returns (bytes32 householdId);

    function memberCount() external view returns (uint256);

    /// @notice Whether members may hand their vote to another member.
    function delegationAllowed() external view returns (bool);
}
