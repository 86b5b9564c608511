"""The contracts of private trading, four members with keys, and notes in the pool."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from brownie import PrivacyProbe, accounts, chain
from brownie.network.account import Account

from app.privacy.audit import AuditorKey
from app.privacy.clsag import SpendableNote
from app.privacy.curve import Point
from app.privacy.keys import MemberKey
from app.privacy.notes import Note, NoteKeys, send_note
from app.privacy.randomness import Entropy, system_entropy
from scripts.decide import decide
from scripts.deploy import System
from scripts.deploy_privacy import Privacy, Verifiers, deploy_privacy, operator_calls
from tests.contracts.conftest import CEILING, DEPOSIT, FLOOR, WINDOW, index_of, travel_to
from tests.contracts.privacy import trading
from tests.contracts.privacy.trading import Trading, as_abi_message, ring_of, wallet_note
from tests.contracts.signing import key as account_key
from tests.privacy import cases

NOTE_AMOUNTS = (5_000_000, 700_000, 1_000_000, 3)


@dataclass(frozen=True)
class Purse:
    """Somebody's note keys and the notes that are in the pool for them."""

    keys: NoteKeys
    notes: list[SpendableNote]


@pytest.fixture(scope="session")
def auditors_key() -> AuditorKey:
    return cases.auditor()


@pytest.fixture(scope="session")
def privacy(system: System, auditors_key: AuditorKey, members: list[Account]) -> Privacy:
    privacy = deploy_privacy(accounts[0], system, auditors_key.public)
    decide(system, operator_calls(system, privacy), members, "The operator has its part")
    return privacy


@pytest.fixture(scope="session")
def verifiers(privacy: Privacy) -> Verifiers:
    return privacy.verifiers


@pytest.fixture(scope="session")
def pool(privacy: Privacy) -> Any:
    return privacy.pool


@pytest.fixture(scope="session")
def private_market(privacy: Privacy) -> Any:
    return privacy.market


@pytest.fixture(scope="session")
def probe() -> Any:
    return accounts[0].deploy(PrivacyProbe, silent=True)


@pytest.fixture(scope="session")
def trade(private_market: Any, pool: Any, auditors_key: AuditorKey) -> Trading:
    """Says what members say to this market."""
    return Trading(
        chain.id, private_market.address, pool.address, auditors_key.public, FLOOR, CEILING
    )


@pytest.fixture(scope="session")
def member_keys(private_market: Any, trade: Trading, members: list[Account]) -> list[MemberKey]:
    """The registered keys of the members, in their order."""
    keys = cases.members(len(members))
    for key, member in zip(keys, members, strict=True):
        proof = trade.possession(key, member.address)
        private_market.publishInfo(key.public, proof, {"from": member, "silent": True})
    return keys


@pytest.fixture(scope="session")
def ring(member_keys: list[MemberKey]) -> list[Point]:
    return cases.publics(member_keys)


@pytest.fixture(scope="session")
def depositor(pool: Any, payment_token: Any, fund: Callable[..., Any]) -> Account:
    """Somebody with money that the pool may take."""
    depositor = accounts[50]
    fund(depositor, 10 * DEPOSIT)
    payment_token.approve(pool, 2**256 - 1, {"from": depositor, "silent": True})
    return depositor


@pytest.fixture(scope="session")
def give_note(pool: Any, depositor: Account) -> Callable[..., SpendableNote]:
    """Deposits a note for somebody."""

    def give_note(keys: NoteKeys, amount: int, entropy: Entropy = system_entropy) -> SpendableNote:
        sent = send_note(keys.address(), amount, entropy=entropy)
        pool.deposit(
            amount,
            sent.opening.blinding,
            sent.note.key,
            as_abi_message(sent.message),
            {"from": depositor, "silent": True},
        )
        return wallet_note(keys, sent)

    return give_note


@pytest.fixture(scope="session")
def payer(give_note: Callable[..., SpendableNote]) -> Purse:
    """Who buys in private."""
    keys = cases.note_keys("payer")
    return Purse(keys, [give_note(keys, amount) for amount in NOTE_AMOUNTS])


@pytest.fixture(scope="session")
def payee(give_note: Callable[..., SpendableNote]) -> Purse:
    """Who sells in private."""
    keys = cases.note_keys("payee")
    return Purse(keys, [give_note(keys, 2_000_000)])


@pytest.fixture(scope="session")
def decoys(payer: Purse, payee: Purse) -> list[Note]:
    """A ring of three of the payer's notes and one of the payee's."""
    return ring_of(*(item.note for item in [*payer.notes[:3], *payee.notes]))


@pytest.fixture(scope="session")
def settled_memory(member_keys: list[MemberKey], decoys: list[Note], probe: Any) -> None:
    """Every test begins with these, in place of the street."""
    gc.collect()
    gc.freeze()


# A trade, step by step


@pytest.fixture
def private_round(private_market: Any) -> None:
    """The round of the window is open."""
    private_market.openRound(WINDOW, {"from": accounts[6]})


@pytest.fixture
def private_offer(
    private_round: None,
    private_market: Any,
    trade: Trading,
    member_keys: list[MemberKey],
    ring: list[Point],
    relayer: Account,
) -> trading.PrivateOffer:
    """The second member's offer of 5 kWh for at least 0.10 a kWh."""
    offer = trade.offer(member_keys[1], ring, WINDOW)
    private_market.makeOffer(offer.terms, offer.proofs, {"from": relayer})
    return offer


@pytest.fixture
def early_agreement(
    private_offer: trading.PrivateOffer, trade: Trading, payer: Purse, payee: Purse
) -> trading.PrivateAgreement:
    """2,001 Wh of it for 0.200001 a kWh: nothing comes out even."""
    return trade.agreement(
        private_offer,
        WINDOW << 32,
        payee.keys,
        payer.keys,
        energy_wh=2_001,
        price=200_001,
    )


@pytest.fixture
def private_agreement(early_agreement: trading.PrivateAgreement) -> trading.PrivateAgreement:
    """In the commit margin."""
    travel_to(WINDOW * 3600 - 200)
    return early_agreement


@pytest.fixture
def payment(
    early_agreement: trading.PrivateAgreement, trade: Trading, payer: Purse, decoys: list[Note]
) -> Any:
    return trade.payment(early_agreement, payer.notes[0], decoys, payer.keys)


@pytest.fixture
def written(
    private_agreement: trading.PrivateAgreement,
    payment: Any,
    private_market: Any,
    relayer: Account,
) -> trading.PrivateAgreement:
    """The agreement is written and the payer's money locked."""
    agreement = private_agreement
    private_market.allowTransaction(
        agreement.struct,
        agreement.proofs,
        agreement.seller_signature,
        payment,
        {"from": relayer},
    )
    return agreement


@pytest.fixture
def allowed(written: trading.PrivateAgreement) -> trading.PrivateAgreement:
    """And the window is over."""
    travel_to((WINDOW + 1) * 3600)
    return written


@pytest.fixture(scope="session")
def operator_key(operator: Account) -> Any:
    """What the operator signs by."""
    return account_key(index_of(operator))
