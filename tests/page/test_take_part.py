"""A visitor acts for a household."""

import re

from playwright.sync_api import Locator, Page, Route, expect

from tests.page.conftest import Market, OpenPage


def form_of(page: Page) -> Locator:
    return page.locator("#take-part form")


def outcome_of(page: Page) -> Locator:
    return page.locator("#take-part .outcome")


def wait_for_time(page: Page) -> None:
    """Waits for an hour that has just begun, so that there is time to fill a form."""
    page.wait_for_function(
        r"""() => /closes in [45]\d:/.test(document.querySelector('#n-window').textContent)""",
        polling="raf",
    )


def test_publishes_an_offer_and_tells_its_story(page: Page, market: Market) -> None:
    form = form_of(page)
    form.get_by_label("Household").select_option(label="H13")
    form.get_by_label("Energy", exact=True).fill("2,5")
    form.get_by_label("Lowest price for a kWh", exact=True).fill("18.25")
    later = form.get_by_label("Hour of delivery").locator("option").nth(2).get_attribute("value")
    form.get_by_label("Hour of delivery").select_option(later)
    expect(form).to_contain_text("H13 offers 2.5 kWh: at least €0.46 if all of it is bought.")
    form.get_by_role("button", name="Publish the offer").click()

    story = outcome_of(page).get_by_role("article", name="Story of H13's offer")
    expect(story).to_contain_text("H13 offers 2.5 kWh at no less than 18.3 ct a kWh")
    published = story.locator("[title]").first.get_attribute("title")
    (offer,) = [
        each
        for each in market.items("/offers", window=later, seller=market.accounts()["H13"])
        if each["transaction_hash"] == published
    ]
    assert (offer["energy_wh"], offer["floor_price"]) == (2500, 182_500)


def test_buys_and_sees_the_haggling_and_its_outcome(page: Page, market: Market) -> None:
    form, outcome = form_of(page), outcome_of(page)
    form.get_by_label("Buy energy").check()
    form.get_by_label("Household").select_option(label="H13")
    form.get_by_label("Energy", exact=True).fill("0.9")
    form.get_by_label("Highest price for a kWh", exact=True).fill("31.5")
    wait_for_time(page)
    form.get_by_role("button", name="Start to negotiate").click()

    expect(outcome).to_contain_text("H13, 0.9 kWh, at most 31.5 ct a kWh")
    expect(outcome.get_by_text("would pay").first).to_be_visible()
    expect(outcome).to_contain_text("Agreed: H13 buys 0.9 kWh")
    expect(outcome).to_contain_text(re.compile(r"kWh delivered and €\d+\.\d\d paid"))

    written = outcome.locator("[title]").first.get_attribute("title")
    settlement = next(
        each for each in market.items("/settlements") if each["transaction_hash"] == written
    )
    assert settlement["price"] <= 315_000


def test_wants_numbers_and_says_so_by_the_field(page: Page) -> None:
    form = form_of(page)
    form.get_by_label("Energy", exact=True).fill("much")
    form.get_by_label("Lowest price for a kWh", exact=True).fill("99")
    form.get_by_role("button", name="Publish the offer").click()
    energy = form.get_by_label("Energy", exact=True)
    expect(energy).to_have_attribute("aria-invalid", "true")
    expect(energy).to_have_accessible_description("Please type a number, such as 2.5.")
    expect(energy).to_be_focused()
    expect(form.get_by_label("Lowest price for a kWh", exact=True)).to_have_accessible_description(
        "The price must lie between 8.0 ct and 32.0 ct."
    )


def test_shows_what_the_gateway_refuses_by_the_field(open_page: OpenPage) -> None:
    page = open_page(expected="status of 422")
    form = form_of(page)
    form.get_by_label("Hour of delivery").select_option(index=3)
    form.get_by_label("Energy", exact=True).fill("5000000")
    form.get_by_role("button", name="Publish the offer").click()
    energy = form.get_by_label("Energy", exact=True)
    expect(energy).to_have_attribute("aria-invalid", "true")
    expect(energy).to_have_accessible_description(re.compile("less than or equal to 4294967295"))
    expect(outcome_of(page)).to_contain_text("What happens then")


def test_shows_what_the_contract_refuses_in_plain_words(
    open_page: OpenPage, market: Market
) -> None:
    """The hour closes between the visitor's look at the page and the request."""
    page = open_page(expected="status of 409")
    form = form_of(page)
    wait_for_time(page)
    begun = market.get("/windows/current")["current_window"]

    def late(route: Route) -> None:
        route.continue_(post_data={**route.request.post_data_json, "window": begun})

    page.route("**/api/v1/offers", late)
    form.get_by_role("button", name="Publish the offer").click()
    expect(form.get_by_label("Hour of delivery")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Hour of delivery")).to_have_accessible_description(
        re.compile("This hour is closed")
    )
