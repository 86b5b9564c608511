"""What members decide together, the street's money, and meters in doubt."""

import csv
import re
from io import StringIO
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage
from tests.page.still import DELAY_SECONDS, VOTING_SECONDS, StillMarket
from tests.page.test_looks import each_look, violations

COMMUNITY = "/#/community"
IBAN = "DE89 3704 0044 0532 0130 00"


def part_of(page: Page, name: str) -> Locator:
    return page.locator(f"#{name}")


def act_for(page: Page, household: str) -> None:
    page.get_by_label("Act for").select_option(label=household)


def propose(page: Page, what: str, whom: str | None, why: str) -> None:
    form = page.get_by_role("form", name="Propose something")
    form.get_by_label("What", exact=True).select_option(label=what)
    if whom is not None:
        form.get_by_label("Whom").select_option(label=whom)
    form.get_by_label("Why").fill(why)
    form.get_by_role("button", name="Propose it").click()
    expect(form.get_by_role("status")).to_contain_text("It is proposed")


def vote(page: Page, proposal: Locator, household: str, how: str) -> None:
    act_for(page, household)
    votes = proposal.get_by_role("group", name=re.compile(f"^{household} votes on"))
    votes.get_by_role("button", name=how).click()
    expect(proposal).to_contain_text(f"{household} has voted")


def carry_out(still: StillMarket, proposal: Locator) -> None:
    """Takes what the members are for to its end, as soon as each step can be taken."""
    still.advance(VOTING_SECONDS)
    proposal.get_by_role("button", name="Put it in the queue").click()
    expect(proposal).to_contain_text(re.compile(r"Passed, waiting\s*can be carried out in"))
    expect(proposal.get_by_role("button")).to_have_count(0)
    still.advance(DELAY_SECONDS)
    proposal.get_by_role("button", name="Carry it out").click()
    expect(proposal).to_contain_text("Carried out")


def test_members_admit_a_household(open_still: OpenPage, still: StillMarket) -> None:
    page = open_still(COMMUNITY)
    members = part_of(page, "members").get_by_role("listitem")
    newcomer = members.filter(has_text="H07")
    expect(newcomer).to_contain_text("Newcomer: trades, has no vote")
    act_for(page, "H01")
    propose(page, "Admit a household", "H07", "A good neighbour.")

    proposal = page.get_by_role("article", name="Admit H07 as a member")
    expect(proposal).to_contain_text(re.compile(r"H01 proposed it on .*A good neighbour\."))
    expect(proposal).to_contain_text("2 of 4 members must vote for it or abstain: 0 so far")
    still.advance(2)
    expect(proposal).to_contain_text(re.compile(r"Vote open\s*closes in 5 h 59"))
    vote(page, proposal, "H01", "For it")
    vote(page, proposal, "H05", "Against it")
    expect(proposal).to_contain_text("1 so far. As it stands, it fails.")
    vote(page, proposal, "H02", "Abstain")
    expect(proposal).to_contain_text("it fails: more must be for it than against it.")
    vote(page, proposal, "H06", "For it")
    expect(proposal).to_contain_text("3 so far. As it stands, it passes.")
    sides = proposal.get_by_role("listitem")
    expect(sides).to_have_text(
        [
            re.compile(r"For\s*2\s*H01\s*H06"),
            re.compile(r"Against\s*1\s*H05"),
            re.compile(r"Abstained\s*1\s*H02"),
        ]
    )
    act_for(page, "H13")
    expect(page.get_by_text("H13 is no member: it trades, but has no vote.")).to_be_visible()
    expect(proposal.get_by_role("button")).to_have_count(0)

    carry_out(still, proposal)
    expect(newcomer).to_contain_text("Member since")
    (member,) = [
        each
        for each in still.items("/consortium/members")
        if each["account"] == still.account("H07")
    ]
    assert member["is_member"]


