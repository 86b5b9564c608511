"""The operator's word on what was delivered: it has the meters' readings, and nobody else does.

A seller shows it whose agreement it is and how much energy the commitment hides; price and buyer it
does not learn. It signs no more than the meter saw, agreement by agreement, in the order in which
they are shown.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coincurve import PrivateKey

from app.agents.private.journal import Lines
from app.agents.private.wire import from_wire, to_wire
from app.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from app.ledger.private import PrivateAgreementState, PrivateLedger
from app.ledger.types import Address, SignedReading
from app.market.typed_data import is_reading_signed, recover, sign
from app.market.windows import window_end
from app.privacy.pedersen import Opening, commit
from app.privacy.trading import Agreement, Rules, attest
from app.privacy.transcript import address_word, context_of

CLAIM_TAG = "peerwatt/private market/claim/1"

OFFER_INDEX_BITS = 32


@dataclass(frozen=True, slots=True)
class Showing:
    """What a seller shows of an agreement.

    Both the one-time account that has made the offer and the household's own account sign that the
    agreement is the household's (`claim_digest`), so that nobody shows another's.
    """

    household: Address
    agreement: Agreement
    energy: Opening
    by_owner: bytes
    by_household: bytes


@dataclass(frozen=True, slots=True)
class Attestation:
    """The operator's word: what was delivered for an agreement, and its signature under that."""

    household: Address
    agreement_id: bytes
    window: int
    delivered: Opening
    in_full: bool
    signature: bytes


def claim_digest(rules: Rules, agreement_id: bytes, household: Address) -> bytes:
    """What says that an agreement is a household's sale."""
    account = address_word("household", household)
    return context_of(CLAIM_TAG, rules.chain_id, rules.market, agreement_id, account)


def show(
    rules: Rules,
    agreement: Agreement,
    energy: Opening,
    owner: PrivateKey,
    household: tuple[Address, PrivateKey],
) -> Showing:
    """Signs with both keys."""
    account, key = household
    digest = claim_digest(rules, rules.agreement_id(agreement), account)
    return Showing(account, agreement, energy, sign(digest, owner), sign(digest, key))


class AttestingOperator:
    """Compares what sellers show with what their meters saw, and signs."""

    def __init__(
        self,
        private: PrivateLedger,
        key: PrivateKey,
        meters: Mapping[Address, Address],
        path: Path | None = None,
    ) -> None:
        """`meters` are the households' certified ones, by account."""
        self._private = private
        self._key = key
        self._meters = meters
        self._owners = {meter: account for account, meter in meters.items()}
        self._exported: dict[tuple[Address, int], int] = {}
        self._attested: dict[bytes, Attestation] = {}
        self._attested_wh: dict[tuple[Address, int], int] = {}
        self._lines = Lines(path)
        self._turn = asyncio.Lock()
        for place, row in self._lines.read():
            self._keep(from_wire(Attestation, row, place))

    def note(self, signed: SignedReading) -> None:
        """Takes a reading of a household's meter; of a window the first one counts.

        Raises ForbiddenError where no such meter has signed it.
        """
        reading = signed.reading
        owner = self._owners.get(reading.meter)
        domain = self._private.ledger.registry_domain
        if owner is None or not is_reading_signed(domain, signed):
            raise ForbiddenError("the reading is not signed by a household's meter")
        self._exported.setdefault((owner, reading.window), reading.exported_wh)

    def left_wh(self, household: Address, window: int) -> int:
        """What a household's meter saw going out that was not attested for a sale yet."""
        place = household, window
        return self._exported.get(place, 0) - self._attested_wh.get(place, 0)

    async def attest(self, showing: Showing) -> Attestation:
        """Signs how much of an agreement was delivered: what was agreed, or what is left.

        Showing it again gives the same word and uses up nothing.

        Raises:
            ForbiddenError: it is not shown by the household that has sold.
            InputError: what is shown does not open the agreement.
            NotFoundError: there is no such offer.
            ConflictError: the agreement is not open, its window is not over or not metered, or the
                meter saw no more than was attested before.
        """
        rules, agreement = self._private.rules, showing.agreement
        agreement_id = rules.agreement_id(agreement)
        window = agreement.offer_id >> OFFER_INDEX_BITS
        digest = claim_digest(rules, agreement_id, showing.household)
        if showing.household not in self._meters:
            raise ForbiddenError(f"{showing.household} has no meter here")
        if recover(digest, showing.by_household) != showing.household:
            raise ForbiddenError("the household has not signed what it shows")
        offer = await self._private.standing(agreement.offer_id)
        if offer is None:
            raise NotFoundError("the agreement takes from no offer that there is")
        if recover(digest, showing.by_owner) != offer.owner:
            raise ForbiddenError(
                "the offer's owner has not signed that this is the household's sale",
                hint="only who has made the offer can show its agreements",
            )
        if commit(showing.energy) != agreement.energy:
            raise InputError("energy", "must open the agreement's commitment", "something else")
        async with self._turn:
            former = self._attested.get(agreement_id)
            if former is not None:
                return former
            state = await self._private.agreement_state(agreement_id)
            if state is not PrivateAgreementState.OPEN:
                raise ConflictError(f"the agreement is not open but {state.name.lower()}")
            return self._attest(showing, agreement_id, window)

    def _attest(self, showing: Showing, agreement_id: bytes, window: int) -> Attestation:
        household, agreed_wh = showing.household, showing.energy.value
        if self._private.ledger.now() < window_end(window):
            raise ConflictError(f"window {window} is not over")
        if (household, window) not in self._exported:
            raise ConflictError(f"no reading came of window {window}", hint="show it later")
        left_wh = self.left_wh(household, window)
        if left_wh <= 0:
            raise ConflictError("the meter saw no more than was attested before")
        in_full = left_wh >= agreed_wh
        delivered = showing.energy if in_full else Opening.of(left_wh)
        word = attest(self._private.rules, agreement_id, commit(delivered), self._key)
        attestation = Attestation(household, agreement_id, window, delivered, in_full, word)
        self._lines.write(to_wire(attestation))
        self._keep(attestation)
        return attestation

    def _keep(self, attestation: Attestation) -> None:
        place = attestation.household, attestation.window
        before_wh = self._attested_wh.get(place, 0)
        self._attested_wh[place] = before_wh + attestation.delivered.value
        self._attested[attestation.agreement_id] = attestation
