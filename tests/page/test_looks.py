"""That everybody can use it: light and dark, large and small, by keyboard, without haste."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.config import ROOT
from tests.page.conftest import Market, OpenPage

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP, PHONE = {"width": 1360, "height": 900}, {"width": 360, "height": 740}

each_look = pytest.mark.parametrize(
    ("color_scheme", "viewport"),
    list(product(("light", "dark"), (DESKTOP, PHONE))),
    ids=lambda value: value if isinstance(value, str) else f"{value['width']}px",
)


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core objects to: the rule, and where."""
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(
        "async rules => (await axe.run(document, {runOnly: rules})).violations", RULES
    )
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


@each_look
def test_breaks_no_rule_of_accessibility(
    open_page: OpenPage, color_scheme: str, viewport: dict[str, int]
) -> None:
    page = open_page(color_scheme=color_scheme, viewport=viewport)
    buttons = page.get_by_role("region", name="Offers of this hour").get_by_role("button")
    offers = buttons.filter(has_text="kWh")
    expect(offers.first).to_be_visible()
    assert violations(page) == []
    page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
    offers.first.click()
    expect(page.get_by_role("article", name=re.compile("^Story of"))).to_be_visible()
    assert violations(page) == []
    page.evaluate("location.hash = '#household/H06'")
    expect(page.get_by_role("dialog").locator("li data").first).to_be_visible()
    page.wait_for_function(
        "() => document.getAnimations().every(each => each.playState === 'finished')"
    )
    assert violations(page) == []


@each_look
def test_nothing_is_wider_than_the_screen(
    open_page: OpenPage, color_scheme: str, viewport: dict[str, int]
) -> None:
    page = open_page(color_scheme=color_scheme, viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["1360px", "360px"])
def test_nothing_jumps_while_an_hour_passes(open_page: OpenPage, viewport: dict[str, int]) -> None:
    """Google calls a page stable below 0.1; ours may move a tenth of that in an hour."""
    page = open_page(viewport=viewport)
    page.evaluate(
        """() => {
          window.moved = 0;
          new PerformanceObserver(list => {
            for (const entry of list.getEntries()) window.moved += entry.value;
          }).observe({type: 'layout-shift'});
        }"""
    )
    heading = page.get_by_role("heading", level=1)
    for part in ("#now", "#hour", "#transactions"):
        page.locator(part).scroll_into_view_if_needed()
        hour = heading.inner_text().splitlines()[-1]
        expect(heading).not_to_contain_text(hour)
    assert page.evaluate("window.moved") < 0.03


def test_everything_can_be_reached_by_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the market")).to_be_focused()
    reached = []
    for _ in range(400):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "() => document.activeElement.closest('section[id], header')?.id || 'page'"
        )
        if at not in reached:
            reached.append(at)
        if at == "transactions":
            break
    assert reached[-1] == "transactions"
    assert {"now", "hour", "take-part", "street"} <= set(reached)


def test_focus_can_be_seen(page: Page) -> None:
    button = page.get_by_role("button", name="The hour before")
    button.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    expect(button).to_have_css("outline-style", "solid")
    expect(button).to_have_css("outline-width", "3px")


def test_colours_follow_the_system_until_chosen_and_stay(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name=re.compile("^Colours")).click()
    expect(root).to_have_attribute("data-theme", "light")
    page.reload()
    expect(root).to_have_attribute("data-theme", "light")


def test_the_hand_moves_in_steps_for_who_wants_less_motion(open_page: OpenPage) -> None:
    def positions(page: Page) -> tuple[int, int]:
        """At how many places the hand is within a second and a half, in how many frames."""
        places, frames = page.evaluate(
            """async () => {
              const hand = document.querySelector('.hand');
              const places = new Set();
              let frames = 0;
              const end = performance.now() + 1500;
              while (performance.now() < end) {
                frames += 1;
                places.add(hand.getAttribute('transform'));
                await new Promise(requestAnimationFrame);
              }
              return [places.size, frames];
            }"""
        )
        return places, frames

    places, frames = positions(open_page(reduced_motion="no-preference"))
    assert places > 0.8 * frames
    places, _ = positions(open_page(reduced_motion="reduce"))
    assert places <= 12


def test_allows_nothing_but_its_own_files(page: Page, market: Market) -> None:
    answer = page.request.get(market.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    built = (ROOT / "app" / "web" / "dist" / "index.html").read_text()
    assert "<style" not in built
    assert not re.search(r"<script(?![^>]*\bsrc=)", built)
    names = {path.suffix for path in Path(ROOT / "app" / "web" / "dist" / "assets").iterdir()}
    assert names == {".js", ".css", ".woff2"}
