// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Votes} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

import {IERC5192} from "../interfaces/IERC5192.sol";
import {IMembership} from "../interfaces/IMembership.sol";

contract Membership is IMembership, IERC5192, ERC721Votes, AccessManaged {
    /// @inheritdoc IMembership
    bool public delegationAllowed;

    mapping(address member => uint256 tokenId) private _tokenOf;

    constructor(
        address authority
    )
        ERC721("Peerwatt Membership", "PWM")
        EIP712("Peerwatt Membership", "1")
        AccessManaged(authority)
    {}

    // Coming and going

    /// @inheritdoc IMembership
    function admit(address account, bytes32 householdId) external restricted {
        require(account != address(0), ZeroAddress());
        require(!isMember(account), AlreadyMember(account));
        uint256 tokenId = uint256(householdId);
        address holder = _ownerOf(tokenId);
        require(holder == address(0), HouseholdTaken(householdId, holder));

        _tokenOf[account] = tokenId;
        _mint(account, tokenId);
        _delegate(account, account);
        emit Locked(tokenId);
        emit MemberAdmitted(account, householdId);
    }

    /// @inheritdoc IMembership
    function expel(address member) external restricted {
        bytes32 householdId = householdOf(member);

        delete _tokenOf[member];
        _burn(uint256(householdId));
        emit MemberExpelled(member, householdId);
    }

    // Votes

    /// @inheritdoc IMembership
    function setDelegationAllowed(bool allowed) external restricted {
        delegationAllowed = allowed;
        emit DelegationAllowed(allowed);
    }

    /// @inheritdoc IMembership
    function returnVote(address member) external {
        require(isMember(member), NotMember(member));
        address delegatee = delegates(member);
        require(!_mayDelegate(member, delegatee), DelegationStands(member, delegatee));

        super._delegate(member, member);
    }

    /// @dev Votes begin and end at times, as the market's windows do.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @inheritdoc Votes
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    // Views

    /// @inheritdoc IMembership
    function memberCount() external view returns (uint256) {
        return _getTotalSupply();
    }

    /// @inheritdoc IERC5192
    function locked(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return true;
    }

    /// @inheritdoc IMembership
    function isMember(address account) public view returns (bool) {
        return account != address(0) && balanceOf(account) > 0;
    }

    /// @inheritdoc IMembership
    function householdOf(address member) public view returns (bytes32) {
        require(isMember(member), NotMember(member));

        return bytes32(_tokenOf[member]);
    }

    /// @inheritdoc IERC165
    function supportsInterface(
        bytes4 interfaceId
    ) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == type(IERC5192).interfaceId || super.supportsInterface(interfaceId);
    }

    // What stays with its holder needs nobody's approval

    /// @inheritdoc IERC721
    function approve(address, uint256 tokenId) public pure override(ERC721, IERC721) {
        revert MembershipBound(tokenId);
    }

    /// @inheritdoc IERC721
    function setApprovalForAll(address, bool) public view override(ERC721, IERC721) {
        revert MembershipBound(_tokenOf[_msgSender()]);
    }

    /// @dev Every transfer comes through here. Only admission and expulsion go on.
    function _update(
        address to,
        uint256 tokenId,
        address auth
    ) internal override returns (address from) {
        require(to == address(0) || _ownerOf(tokenId) == address(0), MembershipBound(tokenId));

        return super._update(to, tokenId, auth);
    }

    /// @dev By the member or with its signature.
    function _delegate(address account, address delegatee) internal override {
        require(_mayDelegate(account, delegatee), DelegationRefused(account, delegatee));

        super._delegate(account, delegatee);
    }

    function _mayDelegate(address account, address delegatee) private view returns (bool) {
        if (!isMember(delegatee)) return false;
        return delegatee == account || delegationAllowed;
    }
}
