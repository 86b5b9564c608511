"""The present hour: its phase, its countdown, and that the page lives on its own."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.page.conftest import Market, OpenPage

BERLIN = ZoneInfo("Europe/Berlin")


def hours(window: int) -> str:
    """A window as the page writes it."""
    begin, end = (datetime.fromtimestamp((window + i) * 3600, BERLIN) for i in (0, 1))
    return f"{begin:%H:%M}\u2013{end:%H:%M}"


def test_names_the_hour_that_is_traded_and_its_prices(page: Page, market: Market) -> None:
    window = market.get("/windows/current")["next_window"]
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        re.compile(f"({hours(window)}|{hours(window + 1)})")
    )
    lead = page.locator("#now .lead")
    expect(lead).to_contain_text("8.0 ct")
    expect(lead).to_contain_text("32.0 ct")


def test_shows_three_hours_at_work_and_counts_down(page: Page) -> None:
    steps = page.get_by_role("list", name="Three hours at work").get_by_role("listitem")
    expect(steps).to_have_count(3)
    expect(steps.nth(0)).to_contain_text(re.compile(r"(Trading|Agreeing).* in \d\d:\d\d"))
    expect(steps.nth(1)).to_contain_text("Delivering")
    expect(steps.nth(2)).to_contain_text(re.compile("Settl(ing|ed)"))


def test_goes_on_to_the_next_hour_without_being_loaded_again(page: Page) -> None:
    page.evaluate("window.kept = true")
    heading = page.get_by_role("heading", level=1)
    before = heading.inner_text()
    expect(heading).not_to_contain_text(before.splitlines()[-1])
    assert page.evaluate("window.kept") is True


def test_says_how_fast_time_passes_and_that_it_is_live(page: Page) -> None:
    header = page.get_by_role("banner")
    expect(header).to_contain_text("an hour passes in 15 s")
    expect(header).to_contain_text(re.compile(r"\d\d:\d\d on the street"))
    expect(header.get_by_role("status")).to_have_text("Live")


def test_agrees_in_the_last_minutes_and_closes_the_form(page: Page) -> None:
    page.wait_for_function(
        """() => document.querySelector('h1').textContent.includes('agreeing')
          && document.querySelector('#n-window').textContent.includes('have closed')
          && document.querySelector('#take-part [type=submit]').ariaDisabled === 'true'""",
        polling="raf",
    )


def test_says_when_the_connection_is_lost_and_comes_back(open_page: OpenPage) -> None:
    page = open_page("about:blank", ready=False, expected="ERR_CONNECTION_REFUSED")
    events = "**/api/v1/events"
    page.route(events, lambda route: route.abort("connectionrefused"))
    page.goto("/")
    state = page.get_by_role("banner").get_by_role("status")
    expect(state).to_contain_text("Connection lost")
    page.unroute(events)
    expect(state).to_have_text("Live")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_sums_up_what_the_street_has_gained(page: Page, market: Market) -> None:
    figures = page.locator("dl[aria-label='Since the market began']")
    expect(figures).to_contain_text(re.compile(r"Buyers saved\s*€\d+\.\d\d"))
    expect(figures).to_contain_text(re.compile(r"Sellers gained\s*€\d+\.\d\d"))
    expect(figures).to_contain_text(re.compile(r"Own power\s*\d+%"))
    traded = market.get("/summary")["energy_traded_wh"]
    shown = figures.get_by_text(re.compile(r"^\d+\.\d kWh$")).inner_text()
    assert tenths(shown) <= rounded(market.get("/summary")["energy_traded_wh"])
    page.reload()
    later = figures.get_by_text(re.compile(r"^\d+\.\d kWh$"))
    expect(later).to_be_visible()
    assert tenths(later.inner_text()) >= rounded(traded)


def tenths(shown: str) -> int:
    """Tenths of a kWh, as the page shows them."""
    return int(shown.removesuffix(" kWh").replace(".", ""))


def rounded(energy_wh: int) -> int:
    """Wh in tenths of a kWh."""
    return (energy_wh + 50) // 100
