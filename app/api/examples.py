"""Examples for the interactive documentation that work as they stand, at the moment they are shown.

They are made from what the market holds: real offers, agreements and readings, windows that can
still be traded, requests that are really signed. All accounts are development accounts.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from app.api.community_examples import (
    COMMUNITY_EXAMPLES,
    CommunityFacts,
    collect_community,
)
from app.api.private_examples import PRIVATE, PrivateFacts, collect_private
from app.api.schemas.agreements import AgreementTerms
from app.api.schemas.relay import RelayedCall
from app.api.services import Services
from app.chain.gas import bound_of
from app.chain.keys import AUDITORS, KEEPER, development_address
from app.chain.keys import household_address as household
from app.chain.keys import meter_address as meter
from app.index import auction, queries
from app.index.paging import Cut
from app.index.records import AgreementRecord, OfferRecord, OrderRecord, ReadingRecord
from app.ledger.chain import MARKET
from app.ledger.types import Address, Agreement, Reading
from app.market.typed_data import ForwardRequest, forward_request_digest, sign
from app.market.windows import COMMIT_MARGIN, window_at, window_start

_AHEAD = 24
_DAY = 86_400
_SPARE = 99
_LOOKED_AT = 20
_PRICE = 150_000
_NO_HASH = "0x" + "00" * 31 + "01"


@dataclass(frozen=True, slots=True)
class Example:
    """Values for an operation's parameters, and its body."""

    parameters: Mapping[str, object] = field(default_factory=dict)
    body: object = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the market holds that examples can speak of; addresses as account numbers 20, 21."""

    now: int
    window: int
    seller: Address
    buyer: Address
    depositor: Address
    withdrawer: Address
    offer_id: int
    open_offer: OfferRecord | None
    order_id: int
    open_order: OrderRecord | None
    cleared_window: int
    agreement: Agreement
    agreement_id: str
    agreement_signature: str
    settled_id: str
    transaction_hash: str
    reading: Reading
    reading_signature: str
    position: tuple[Address, int]
    participant: Mapping[str, object]
    relayed: Mapping[str, object]
    community: CommunityFacts
    private: PrivateFacts


async def collect(services: Services) -> Facts:
    """Looks up what examples can speak of now."""
    index, now = services.index, services.clock.now()
    window = window_at(now + COMMIT_MARGIN) + 1 + _AHEAD
    closed = window_at(now + COMMIT_MARGIN)
    seller, buyer = household(0), household(1)
    latest = Cut(200)
    offers = (await index.read(lambda each: queries.offers(each, latest, open_after=closed))).items
    orders = (await index.read(lambda each: auction.orders(each, latest, now=now))).items
    cleared = await index.read(auction.latest_clearing)
    agreements = (await index.read(lambda each: queries.agreements(each, latest))).items
    settled = await index.read(lambda each: queries.settlements(each, Cut(1)))
    positions = await index.read(lambda each: queries.positions(each, Cut(1)))
    readings = (await index.read(lambda each: queries.readings(each, latest))).items
    sent = await index.read(lambda each: queries.transactions(each, Cut(1)))
    published = await index.read(lambda each: queries.participant(each, seller))
    ledger = services.ledger

    async def has_tokens(account: Address) -> bool:
        return await ledger.payment_balance_of(account) > 0

    async def has_free_money(account: Address) -> bool:
        return (await ledger.account_of(account)).free > 0

    depositor = await _first(has_tokens)
    agreement, signature = _agreement(services, agreements, seller, buyer, window)
    reading, reading_signature = _reading(services, readings, window_at(now) - 1)
    return Facts(
        now=now,
        window=window,
        seller=seller,
        buyer=buyer,
        depositor=depositor,
        withdrawer=await _first(has_free_money),
        offer_id=offers[0].offer_id if offers else window << 32,
        open_offer=_open_offer(services, offers, closed),
        order_id=orders[0].order_id if orders else 1,
        open_order=_open_order(services, orders),
        cleared_window=cleared.window if cleared else closed,
        agreement=agreement,
        agreement_id=services.index.reader.agreement_id(agreement),
        agreement_signature=signature,
        settled_id=settled.items[0].agreement_id if settled.items else _NO_HASH,
        transaction_hash=sent.items[0].hash if sent.items else _NO_HASH,
        reading=reading,
        reading_signature=reading_signature,
        position=(
            (positions.items[0].participant, positions.items[0].window)
            if positions.items
            else (seller, window_at(now) - 1)
        ),
        participant={
            "from": seller,
            "endpoint": published.endpoint if published else "tcp://127.0.0.1:5555/household-0",
            "household_id": published.household_id if published else _NO_HASH,
            "meter": published.meter if published else meter(0),
            "stealth_meta_address": published.stealth_meta_address if published else "0x",
        },
        relayed=await _relayed(services, seller, window),
        community=await collect_community(services, now, depositor),
        private=await collect_private(services, window),
    )


def _fixed(**parameters: object) -> Callable[[Facts], Example]:
    example = Example(parameters)
    return lambda _: example


def _signs(services: Services, address: Address) -> bool:
    return services.development is not None and address in services.development


def _agreement(
    services: Services,
    found: tuple[AgreementRecord, ...],
    seller: Address,
    buyer: Address,
    window: int,
) -> tuple[Agreement, str]:
    """The latest that development accounts have negotiated, with its buyer's signature."""
    agreement = Agreement(window << 32, seller, buyer, window, 100, _PRICE, window_start(window), 1)
    for record in found:
        known = record.buy_id is None and record.deadline is not None and record.salt is not None
        if known and _signs(services, record.seller) and _signs(services, record.buyer):
            agreement = Agreement(
                record.offer_id,
                record.seller,
                record.buyer,
                record.window,
                record.energy_wh,
                record.price,
                record.deadline or 0,
                record.salt or 0,
            )
            break
    if not _signs(services, agreement.buyer):
        return agreement, "0x" + "00" * 65
    return agreement, "0x" + services.ledger.sign_agreement(agreement).signature.hex()