def test_a_vote_comes_in_without_a_reload(open_still: OpenPage, still: StillMarket) -> None:
    here, there = open_still(COMMUNITY), open_still(COMMUNITY)
    act_for(here, "H05")
    form = here.get_by_role("form", name="Propose something")
    form.get_by_label("What", exact=True).select_option(label="Set limits for the grid's prices")
    form.get_by_label("The grid asks at most").fill("40.5")
    form.get_by_label("The grid pays at least").fill("much")
    form.get_by_role("button", name="Propose it").click()
    floor = form.get_by_label("The grid pays at least")
    expect(floor).to_be_focused()
    expect(floor).to_have_accessible_description("Please type a number, such as 2.5.")
    floor.fill("2")
    form.get_by_role("button", name="Propose it").click()

    name = "Let the grid pay at least 2.0 ct and ask at most 40.5 ct a kWh"
    proposal = there.get_by_role("article", name=re.compile(name))
    expect(proposal).to_be_visible()
    still.advance(2)
    vote(here, here.get_by_role("article", name=re.compile(name)), "H05", "Against it")
    expect(proposal).to_contain_text(re.compile(r"Against\s*1\s*H05"))
    calls = still.items("/consortium/proposals")[0]["calls"]
    assert calls[0]["arguments"]["limits"]["maxGridCeiling"] == 405_000


def test_members_end_a_pause(open_still: OpenPage, still: StillMarket) -> None:
    page = open_still(COMMUNITY)
    still.pause()
    told = part_of(page, "community").get_by_role("status").filter(has_text="Trade is paused until")
    expect(told).to_be_visible()
    act_for(page, "H01")
    propose(page, "End the pause", None, "The fault is mended.")
    still.advance(2)
    proposal = page.get_by_role("article", name="End the pause, so that the street trades again")
    for member in ("H01", "H02", "H06"):
        vote(page, proposal, member, "For it")
    carry_out(still, proposal)
    expect(told).to_have_count(0)


def test_tells_in_plain_words_what_members_cannot_do(open_still: OpenPage) -> None:
    page = open_still(COMMUNITY)
    act_for(page, "H13")
    form = page.get_by_role("form", name="Propose something")
    form.get_by_role("button", name="Propose it").click()
    expect(form.get_by_role("alert")).to_have_text("H13 is no member, and only members propose.")
    act_for(page, "H01")
    form.get_by_label("What", exact=True).select_option(label="End the pause")
    form.get_by_role("button", name="Propose it").click()
    expect(form.get_by_label("What", exact=True)).to_have_accessible_description(
        "Trade is not paused."
    )
    form.get_by_label("What", exact=True).select_option(label="End a membership")
    form.get_by_label("Whom").select_option(label="H02")
    expect(form).to_contain_text("Kept its word in all of the last 168 hours.")


def test_money_goes_in_and_out(open_still: OpenPage, still: StillMarket) -> None:
    page = open_still(COMMUNITY)
    treasury = part_of(page, "treasury")
    form = page.get_by_role("form", name="Take money out")
    form.get_by_label("Household").select_option(label="H02")
    form.get_by_label("Amount").fill("12.50")
    form.get_by_label("To which bank account").fill(IBAN.replace("89", "98"))
    form.get_by_role("button", name="Ask for the money").click()
    expect(form.get_by_label("To which bank account")).to_have_accessible_description(
        "This IBAN has a slip in it: please look again."
    )
    form.get_by_label("To which bank account").fill(IBAN)
    form.get_by_role("button", name="Ask for the money").click()
    expect(form.get_by_role("status")).to_contain_text("DE89370400440532013000")

    going = treasury.get_by_role("listitem").filter(has_text="H02 takes money out")
    expect(going).to_contain_text(re.compile(r"€12\.50.*0 of 2 treasurers"))
    (request,) = still.items("/treasury/withdrawals", holder=still.account("H02"))
    assert request["amount"] == 12_500_000
    still.confirm_deposit("H05", 20_000_000, treasurers=1)
    coming = treasury.get_by_role("listitem").filter(has_text="H05 brings money")
    expect(coming).to_contain_text(re.compile(r"€20\.00.*1 of 2 treasurers have confirmed it"))
    supply = still.get("/treasury")["supply"]
    still.pay_out(request["id"])
    expect(treasury).to_contain_text(f"€{(supply - 12_500_000) / 1_000_000:,.2f}")
    treasury.get_by_text("What came and went").click()
    expect(treasury.get_by_role("listitem").filter(has_text="took money out")).to_contain_text(
        re.compile(r"H02\s*took money out: paid out")
    )


