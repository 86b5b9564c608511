"""The model of `MarketAccounts`: money in the market."""

from dataclasses import replace

from app.ledger.model.authority import Role
from app.ledger.model.contract import ZERO_ADDRESS
from app.ledger.model.market_record import MarketRecord
from app.ledger.model.tokens import PaymentToken
from app.ledger.types import Account, Address

MAX_MONEY = 2**64 - 1

_NO_ACCOUNT = Account()


class MarketAccounts(MarketRecord):
    """Accounts, the treasury and its claims.

    Amounts move step by step and in the contract's order, since buyer, seller and treasury may be
    the same account.
    """

    def __init__(self, payment_token: PaymentToken, treasury: Address) -> None:
        MarketRecord.__init__(self)
        self._payment_token = payment_token
        self._accounts: dict[Address, Account] = {}
        self._claims: dict[Address, int] = {}
        self._treasury = {"is": treasury}

    def account_of(self, participant: Address) -> Account:
        """Its money in the market."""
        return self._accounts.get(participant, _NO_ACCOUNT)

    def claim_of(self, participant: Address) -> int:
        """What the treasury owes it."""
        return self._claims.get(participant, 0)

    def treasury(self) -> Address:
        """Whose account trades for the grid."""
        return self._treasury["is"]

    def deposit(self, caller: Address, amount: int) -> None:
        """Needs an allowance. Errors: AmountZero, AmountTooLarge, the token's."""
        self._require(amount > 0, "AmountZero")
        maximum = MAX_MONEY - self._payment_token.balance_of(self.address)
        self._require(amount <= maximum, "AmountTooLarge", amount=amount, maximum=maximum)

        self._credit(caller, amount)
        self._emit("Deposited", participant=caller, amount=amount)

        self._payment_token.transfer_from(self.address, caller, self.address, amount)

    def withdraw(self, caller: Address, amount: int) -> None:
        """Errors: AmountZero, FundsInsufficient."""
        self._require(amount > 0, "AmountZero")
        account = self.account_of(caller)
        self._require_free(caller, account, amount)

        self._put_account(caller, replace(account, free=account.free - amount))
        self._emit("Withdrawn", participant=caller, amount=amount)

        self._payment_token.transfer(self.address, caller, amount)

    def pay_claim(self, caller: Address, participant: Address) -> int:
        """Returns what was paid. Errors: AmountZero."""
        claim = self.claim_of(participant)
        paid = self._take_free(self.treasury(), claim)
        self._require(paid > 0, "AmountZero")

        self._journal.put(self._claims, participant, claim - paid)
        self._credit(participant, paid)
        self._emit("ClaimPaid", participant=participant, amount=paid)
        return paid

    def _lock(self, address: Address, amount: int) -> None:
        account = self.account_of(address)
        self._require_free(address, account, amount)

        self._put_account(
            address,
            replace(account, free=account.free - amount, locked=account.locked + amount),
        )

    def _credit(self, address: Address, amount: int) -> None:
        """Money for an account pays its debt first."""
        self._unlock(address, 0, amount)

    def _unlock(self, address: Address, amount: int, returned: int) -> None:
        """Ends a lock of `amount`; `returned` is what the account receives."""
        account = self.account_of(address)
        repaid = min(account.debt, returned)

        self._put_account(
            address,
            Account(
                free=account.free + returned - repaid,
                locked=account.locked - amount,
                debt=account.debt - repaid,
            ),
        )
        if repaid > 0:
            self._emit("DebtPaid", participant=address, amount=repaid)
            self._add_to_treasury(repaid)

    def _add_to_treasury(self, amount: int) -> None:
        account = self.account_of(self.treasury())
        self._put_account(self.treasury(), replace(account, free=account.free + amount))

    def _charge(self, address: Address, window: int, amount: int) -> None:
        """Money that an account owes the grid for a window: what it lacks becomes debt."""
        paid = self._take_free(address, amount)
        self._add_to_treasury(paid)

        lacking = amount - paid
        if lacking > 0:
            account = self.account_of(address)
            self._put_account(address, replace(account, debt=account.debt + lacking))
            self._note_debt(address, window, lacking)
            self._emit("DebtIncurred", participant=address, amount=lacking)

    def _pay_from_treasury(self, address: Address, amount: int) -> None:
        """Money that the grid owes an account: what the treasury lacks becomes a claim."""
        paid = self._take_free(self.treasury(), amount)
        self._credit(address, paid)

        lacking = amount - paid
        if lacking > 0:
            self._journal.put(self._claims, address, self.claim_of(address) + lacking)
            self._emit("ClaimIncurred", participant=address, amount=lacking)

    def _take_free(self, address: Address, amount: int) -> int:
        """Takes up to `amount` of what is free; returns what it took."""
        account = self.account_of(address)
        taken = min(amount, account.free)
        self._put_account(address, replace(account, free=account.free - taken))
        return taken

    def _put_account(self, address: Address, account: Account) -> None:
        self._journal.put(self._accounts, address, account)

    def set_treasury(self, caller: Address, treasury: Address) -> None:
        """By the members. Errors: ZeroAddress."""
        self._restrict(caller, Role.MEMBERS)
        self._require(treasury != ZERO_ADDRESS, "ZeroAddress")

        self._journal.put(self._treasury, "is", treasury)
        self._emit("TreasurySet", treasury=treasury)

    def _require_no_debt(self, account: Address) -> None:
        debt = self.account_of(account).debt
        self._require(debt == 0, "DebtOutstanding", account=account, debt=debt)

    def _require_free(self, address: Address, account: Account, amount: int) -> None:
        self._require(
            amount <= account.free,
            "FundsInsufficient",
            account=address,
            required=amount,
            free=account.free,
        )
