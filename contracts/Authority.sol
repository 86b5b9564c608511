// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who may do what
/// @notice The one authority over every restricted function. The deployment writes its table.
contract Authority is AccessManager {
    constructor(address initialAdmin) AccessManager(initialAdmin) {}

    /// @notice Calls what the caller may call. Restricted to the members.
    /// @dev Whom the Authority calls sees the Authority alone: anybody else could speak there
    /// twice, once by itself and once through here.
    function execute(
        address target,
        bytes calldata data
    ) public payable override returns (uint32 nonce) {
        address caller = _msgSender();
        (bool isAdmin, ) = hasRole(ADMIN_ROLE, caller);
        require(isAdmin, AccessManagerUnauthorizedAccount(caller, ADMIN_ROLE));

        return super.execute(target, data);
    }
}
