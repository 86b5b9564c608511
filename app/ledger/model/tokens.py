"""The models of `EnergyToken` and `PaymentToken`, with the ERC-20 of OpenZeppelin beneath them."""

from app.ledger.model.authority import Role
from app.ledger.model.contract import ZERO_ADDRESS, Contract, World
from app.ledger.model.genesis import Genesis
from app.ledger.types import Address, EnergyTotals
from app.market.settlement import missing_of

UNLIMITED = 2**256 - 1


class Erc20(Contract):
    """Balances and allowances."""

    def __init__(self, world: World, address: Address) -> None:
        super().__init__(world, address)
        self._balances: dict[Address, int] = {}
        self._allowances: dict[tuple[Address, Address], int] = {}
        self._supply: dict[str, int] = {}

    def total_supply(self) -> int:
        """All tokens that there are."""
        return self._supply.get("total", 0)

    def balance_of(self, holder: Address) -> int:
        """Tokens of one holder."""
        return self._balances.get(holder, 0)

    def allowance(self, owner: Address, spender: Address) -> int:
        """What `spender` may take from `owner`."""
        return self._allowances.get((owner, spender), 0)

    def approve(self, caller: Address, spender: Address, value: int) -> bool:
        """ERC-20 `approve`; errors: ERC20InvalidSpender."""
        self._require(spender != ZERO_ADDRESS, "ERC20InvalidSpender", spender=spender)

        self._journal.put(self._allowances, (caller, spender), value)
        self._emit("Approval", owner=caller, spender=spender, value=value)
        return True

    def transfer(self, caller: Address, to: Address, value: int) -> bool:
        """ERC-20 `transfer`; errors: ERC20InvalidReceiver, ERC20InsufficientBalance."""
        self._move(caller, to, value)
        return True

    def transfer_from(self, caller: Address, owner: Address, to: Address, value: int) -> bool:
        """ERC-20 `transferFrom`; errors: also ERC20InsufficientAllowance."""
        self._spend_allowance(owner, caller, value)
        self._move(owner, to, value)
        return True

    def _spend_allowance(self, owner: Address, spender: Address, value: int) -> None:
        allowance = self.allowance(owner, spender)
        if allowance == UNLIMITED:
            return
        self._require(
            allowance >= value,
            "ERC20InsufficientAllowance",
            spender=spender,
            allowance=allowance,
            needed=value,
        )
        self._journal.put(self._allowances, (owner, spender), allowance - value)

    def _move(self, owner: Address, to: Address, value: int) -> None:
        self._require(to != ZERO_ADDRESS, "ERC20InvalidReceiver", receiver=to)
        self._take(owner, value)
        self._give(to, value)
        self._emit("Transfer", **{"from": owner, "to": to, "value": value})

    def _mint(self, holder: Address, value: int) -> None:
        self._require(holder != ZERO_ADDRESS, "ERC20InvalidReceiver", receiver=holder)
        self._journal.put(self._supply, "total", self.total_supply() + value)
        self._give(holder, value)
        self._emit("Transfer", **{"from": ZERO_ADDRESS, "to": holder, "value": value})

    def _burn(self, holder: Address, value: int) -> None:
        self._require(holder != ZERO_ADDRESS, "ERC20InvalidSender", sender=holder)
        self._take(holder, value)
        self._journal.put(self._supply, "total", self.total_supply() - value)
        self._emit("Transfer", **{"from": holder, "to": ZERO_ADDRESS, "value": value})

    def _take(self, holder: Address, value: int) -> None:
        balance = self.balance_of(holder)
        self._require(
            balance >= value,
            "ERC20InsufficientBalance",
            sender=holder,
            balance=balance,
            needed=value,
        )
        self._journal.put(self._balances, holder, balance - value)

    def _give(self, holder: Address, value: int) -> None:
        self._journal.put(self._balances, holder, self.balance_of(holder) + value)


