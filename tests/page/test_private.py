"""Private trading: what the street can see, what a household sees, and what auditors can open."""

import json
import re

from playwright.sync_api import Locator, Page, Request, expect

from app.chain.keys import development_auditor_key
from app.privacy.committee import deal, open_partially
from app.privacy.curve import VALUE_BASE, Point
from app.privacy.keys import Purpose
from app.privacy.trading import OfferTerms
from benchmarks.private_round import Member, Trade
from tests.page.conftest import OpenPage
from tests.page.private_street import PrivateStreet, name_of
from tests.page.test_looks import each_look, violations
from tests.privacy.cases import CONTEXT
from tests.privacy.encoding import encode

PRIVATE = "/#/private"
OWN_KEYS = "Your own"
SECRETS = (Purpose.MEMBER, Purpose.NOTE_VIEW, Purpose.NOTE_SPEND)


def look_as(page: Page, name: str) -> None:
    """Looks with a household's keys, until they have been tried on everything."""
    page.get_by_label("Look with the keys of").select_option(label=name)
    expect(page.get_by_text("All notes tried")).to_be_visible()


def envelopes(page: Page) -> Locator:
    return page.get_by_role("list", name="Envelopes of this round")


def offer(page: Page, number: int) -> Locator:
    return envelopes(page).get_by_role("article", name=f"Offer {number}", exact=True)


def agreement(page: Page, trade: Trade) -> Locator:
    return envelopes(page).get_by_role("article", name=f"Agreement 0x{trade.made.id.hex()[:6]}")


def purse_of(page: Page) -> Locator:
    return page.get_by_role("list", name="Notes that open")


def cash(amount: int) -> str:
    return f"€{amount / 1_000_000:.2f}"


def key_words(member: Member) -> list[str]:
    return [f"{member.wallet.secret(purpose):064x}" for purpose in SECRETS]


def type_keys(page: Page, member: Member, kept: str = "") -> None:
    form = page.get_by_role("form", name="Your own keys")
    labels = ("Member key", "View key of your notes", "Spend key of your notes")
    for label, key in zip(labels, key_words(member), strict=True):
        form.get_by_label(label).fill(key)
    form.get_by_label("What you keep of your trades").fill(kept)
    form.get_by_role("button", name="Look with these keys").click()


# What all see, and what one sees


def test_an_outsider_sees_sealed_envelopes(open_private: OpenPage, street: PrivateStreet) -> None:
    page = open_private(PRIVATE)
    page.get_by_label("Look with the keys of").select_option(label="Nobody: an outsider")

    expect(envelopes(page).get_by_role("article")).to_have_count(2 * len(street.trades))
    for each in envelopes(page).get_by_role("article").all():
        expect(each).to_contain_text("Closed")
        expect(each).not_to_contain_text(re.compile(r"kWh|€|\bct\b|H0\d"))
    whole = street.get(f"/private/rounds/{street.window}")
    for number, row in enumerate(whole["offers"], 1):
        expect(offer(page, number).get_by_title(row["energy"]["x"])).to_have_count(1)
        expect(offer(page, number).get_by_title(row["owner"])).to_have_count(1)
    figure = page.get_by_role("img", name="Nobody can tell from whom.")
    expect(figure).to_have_accessible_name(re.compile("is from one of these 6"))
    expect(page.get_by_role("img", name=re.compile(r"^\d+ notes, all alike$"))).to_be_visible()


def test_a_seller_opens_its_own_offer_and_reads_its_neighbours(
    open_private: OpenPage, street: PrivateStreet
) -> None:
    page = open_private(PRIVATE)
    trade = street.trades[0]
    look_as(page, "H01")

    own = offer(page, 1)
    expect(own).to_contain_text(re.compile(r"5\.0 kWh from 10\.0 ct a kWh\s*H01 has made this"))
    expect(own).to_contain_text("Fits what the chain keeps.")
    expect(offer(page, 2)).to_contain_text(re.compile(r"5\.0 kWh from 10\.0 ct.*whose, nobody can"))
    sold = agreement(page, trade)
    expect(sold).to_contain_text(f"H01 sold 2.0 kWh at 20.0 ct: {cash(trade.made.cost)}")
    expect(sold).to_contain_text("Fits what the chain keeps.")
    for other in street.trades[1:]:
        expect(agreement(page, other)).to_contain_text("Others' business.")
    figure = page.get_by_role("img", name=re.compile("Nobody but H01 knows that one is from H01"))
    expect(figure).to_be_visible()


