"""Measures a whole round of private trading: offers, agreements, payments, settlement.

    python -m benchmarks.private_round                              11 members on anvil
    python -m benchmarks.private_round --node ganache --ring 8      on Ganache, notes among 8

Half of the members sell to the other half, and one more buyer takes a second part of the first
offer. One seller delivers less than it sold, one not at all. Whoever has earned something takes it
out of the pool. Times are wall seconds of one process, which makes all proofs of all members.
"""

import argparse
import asyncio
import random
import secrets
import struct
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from app.agents.enrolment import bring_money
from app.chain.deployment import deploy
from app.chain.keys import (
    OPERATOR,
    RELAYER,
    TREASURERS,
    Keystore,
    development_address,
    household_address,
)
from app.chain.node import EmbeddedNode, NodeKind
from app.ledger.chain import ChainLedger
from app.ledger.consortium import MEMBERSHIP, Consortium, ProposedCall, decide_all
from app.ledger.private import NoteLog, PrivateLedger, Purse, SeenOffer
from app.ledger.private_calls import (
    allow_transaction,
    cancel_transaction,
    make_offer,
    make_partial_transaction,
    make_transaction,
    withdraw,
)
from app.ledger.types import Address, Receipt
from app.market.windows import commit_start, grace_end, window_at, window_end
from app.privacy import trading
from app.privacy.curve import Point
from app.privacy.details import seal_details
from app.privacy.keys import Purpose as KeyPurpose
from app.privacy.keys import Wallet
from app.privacy.notes import Note, NoteKeys, SentNote, send_note
from app.privacy.pedersen import Opening
from app.privacy.spending import Purpose, spend_notes
from app.privacy.stealth import StealthKeys
from app.privacy.trading import (
    Deal,
    MadeAgreement,
    MadeOffer,
    OfferDraft,
    attest,
    pay_agreement,
    settle_part,
)

MEMBERS, RING = 11, 11
AIM_SECONDS = {"anvil": 60, "ganache": 180}
MONEY = 5_000_000
OFFERED_WH, FLOOR_PRICE = 5_000, 100_000
AGREED_WH, PRICE = 2_001, 200_001
PART_WH = 1_234

_DETAILS = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Member:
    """A household: its account, which everybody knows, and the keys that nobody links to it."""

    account: Address
    wallet: Wallet
    purse: Purse

    @classmethod
    def of(cls, number: int, seed: bytes) -> "Member":
        wallet = Wallet(seed)
        keys = NoteKeys(wallet.secret(KeyPurpose.NOTE_SPEND), wallet.secret(KeyPurpose.NOTE_VIEW))
        return cls(household_address(number), wallet, Purse(keys))

    @property
    def stealth(self) -> StealthKeys:
        return StealthKeys(
            self.wallet.secret(KeyPurpose.STEALTH_SPEND),
            self.wallet.secret(KeyPurpose.STEALTH_VIEW),
        )


@dataclass(slots=True)
class Trade:
    """A trade, as both of its sides know it."""

    seller: Member
    buyer: Member
    made: MadeAgreement
    delivered_wh: int


@dataclass(slots=True)
class Report:
    """Seconds and gas by what they went into."""

    seconds: dict[str, float] = field(default_factory=dict)
    gas: dict[str, int] = field(default_factory=dict)
    trades: int = 0

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - began

    def count(self, receipt: Receipt) -> None:
        name = receipt.function
        self.gas[name] = self.gas.get(name, 0) + receipt.gas_used