class EnergyToken(Erc20):
    """Model of the contract `EnergyToken`: one unit is 1 Wh in the microgrid."""

    name = "EnergyToken"

    def __init__(self, world: World, genesis: Genesis) -> None:
        super().__init__(world, genesis.contracts.energy_token)
        self._registry = genesis.contracts.meter_registry
        self._market = genesis.contracts.energy_market

    def energy_totals(self) -> EnergyTotals:
        """Wh injected, withdrawn and lost since the beginning."""
        return EnergyTotals(
            injected_wh=self._supply.get("injected", 0),
            withdrawn_wh=self._supply.get("withdrawn", 0),
            lost_wh=self._supply.get("lost", 0),
        )

    def inject(self, caller: Address, holder: Address, energy_wh: int) -> None:
        """Mints metered energy; by registry or market (else NotLinked)."""
        self._require(caller in {self._registry, self._market}, "NotLinked", caller=caller)

        self._inject(holder, energy_wh)

    def withdraw(self, caller: Address, holder: Address, energy_wh: int) -> int:
        """Burns consumed or exported energy; by the market. Returns what had to be covered."""
        self._only_market(caller)

        covered_wh = self._cover(holder, energy_wh)
        self._count("withdrawn", energy_wh)
        self._burn(holder, energy_wh)
        return covered_wh

    def lose(self, caller: Address, holder: Address, energy_wh: int) -> int:
        """Burns a storage's losses; by the market. Returns what had to be covered."""
        self._only_market(caller)

        covered_wh = self._cover(holder, energy_wh)
        self._count("lost", energy_wh)
        self._burn(holder, energy_wh)
        self._emit("EnergyLost", holder=holder, energyWh=energy_wh)
        return covered_wh

    def retract(self, caller: Address, holder: Address, energy_wh: int) -> int:
        """Burns what was injected for an export that there was not; by the market. Returns what
        had to be covered.
        """
        self._only_market(caller)

        covered_wh = self._cover(holder, energy_wh)
        self._count("injected", -energy_wh)
        self._burn(holder, energy_wh)
        self._emit("EnergyRetracted", holder=holder, energyWh=energy_wh)
        return covered_wh

    def deliver(self, caller: Address, seller: Address, buyer: Address, energy_wh: int) -> int:
        """Moves sold energy; by the market. Returns what had to be covered."""
        self._only_market(caller)

        covered_wh = self._cover(seller, energy_wh)
        self._move(seller, buyer, energy_wh)
        return covered_wh

    def _cover(self, holder: Address, energy_wh: int) -> int:
        missing_wh = missing_of(energy_wh, self.balance_of(holder))
        if missing_wh > 0:
            self._inject(holder, missing_wh)
        return missing_wh

    def _inject(self, holder: Address, energy_wh: int) -> None:
        self._count("injected", energy_wh)
        self._mint(holder, energy_wh)

    def _only_market(self, caller: Address) -> None:
        self._require(caller == self._market, "NotLinked", caller=caller)

    def _count(self, what: str, energy_wh: int) -> None:
        self._journal.put(self._supply, what, self._supply.get(what, 0) + energy_wh)


class PaymentToken(Erc20):
    """Model of the contract `PaymentToken`: money against bank references."""

    name = "PaymentToken"

    def __init__(self, world: World, genesis: Genesis) -> None:
        super().__init__(world, genesis.contracts.payment_token)
        self._references: dict[bytes, bool] = {}

    def deposited_total(self) -> int:
        """All that was ever minted."""
        return self._supply.get("deposited", 0)

    def withdrawn_total(self) -> int:
        """All that was ever burned."""
        return self._supply.get("withdrawn", 0)

    def reference_used(self, reference: bytes) -> bool:
        """Whether a bank reference (32 bytes) is on the books."""
        return self._references.get(reference, False)

    def mint(self, caller: Address, holder: Address, amount: int, reference: bytes) -> None:
        """Mints money that came in; by the bank. Errors: ReferenceMissing, ReferenceUsed."""
        self._restrict(caller, Role.MINTER)
        self._use(reference)

        self._journal.put(self._supply, "deposited", self.deposited_total() + amount)
        self._mint(holder, amount)
        self._emit("DepositMinted", holder=holder, amount=amount, depositReference=reference)

    def burn(self, caller: Address, holder: Address, amount: int, reference: bytes) -> None:
        """Burns what was paid out; by the bank with the holder's allowance."""
        self._restrict(caller, Role.MINTER)
        self._use(reference)

        self._journal.put(self._supply, "withdrawn", self.withdrawn_total() + amount)
        self._spend_allowance(holder, caller, amount)
        self._burn(holder, amount)
        self._emit("WithdrawalBurned", holder=holder, amount=amount, withdrawalReference=reference)

    def _use(self, reference: bytes) -> None:
        self._require(any(reference), "ReferenceMissing")
        self._require(not self.reference_used(reference), "ReferenceUsed", bankReference=reference)

        self._journal.put(self._references, reference, True)
