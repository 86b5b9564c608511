"""The operator's word: to whoever has sold, for what the meter saw, and once."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from app.agents.private.attestation import AttestingOperator, Showing, show
from app.chain.keys import OPERATOR, development_address
from app.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from app.ledger.types import Reading, SignedReading
from app.market.typed_data import delivery_digest, recover
from app.market.windows import window_end
from app.privacy.curve import G
from app.privacy.pedersen import Opening, commit
from app.system import development_directory
from tests.agents.private.conftest import SELLER, Life, Sale

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLENTY = 10**6

Shown = Callable[..., Showing]


@pytest.fixture
def directory(scenario):
    return development_directory(scenario)


@pytest.fixture
def reading(life: Life, directory, sales: list[Sale]) -> Callable[[int], SignedReading]:
    """What the seller's meter signs."""
    meter = directory.member(SELLER).meter

    def make(exported_wh: int, meter: str = meter) -> SignedReading:
        window = sales[0].trade.window
        return life.chain.ledger.sign_reading(Reading(meter, window, exported_wh, 0, 0, bytes(32)))

    return make


@pytest.fixture
def operator(life: Life, directory) -> AttestingOperator:
    """One who has attested nothing, and has no readings."""
    return make_operator(life, directory)


def make_operator(life: Life, directory, path: Path | None = None) -> AttestingOperator:
    key = life.access.keys.key_of(development_address(OPERATOR))
    meters = {member.account: member.meter for member in directory.members}
    return AttestingOperator(life.private, key, meters, path)


@pytest.fixture
def shown(life: Life) -> Shown:
    """What a seller shows of a sale."""

    def make(sale: Sale, household: str = SELLER) -> Showing:
        account = life.books[household].view.account
        made = sale.trade.made
        signer = account, life.access.keys.key_of(account)
        return show(life.access.rules, made.agreement, made.energy, sale.offer.owner_key, signer)

    return make


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def over(life: Life, sales: list[Sale]) -> None:
    """The window of the sales is over."""
    await life.chain.clock.advance_to(window_end(sales[0].trade.window))


async def test_nothing_before_the_window_is_over(life, operator, reading, shown, sales) -> None:
    assert life.chain.ledger.now() < window_end(sales[0].trade.window)
    operator.note(reading(PLENTY))

    with pytest.raises(ConflictError, match="is not over"):
        await operator.attest(shown(sales[0]))


async def test_what_was_delivered_is_attested_in_full(
    life, operator, reading, shown, sales, over
) -> None:
    operator.note(reading(PLENTY))
    made = sales[0].trade.made

    word = await operator.attest(shown(sales[0]))

    assert word.in_full
    assert word.delivered == made.energy
    digest = delivery_digest(life.access.rules.domain, made.id, made.agreement.energy)
    assert recover(digest, word.signature) == development_address(OPERATOR)


async def test_no_more_than_was_metered(life, operator, reading, shown, sales, over) -> None:
    agreed_wh = sales[0].trade.made.energy.value
    operator.note(reading(agreed_wh - 1))

    word = await operator.attest(shown(sales[0]))

    assert not word.in_full
    assert word.delivered.value == agreed_wh - 1
    digest = delivery_digest(
        life.access.rules.domain, sales[0].trade.made.id, commit(word.delivered)
    )
    assert recover(digest, word.signature) == development_address(OPERATOR)


async def test_the_same_energy_is_attested_once(operator, reading, shown, sales, over) -> None:
    first, second, third, *_ = sales
    exported_wh = first.trade.made.energy.value + second.trade.made.energy.value // 2
    operator.note(reading(exported_wh))

    words = [await operator.attest(shown(each)) for each in (first, second)]
    with pytest.raises(ConflictError, match="no more than was attested"):
        await operator.attest(shown(third))

    assert sum(word.delivered.value for word in words) == exported_wh
    assert [word.in_full for word in words] == [True, False]


async def test_showing_it_again_gives_the_same_word(
    life, operator, reading, shown, sales, over
) -> None:
    operator.note(reading(PLENTY))
    word = await operator.attest(shown(sales[0]))
    left_wh = operator.left_wh(word.household, word.window)

    assert await operator.attest(shown(sales[0])) == word
    assert operator.left_wh(word.household, word.window) == left_wh


