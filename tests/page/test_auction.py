"""The auction of an hour, and what a visitor does in it."""

import re

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Market, OpenPage
from tests.page.test_hour import show
from tests.page.test_looks import each_look, violations
from tests.page.test_now import hours
from tests.page.test_take_part import form_of, outcome_of, wait_for_time

PATIENCE = {"Prefer": "wait=60"}


def place(page: Page, household: str, side: str, energy: str, price: str, rest: str = "0") -> None:
    """Orders for the hour that is traded; what is left over stays for `rest` hours."""
    form = form_of(page)
    form.get_by_label(f"{side} energy").check()
    form.get_by_label("In the auction").check()
    form.get_by_label("Household").select_option(label=household)
    form.get_by_label("Energy", exact=True).fill(energy)
    limit = "Highest" if side == "Buy" else "Lowest"
    form.get_by_label(f"{limit} price for a kWh", exact=True).fill(price)
    form.get_by_label("If it is not matched").select_option(rest)
    form.get_by_role("button", name="Place the order").click()
    story = outcome_of(page).get_by_role("article", name=f"Story of {household}'s order")
    verb = "buys" if side == "Buy" else "sells"
    expect(story).to_contain_text(re.compile(rf"{household}\s+{verb}\s+{energy} kWh"))


def book_of(page: Page) -> Locator:
    return page.locator("#auction")


def clear(market: Market, window: int) -> None:
    """Lets a household clear a book as soon as it has closed, unless the operator does."""
    answer = httpx.post(
        f"{market.url}/api/v1/auctions/{window}/clearing",
        json={"from": market.accounts()["H01"]},
        headers=PATIENCE,
        timeout=90,
    )
    assert answer.status_code == 200, answer.text


def test_draws_a_book_until_it_is_cleared_and_after(page: Page, market: Market) -> None:
    wait_for_time(page)
    window = market.get("/windows/current")["next_window"]
    place(page, "H13", "Sell", "2.0", "12")
    story = outcome_of(page).get_by_role("article")
    expect(story).to_contain_text("In the book")
    auction = book_of(page)
    chart = auction.get_by_role("img")
    expect(chart).to_have_accessible_name(re.compile(r"1 to sell 2\.0 kWh\. They do not meet\.$"))
    place(page, "H05", "Buy", "1.5", "25", rest="3")
    orders = auction.get_by_role("region", name="Orders of this auction").get_by_role("listitem")
    expect(orders.filter(has_text="H05 buys")).to_contain_text(re.compile(r"1\.5 kWh.*up to 25"))
    expect(orders.filter(has_text="H13 sells")).to_contain_text(re.compile(r"2\.0 kWh.*from 12"))
    expect(chart).to_have_accessible_name(
        re.compile(r"They meet at 1\.5 kWh and 18\.5 ct a kWh\.$")
    )
    expect(chart.get_by_text("1.5 kWh at 18.5 ct")).to_be_visible()
    expect(auction.get_by_text(re.compile("^Takes orders: closes in"))).to_be_visible()

    clear(market, window)

    expect(story).to_contain_text("Bought 1.5 kWh at 18.5 ct")
    expect(page.locator("#hour-title")).not_to_contain_text(hours(window))
    show(page, window)
    trades = auction.get_by_role("region", name="Trades of this auction").get_by_role("listitem")
    expect(trades).to_have_text(re.compile(r"H13 to H05\s*1\.5 kWh\s*18\.5 ct"))
    expect(auction.get_by_role("heading", level=2)).to_contain_text(hours(window))
    expect(auction.get_by_text("Cleared.", exact=True)).to_be_visible()
    expect(auction.get_by_text("Traded", exact=True)).to_be_visible()
    auction.get_by_text("The book in numbers").click()
    rows = auction.get_by_role("row")
    expect(rows.filter(has_text="Buy")).to_contain_text(re.compile(r"25\.0 ct\s*1\.5 kWh\s*1"))
    (order,) = market.items("/orders", owner=market.accounts()["H05"], window=window)
    assert (order["state"], order["filled_wh"]) == ("filled", 1_500)


