"""docs/auction.md says what the market does: its example is played on the model."""

import contextlib
import io
import re
from decimal import Decimal
from pathlib import Path

import pytest

from app.ledger.fills import fill_agreements
from app.ledger.types import Order, Side
from app.market.auction import clear_book, cover_rate, earliest_expiry, explain_book
from app.market.clearing import PricingRule
from app.market.settlement import locks_of
from app.market.units import MONEY_UNIT, WH_PER_KWH, money_from_decimal
from app.market.windows import commit_start
from tests.ledger.calls import refusal_of
from tests.ledger.conftest import DEPOSIT, TERMS, WINDOW

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def manual() -> str:
    return (Path(__file__).parents[2] / "docs" / "auction.md").read_text(encoding="utf-8")


def table(manual: str, first: str, second: str) -> Rows:
    """The rows of the table whose header begins with two words."""
    lines = iter(manual.splitlines())
    header = next(cells for cells in map(_cells, lines) if cells[:2] == [first, second])
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(header, _cells(line), strict=True)))
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip("| ").split("|")]


def money(text: str) -> int:
    return money_from_decimal(Decimal(text))


def energy(text: str) -> int:
    return int(Decimal(text) * WH_PER_KWH)


@pytest.fixture
def orders(manual) -> list[Order]:
    return [
        Order(
            int(row["order"]),
            row["who"],
            Side[row["side"].upper()],
            energy(row["kWh"]),
            money(row["limit"]),
            WINDOW,
            WINDOW + 1,
        )
        for row in table(manual, "order", "who")
    ]


def test_the_example_has_the_terms_of_these_tests(manual):
    assert (TERMS.grid_floor, TERMS.grid_ceiling) == (money("0.08"), money("0.32"))
    assert TERMS.penalty_rate == money("0.05")
    assert "The grid pays 0.08 and asks 0.32 a kWh" in manual
    assert "does not deliver pays 0.05 a kWh on top" in manual


@pytest.mark.parametrize("rule", PricingRule)
def test_matches_and_prices(manual, orders, rule):
    fills = clear_book(orders, TERMS, rule).fills

    assert [(f.buy_id, f.sell_id, f.quantity_wh, f.price) for f in fills] == [
        (int(row["buy"]), int(row["sell"]), energy(row["kWh"]), money(row[rule.name]))
        for row in table(manual, "buy", "sell")
    ]


def test_volume_gain_and_reasons(manual, orders):
    told = explain_book(orders, TERMS, PricingRule.MIDPOINT)

    assert f"{told.cleared_wh / WH_PER_KWH:g} kWh are traded" in manual
    assert f"the five gain {told.welfare / MONEY_UNIT:g}," in manual
    reasons = {int(row["order"]): row["reason"] for row in table(manual, "order", "reason")}
    assert told.reasons == reasons


async def test_what_the_ledger_makes_of_it(manual, ledger, clock, orders, enrol, keeper):
    accounts = {order.owner: await enrol(order.owner) for order in orders}
    for order in orders:
        placed = await ledger.place_order(
            accounts[order.owner],
            order.side,
            order.energy_wh,
            order.limit_price,
            WINDOW,
            earliest_expiry(WINDOW + 1),
        )
        assert placed.result == order.id
    locked = {who: (await ledger.account_of(account)).locked for who, account in accounts.items()}
    clock.set(commit_start(WINDOW))
    agreements = fill_agreements(await ledger.clear(keeper, WINDOW))
    left = {order.id: order for order in await ledger.orders(WINDOW + 1)}

    for row, order in zip(table(manual, "who", "locked by the order"), orders, strict=True):
        account = accounts[row["who"]]
        by_agreements = sum(
            locks_of(a.energy_wh, a.price, TERMS).escrow * (a.buyer == account)
            + locks_of(a.energy_wh, a.price, TERMS).bond * (a.seller == account)
            for a in agreements
        )
        rest = left[order.id].energy_wh if order.id in left else 0
        by_order = rest * cover_rate(order.side, order.limit_price, TERMS)
        now = await ledger.account_of(account)
        assert locked[row["who"]] == money(row["locked by the order"])
        assert by_agreements == money(row["locked by agreements"])
        assert by_order == money(row["still locked by the order"])
        assert now.locked == by_agreements + by_order
        assert now.free == DEPOSIT - now.locked
        assert locked[row["who"]] - now.locked == money(row["free again"])
    assert {number: order.energy_wh for number, order in left.items()} == {2: 1_300, 5: 800}
    assert "Ben's order has 1.3 kWh left and Eva's 0.8" in manual


async def test_its_limits_are_the_ledgers(manual, ledger, enrol, outsider):
    """Every refusal that the table names, in the order of the guards."""
    rows = table(manual, "rule", "refusal")
    named = [name for row in rows for name in re.findall(r"\w+", row["refusal"])]
    owner = await enrol("owner")
    first = earliest_expiry(WINDOW)
    day = 168 * 3_600
    wrong = {
        "EnergyZero": (owner, Side.BUY, 0, 100_000, WINDOW, first),
        "EnergyTooLarge": (owner, Side.BUY, 4_294_967_296, 100_000, WINDOW, first),
        "WindowClosed": (owner, Side.BUY, 1, 100_000, WINDOW - 1, first),
        "WindowTooFar": (owner, Side.BUY, 1, 100_000, WINDOW + 168, first),
        "ExpiryTooEarly": (owner, Side.BUY, 1, 100_000, WINDOW, first - 1),
        "ExpiryTooLate": (owner, Side.BUY, 1, 100_000, WINDOW, first + day + 3_600),
        "NotParticipant": (outsider, Side.BUY, 1, 100_000, WINDOW, first),
        "PriceOutOfRange": (owner, Side.BUY, 1, 79_999, WINDOW, first),
        "FundsInsufficient": (owner, Side.BUY, DEPOSIT // 100 + 1, 100_000, WINDOW, first),
    }

    assert [name for name in named if name not in {"EnforcedPause", "DebtOutstanding"}] == [*wrong]
    for name, order in wrong.items():
        assert (await refusal_of(ledger.place_order(*order))).error == name


def test_the_program_prints_what_it_says(manual):
    program = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", manual, re.DOTALL)
    assert program
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program[1], "docs/auction.md", "exec"), {})

    assert printed.getvalue() == program[2]