def test_a_reading_is_held_until_the_auditors_have_looked(
    open_still: OpenPage, still: StillMarket
) -> None:
    page = open_still(COMMUNITY)
    agreement = still.sell("H06", "H02", 2_000, 2_000)
    still.doubt(agreement)
    audit = part_of(page, "audits").get_by_role("listitem").filter(has_text="H06")
    expect(audit).to_contain_text(re.compile(r"Held since .*, until .* at the latest"))
    page.evaluate("location.hash = '#household/H06'")
    dialog = page.get_by_role("dialog", name="H06")
    dialog.get_by_role("tab", name="Meter").click()
    expect(dialog.get_by_role("row").nth(1)).to_contain_text("An auditor doubts it: held until")
    still.find_right(agreement)
    expect(dialog.get_by_role("row").nth(1)).to_contain_text("The auditors found it right.")
    page.keyboard.press("Escape")
    expect(audit).to_contain_text("The auditors found it right.")
    still.settle(agreement)


def test_a_statement_by_days_and_the_record_of_a_household(
    open_still: OpenPage, still: StillMarket, tmp_path: Path
) -> None:
    still.settle(still.sell("H13", "H01", 2_000, 1_500))
    page = open_still("/#household/H13", ready=False)
    dialog = page.get_by_role("dialog", name="H13")
    expect(dialog).to_contain_text(
        "Did not keep its word in 1 of the last 168 hours: 0.5 kWh that it had sold were missing."
    )
    dialog.get_by_role("tab", name="Days").click()
    table = dialog.get_by_role("region", name="Statement by days").get_by_role("table")
    header = table.get_by_role("columnheader").all_inner_texts()
    rows = table.locator("tbody tr, tfoot tr").evaluate_all(
        "all => all.map(row => [...row.querySelectorAll('data')].map(each => Number(each.value)))"
    )
    assert [sum(row[1:]) for row in rows] == [row[0] for row in rows]
    assert [sum(column) for column in zip(*rows[:-1], strict=True)] == rows[-1]
    sold, missing = header.index("Sold to neighbours"), header.index("For energy that was missing")
    assert rows[-1][sold - 1] == 1_500 * 150
    assert rows[-1][missing - 1] == -500 * (320 - 150)
    balance = still.get(f"/balances/{still.account('H13')}")
    assert rows[-1][0] == balance["free"] + balance["locked"] - balance["debt"]

    with page.expect_download() as begun:
        dialog.get_by_role("link", name="Download CSV").click()
    assert begun.value.suggested_filename.endswith(".csv")
    begun.value.save_as(tmp_path / "statement.csv")
    lines = list(csv.DictReader(StringIO((tmp_path / "statement.csv").read_text())))
    assert sum(int(line["balance_change"]) for line in lines) == rows[-1][0]
    assert sum(int(line["sold_wh"]) for line in lines) == 1_500


def test_goes_between_the_views_by_keyboard(open_still: OpenPage) -> None:
    page = open_still()
    views = page.get_by_role("navigation", name="Views")
    expect(views.get_by_role("link", name="Market")).to_have_attribute("aria-current", "page")
    views.get_by_role("link", name="Community").press("Enter")
    expect(page).to_have_title(re.compile("^Community"))
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    member = part_of(page, "members").get_by_role("link", name="H01")
    member.press("Enter")
    expect(page.get_by_role("dialog", name="H01")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("#/community$"))
    expect(part_of(page, "members")).to_be_visible()
    page.get_by_role("link", name="Take part").press("Enter")
    expect(page.get_by_role("heading", name="Take part")).to_be_focused()
    expect(page.get_by_role("heading", name="Take part")).to_be_in_viewport()


@each_look
def test_breaks_no_rule_of_accessibility(
    open_still: OpenPage, still: StillMarket, color_scheme: str, viewport: dict[str, int]
) -> None:
    page = open_still(COMMUNITY, color_scheme=color_scheme, viewport=viewport)
    act_for(page, "H06")
    propose(page, "End a membership", "H02", f"In {color_scheme} at {viewport['width']}.")
    still.advance(2)
    proposal = page.get_by_role("article").filter(has_text=f"In {color_scheme} at")
    expect(proposal.get_by_role("button", name="For it").first).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    page.evaluate("location.hash = '#household/H13'")
    dialog = page.get_by_role("dialog", name="H13")
    dialog.get_by_role("tab", name="Days").click()
    expect(dialog.get_by_role("region", name="Statement by days")).to_be_visible()
    page.wait_for_function(
        "() => document.getAnimations().every(each => each.playState === 'finished')"
    )
    assert violations(page) == []