def test_takes_an_order_back(page: Page, market: Market) -> None:
    wait_for_time(page)
    place(page, "H07", "Buy", "0.7", "21")
    story = outcome_of(page).get_by_role("article")
    expect(story).to_contain_text("In the book")
    expect(form_of(page)).to_contain_text("€0.15 are set aside for it")
    story.get_by_role("button", name="Take it back (the order of H07)").click()
    expect(story).to_contain_text("Taken back")
    expect(story.get_by_role("button", name="Take it back")).to_have_count(0)
    (order, *_) = market.items("/orders", owner=market.accounts()["H07"], state="cancelled")
    assert (order["energy_wh"], order["limit_price"]) == (700, 210_000)


def test_takes_back_what_a_household_has_open(page: Page, market: Market) -> None:
    """From the household's own page, as somebody who comes back later would."""
    form = form_of(page)
    later = form.get_by_label("Hour of delivery").locator("option").nth(6).get_attribute("value")
    form.get_by_label("Hour of delivery").select_option(later)
    form.get_by_label("Household").select_option(label="H02")
    form.get_by_label("Energy", exact=True).fill("0.3")
    form.get_by_role("button", name="Publish the offer").click()
    expect(outcome_of(page).get_by_role("article")).to_be_visible()
    form.get_by_label("In the auction").check()
    form.get_by_role("button", name="Place the order").click()
    expect(outcome_of(page).get_by_role("article", name="Story of H02's order")).to_be_visible()

    page.evaluate("location.hash = '#household/H02'")
    dialog = page.get_by_role("dialog", name="H02")
    for tab, path, field in (("Offers", "/offers", "seller"), ("Orders", "/orders", "owner")):
        dialog.get_by_role("tab", name=tab).click()
        own = dialog.get_by_role("listitem").filter(has_text="0.3 kWh").first
        own.get_by_role("button", name=re.compile("^Take it back")).click()
        expect(own).to_contain_text(re.compile("taken back", re.IGNORECASE))
        mine = {field: market.accounts()["H02"]}
        (found, *_) = market.items(path, window=later, **mine)
        assert found["state"] == "cancelled"


def test_takes_an_offer_back_before_anybody_agrees(page: Page, market: Market) -> None:
    form = form_of(page)
    form.get_by_label("Hour of delivery").select_option(index=4)
    form.get_by_label("Household").select_option(label="H07")
    form.get_by_label("Energy", exact=True).fill("0.9")
    form.get_by_role("button", name="Publish the offer").click()
    outcome = outcome_of(page)
    outcome.get_by_role("button", name="Take it back (the offer of H07)").click()
    expect(outcome.get_by_role("article")).to_contain_text("It was taken back.")
    expect(outcome.get_by_role("button", name=re.compile("^Take it back"))).to_have_count(0)


def test_tells_in_plain_words_what_an_order_cannot_have(open_page: OpenPage) -> None:
    page = open_page(expected="status of 409")
    form = form_of(page)
    form.get_by_label("Buy energy").check()
    form.get_by_label("In the auction").check()
    form.get_by_label("Hour of delivery").select_option(index=3)
    form.get_by_label("Household").select_option(label="H13")
    form.get_by_label("Energy", exact=True).fill("900000")
    form.get_by_role("button", name="Place the order").click()
    expect(form.get_by_label("Household")).to_have_accessible_description(
        re.compile("Not enough free money")
    )


@each_look
def test_breaks_no_rule_of_accessibility(
    open_page: OpenPage, color_scheme: str, viewport: dict[str, int]
) -> None:
    page = open_page(color_scheme=color_scheme, viewport=viewport)
    wait_for_time(page)
    place(page, "H01", "Buy", "0.4", "12", rest="1")
    chart = book_of(page).get_by_role("img")
    expect(chart).to_have_accessible_name(re.compile(r"[1-9] orders to buy"))
    page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    page.evaluate("location.hash = '#household/H01'")
    dialog = page.get_by_role("dialog", name="H01")
    dialog.get_by_role("tab", name="Orders").click()
    expect(dialog.get_by_role("button", name=re.compile("^Take it back")).first).to_be_visible()
    page.wait_for_function(
        "() => document.getAnimations().every(each => each.playState === 'finished')"
    )
    assert violations(page) == []
