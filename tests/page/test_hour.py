"""An hour's offers, what is said about them, and what becomes of them."""

import re

from playwright.sync_api import Page, expect

from tests.page.conftest import Market
from tests.page.test_now import hours


def settled_window(market: Market) -> int:
    """The latest window whose agreements are all paid."""
    settled = {each["window"] for each in market.items("/agreements", settled=True)}
    open_ = {each["window"] for each in market.items("/agreements", settled=False)}
    return max(settled - open_)


def show(page: Page, window: int) -> None:
    """Goes back to a window, hour by hour."""
    title = page.locator("#hour-title")
    follow = page.get_by_role("button", name=re.compile("Follow"))
    expect(follow).to_have_attribute("aria-pressed", "true")
    while hours(window) not in title.inner_text():
        before = title.inner_text()
        page.get_by_role("button", name="The hour before").click()
        expect(title).not_to_have_text(before)


def test_offers_come_in_without_a_reload(page: Page) -> None:
    page.evaluate("window.kept = true")
    title = page.locator("#hour-title")
    before = title.inner_text()
    expect(title).not_to_have_text(before)
    expect(title).to_contain_text("Trading")
    offers = page.get_by_role("region", name="Offers of this hour").get_by_role("button")
    expect(offers.first).to_contain_text("kWh")
    assert page.evaluate("window.kept") is True


def test_talk_comes_in_as_it_is_said(page: Page) -> None:
    talk = page.get_by_role("region", name="Negotiation messages of this hour")
    expect(talk.get_by_text("would sell").first).to_be_visible()
    expect(talk.get_by_text("would pay").first).to_be_visible()


def test_tells_an_offer_from_its_making_to_its_payment(page: Page, market: Market) -> None:
    page.wait_for_function(
        "async () => (await (await fetch('/api/v1/settlements')).json()).items.length > 0",
        polling=500,
    )
    window = settled_window(market)
    show(page, window)
    accounts = {account: name for name, account in market.accounts().items()}
    deal = market.items("/settlements", window=window)[0]
    offer = market.get(f"/offers/{deal['offer_id']}")
    seller, buyer = accounts[deal["seller"]], accounts[deal["buyer"]]
    offers = page.get_by_role("region", name="Offers of this hour")
    of_seller = offers.get_by_role("button", name=re.compile(rf"^{seller}\b"))
    of_seller.filter(has_text=f"{offer['energy_wh'] / 1000:.1f} kWh").first.click()

    story = page.get_by_role("article", name=f"Story of {seller}'s offer")
    expect(story).to_contain_text(
        f"{seller} offers {offer['energy_wh'] / 1000:.1f} kWh at no less than "
        f"{offer['floor_price'] / 10_000:.1f} ct"
    )
    steps = story.get_by_role("list", name="How far this offer has come").get_by_role("listitem")
    expect(steps.filter(has_text="done")).to_have_count(5)
    expect(story).to_contain_text(f"Agreement with {buyer}")
    expect(story).to_contain_text(f"{deal['price'] / 10_000:.1f} ct")
    expect(story).to_contain_text(f"was paid €{deal['paid'] / 1_000_000:.2f}")
    expect(story.locator(f"[title='{deal['transaction_hash']}']").first).to_be_visible()
    expect(story.locator("details[open]").get_by_text("would sell").first).to_be_visible()


def test_stays_with_the_hour_that_was_chosen_until_told_to_follow(page: Page) -> None:
    title = page.locator("#hour-title")
    page.get_by_role("button", name="The hour before").click()
    chosen = title.inner_text().split(": ")[1]
    heading = page.get_by_role("heading", level=1)
    now = heading.inner_text()
    expect(heading).not_to_have_text(now)
    expect(title).to_contain_text(chosen)
    page.get_by_role("button", name="Follow the market").click()
    expect(title).not_to_contain_text(chosen)


def test_the_ring_can_be_turned_by_keyboard(page: Page) -> None:
    ring = page.get_by_role("slider", name="Hour shown on this page")
    ring.focus()
    latest = int(ring.get_attribute("aria-valuenow") or 0)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Follow the market")).to_be_visible()
    chosen = int(ring.get_attribute("aria-valuenow") or 0)
    assert latest - 2 <= chosen <= latest
    expect(page.locator("#hour-title")).to_contain_text(hours(chosen))
    expect(ring).to_have_attribute("aria-valuetext", re.compile(hours(chosen)))
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="Following the market")).to_be_visible()


def test_draws_prices_and_energy_and_gives_them_as_a_table(page: Page, market: Market) -> None:
    window = settled_window(market)
    row = market.get(f"/windows/{window}")
    for name in (re.compile("^Price of a kilowatt-hour"), re.compile("^Energy traded among")):
        chart = page.get_by_role("img", name=name)
        expect(chart.locator("canvas")).to_be_visible()
        assert chart.locator("canvas").evaluate(
            """canvas => canvas.getContext('2d')
              .getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0)"""
        )
    summaries = page.get_by_text("As a table")
    summaries.nth(0).click()
    summaries.nth(1).click()
    prices = page.get_by_role("region", name=re.compile("^What does")).get_by_role("row")
    expect(prices.filter(has_text=hours(window)).first).to_contain_text(
        re.compile(rf"32\.0 ct\s*{row['mean_price'] / 10_000:.1f} ct\s*8\.0 ct")
    )
    energy = page.get_by_role("region", name=re.compile("^Where did")).get_by_role("row")
    expect(energy.filter(has_text=hours(window)).first).to_contain_text(
        f"{row['delivered_wh'] / 1000:.1f} kWh"
    )
