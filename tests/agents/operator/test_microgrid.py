from dataclasses import replace
from pathlib import Path

import pytest

from app.agents.directory import Directory
from app.agents.operator.book import AgreementBook
from app.agents.operator.microgrid import DAY_AHEAD, MicrogridOperatorRole
from app.errors import InputError
from app.ledger.model import ModelClock, ModelLedger
from app.ledger.types import Agreement, AgreementState, Terms
from app.market.windows import commit_start, grace_end, hold_end, window_start
from tests.agents.conftest import TERMS, WINDOW
from tests.agents.operator.conftest import Trades


async def test_terms_are_published_a_day_ahead_and_a_day_at_a_time(
    ledger: ModelLedger, enrolled: Directory
) -> None:
    def terms_for(window: int) -> Terms:
        return Terms(90_000, 300_000 + window % 1_000, 40_000)

    operator = MicrogridOperatorRole(ledger, enrolled, terms_for, AgreementBook())
    written = [len((await operator.publish_terms(WINDOW + hour)).written) for hour in range(49)]

    assert written[0] == 2 * DAY_AHEAD
    assert [hour for hour, count in enumerate(written) if count] == [0, 24, 48]
    for hour in range(48 + DAY_AHEAD):
        assert await ledger.terms_of(WINDOW + hour) == terms_for(WINDOW + hour)


async def test_frozen_terms_stay_and_the_others_are_published(
    ledger: ModelLedger, enrolled: Directory, trades: Trades
) -> None:
    seller = enrolled.member("seller").account
    await ledger.make_offer(seller, WINDOW + 2, 100, 80_000)
    other = Terms(90_000, 300_000, 40_000)
    operator = MicrogridOperatorRole(ledger, enrolled, lambda window: other, AgreementBook())

    await operator.publish_terms(WINDOW)

    seen = [await ledger.terms_of(WINDOW + hour) for hour in range(4)]
    assert seen == [other, other, TERMS, other]


async def test_a_window_is_settled_from_its_readings(
    operator: MicrogridOperatorRole, ledger: ModelLedger, trades: Trades
) -> None:
    agreement = await trades.agree(1_000)
    operator.book.add([agreement])
    now = trades.pass_window()
    await operator.record([trades.reading("seller", 1_200, 0), trades.reading("buyer", 0, 900)])

    settlement = await operator.settle(WINDOW, now)

    assert (settlement.settled, settlement.closed, settlement.is_complete) == (1, 2, True)
    state = await ledger.agreement_state(ledger.agreement_id(agreement))
    assert state is AgreementState.SETTLED
    assert operator.book.windows() == []
    totals = await ledger.energy_totals()
    assert totals.injected_wh == totals.withdrawn_wh


async def test_without_a_reading_settlement_waits_until_the_grace_is_over(
    operator: MicrogridOperatorRole, ledger: ModelLedger, clock: ModelClock, trades: Trades
) -> None:
    agreement = await trades.agree(1_000)
    operator.book.add([agreement])
    now = trades.pass_window()
    await operator.record([trades.reading("buyer", 0, 900)])

    waiting = await operator.settle(WINDOW, now)
    assert (waiting.settled, waiting.open_agreements, waiting.is_complete) == (0, 1, False)
    assert waiting.refused == []

    clock.set(grace_end(WINDOW))
    settlement = await operator.settle(WINDOW, clock.now())

    assert (settlement.settled, settlement.is_complete) == (1, True)
    (made,) = [event for event in settlement.events if event.name == "TransactionMade"]
    assert made.arguments["deliveredWh"] == 0


async def test_what_auditors_hold_waits_and_the_others_do_not(
    operator: MicrogridOperatorRole, ledger: ModelLedger, trades: Trades
) -> None:
    agreement = await trades.agree(1_000)
    operator.book.add([agreement])
    now = trades.pass_window()
    await operator.record([trades.reading("seller", 1_200, 0), trades.reading("buyer", 0, 900)])
    seller, buyer = (member.account for member in trades.directory.members)
    auditors = trades.directory.offices.auditors
    await ledger.doubt_reading(auditors[0], buyer, WINDOW)
    await ledger.doubt_reading(auditors[0], seller, WINDOW)

    waiting = await operator.settle(WINDOW, now)
    assert (waiting.settled, waiting.closed, waiting.open_agreements) == (0, 0, 1)
    assert (waiting.open_positions, waiting.refused) == (2, [])

    for auditor in auditors:
        await ledger.confirm_reading(auditor, seller, WINDOW)
    partly = await operator.settle(WINDOW, now)
    assert (partly.settled, partly.closed, partly.open_positions) == (1, 1, 1)
    assert not partly.is_complete

    for auditor in auditors:
        await ledger.confirm_reading(auditor, buyer, WINDOW)
    rest = await operator.settle(WINDOW, now)
    assert (rest.settled, rest.closed, rest.is_complete) == (0, 1, True)


