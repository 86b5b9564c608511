// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IMembership} from "./IMembership.sol";

/// @title The members, deciding
/// @notice A member proposes calls, the members vote, and what a majority wants is executed when
/// everybody has had time to see it. It is the ADMIN of the Authority, and so decides who may do
/// what.
/// @dev An OpenZeppelin Governor, which counts time in seconds. A proposal has passed with more
/// votes for than against it and, with those who abstain, the quorum. A call to what the Authority
/// restricts goes through the Authority. Votes are cast by EIP-712 signature, too
/// (`castVoteBySig`), and proposals through the trusted forwarder.
interface IConsortium {
    /// @notice The account is not a member at this moment, whatever it was.
    error NotMember(address account);

    /// @notice What has passed waits in the queue before it is executed.
    error NotQueued(uint256 proposalId);

    /// @notice Whose votes count.
    function membership() external view returns (IMembership);
}
