// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {IPaymentToken} from "./interfaces/IPaymentToken.sol";

contract PaymentToken is IPaymentToken, ERC20Permit, AccessManaged {
    /// @inheritdoc IPaymentToken
    uint256 public depositedTotal;

    /// @inheritdoc IPaymentToken
    uint256 public withdrawnTotal;

    /// @inheritdoc IPaymentToken
    mapping(bytes32 bankReference => bool) public referenceUsed;

    constructor(
        address authority
    ) ERC20("Peerwatt Payment", "PWP") ERC20Permit("Peerwatt Payment") AccessManaged(authority) {}

    /// @inheritdoc IPaymentToken
    function mint(address holder, uint256 amount, bytes32 depositReference) external restricted {
        _useReference(depositReference);

        depositedTotal += amount;
        _mint(holder, amount);
        emit DepositMinted(holder, amount, depositReference);
    }

    /// @inheritdoc IPaymentToken
    function burn(address holder, uint256 amount, bytes32 withdrawalReference) external restricted {
        _useReference(withdrawalReference);

        withdrawnTotal += amount;
        _spendAllowance(holder, msg.sender, amount);
        _burn(holder, amount);
        emit WithdrawalBurned(holder, amount, withdrawalReference);
    }

    /// @notice Millionths of the currency.
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function _useReference(bytes32 bankReference) private {
        require(bankReference != 0, ReferenceMissing());
        require(!referenceUsed[bankReference], ReferenceUsed(bankReference));

        referenceUsed[bankReference] = true;
    }
}
