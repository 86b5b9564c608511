"""Examples for private trading, where it is deployed; see `app.api.examples`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.api.services import Services
from app.index import private
from app.index.paging import Cut

Parameters = Mapping[str, object]
Body = Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class PrivateFacts:
    """What there is to be looked at: the window of the latest round."""

    window: int


async def collect_private(services: Services, window: int) -> PrivateFacts:
    """Looks up what examples can speak of now; `window` where no round was opened."""
    rounds = (await services.index.read(lambda each: private.rounds(each, Cut(1)))).items
    return PrivateFacts(rounds[0].window if rounds else window)


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
}
"""Parameters and body that each operation is tried with, by its id."""
