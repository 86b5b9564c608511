// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IEnergyMarket} from "../interfaces/IEnergyMarket.sol";
import {IPaymentToken} from "../interfaces/IPaymentToken.sol";
import {Account} from "../types/Account.sol";
import {MarketAccess} from "./MarketAccess.sol";
import {MarketRecord} from "./MarketRecord.sol";

/// @title Money in the market
/// @notice Deposit once, trade many times: locking and paying write one slot a side.
/// @dev The payment token is our own and calls nobody back, so that no re-entrancy guard is needed.
/// Every helper reads and writes an account as a whole, as buyer, seller and treasury may be the
/// same.
abstract contract MarketAccounts is MarketAccess, MarketRecord {
    IPaymentToken public immutable paymentToken;

    /// @inheritdoc IEnergyMarket
    address public treasury;

    /// @inheritdoc IEnergyMarket
    mapping(address participant => uint256) public claimOf;

    mapping(address account => Account) internal _accounts;

    constructor(IPaymentToken paymentToken_, address treasury_) {
        paymentToken = paymentToken_;
        _setTreasury(treasury_);
    }

    /// @inheritdoc IEnergyMarket
    function deposit(uint256 amount) external {
        _deposit(_msgSender(), amount);
    }

    /// @inheritdoc IEnergyMarket
    function depositWithPermit(
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        address account = _msgSender();
        // Anyone may have submitted the permit before; then the allowance is there.
        if (paymentToken.allowance(account, address(this)) < amount) {
            IERC20Permit(address(paymentToken)).permit(
                account,
                address(this),
                amount,
                deadline,
                v,
                r,
                s
            );
        }
        _deposit(account, amount);
    }

    /// @inheritdoc IEnergyMarket
    function withdraw(uint256 amount) external {
        address account = _msgSender();
        require(amount > 0, AmountZero());
        Account a = _accounts[account];
        uint256 free = a.free();
        require(amount <= free, FundsInsufficient(account, amount, free));

        _accounts[account] = a.withMoney(free - amount, a.locked(), a.debt());
        emit Withdrawn(account, amount);

        paymentToken.transfer(account, amount);
    }

    /// @inheritdoc IEnergyMarket
    function payClaim(address participant) external returns (uint256 paid) {
        uint256 claim = claimOf[participant];
        paid = _takeFree(treasury, claim);
        require(paid > 0, AmountZero());

        claimOf[participant] = claim - paid;
        _credit(participant, paid);
        emit ClaimPaid(participant, paid);
    }

    /// @inheritdoc IEnergyMarket
    function setTreasury(address account) external restricted {
        _setTreasury(account);
    }

    /// @inheritdoc IEnergyMarket
    function accountOf(
        address participant
    ) external view returns (uint256 free, uint256 locked, uint256 debt) {
        Account account = _accounts[participant];
        return (account.free(), account.locked(), account.debt());
    }

    function _lock(address account, uint256 amount) internal {
        _lockIn(_accounts[account], account, amount);
    }

    /// @dev `_lock` for who has read the account already.
    function _lockIn(Account a, address account, uint256 amount) internal {
        uint256 free = a.free();
        require(amount <= free, FundsInsufficient(account, amount, free));

        // No more is locked than there is.
        unchecked {
            _accounts[account] = a.withMoney(free - amount, a.locked() + amount, a.debt());
        }
    }

    /// @dev Money for an account pays its debt first.
    function _credit(address account, uint256 amount) internal {
        _unlock(account, 0, amount);
    }

    /// @dev Ends a lock of `amount`; `returned` is what the account receives, of that or of other
    /// money. The caller hands on the rest.
    function _unlock(address account, uint256 amount, uint256 returned) internal {
        Account a = _accounts[account];
        uint256 debt = a.debt();
        uint256 repaid = Math.min(debt, returned);

        _accounts[account] = a.withMoney(
            a.free() + returned - repaid,
            a.locked() - amount,
            debt - repaid
        );
        if (repaid > 0) {
            emit DebtPaid(account, repaid);
            _addToTreasury(repaid);
        }
    }

    function _addToTreasury(uint256 amount) internal {
        Account a = _accounts[treasury];
        _accounts[treasury] = a.withMoney(a.free() + amount, a.locked(), a.debt());
    }

    /// @dev Money that an account owes the grid for a window: what it lacks becomes debt.
    function _charge(address account, uint64 window, uint256 amount) internal {
        uint256 paid = _takeFree(account, amount);
        _addToTreasury(paid);

        uint256 lacking = amount - paid;
        if (lacking > 0) {
            Account a = _accounts[account];
            _accounts[account] = a.withMoney(a.free(), a.locked(), a.debt() + lacking);
            _noteDebt(account, window, lacking);
            emit DebtIncurred(account, lacking);
        }
    }

    /// @dev Money that the grid owes an account: what the treasury lacks becomes a claim.
    function _payFromTreasury(address account, uint256 amount) internal {
        uint256 paid = _takeFree(treasury, amount);
        _credit(account, paid);

        uint256 lacking = amount - paid;
        if (lacking > 0) {
            claimOf[account] += lacking;
            emit ClaimIncurred(account, lacking);
        }
    }

    function _requireParticipant(address account) internal view {
        require(_accounts[account].isParticipant(), NotParticipant(account));
    }

    function _requireNoDebt(address account) internal view {
        uint256 debt = _accounts[account].debt();
        require(debt == 0, DebtOutstanding(account, debt));
    }

    function _deposit(address account, uint256 amount) private {
        require(amount > 0, AmountZero());
        uint256 maximum = type(uint64).max - paymentToken.balanceOf(address(this));
        require(amount <= maximum, AmountTooLarge(amount, maximum));

        _credit(account, amount);
        emit Deposited(account, amount);

        paymentToken.transferFrom(account, address(this), amount);
    }

    /// @dev Takes up to `amount` of what is free; returns what it took.
    function _takeFree(address account, uint256 amount) private returns (uint256 taken) {
        Account a = _accounts[account];
        taken = Math.min(amount, a.free());
        _accounts[account] = a.withMoney(a.free() - taken, a.locked(), a.debt());
    }

    function _setTreasury(address treasury_) private {
        require(treasury_ != address(0), ZeroAddress());

        treasury = treasury_;
        emit TreasurySet(treasury_);
    }
}
