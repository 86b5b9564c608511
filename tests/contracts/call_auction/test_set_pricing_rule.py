import pytest
from brownie import reverts

from app.market.clearing import PricingRule
from app.market.windows import commit_start, window_at, window_start
from tests.contracts.conftest import NOW, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of

CURRENT = window_at(NOW)


def test_begins_with_the_midpoint(auction):
    for window in (0, WINDOW, 2**64 - 1):
        assert auction.pricingRuleOf(window) == PricingRule.MIDPOINT


@pytest.mark.parametrize("rule", list(PricingRule))
def test_holds_from_the_window_after_the_next(auction, admin, rule):
    transaction = auction.setPricingRule(rule, {"from": admin})

    assert event_of(transaction, "PricingRuleSet") == {"fromWindow": CURRENT + 2, "rule": rule}
    assert auction.pricingRuleOf(CURRENT + 1) == PricingRule.MIDPOINT
    assert auction.pricingRuleOf(CURRENT + 2) == rule
    assert auction.pricingRuleOf(CURRENT + 200) == rule


def test_replaces_what_was_set_in_the_same_hour(auction, admin):
    for rule in (PricingRule.UNIFORM, PricingRule.PAY_AS_BID):
        auction.setPricingRule(rule, {"from": admin})

    assert auction.pricingRuleOf(CURRENT + 1) == PricingRule.MIDPOINT
    assert auction.pricingRuleOf(CURRENT + 2) == PricingRule.PAY_AS_BID


def test_remembers_the_rules_of_the_past(auction, admin):
    rules = [PricingRule.UNIFORM, PricingRule.PAY_AS_BID, PricingRule.MIDPOINT]
    for hours, rule in enumerate(rules):
        travel_to(window_start(CURRENT + 2 * hours))
        auction.setPricingRule(rule, {"from": admin})

    holds = [auction.pricingRuleOf(CURRENT + after) for after in range(1, 8)]
    assert holds == [PricingRule.MIDPOINT, *[rules[0]] * 2, *[rules[1]] * 2, *[rules[2]] * 2]


def test_never_changes_a_closed_book(auction, buy, sell, clear, admin):
    """Whoever sets the rule in the commit margin sets that of a later book."""
    bought, sold = buy(), sell()
    travel_to(commit_start(WINDOW))
    auction.setPricingRule(PricingRule.PAY_AS_BID, {"from": admin})

    assert event_of(clear([bought], [sold]), "OrderFilled")["price"] == 150_000


# Access


@pytest.mark.parametrize("somebody", ["operator", "auditor", "treasurer", "seller", "outsider"])
def test_is_the_members(auction, request, somebody):
    caller = request.getfixturevalue(somebody)

    with reverts(error("AccessManagedUnauthorized", caller)):
        auction.setPricingRule.call(PricingRule.UNIFORM, {"from": caller})


def test_refuses_a_rule_that_there_is_not(auction, admin):
    with reverts():
        auction.setPricingRule.call(3, {"from": admin})