def test_a_buyer_sees_what_it_bought_and_what_came(
    open_private: OpenPage, street: PrivateStreet
) -> None:
    page = open_private(PRIVATE)
    _, part, nothing = street.trades

    look_as(page, "H05")
    expect(agreement(page, part)).to_contain_text(
        re.compile(r"H05\s+bought 2\.0 kWh.*1\.2 kWh came")
    )
    expect(page.get_by_role("img", name=re.compile("knows that none is from H05"))).to_be_visible()
    look_as(page, "H06")
    expect(agreement(page, part)).to_contain_text("Others' business.")
    expect(agreement(page, nothing)).to_contain_text("Nothing was delivered")
    expect(agreement(page, nothing)).to_contain_text(re.compile(r"H06\s+bought.*0\.0 kWh came"))


def test_each_finds_its_money_and_nobody_elses(
    open_private: OpenPage, street: PrivateStreet
) -> None:
    page = open_private(PRIVATE)
    back = street.trades[2]
    for number, member in enumerate(street.members):
        look_as(page, name_of(number))
        notes = purse_of(page).get_by_role("listitem")
        spendable = notes.filter(has_text="to be spent")
        expected = [each.opening.value for each in member.purse.notes]
        if member is back.buyer:  # what came back has no message: whether it is spent, who knows
            expect(notes.filter(has_text="received")).to_contain_text(cash(back.made.cost))
            expected.remove(back.made.cost)
        expect(spendable).to_have_count(len(expected))
        shown = [text.split()[-1] for text in spendable.locator("strong").all_inner_texts()]
        assert sorted(shown) == sorted(map(cash, expected))
        expect(page.get_by_role("region", name=f"What {name_of(number)} sees")).to_contain_text(
            cash(sum(expected))
        )


def test_computes_beside_the_page(open_private: OpenPage) -> None:
    page = open_private()
    assert page.workers == []
    page.get_by_role("navigation", name="Views").get_by_role("link", name="In private").click()
    look_as(page, "H02")
    assert [each.url.rsplit("/", 1)[-1].split("-")[1] for each in page.workers] == ["worker"]


# Keys of one's own


def test_typed_keys_open_and_are_never_sent(open_private: OpenPage, street: PrivateStreet) -> None:
    page = open_private(PRIVATE)
    said: list[str] = []

    def hear(request: Request) -> None:
        said.append(f"{request.url} {json.dumps(request.headers)} {request.post_data or ''}")

    page.on("request", hear)
    member, trade = street.members[1], street.trades[1]
    page.get_by_label("Look with the keys of").select_option(label=OWN_KEYS)

    type_keys(page, member)

    expect(page.get_by_text("All notes tried")).to_be_visible()
    expect(offer(page, 2)).to_contain_text("You have made this offer.")
    # Without what the household keeps it is the agreement's note that tells of the sale.
    expect(agreement(page, trade)).to_contain_text(f"You sold for {cash(trade.made.cost)}")
    expect(purse_of(page)).to_contain_text("for a part of a trade")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(envelopes(page)).not_to_contain_text("You have made")
    assert page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])") == "[{},{}]"
    assert said
    everything = " ".join(said).lower()
    for key in key_words(member):
        assert key[:16] not in everything
        assert key[-16:] not in everything
        assert str(int(key, 16)) not in everything
    assert member.account.lower() not in everything


def test_says_when_what_one_keeps_is_not_what_the_chain_has(
    open_private: OpenPage, street: PrivateStreet
) -> None:
    page = open_private(PRIVATE)
    seller = street.members[0]
    kept = street.get(f"/private/households/{seller.account}")
    (false,) = kept["trades"]
    false["energy"]["value"] += 1
    page.get_by_label("Look with the keys of").select_option(label=OWN_KEYS)

    type_keys(page, seller, json.dumps({"offers": kept["offers"], "trades": [false]}))

    expect(offer(page, 1)).to_contain_text("Fits what the chain keeps.")
    expect(agreement(page, street.trades[0])).to_contain_text("This is not what the chain keeps.")