class Round:
    """One round of members who trade in private; `ring` is how many notes each payment is among."""

    def __init__(
        self, private: PrivateLedger, members: Sequence[Member], ring: int, report: Report
    ) -> None:
        self.private = private
        self.ledger = private.ledger
        self.members = members
        self.log = NoteLog()
        self.offers: list[tuple[Member, MadeOffer]] = []
        self.report = report
        self._ring = ring
        self._choose = random.SystemRandom().sample
        self._relayer = development_address(RELAYER)
        self._operator = development_address(OPERATOR)

    async def play(self, window: int) -> list[Trade]:
        """The whole round, from its opening to the last withdrawal; the trades that came of it."""
        report, sellers = self.report, self.members[: len(self.members) // 2]
        with report.timed("offers"):
            report.count(await self.private.open_round(self._relayer, window))
            keys = await self.private.ring_of(window)
            offers = [await self.offer(seller, keys, window) for seller in sellers]
        with report.timed("agreements and payments"):
            await self.ledger.clock.advance_to(commit_start(window))
            trades = await self._agree(sellers, offers, keys, window)
        with report.timed("settlement"):
            await self.ledger.clock.advance_to(window_end(window))
            for trade in trades:
                await self._settle(trade)
            await self.ledger.clock.advance_to(grace_end(window))
            for trade in trades:
                await self._cancel(trade)
        with report.timed("withdrawals"):
            await self.look()
            for seller in sellers:
                await self._withdraw(seller)
            await self.look()
        report.trades = len(trades)
        return trades

    async def look(self) -> None:
        """Lets all members find their notes."""
        await self.private.new_notes(self.log)
        for member in self.members:
            member.purse.look(self.log)

    async def offer(self, seller: Member, keys: Sequence[Point], window: int) -> MadeOffer:
        details = seal_details(_DETAILS.pack(OFFERED_WH, FLOOR_PRICE), keys)
        draft = OfferDraft(window, 0, OFFERED_WH, FLOOR_PRICE, details)
        made = trading.make_offer(
            self.private.rules, seller.wallet.member, keys, draft, seller.stealth
        )
        self.report.count(
            await self.private.send(self._relayer, make_offer(made.terms, made.proofs))
        )
        self.offers.append((seller, made))
        return made

    async def _agree(
        self,
        sellers: Sequence[Member],
        offers: Sequence[MadeOffer],
        keys: Sequence[Point],
        window: int,
    ) -> list[Trade]:
        """Each buyer takes part of an offer; when there are more buyers, again of the first ones.

        Off the chain the buyer gives the seller a note for what may come back, and the seller gives
        it the agreement with its openings.
        """
        seen = await self.private.offers(window)
        trades: list[Trade] = []
        left = {offer.terms.owner: offer.energy for offer in offers}
        for number, buyer in enumerate(self.members[len(sellers) :]):
            place = number % len(seen)
            offer = offers[place]
            _check_details(seen[place], keys, buyer)
            refund = send_note(buyer.purse.address, 0)
            deal = Deal(seen[place].id, left[offer.terms.owner], AGREED_WH, PRICE)
            made = trading.make_agreement(
                self.private.rules, offer, deal, sellers[place].purse.address, refund
            )
            left[offer.terms.owner] -= made.energy
            spendable = buyer.purse.note_of(made.cost)
            ring = self.log.ring_for(spendable.note, self._ring, self._choose)
            payment = pay_agreement(self.private.rules, made, spendable, ring, buyer.purse.address)
            call = allow_transaction(made.agreement, made.proofs, made.signature, payment)
            self.report.count(await self.private.send(self._relayer, call))
            delivered = {1: PART_WH, 2: 0}.get(number, AGREED_WH)
            trades.append(Trade(sellers[place], buyer, made, delivered))
        return trades

    async def _settle(self, trade: Trade) -> None:
        """The seller shows the operator what the commitment hides, and the operator signs it."""
        rules, made = self.private.rules, trade.made
        if trade.delivered_wh == 0:
            return
        key = self.ledger.keys.key_of(self._operator)
        if trade.delivered_wh == AGREED_WH:
            word = attest(rules, made.id, made.agreement.energy, key)
            call = make_transaction(made.agreement, word)
        else:
            part = settle_part(rules, made, Opening.of(trade.delivered_wh))
            word = attest(rules, made.id, part.delivered, key)
            call = make_partial_transaction(made.agreement, part.delivered, word, part.settlement)
            trade.seller.purse.expect(made.payout, part.payout)
        self.report.count(await self.private.send(self._relayer, call))

    async def _cancel(self, trade: Trade) -> None:
        """What nobody has attested returns to the buyer after the grace."""
        if trade.delivered_wh:
            return
        made = trade.made
        note = Note(made.refund.note.key, made.agreement.cost)
        back = SentNote(note, made.refund.message, made.payout.opening)
        trade.buyer.purse.expect(made.refund, back)
        self.report.count(
            await self.private.send(self._relayer, cancel_transaction(made.agreement))
        )

    async def _withdraw(self, seller: Member) -> None:
        """Takes half of the newest note out, to the household's own account."""
        purse = seller.purse
        spendable = purse.notes[-1]
        amount = spendable.opening.value // 2
        if amount == 0:
            return
        spend = spend_notes(
            self.private.rules.pool,
            [(spendable, self.log.ring_for(spendable.note, self._ring, self._choose))],
            [send_note(purse.address, spendable.opening.value - amount)],
            Purpose.withdrawal(seller.account, amount),
        )
        self.report.count(
            await self.private.send(self._relayer, withdraw(spend, seller.account, amount))
        )


async def prepare(ledger: ChainLedger, members: Sequence[Member]) -> PrivateLedger:
    """Admits the members, registers their keys, and brings each a note of money."""
    private = await PrivateLedger.connect(ledger)
    await admit(ledger, [member.account for member in members])
    treasurers = [development_address(number) for number in TREASURERS]
    for member in members:
        reference = secrets.token_bytes(32)
        await bring_money(ledger, treasurers, member.account, MONEY, reference)
        await private.publish_key(member.account, member.wallet.member)
        await private.deposit(member.account, member.purse.keys, MONEY)
    return private


async def admit(ledger: ChainLedger, accounts: Sequence[Address]) -> None:
    """Lets the members decide on all who are none."""
    known = {member.account for member in await Consortium(ledger).members()}
    calls = [
        ProposedCall(MEMBERSHIP, "admit", (account, (1_000 + number).to_bytes(32, "big")))
        for number, account in enumerate(accounts)
        if account not in known
    ]
    if calls:
        await decide_all(ledger, household_address(0), calls)


async def play(folder: Path, node_kind: NodeKind, members: int, ring: int) -> tuple[Report, Round]:
    """A round on a new node."""
    report = Report()
    async with EmbeddedNode(node_kind) as node:
        with report.timed("deployment"):
            deployment = await deploy(node.url, folder / "deployment.json", private=True)
        keys = Keystore.development(deployment.chain_id)
        async with await ChainLedger.connect(node.url, deployment, keys) as ledger:
            people = [Member.of(number, secrets.token_bytes(32)) for number in range(members)]
            with report.timed("members, keys, money"):
                private = await prepare(ledger, people)
            played = Round(private, people, ring, report)
            await played.look()
            await played.play(window_at(ledger.now()) + 2)
    return report, played


def _check_details(seen: SeenOffer, keys: Sequence[Point], reader: Member) -> None:
    details = seen.details(keys, reader.wallet.member)
    if details != _DETAILS.pack(OFFERED_WH, FLOOR_PRICE):
        raise SystemExit(f"{reader.account} cannot read offer {seen.id}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.private_round", description=__doc__)
    parser.add_argument("--node", choices=get_args(NodeKind), default="anvil")
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--ring", type=int, default=RING, help="notes that a payment is among")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="peerwatt-benchmark-") as name:
        report, _ = asyncio.run(play(Path(name), arguments.node, arguments.members, arguments.ring))
    for what, seconds in report.seconds.items():
        print(f"{what:<26} {seconds:6.1f} s")
    steps = ("offers", "agreements and payments", "settlement", "withdrawals")
    total = sum(report.seconds[step] for step in steps)
    aim = AIM_SECONDS[arguments.node]
    print(f"{'round':<26} {total:6.1f} s for {report.trades} trades (aim: {aim} s)")
    for function, gas in report.gas.items():
        print(f"{function:<26} {gas:>10,} gas")


if __name__ == "__main__":
    main()
