"""Sends the private calls of anybody, whose proofs it has verified before, at its own cost.

A call says nothing of who hands it in, nor does the relay ask: a rate is limited by what a call
leaves on the chain anyway, its key images or its agreement.
"""

import asyncio
import random
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Hashable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from eth_utils.hexadecimal import encode_hex

from app.chain.rpc import RpcError
from app.errors import ChainError, ConflictError, ForbiddenError, InputError, UnavailableError
from app.ledger import private_calls as calls
from app.ledger.private import PrivateLedger
from app.ledger.private_batches import KINDS, Line, Part, Sleep, share_of
from app.ledger.private_calls import POOL, PRIVATE_MARKET, PrivateCall
from app.ledger.types import Address, Receipt
from app.market.typed_data import SIGNATURE_LENGTH, private_agreement_digest, recover
from app.privacy.curve import Point, check_point
from app.privacy.rows import from_row
from app.privacy.spending import Purpose, Spend, verify_spend_of_notes
from app.privacy.trading import (
    Agreement,
    AgreementProofs,
    OfferProofs,
    OfferTerms,
    Settlement,
    StandingOffer,
    verify_agreement,
    verify_offers,
    verify_settlement,
)
from app.privacy.transcript import hash_words

WAITING = 16
MAX_RING = 32
MAX_OFFERS = 8
MAX_INPUTS = 4
MAX_METADATA = 4_096
COMPRESSED_KEY = 33

_WORD = 32

# Where the lists are whose members have lists: the words to follow from the call's arguments on.
# Members may share what they point to, so that a short call could be a very long one when decoded.
_NESTED: Mapping[str, Sequence[tuple[Sequence[int], int]]] = {
    "makeOffers": [((0,), MAX_OFFERS), ((1,), MAX_OFFERS)],
    "allowTransaction": [((19, 0), MAX_INPUTS)],
    "transfer": [((0, 0), MAX_INPUTS)],
    "withdraw": [((0, 0), MAX_INPUTS)],
}

Delay = Callable[[], float]
Take = Callable[[Hashable], None]


@dataclass(frozen=True, slots=True)
class _Case:
    """A call that was read: what it leaves behind, and how its proofs are verified.

    `part` is there if it can go with others, `past` if the same is on the chain already.
    """

    call: PrivateCall
    marks: tuple[Hashable, ...]
    holds: Callable[[], bool]
    part: Part | None = None
    past: Receipt | None = None


def no_delay() -> float:
    return 0.0


def random_delay(longest: float) -> Delay:
    """Up to so many seconds, so that a call's arrival doesn't tell when it was sent."""
    generator = random.SystemRandom()
    return lambda: generator.uniform(0, longest)


