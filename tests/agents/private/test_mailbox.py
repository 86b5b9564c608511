"""One-time mailboxes: who is heard there, and that nothing is left of them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest
from mango import AgentAddress, ExternalClock, activate, create_ec_container
from mango.container.core import Container

from app.agents.agent import StreetAgent
from app.agents.negotiation.communication import UnreliableLines
from app.agents.negotiation.endpoint import address_of
from app.agents.negotiation.ontology import CallForProposal, Header, Message, Party
from app.agents.negotiation.post import Packed, Post
from app.agents.negotiation.seat import Seat
from app.agents.observer import SilentObserver
from app.agents.private.mailbox import MAX_WORDS, Mailbox, Mailboxes
from app.agents.private.words import AgreementRequest, encode
from app.agents.trading.policy import seller_policy
from app.agents.trading.seller import SellerRole
from app.ledger.model import ModelLedger
from app.ledger.types import Address, Offer
from app.privacy.notes import NoteKeys, send_note
from app.scenario.scenario import Plugin
from tests.agents.conftest import WINDOW
from tests.agents.private.sealed import Case

OFFER_ID = 7


@dataclass(slots=True)
class Office:
    """A mailbox of a seller that negotiates with one buyer."""

    container: Container
    post: Post
    mailboxes: Mailboxes
    mailbox: Mailbox
    address: AgentAddress

    async def say(self, sender: str, content: dict[str, object]) -> None:
        self.post.send(sender, self.address, Packed(sender, 0, content))
        await self.post.deliver()

    def heard(self, sender: str, reference: bytes) -> object:
        return self.mailbox.words.word(reference, AgentAddress("street", sender))


@pytest.fixture
async def office(
    ledger: ModelLedger,
    seller: Address,
    buyer: Address,
    seat_of: Callable[[Address], Seat],
) -> AsyncIterator[Office]:
    container = create_ec_container(addr="street", clock=ExternalClock(WINDOW * 3_600 - 2_000))
    post = Post(container, UnreliableLines(1), SilentObserver())
    post.serve({"buyer": container.register(StreetAgent(), suggested_aid="buyer")}, {})
    policy = seller_policy("seller", Plugin("boulware", {}))
    role = SellerRole(seller, ledger, post, policy, lambda window: None)
    async with activate(container):
        mailboxes = Mailboxes(container, post)
        mailbox = mailboxes.open(WINDOW, role)
        role.open(seat_of(seller))
        role.list_offers([Offer(OFFER_ID, seller, WINDOW, 5_000, 80_000, 0, False)])
        address = address_of(mailbox.endpoint)
        assert address is not None
        header = Header("talk", 0, Party.BUYER, buyer, seller, WINDOW, OFFER_ID, 0)
        post.send("buyer", address, Message(header, CallForProposal(900)))
        await post.deliver()
        yield Office(container, post, mailboxes, mailbox, address)
        await post.close()


@pytest.fixture
def request_of(case: Case) -> Callable[[int], AgreementRequest]:
    return lambda number: AgreementRequest(number.to_bytes(32, "big"), case.refund)


async def test_who_negotiates_is_heard(office: Office, request_of) -> None:
    await office.say("buyer", encode(request_of(1)))
    assert office.heard("buyer", request_of(1).reference) == request_of(1)


async def test_the_last_word_counts(office: Office, request_of) -> None:
    first = request_of(1)
    other = replace(first, refund=send_note(NoteKeys(3, 4).address(), 0))
    for word in (first, other):
        await office.say("buyer", encode(word))
    assert office.heard("buyer", first.reference) == other


async def test_nobody_else_is_heard(office: Office, request_of) -> None:
    await office.say("outsider", encode(request_of(1)))
    assert office.heard("outsider", request_of(1).reference) is None


async def test_what_makes_no_sense_is_passed_over(office: Office, request_of) -> None:
    await office.say("buyer", encode(request_of(1)) | {"body": {"reference": 5}})
    assert office.heard("buyer", request_of(1).reference) is None


async def test_nobody_fills_a_mailbox(office: Office, request_of) -> None:
    for number in range(MAX_WORDS + 1):
        await office.say("buyer", encode(request_of(number)))
    assert office.heard("buyer", request_of(MAX_WORDS - 1).reference) is not None
    assert office.heard("buyer", request_of(MAX_WORDS).reference) is None


async def test_names_are_drawn_anew(office: Office, ledger: ModelLedger, seller: Address) -> None:
    policy = seller_policy("seller", Plugin("boulware", {}))
    role = SellerRole(seller, ledger, office.post, policy, lambda window: None)
    other = office.mailboxes.open(WINDOW, role)
    assert other.endpoint != office.mailbox.endpoint


async def test_a_closed_mailbox_is_gone(office: Office, request_of) -> None:
    lost = office.post.counts.lost
    await office.mailboxes.close(WINDOW)

    await office.say("buyer", encode(request_of(1)))

    assert office.post.counts.lost == lost + 1
    assert office.container.is_aid_available(office.address.aid)


async def test_what_is_on_its_way_to_a_closed_mailbox_is_lost(office: Office, request_of) -> None:
    office.post.send("buyer", office.address, Packed("buyer", 0, encode(request_of(1))))
    lost = office.post.counts.lost
    await office.mailboxes.close(WINDOW)

    await office.post.deliver()

    assert office.post.counts.lost == lost + 1