async def test_a_restarted_operator_knows_what_it_has_attested(
    life, directory, reading, shown, sales, over, tmp_path
) -> None:
    first, second = sales[:2]
    exported_wh = first.trade.made.energy.value
    before = make_operator(life, directory, tmp_path / "operator.jsonl")
    before.note(reading(exported_wh))
    word = await before.attest(shown(first))

    after = make_operator(life, directory, tmp_path / "operator.jsonl")
    after.note(reading(exported_wh))

    assert await after.attest(shown(first)) == word
    with pytest.raises(ConflictError, match="no more than was attested"):
        await after.attest(shown(second))


# Refusals


async def refused(attesting: Awaitable[object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        await attesting


async def test_not_to_another_household(life, operator, reading, shown, sales, over) -> None:
    """The buyer knows all openings of an agreement, too, and has a meter."""
    operator.note(reading(PLENTY))
    buyer = life.books[sales[0].buyer].view.account
    key = life.access.keys.key_of(buyer)
    made = sales[0].trade.made
    own = show(life.access.rules, made.agreement, made.energy, key, (buyer, key))

    await refused(operator.attest(own), ForbiddenError, "offer's owner has not signed")


async def test_not_with_a_signature_for_somebody_else(
    life, operator, reading, shown, sales, over
) -> None:
    operator.note(reading(PLENTY))
    buyer = life.books[sales[0].buyer].view.account
    stolen = replace(shown(sales[0]), household=buyer)

    await refused(operator.attest(stolen), ForbiddenError, "household has not signed")


async def test_not_to_an_outsider(operator, reading, shown, sales, over) -> None:
    operator.note(reading(PLENTY))
    outsider = replace(shown(sales[0]), household=development_address(OPERATOR))

    await refused(operator.attest(outsider), ForbiddenError, "no meter here")


@pytest.mark.parametrize(("value", "blinding"), [(1, 0), (0, 1)])
async def test_not_for_a_wrong_opening(
    operator, reading, shown, sales, over, value, blinding
) -> None:
    operator.note(reading(PLENTY))
    showing = shown(sales[0])
    wrong = replace(showing, energy=showing.energy + Opening(value, blinding))

    await refused(operator.attest(wrong), InputError, "must open the agreement")


async def test_not_for_what_nobody_has_paid(life, operator, reading, shown, sales, over) -> None:
    operator.note(reading(PLENTY))
    unpaid = replace(sales[0].trade.made.agreement, payout_key=G)
    account = life.books[SELLER].view.account
    signer = account, life.access.keys.key_of(account)
    energy, owner = sales[0].trade.made.energy, sales[0].offer.owner_key
    showing = show(life.access.rules, unpaid, energy, owner, signer)

    await refused(operator.attest(showing), ConflictError, "is not open but none")


async def test_not_for_an_offer_that_is_not_there(operator, shown, life, sales, over) -> None:
    nowhere = replace(sales[0].trade.made.agreement, offer_id=1)
    account = life.books[SELLER].view.account
    signer = account, life.access.keys.key_of(account)
    energy, owner = sales[0].trade.made.energy, sales[0].offer.owner_key
    showing = show(life.access.rules, nowhere, energy, owner, signer)

    await refused(operator.attest(showing), NotFoundError, "no offer")


async def test_not_without_a_reading(operator, shown, sales, over) -> None:
    await refused(operator.attest(shown(sales[0])), ConflictError, "no reading came")


async def test_a_meter_signs_its_readings_itself(operator, directory, reading, sales) -> None:
    foreign = reading(PLENTY, directory.member("H01").meter)
    forged = replace(foreign, reading=reading(PLENTY).reading)

    with pytest.raises(ForbiddenError, match="not signed"):
        operator.note(forged)


async def test_the_first_reading_counts(operator, reading, life, sales) -> None:
    account, window = life.books[SELLER].view.account, sales[0].trade.window
    operator.note(reading(100))
    operator.note(reading(PLENTY))

    assert operator.left_wh(account, window) == 100