def _reading(
    services: Services, found: tuple[ReadingRecord, ...], window: int
) -> tuple[Reading, str]:
    """The latest reading of a development meter, with its signature."""
    reading = Reading(meter(0), window, 0, 250)
    for record in found:
        if _signs(services, record.meter):
            reading = Reading(
                record.meter,
                record.window,
                record.exported_wh,
                record.imported_wh,
                record.losses_wh,
                bytes.fromhex(record.data_root[2:]),
            )
            break
    if not _signs(services, reading.meter):
        return reading, "0x" + "00" * 65
    return reading, "0x" + services.ledger.sign_reading(reading).signature.hex()


def _open_offer(
    services: Services, offers: tuple[OfferRecord, ...], closed: int
) -> OfferRecord | None:
    """Of the offers that a development account can take back, the one that is open for longest."""
    ours = [
        each
        for each in offers
        if each.window > closed and not each.cancelled and _signs(services, each.seller)
    ]
    return max(ours, key=lambda each: each.window, default=None)


def _open_order(services: Services, orders: tuple[OrderRecord, ...]) -> OrderRecord | None:
    """Of the orders that a development account can take back, the one that is open for longest."""
    ours = [each for each in orders if each.state == "open" and _signs(services, each.owner)]
    return max(ours, key=lambda each: each.book or 0, default=None)


async def _first(holds: Callable[[Address], Awaitable[bool]]) -> Address:
    """The first of the first households for which something holds; without one, the first."""
    for number in range(_LOOKED_AT):
        if await holds(household(number)):
            return household(number)
    return household(0)


async def _relayed(services: Services, signer: Address, window: int) -> Mapping[str, object]:
    """A request of `signer` to make an offer, signed."""
    ledger = services.ledger
    market = ledger.contracts[MARKET]
    request = ForwardRequest(
        sender=signer,
        to=market.address,
        gas=bound_of("makeOffer").of(),
        nonce=await services.relayer.nonce_of(signer),
        deadline=ledger.now() + _DAY,
        data=market.encode("makeOffer", window, 200, _PRICE),
    )
    signature = bytes(65)
    if services.development is not None and signer in services.development:
        digest = forward_request_digest(ledger.forwarder_domain, request)
        signature = sign(digest, services.development.key_of(signer))
    return {
        "request": RelayedCall.of(request).model_dump(by_alias=True),
        "signature": "0x" + signature.hex(),
    }