def test_names_the_field_of_a_key_that_is_none(open_private: OpenPage) -> None:
    page = open_private(PRIVATE)
    page.get_by_label("Look with the keys of").select_option(label=OWN_KEYS)
    form = page.get_by_role("form", name="Your own keys")
    look = form.get_by_role("button", name="Look with these keys")
    member, view = form.get_by_label("Member key"), form.get_by_label("View key of your notes")

    look.click()
    expect(member).to_be_focused()
    expect(member).to_have_accessible_description("Please type this key or the next.")
    view.fill("abc")
    look.click()
    expect(view).to_be_focused()
    expect(view).to_have_accessible_description("A key has 64 hexadecimal digits.")
    view.fill("")
    member.fill("f" * 64)
    look.click()
    expect(member).to_have_accessible_description("It must be below the group's order.")
    member.fill("0" * 63 + "1")
    form.get_by_label("What you keep of your trades").fill("{")
    look.click()
    expect(form.get_by_label("What you keep of your trades")).to_have_accessible_description(
        "This is not a list of offers and trades in JSON."
    )
    form.get_by_label("What you keep of your trades").fill("")
    look.click()
    expect(form).to_have_count(0)
    expect(offer(page, 1)).to_contain_text("Not meant for this household.")


# Auditors


def audit(page: Page) -> Locator:
    return page.get_by_role("form", name="Open an envelope as auditor")


def test_auditors_open_an_envelope_with_their_key(open_private: OpenPage) -> None:
    page = open_private(PRIVATE)
    form, outcome = audit(page), page.get_by_role("region", name="What comes out")
    form.get_by_label("Envelope").select_option(label="Agreement on offer 3")
    form.get_by_label("The auditors' key").fill("0" * 63 + "7")
    form.get_by_role("button", name="Open it").click()
    key = form.get_by_label("The auditors' key")
    expect(key).to_be_focused()
    expect(key).to_have_accessible_description("It must be the auditors' key.")
    expect(outcome).to_contain_text("Agreement on offer 3, sealed")

    key.fill(f"{development_auditor_key().secret:#066x}")
    form.get_by_role("button", name="Open it").click()

    expect(outcome).to_contain_text("2.0 kWh at 20.0 ct a kWh: €0.40")
    expect(key).to_have_value("")
    form.get_by_label("Envelope").select_option(label="Offer 1")
    expect(outcome).to_contain_text("Offer 1, sealed")
    form.get_by_role("button", name="Use the demonstration's").click()
    expect(key).to_have_value(re.compile("^0x"))
    key.press("Enter")
    expect(outcome).to_contain_text("5.0 kWh from 10.0 ct a kWh")


def contributions(handles: list[Point], *indices: int) -> str:
    """What auditors of two of three contribute to handles, as the page takes it."""
    committee, shares = deal(development_auditor_key(), 2, 3)
    partials = [
        [encode(open_partially(committee, shares[each - 1], handle, CONTEXT)) for each in indices]
        for handle in handles
    ]
    said = {"committee": encode(committee), "context": encode(CONTEXT), "partials": partials}
    return json.dumps(said)


def test_two_of_three_auditors_open_an_envelope_together(
    open_private: OpenPage, street: PrivateStreet
) -> None:
    page = open_private(PRIVATE)
    terms: OfferTerms = street.do(street.private.offers(street.window))[0].terms
    handles = [terms.energy_handle, terms.price_handle]
    form, outcome = audit(page), page.get_by_role("region", name="What comes out")
    form.get_by_label("Several together").check()
    parts = form.get_by_label("What the auditors contribute")
    for text, problem in (
        ("{}", "This is not what auditors contribute, in JSON."),
        (contributions(handles, 2), "It must come from 2 auditors, here are 1."),
        (
            contributions([VALUE_BASE, handles[1]], 1, 2),
            "It must come from 2 auditors, here are 0; that of auditor 1 is not its share; "
            "that of auditor 2 is not its share.",
        ),
    ):
        parts.fill(text)
        form.get_by_role("button", name="Open it").click()
        expect(parts).to_have_accessible_description(problem)
        expect(outcome).to_contain_text("Offer 1, sealed")

    parts.fill(contributions(handles, 3, 1))
    form.get_by_role("button", name="Open it").click()

    expect(outcome).to_contain_text("5.0 kWh from 10.0 ct a kWh")


# The view among the others


