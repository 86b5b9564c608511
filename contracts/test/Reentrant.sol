// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title An account that calls back whoever calls it
/// @notice For tests only. When it is called, or asked for a signature, it tries the call that was
/// prepared, and keeps what came of it.
contract Reentrant {
    address private _target;
    bytes private _data;

    /// @notice How often it was called.
    uint256 public visits;

    /// @notice Whether a call that it has tried has passed.
    bool public passed;

    /// @notice What the last call that it has tried has answered.
    bytes public answer;

    /// @notice Says what to call when it is called.
    function prepare(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    /// @notice Calls `target` as this account.
    function execute(address target, bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(target, data);
    }

    /// @notice Approves everything, after it has tried to change something meanwhile.
    /// @dev Asked in a static call, it can keep nothing: it refuses if its call has passed.
    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        // solhint-disable-next-line avoid-low-level-calls
        (bool success, ) = _target.call(_data);
        return success ? bytes4(0) : IERC1271.isValidSignature.selector;
    }

    // solhint-disable-next-line payable-fallback,no-complex-fallback
    fallback() external {
        ++visits;
        // solhint-disable-next-line avoid-low-level-calls
        (bool success, bytes memory result) = _target.call(_data);
        if (success) passed = true;
        answer = result;
    }
}