def _terms(facts: Facts) -> dict[str, object]:
    return AgreementTerms.of(facts.agreement).model_dump()


def _signed_terms(facts: Facts) -> list[dict[str, object]]:
    return [{"agreement": _terms(facts), "signature": facts.agreement_signature}]


def _reading_body(facts: Facts) -> dict[str, object]:
    return {
        "window": facts.reading.window,
        "exported_wh": facts.reading.exported_wh,
        "imported_wh": facts.reading.imported_wh,
        "losses_wh": facts.reading.losses_wh,
        "data_root": "0x" + facts.reading.data_root.hex(),
    }


def _offer_body(facts: Facts) -> dict[str, object]:
    return {
        "from": facts.seller,
        "window": facts.window,
        "energy_wh": 500,
        "floor_price": _PRICE,
    }


def _order_body(facts: Facts) -> dict[str, object]:
    return {
        "from": facts.buyer,
        "side": "buy",
        "window": facts.window,
        "energy_wh": 500,
        "limit_price": _PRICE,
        "expires_at": window_start(facts.window + 2),
    }


def _cancel_order_body(facts: Facts) -> dict[str, object]:
    return {"from": facts.open_order.owner if facts.open_order else facts.buyer}


def _cancelled_order_id(facts: Facts) -> int:
    return facts.open_order.order_id if facts.open_order else facts.order_id


def _cancel_body(facts: Facts) -> dict[str, object]:
    return {"from": facts.open_offer.seller if facts.open_offer else facts.seller}


def _cancelled_id(facts: Facts) -> int:
    return facts.open_offer.offer_id if facts.open_offer else facts.offer_id


def _positions_body(facts: Facts) -> dict[str, object]:
    participant, window = facts.position
    return {
        "from": development_address(KEEPER),
        "window": window,
        "participants": [participant],
    }


def _settle_body(facts: Facts) -> dict[str, object]:
    return {"from": development_address(KEEPER), "agreement_ids": [facts.settled_id]}


def _permit_body(facts: Facts) -> dict[str, object]:
    return {
        "from": facts.depositor,
        "amount": 1,
        "permit_deadline": facts.now + _DAY,
        "permit_signature": "0x" + "00" * 64 + "1b",
    }


def _of_community(name: str) -> Callable[[Facts], Example]:
    make = COMMUNITY_EXAMPLES[name]
    return lambda facts: Example(*make(facts.community))