async def test_one_held_sale_does_not_hold_up_the_other(
    operator: MicrogridOperatorRole, ledger: ModelLedger, trades: Trades
) -> None:
    seller, buyer = trades.directory.members
    held = await trades.agree(1_000)
    receipt = await ledger.make_offer(buyer.account, WINDOW + 1, 500, 80_000)
    other = replace(
        held,
        offer_id=int(str(receipt.result)),
        seller=buyer.account,
        buyer=seller.account,
        window=WINDOW + 1,
        energy_wh=500,
        deadline=window_start(WINDOW + 1) - 1,
    )
    trades.clock.set(commit_start(WINDOW + 1))
    await ledger.allow_transactions(buyer.account, [ledger.sign_agreement(other)])
    operator.book.add([held, other])
    now = trades.pass_window(WINDOW + 1)
    await operator.record(
        [
            trades.reading(name, exported_wh, 0, window)
            for name, exported_wh in (("seller", 1_200), ("buyer", 700))
            for window in (WINDOW, WINDOW + 1)
        ]
    )
    auditor = trades.directory.offices.auditors[0]
    await ledger.doubt_reading(auditor, seller.account, WINDOW)

    assert (await operator.settle(WINDOW, now)).open_agreements == 1
    settled = await operator.settle(WINDOW + 1, now)
    assert (settled.settled, settled.closed, settled.is_complete) == (1, 2, True)


async def test_a_hold_that_nobody_ends_runs_out(
    operator: MicrogridOperatorRole, ledger: ModelLedger, clock: ModelClock, trades: Trades
) -> None:
    operator.book.add([await trades.agree(1_000)])
    trades.pass_window()
    await operator.record([trades.reading("seller", 1_200, 0), trades.reading("buyer", 0, 900)])
    seller = trades.directory.member("seller").account
    await ledger.doubt_reading(trades.directory.offices.auditors[0], seller, WINDOW)

    for moment in (grace_end(WINDOW), hold_end(WINDOW) - 1):
        clock.set(moment)
        waiting = await operator.settle(WINDOW, moment)
        assert (waiting.settled, waiting.open_agreements, waiting.refused) == (0, 1, [])

    clock.set(hold_end(WINDOW))
    settlement = await operator.settle(WINDOW, clock.now())
    assert (settlement.settled, settlement.is_complete) == (1, True)


async def test_settling_again_changes_nothing(
    operator: MicrogridOperatorRole, ledger: ModelLedger, trades: Trades
) -> None:
    operator.book.add([await trades.agree(1_000)])
    now = trades.pass_window()
    await operator.record([trades.reading("seller", 1_200, 0), trades.reading("buyer", 0, 900)])
    await operator.settle(WINDOW, now)
    accounts = [await ledger.account_of(m.account) for m in trades.directory.members]

    again = await operator.settle(WINDOW, now)

    assert (again.settled, again.closed, again.is_complete) == (0, 0, True)
    assert accounts == [await ledger.account_of(m.account) for m in trades.directory.members]


async def test_a_bad_reading_does_not_hold_up_the_others(
    operator: MicrogridOperatorRole, ledger: ModelLedger, trades: Trades
) -> None:
    trades.pass_window()
    await operator.record([trades.reading("seller", 1_200, 0)])

    result = await operator.record(
        [trades.reading("seller", 1_300, 0), trades.reading("buyer", 0, 900)]
    )

    ((dropped, error),) = result.dropped
    assert (dropped.reading.exported_wh, error.error) == (1_300, "ReadingConflict")
    buyer = trades.directory.member("buyer").account
    assert (await ledger.reading_of(buyer, WINDOW)).imported_wh == 900


async def test_what_the_treasury_owes_is_paid_when_it_has_money(
    operator: MicrogridOperatorRole, ledger: ModelLedger, trades: Trades
) -> None:
    treasury = trades.directory.offices.treasury
    account = await ledger.account_of(treasury)
    await ledger.withdraw(treasury, account.free)
    seller = trades.directory.member("seller").account

    now = trades.pass_window()
    await operator.record([trades.reading("seller", 10_000, 0), trades.reading("buyer", 0, 0)])
    await operator.settle(WINDOW, now)
    owed = (await operator.credit()).claims
    assert owed == await ledger.claim_of(seller) == 800_000

    await ledger.deposit(treasury, 50_000_000)
    await operator.settle(WINDOW, now)

    assert (await operator.credit()).claims == 0


# The book


def agreement(window: int, salt: int) -> Agreement:
    return Agreement(window << 32, "0xs", "0xb", window, 100, 200_000, 1, salt)


def test_a_book_gives_back_what_is_open_in_order() -> None:
    book = AgreementBook()
    first, second, other = agreement(5, 1), agreement(5, 2), agreement(6, 3)
    book.add([second, other])
    book.add([first, second])

    assert book.open_agreements(5) == [second, first]
    assert book.windows() == [5, 6]

    book.close([second, first])
    assert (book.windows(), book.open_agreements(5)) == ([6], [])


def test_another_process_reads_the_book(tmp_path: Path) -> None:
    path = tmp_path / "run" / "agreements.jsonl"
    big = agreement(5, 2**256 - 1)
    AgreementBook(path).add([big, agreement(6, 1)])
    AgreementBook(path).add([big])

    assert AgreementBook(path).open_agreements(5) == [big]
    assert len(path.read_text().splitlines()) == 2


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "agreements.jsonl"
    AgreementBook(path).add([agreement(5, 1)])
    path.write_text(path.read_text() + '{"offer_id": 7}\n')

    with pytest.raises(InputError) as caught:
        AgreementBook(path)
    assert caught.value.field == f"{path}:2"