def test_the_market_says_that_the_street_trades_in_private(open_private: OpenPage) -> None:
    page = open_private()
    names: list[str] = []
    page.on("request", lambda request: names.append(request.url.rsplit("/", 1)[-1]))
    note = page.get_by_text("This street trades in private")
    expect(note).to_be_visible()
    assert not [name for name in names if name.startswith(("Private", "private"))]
    note.get_by_role("link", name="See what can be seen of them").press("Enter")

    expect(page).to_have_url(re.compile("#/private$"))
    expect(page).to_have_title(re.compile("^In private"))
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("This street trades in sealed envelopes")
    expect(heading).to_be_focused()
    link = page.get_by_role("navigation", name="Views").get_by_role("link", name="In private")
    expect(link).to_have_attribute("aria-current", "page")
    assert {name.split("-")[0] for name in names} >= {"Private"}


def test_an_open_market_has_no_such_view(open_still: OpenPage) -> None:
    page = open_still(PRIVATE)
    expect(page.get_by_role("heading", level=1)).to_contain_text("The street is")
    expect(page.get_by_role("link", name="In private")).to_have_count(0)
    expect(page.get_by_text("trades in private")).to_have_count(0)


def test_everything_can_be_done_by_keyboard(open_private: OpenPage) -> None:
    page = open_private(PRIVATE)
    look_as(page, "H01")
    page.locator("body").press("Tab")
    page.get_by_role("link", name="Skip to the envelopes").press("Enter")
    reached = []
    for _ in range(200):
        page.keyboard.press("Tab")
        at = page.evaluate("() => document.activeElement.closest('section[id]')?.id || 'page'")
        reached += [at] if at not in reached else []
        if page.evaluate("() => document.activeElement.textContent.trim()") == "Open it":
            break
    assert [each for each in reached if each != "page"] == ["envelopes", "notes", "auditors"]
    page.get_by_label("Look with the keys of").focus()
    page.keyboard.type("H04")
    expect(page.get_by_role("heading", name="What H04 sees").last).to_be_visible()


@each_look
def test_breaks_no_rule_of_accessibility(
    open_private: OpenPage, color_scheme: str, viewport: dict[str, int]
) -> None:
    page = open_private(
        PRIVATE, color_scheme=color_scheme, viewport=viewport, reduced_motion="reduce"
    )
    look_as(page, "H01")
    expect(offer(page, 1)).to_contain_text("Fits what the chain keeps.")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    page.get_by_label("Look with the keys of").select_option(label=OWN_KEYS)
    page.get_by_role("button", name="Look with these keys").click()
    form = audit(page)
    form.get_by_role("button", name="Use the demonstration's").click()
    expect(form.get_by_label("The auditors' key")).to_have_value(re.compile("^0x"))
    form.get_by_role("button", name="Open it").click()
    expect(page.get_by_text("Who it was, it does not say.")).to_be_visible()
    form.get_by_label("Several together").check()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


# Last: they begin other rounds.


def test_an_offer_comes_in_without_a_reload_and_its_maker_knows_it(
    open_private: OpenPage, street: PrivateStreet
) -> None:
    page = open_private(PRIVATE)
    look_as(page, "H04")
    expect(offer(page, 3)).to_be_visible()

    street.offer(street.members[3])

    # By its key image: no word of the household's own has said so.
    expect(offer(page, 1)).to_contain_text(re.compile(r"5\.0 kWh from 10\.0 ct.*H04 has made this"))
    expect(envelopes(page).get_by_role("article")).to_have_count(1)
    look_as(page, "H02")
    expect(offer(page, 1)).to_contain_text("whose, nobody can tell")
    page.get_by_role("button", name="The round before").click()
    expect(offer(page, 2)).to_contain_text("H02 has made this offer.")


def test_reads_anew_what_is_no_longer_so(open_private: OpenPage, street: PrivateStreet) -> None:
    page = open_private(PRIVATE)
    look_as(page, "H05")
    shown = offer(page, 1).get_by_title(re.compile("^0x.{40}$")).get_attribute("title")
    undo = street.remember()
    street.offer(street.members[4])
    expect(offer(page, 1)).to_contain_text("H05 has made this offer.")

    undo()

    expect(offer(page, 1)).to_contain_text("whose, nobody can tell")
    expect(offer(page, 1).get_by_title(str(shown))).to_be_visible()