EXAMPLES: Mapping[str, Callable[[Facts], Example]] = {
    "list_participants": _fixed(limit=20),
    "get_participant": lambda facts: Example({"address": facts.seller}),
    "publish_info": lambda facts: Example(body=facts.participant),
    "certify_meter": lambda facts: Example(
        body={
            "from": development_address(AUDITORS[0]),
            "meter": meter(_SPARE),
            "owner": household(_SPARE),
            "kind": "household",
            "valid_until": facts.now + 365 * _DAY,
        }
    ),
    "list_offers": _fixed(limit=20),
    "get_offer": lambda facts: Example({"offer_id": facts.offer_id}),
    "make_offer": lambda facts: Example(body=_offer_body(facts)),
    "cancel_offer": lambda facts: Example({"offer_id": _cancelled_id(facts)}, _cancel_body(facts)),
    "list_orders": _fixed(limit=20),
    "get_order": lambda facts: Example({"order_id": facts.order_id}),
    "place_order": lambda facts: Example(body=_order_body(facts)),
    "cancel_order": lambda facts: Example(
        {"order_id": _cancelled_order_id(facts)}, _cancel_order_body(facts)
    ),
    "get_auction": lambda facts: Example({"window": facts.cleared_window}),
    "clear_book": lambda facts: Example(
        {"window": facts.cleared_window}, {"from": development_address(KEEPER)}
    ),
    "list_agreements": _fixed(limit=20),
    "get_agreement": lambda facts: Example({"agreement_id": facts.agreement_id}),
    "sign_agreement": lambda facts: Example(
        body={"from": facts.agreement.buyer, "agreement": _terms(facts)}
    ),
    "allow_transactions": lambda facts: Example(
        body={"from": facts.agreement.seller, "agreements": _signed_terms(facts)}
    ),
    "list_settlements": _fixed(limit=20),
    "get_settlement": lambda facts: Example({"agreement_id": facts.settled_id}),
    "settle_agreements": lambda facts: Example(body=_settle_body(facts)),
    "list_readings": _fixed(limit=20),
    "sign_reading": lambda facts: Example(
        body={"from": facts.reading.meter} | _reading_body(facts)
    ),
    "submit_readings": lambda facts: Example(
        body={
            "readings": [
                {"meter": facts.reading.meter, "signature": facts.reading_signature}
                | _reading_body(facts)
            ]
        }
    ),
    "list_positions": _fixed(limit=20),
    "close_positions": lambda facts: Example(body=_positions_body(facts)),
    "list_balances": _fixed(limit=20),
    "get_balance": lambda facts: Example({"address": facts.seller}),
    "list_movements": lambda facts: Example({"address": facts.seller}),
    "deposit": lambda facts: Example(body={"from": facts.depositor, "amount": 1}),
    "withdraw": lambda facts: Example(body={"from": facts.withdrawer, "amount": 1}),
    "pay_claim": lambda facts: Example(
        body={"from": development_address(KEEPER), "participant": facts.seller}
    ),
    "get_market": _fixed(),
    "get_clock": _fixed(),
    "get_summary": _fixed(),
    "list_windows": lambda facts: Example(
        {"first": window_at(facts.now) - 23, "last": window_at(facts.now)}
    ),
    "get_window": lambda facts: Example({"window": window_at(facts.now)}),
    "list_transactions": _fixed(limit=20),
    "get_transaction": lambda facts: Example({"transaction_hash": facts.transaction_hash}),
    "list_proposals": _fixed(limit=20),
    "want_energy": lambda facts: Example(
        {"prefer": "wait=30"},
        {"from": facts.buyer, "energy_wh": 200, "limit_price": 300_000},
    ),
    "relay": lambda facts: Example(body=facts.relayed),
    "typed_agreement": lambda facts: Example(body=_terms(facts)),
    "typed_reading": lambda facts: Example(
        body={"meter": facts.reading.meter} | _reading_body(facts)
    ),
    "typed_permit": lambda facts: Example(
        body={"owner": facts.depositor, "amount": 1, "deadline": facts.now + _DAY}
    ),
    "typed_publish_info": lambda facts: Example(body=facts.participant),
    "typed_make_offer": lambda facts: Example(body=_offer_body(facts)),
    "typed_cancel_offer": lambda facts: Example(
        body=_cancel_body(facts) | {"offer_id": _cancelled_id(facts)}
    ),
    "typed_place_order": lambda facts: Example(body=_order_body(facts)),
    "typed_cancel_order": lambda facts: Example(
        body=_cancel_order_body(facts) | {"order_id": _cancelled_order_id(facts)}
    ),
    "typed_allow_transactions": lambda facts: Example(
        body={"from": facts.agreement.seller, "agreements": _signed_terms(facts)}
    ),
    "typed_make_transactions": lambda facts: Example(body=_settle_body(facts)),
    "typed_close_positions": lambda facts: Example(body=_positions_body(facts)),
    "typed_deposit": lambda facts: Example(body={"from": facts.depositor, "amount": 1}),
    "typed_deposit_with_permit": lambda facts: Example(body=_permit_body(facts)),
    "typed_withdraw": lambda facts: Example(body={"from": facts.withdrawer, "amount": 1}),
    "typed_pay_claim": lambda facts: Example(
        body={"from": facts.seller, "participant": facts.seller}
    ),
    "stream_events": _fixed(),
    "get_health": _fixed(),
    "get_readiness": _fixed(),
    **{name: _of_community(name) for name in COMMUNITY_EXAMPLES},
}
"""How each operation is tried, by its id."""


def _of_private(name: str) -> Callable[[Facts], Example]:
    make = PRIVATE[name]
    return lambda facts: Example(*make(facts.private))


PRIVATE_EXAMPLES: Mapping[str, Callable[[Facts], Example]] = {
    name: _of_private(name) for name in PRIVATE
}
"""How operations are tried that are there with private trading."""
