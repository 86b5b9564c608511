"""Examples for private trading, where it is deployed; see `app.api.examples`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.api.services import Services
from app.chain.keys import household_address
from app.index import private
from app.index.paging import Cut
from app.ledger.types import Address

_LOOKED_AT = Cut(20)

Parameters = Mapping[str, object]
Body = Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class PrivateFacts:
    """What there is to be looked at: a round with an offer, if there is one, and who takes part."""

    window: int
    offer_id: int
    member: Address


async def collect_private(services: Services, window: int) -> PrivateFacts:
    """Looks up what examples can speak of now; `window` where no round was opened."""
    index = services.index
    rounds = (await index.read(lambda each: private.rounds(each, _LOOKED_AT))).items
    latest = next((each for each in rounds if each.offers), rounds[0] if rounds else None)
    if latest is None:
        return PrivateFacts(window, window << 32, household_address(0))
    offers = await index.read(lambda each: private.offers(each, latest.window))
    members = await index.read(private.members)
    accounts = [each.account for each in members if each.key in latest.ring]
    return PrivateFacts(
        latest.window,
        offers[0].offer_id if offers else latest.window << 32,
        accounts[0] if accounts else household_address(0),
    )


def _answer_body(facts: PrivateFacts) -> Body:
    """A claim that doesn't hold: whoever looks at examples has no member's key."""
    return {
        "offer_id": facts.offer_id,
        "account": facts.member,
        "context": "0x" + "00" * 31 + "01",
        "kind": "claim",
        "proof": ["0x" + "00" * 31 + "01"] * 2,
    }


def _fixed(**parameters: object) -> Callable[[PrivateFacts], tuple[Parameters, Body]]:
    return lambda _: (parameters, None)


PRIVATE: Mapping[str, Callable[[PrivateFacts], tuple[Parameters, Body]]] = {
    # A form alone: a proof cannot be made in advance.
    "relay_private_call": lambda _: ({}, {"contract": "NotePool", "data": "0x00000000"}),
    "get_private_trading": _fixed(),
    "list_private_rounds": _fixed(limit=20),
    "get_private_round": lambda facts: ({"window": facts.window}, None),
    "list_private_agreements": _fixed(limit=20),
    "list_notes": _fixed(limit=20),
    "list_note_images": _fixed(limit=20),
    "list_pool_movements": _fixed(limit=20),
    "judge_private_answer": lambda facts: ({}, _answer_body(facts)),
    "get_private_household": lambda facts: ({"account": facts.member}, None),
    "get_private_auditor": _fixed(),
}
"""Parameters and body that each operation is tried with, by its id."""
