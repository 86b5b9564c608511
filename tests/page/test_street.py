"""Who takes part, and what one household has and does."""

import re

from playwright.sync_api import Page, expect

from tests.page.conftest import Market, OpenPage


def test_lists_everybody_with_roles_and_money(page: Page, market: Market) -> None:
    table = page.locator("#street").get_by_role("table")
    expect(table.locator("tbody tr")).to_have_count(7)
    solar = table.get_by_role("row", name=re.compile("H06"))
    expect(solar.get_by_role("img", name="Solar panels")).to_be_visible()
    consumer = table.get_by_role("row", name=re.compile("H01"))
    expect(consumer.get_by_role("img", name="Consumer")).to_be_visible()
    storage = table.get_by_role("row", name=re.compile("community-battery"))
    expect(storage.get_by_role("img", name="Battery")).to_be_visible()
    expect(consumer).to_contain_text(re.compile(r"€\d+\.\d\d"))


def test_money_follows_the_chain(page: Page, market: Market) -> None:
    account = market.accounts()["H01"]
    cell = page.locator("#street").get_by_role("row", name=re.compile("H01")).locator("td").first
    first = cell.inner_text()
    expect(cell).not_to_have_text(first)
    page.wait_for_function(
        """async ([cell, account]) => {
          const {free} = await (await fetch(`/api/v1/balances/${account}`)).json();
          return cell.innerText === `€${(free / 1e6).toFixed(2)}`;
        }""",
        arg=[cell.element_handle(), account],
        polling=500,
    )


def test_opens_a_household_and_leaves_it_by_keyboard(page: Page) -> None:
    link = page.locator("#street").get_by_role("link", name=re.compile("H06"))
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="H06")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("haggles as conceder")
    tabs = dialog.get_by_role("tab")
    expect(tabs).to_have_text(["Statement", "Days", "Agreements", "Offers", "Orders", "Meter"])
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("tab", name="Days")).to_be_focused()
    expect(dialog.get_by_role("tab", name="Days")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("#household"))


def test_a_household_can_be_linked_to(open_page: OpenPage, market: Market) -> None:
    page = open_page("/#household/H06", ready=False)
    dialog = page.get_by_role("dialog", name="H06")
    panel = dialog.get_by_role("tabpanel", name="Statement")
    sales = panel.get_by_role("listitem").filter(has_text="Sold to a neighbour")
    expect(sales.first).to_be_visible()
    dialog.get_by_role("tab", name="Meter").click()
    reading = market.items("/readings", owner=market.accounts()["H06"])[0]
    expect(dialog.get_by_role("tabpanel", name="Meter")).to_contain_text(
        f"{reading['exported_wh'] / 1000:.1f} kWh"
    )
    dialog.get_by_role("tab", name="Offers").click()
    expect(dialog.get_by_role("tabpanel", name="Offers")).to_contain_text(
        re.compile(r"kWh from \d")
    )


def test_a_statement_adds_up_to_the_balance(open_page: OpenPage, market: Market) -> None:
    account = market.accounts()["H05"]

    def balance() -> int:
        now = market.get(f"/balances/{account}")
        return int(now["free"] + now["locked"] - now["debt"])

    before, told, after = 0, -1, 1
    while before != after:  # a payment came in between
        before = balance()
        told = sum(statement(open_page("/#household/H05", ready=False)))
        after = balance()
    assert told == after


def statement(page: Page) -> list[int]:
    """All amounts of the open household's statement, in 1e-6."""
    lines = page.get_by_role("tabpanel", name="Statement").locator("li data")
    earlier = page.get_by_role("dialog").get_by_role("button", name="Show earlier ones")
    expect(lines.first).to_be_visible()
    while earlier.is_visible():
        count = lines.count()
        earlier.click()
        expect(lines.nth(count)).to_be_attached()
    amounts: list[str] = lines.evaluate_all("all => all.map(each => each.value)")
    return [int(amount) for amount in amounts]
