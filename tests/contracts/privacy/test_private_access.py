"""What `docs/access.md` says of private trading, against the ABIs and what the contracts answer."""

import pytest
from brownie import reverts

from scripts.deploy import Role
from tests.contracts.access import documented_roles, refusal, some_call, writes
from tests.contracts.errors import error

VERIFIERS = ("RingVerifier", "SpendVerifier", "SigmaVerifier", "RangeVerifier")
CONTRACTS = ("PrivateMarket", "NotePool", "ERC5564Announcer", "ERC6538Registry", *VERIFIERS)
RESTRICTED = {"setAuditor": Role.ADMIN, "pause": Role.OPERATOR, "unpause": Role.ADMIN}
SAID_BY = {"makeTransaction": Role.OPERATOR}
"""Anybody may call these with the signature of whoever has the role."""


@pytest.fixture
def contracts(privacy):
    return privacy.contracts


def test_is_documented(contracts):
    documented = documented_roles(CONTRACTS)

    assert set(contracts) == set(CONTRACTS)
    assert set(documented) == {
        (contract, function) for contract in CONTRACTS for function in writes(contracts[contract])
    }
    assert {place: role for place, role in documented.items() if role} == {
        ("PrivateMarket", function): role.name for function, role in RESTRICTED.items()
    }


@pytest.mark.parametrize("function", [*RESTRICTED, *SAID_BY])
def test_each_role_has_what_the_table_says(private_market, authority, function):
    role = {**RESTRICTED, **SAID_BY}[function]
    selector = getattr(private_market, function).signature

    assert authority.getTargetFunctionRole(private_market, selector) == role


@pytest.mark.parametrize("contract", CONTRACTS)
def test_outsiders_are_refused_what_is_restricted_and_nothing_else(contracts, outsider, contract):
    unauthorised = error("AccessManagedUnauthorized", outsider)

    for name, entry in writes(contracts[contract]).items():
        if contract == "PrivateMarket" and (name in RESTRICTED or name == "setAuthority"):
            with reverts(unauthorised):
                some_call(contracts[contract], entry, outsider)
        else:
            assert refusal(contracts[contract], entry, outsider) != unauthorised, name


@pytest.mark.parametrize("contract", VERIFIERS)
def test_verifiers_change_nothing(contracts, contract):
    assert writes(contracts[contract]) == {}


def test_operator_and_members_are_refused_each_others_part(
    private_market, operator, consortium, auditor, seller
):
    entries = writes(private_market)
    for name, people in (
        ("setAuditor", (operator, auditor, seller)),
        ("unpause", (operator, auditor, seller)),
        ("pause", (auditor, seller)),
    ):
        for person in people:
            with reverts(error("AccessManagedUnauthorized", person)):
                some_call(private_market, entries[name], person)