class PrivateRelay:
    """Pays with `account` for private calls.

    `waiting` is how many may be at work at a time, of which one is verified; `take` takes what a
    rate is limited by, and raises TooManyRequestsError; `delay` is how many seconds a call waits
    between its verification and its sending.

    Offers that come at about the same time go in one transaction, and so do agreements (`Line`).
    Of calls that leave the same behind one is sent at a time, so that the next is refused for
    nothing. The fee of a spend is whoever's it names: the relay asks for none, and pays all the
    same.
    """

    def __init__(
        self,
        private: PrivateLedger,
        account: Address,
        *,
        take: Take,
        waiting: int = WAITING,
        delay: Delay = no_delay,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._private = private
        self._account = account
        self._take = take
        self._waiting = waiting
        self._at_work = 0
        self._delay = delay
        self._sleep = sleep
        self._verifier = asyncio.Lock()
        self._under_way: dict[Hashable, asyncio.Event] = {}
        self._lines = {kind: Line(self._try, self._send, sleep) for kind in KINDS}
        self._readers: Mapping[str, Callable[..., Awaitable[_Case]]] = {
            "makeOffer": self._offer,
            "makeOffers": self._offers,
            "allowTransaction": self._agreement,
            "makeTransaction": self._delivery,
            "makePartialTransaction": self._settlement,
            "cancelTransaction": self._cancellation,
            "transfer": self._transfer,
            "withdraw": self._withdrawal,
        }

    async def relay(self, contract: str, data: bytes) -> Receipt:
        """Executes a call of the private market or its pool.

        Before any gas is spent it raises InputError for what is no such call, ForbiddenError where
        a proof does not hold, ConflictError for what was done before, ContractRevertedError with
        the contract's own error, TooManyRequestsError for the same again and again, and
        UnavailableError when too many calls are at work. An offer or agreement that is on the chain
        already has the receipt of the transaction that put it there.
        """
        with self._place():
            name = self._name(contract, data)
            with self._coming(name):
                case = await self._verified(contract, name, data)
                if case.past is not None:
                    return case.past
                for mark in case.marks:
                    self._take(mark)
                await self._sleep(self._delay())
            async with self._only_one(case.marks):
                if case.part is not None:
                    return await self._lines[name].pass_on(case.part)
                await self._try(case.call)
                return await self._send(case.call)

    def _coming(self, name: str) -> AbstractContextManager[None]:
        return self._lines[name].coming() if name in self._lines else nullcontext()

    async def _verified(self, contract: str, name: str, data: bytes) -> _Case:
        case = await self._read(contract, name, data)
        holds = await self._holds(case)
        if not holds and await self._private.renew():  # it may be for new auditors
            case = await self._read(contract, name, data)
            holds = await self._holds(case)
        if not holds:
            raise ForbiddenError(
                "a proof of this call does not hold",
                hint="was it made for this chain, market, window and slot?",
            )
        return case

    async def _holds(self, case: _Case) -> bool:
        async with self._verifier:
            return await asyncio.to_thread(case.holds)

    @asynccontextmanager
    async def _only_one(self, marks: Sequence[Hashable]) -> AsyncIterator[None]:
        """Waits for calls with any of these marks that are being sent.

        It doesn't let go of the loop where there are none: who leaves `coming` is in the line.
        """
        while before := [self._under_way[mark] for mark in marks if mark in self._under_way]:
            await before[0].wait()
        mine = dict.fromkeys(marks, asyncio.Event())
        self._under_way |= mine
        try:
            yield
        finally:
            for mark, done in mine.items():
                del self._under_way[mark]
                done.set()

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._at_work >= self._waiting:
            raise UnavailableError(
                f"{self._waiting} calls are at work", hint="send it again in some seconds"
            )
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    def _name(self, contract: str, data: bytes) -> str:
        if contract not in (PRIVATE_MARKET, POOL):
            raise InputError("contract", f"is {PRIVATE_MARKET} or {POOL}", contract)
        bound = self._private.ledger.contracts[contract]
        name, start = bound.function_at(data), encode_hex(data[:4])
        if name not in self._readers:
            raise InputError("data", "calls a function that is relayed", start)
        return name

    async def _read(self, contract: str, name: str, data: bytes) -> _Case:
        bound, start = self._private.ledger.contracts[contract], encode_hex(data[:4])
        for path, most in _NESTED.get(name, ()):
            if _length_at(data[4:], path) > most:
                raise InputError("data", f"has lists of at most {most}", start)
        try:
            found = bound.read_input(data)
        except ChainError as error:
            raise InputError("data", f"is input of {contract}", start) from error
        arguments = {} if found is None else found[1]
        case = await self._readers[name](*arguments.values())
        if self._private.encode(case.call) != data:
            raise InputError("data", "is encoded as a wallet does it", start)
        return case

    # Offers

    async def _offer(self, terms: Any, proofs: Any) -> _Case:
        made, proved = _offer(terms, proofs)
        call = calls.make_offer(made, proved)
        traces = frozenset({proved.signature.image[0], made.owner})
        part = Part(call, (made, proved), traces, lambda: self._private.past_offer(made))
        image = proved.signature.image
        if await self._private.is_offer_image_used(made.window, made.slot, image):
            past = await part.find()
            if past is not None:
                return _case_of_past(part, past)
        case = await self._case_of_offers(call, [(made, proved)])
        return replace(case, part=part)

    async def _offers(self, terms: Sequence[Any], proofs: Sequence[Any]) -> _Case:
        if not 1 <= len(terms) <= MAX_OFFERS or len(terms) != len(proofs):
            raise InputError("terms", f"are 1 to {MAX_OFFERS}, each with its proofs", len(terms))
        offers = [_offer(*each) for each in zip(terms, proofs, strict=True)]
        call = calls.make_offers([each for each, _ in offers], [each for _, each in offers])
        return await self._case_of_offers(call, offers)

    async def _case_of_offers(
        self, call: PrivateCall, offers: Sequence[tuple[OfferTerms, OfferProofs]]
    ) -> _Case:
        rules = self._private.rules
        for terms, proofs in offers:
            ring_hash = await self._private.ledger.read(PRIVATE_MARKET, "ringHashOf", terms.window)
            if ring_hash != hash_words(proofs.ring):
                raise ConflictError(f"this is not the ring of window {terms.window}")
            image = proofs.signature.image
            if await self._private.is_offer_image_used(terms.window, terms.slot, image):
                raise ConflictError("this member has made its offer in this slot")
        marks = tuple(
            (terms.window, terms.slot, proofs.signature.image[0]) for terms, proofs in offers
        )
        return _Case(call, marks, lambda: verify_offers(rules, offers))

    # Agreements

    async def _agreement(
        self, agreement: Any, proofs: Any, signature: bytes, payment: Any
    ) -> _Case:
        rules = self._private.rules
        agreed, proved = from_row(Agreement, agreement), from_row(AgreementProofs, proofs)
        spend = _spend(payment)
        _require_signature(signature)
        call = calls.allow_transaction(agreed, proved, signature, spend)
        agreement_id = rules.agreement_id(agreed)
        images = [each[0] for each in spend.images]
        keys = [each.note.key[0] for each in spend.outputs]
        part = Part(
            call,
            (agreed, proved, signature, spend),
            frozenset({agreement_id, *keys, *images}),
            lambda: self._private.past_agreement(agreement_id),
        )
        if await self._private.agreement_state(agreement_id):
            past = await part.find()
            if past is not None:
                return _case_of_past(part, past)
        offer = await self._standing(agreed.offer_id)
        digest = private_agreement_digest(rules.domain, agreement_id)
        if recover(digest, signature) != offer.owner:
            raise ForbiddenError("the offer's owner has not signed this agreement")
        return _Case(
            call,
            await self._marks_of(spend),
            lambda: verify_agreement(rules, offer, agreed, proved, spend),
            part,
        )

    async def _delivery(self, agreement: Any, attestation: bytes) -> _Case:
        agreed = from_row(Agreement, agreement)
        _require_signature(attestation)
        call = calls.make_transaction(agreed, attestation)
        return _Case(call, (self._private.rules.agreement_id(agreed),), _holds)

    async def _settlement(
        self, agreement: Any, delivered: Any, attestation: bytes, settlement: Any
    ) -> _Case:
        rules = self._private.rules
        agreed, settled = from_row(Agreement, agreement), from_row(Settlement, settlement)
        point: Point = check_point("delivered", delivered)
        _require_signature(attestation)
        return _Case(
            calls.make_partial_transaction(agreed, point, attestation, settled),
            (rules.agreement_id(agreed),),
            lambda: verify_settlement(rules, agreed, point, settled),
        )

    async def _cancellation(self, agreement: Any) -> _Case:
        agreed = from_row(Agreement, agreement)
        mark = self._private.rules.agreement_id(agreed)
        return _Case(calls.cancel_transaction(agreed), (mark,), _holds)

    async def _standing(self, offer_id: int) -> StandingOffer:
        window, index = offer_id >> 32, offer_id & 0xFFFFFFFF
        if window >= 1 << 64:
            raise InputError("offerId", "is an offer's", offer_id)
        page, _ = await self._private.ledger.read(PRIVATE_MARKET, "getOffers", window, index, 1)
        if not page:
            raise ConflictError(f"there is no offer {offer_id}")
        return StandingOffer(*page[0][1:])

    # Notes

    async def _transfer(self, spend: Any) -> _Case:
        found = _spend(spend)
        return await self._case_of_spend(calls.transfer(found), found, Purpose.transfer())

    async def _withdrawal(self, spend: Any, recipient: Address, amount: int) -> _Case:
        found = _spend(spend)
        call = calls.withdraw(found, recipient, amount)
        return await self._case_of_spend(call, found, Purpose.withdrawal(recipient, amount))

    async def _case_of_spend(self, call: PrivateCall, spend: Spend, purpose: Purpose) -> _Case:
        pool, marks = self._private.rules.pool, await self._marks_of(spend)
        return _Case(call, marks, lambda: verify_spend_of_notes(pool, spend, purpose))

    async def _marks_of(self, spend: Spend) -> tuple[Hashable, ...]:
        for image in spend.images:
            if await self._private.is_spent(image):
                raise ConflictError("this note was spent before")
        return tuple(image[0] for image in spend.images)

    async def _send(self, call: PrivateCall) -> Receipt:
        return await self._private.send(self._account, call)

    async def _try(self, call: PrivateCall) -> None:
        """Makes the call without a transaction; raises what the contract says."""
        ledger = self._private.ledger
        request = {
            "from": self._account,
            "to": ledger.contracts[call.contract].address,
            "data": encode_hex(self._private.encode(call)),
            "gas": hex(call.gas),
        }
        try:
            await ledger.rpc.read("eth_call", request, "latest")
        except RpcError as error:
            raise ledger.contracts.errors.translate(error, contract=call.contract) from error


def _length_at(arguments: bytes, path: Sequence[int]) -> int:
    """The length of a list, found by the offsets at these places of one struct after another."""
    place = 0
    for number in path:
        place += _word_at(arguments, place + number * _WORD)
    return _word_at(arguments, place)


def _word_at(arguments: bytes, place: int) -> int:
    """Zero behind the end, where there is nothing to decode either."""
    return int.from_bytes(arguments[place : place + _WORD].ljust(_WORD, b"\0"), "big")


def _holds() -> bool:
    """Of calls with no proofs, which the contract tells in a moment whether they hold."""
    return True


def _case_of_past(part: Part, past: Receipt) -> _Case:
    return _Case(part.call, (), _holds, part, share_of(part, past, past.gas_used))


def _offer(terms: Any, proofs: Any) -> tuple[OfferTerms, OfferProofs]:
    made, proved = from_row(OfferTerms, terms), from_row(OfferProofs, proofs)
    if len(made.ephemeral_key) != COMPRESSED_KEY:
        raise InputError("ephemeralKey", f"has {COMPRESSED_KEY} bytes", len(made.ephemeral_key))
    if not 1 <= len(made.metadata) <= MAX_METADATA:
        raise InputError("metadata", f"has 1 to {MAX_METADATA} bytes", len(made.metadata))
    _require_ring(len(proved.ring))
    return made, proved


def _spend(row: Any) -> Spend:
    spend = from_row(Spend, row)
    if not 1 <= len(spend.inputs) <= MAX_INPUTS:
        raise InputError("inputs", f"are 1 to {MAX_INPUTS}", len(spend.inputs))
    for each in spend.inputs:
        _require_ring(len(each.ring))
    return spend


def _require_ring(size: int) -> None:
    if size > MAX_RING:
        raise InputError("ring", f"has at most {MAX_RING} keys", size)


def _require_signature(signature: bytes) -> None:
    if len(signature) != SIGNATURE_LENGTH:
        raise InputError("signature", f"has {SIGNATURE_LENGTH} bytes", len(signature))
