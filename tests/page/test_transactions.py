"""What was written to the chain."""

import re

from playwright.sync_api import Page, expect

from tests.page.conftest import Market


def test_lists_transactions_with_hash_and_gas(page: Page, market: Market) -> None:
    region = page.get_by_role("region", name="Transactions")
    region.hover()  # holds the list still
    first = region.locator("tbody tr").first
    shown = first.locator("[title]").get_attribute("title")
    known = market.get(f"/transactions/{shown}")
    expect(first).to_contain_text(f"{known['gas_used']:,}")
    expect(first).to_contain_text(known["function"])


def test_new_ones_wait_while_somebody_reads(page: Page) -> None:
    region = page.get_by_role("region", name="Transactions")
    region.hover()
    first = region.locator("tbody tr").first.locator("[title]")
    held = first.get_attribute("title") or ""
    fresh = page.get_by_role("button", name=re.compile(r"Show \d+ new"))
    expect(fresh).to_be_visible()
    expect(first).to_have_attribute("title", held)
    fresh.click()
    expect(first).not_to_have_attribute("title", held)


def test_filters_by_function_household_and_hash(page: Page, market: Market) -> None:
    rows = page.get_by_role("region", name="Transactions").locator("tbody tr")
    page.get_by_label("What", exact=True).select_option("makeOffer")
    expect(rows.filter(has_not_text="makeOffer")).to_have_count(0)
    expect(rows.first).to_contain_text("Published an offer")
    page.get_by_label("By whom").select_option(label="H06")
    expect(rows.filter(has_not_text="H06")).to_have_count(0)
    expect(rows.first).to_contain_text("H06")

    oldest = market.get("/transactions", function="publishInfo", order="oldest", limit=1)["items"][
        0
    ]
    page.get_by_label("By whom").select_option("")
    page.get_by_label("What", exact=True).select_option("publishInfo")
    page.get_by_label("Hash begins with").fill(oldest["hash"][:10])
    expect(rows).to_have_count(1)
    expect(rows.first.locator("[title]")).to_have_attribute("title", oldest["hash"])


def test_goes_back_to_the_first_one(page: Page, market: Market) -> None:
    region = page.get_by_role("region", name="Transactions")
    oldest = market.get("/transactions", order="oldest", limit=1)["items"][0]
    earlier = region.get_by_role("button", name="Show earlier ones")
    region.hover()
    while earlier.is_visible():
        count = region.locator("tbody tr").count()
        earlier.click()
        expect(region.locator("tbody tr").nth(count)).to_be_attached()
    expect(region.locator("tbody tr").last.locator("[title]")).to_have_attribute(
        "title", oldest["hash"]
    )
