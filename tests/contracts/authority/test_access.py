"""The access table of the deploy script against the chain, the ABIs and `docs/access.md`."""

import re

import pytest
from brownie import reverts
from brownie.exceptions import VirtualMachineError
from eth_utils.abi import function_abi_to_4byte_selector

from scripts.decide import call_of
from scripts.deploy import ACCESS, MEMBERS_ROLES, Role
from tests.contracts.access import (
    DOCUMENT,
    documented_roles,
    refusal,
    some_call,
    some_value,
    writes,
)
from tests.contracts.conftest import HOUSEHOLDS_FROM
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain

CONTRACTS = (
    "EnergyMarket",
    "CallAuction",
    "MeterRegistry",
    "PaymentToken",
    "EnergyToken",
    "Forwarder",
    "Membership",
    "Consortium",
    "Treasury",
)
RESTRICTED = {
    (contract, function): role
    for role, contracts in ACCESS.items()
    for contract, functions in contracts.items()
    for function in functions
}
RULES_OF_THE_CONSORTIUM = {
    "relay",
    "setAccessManagerIgnored",
    "setBaseDelaySeconds",
    "setProposalThreshold",
    "setVotingDelay",
    "setVotingPeriod",
    "updateQuorumNumerator",
}
REFUSED = {"immediate": False, "delay": 0}
HOLDERS = {
    Role.ADMIN: "consortium",
    Role.OPERATOR: "operator",
    Role.AUDITOR: "auditor",
    Role.TREASURER: "treasurer",
    Role.MINTER: "bank",
}


def selectors(contract):
    """Name and selector of every function that can change something."""
    return [
        (entry["name"], function_abi_to_4byte_selector(entry))
        for entry in contract.abi
        if entry.get("name") in writes(contract)
    ]


@pytest.mark.parametrize(
    ("contract", "function"), RESTRICTED, ids=[".".join(place) for place in RESTRICTED]
)
def test_only_its_role_may_call_a_restricted_function(
    system, authority, contract, function, request, seller, outsider
):
    role = RESTRICTED[contract, function]
    target = system.contracts[contract]
    selector = getattr(target, function).signature
    people = {request.getfixturevalue(name): name for name in HOLDERS.values()}

    allowed = {
        name
        for person, name in people.items()
        if authority.canCall(person, target, selector)["immediate"]
    }

    assert allowed == {HOLDERS[role]} | ({"consortium"} if role in MEMBERS_ROLES else set())
    for somebody in (seller, outsider):
        assert plain(authority.canCall(somebody, target, selector)) == REFUSED


@pytest.mark.parametrize("contract", CONTRACTS)
def test_restricts_just_what_the_table_says(system, outsider, contract):
    target = system.contracts[contract]
    unauthorised = error("AccessManagedUnauthorized", outsider)

    for name, entry in writes(target).items():
        if (contract, name) in RESTRICTED or name == "setAuthority":
            with reverts(unauthorised):
                some_call(target, entry, outsider)
        else:
            assert refusal(target, entry, outsider) != unauthorised, name


def test_is_documented(system):
    documented = documented_roles(CONTRACTS)

    assert set(documented) == {
        (contract, function)
        for contract in CONTRACTS
        for function in writes(system.contracts[contract])
    }
    assert documented == {place: getattr(RESTRICTED.get(place), "name", "") for place in documented}


@pytest.mark.parametrize("role", list(Role))
def test_documents_the_roles(role):
    assert re.search(rf"^\| {role.name} +\| {role.value} +\|", DOCUMENT.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "contract",
    ["EnergyMarket", "CallAuction", "MeterRegistry", "PaymentToken", "Membership", "Treasury"],
)
def test_moves_to_another_authority_by_the_authority_alone(
    system, authority, resolve, consortium, contract
):
    target = system.contracts[contract]
    with reverts(error("AccessManagedUnauthorized", consortium)):
        target.setAuthority.call(system.forwarder, {"from": consortium})

    resolve(call_of(authority, "updateAuthority", target, system.forwarder))

    assert target.authority() == system.forwarder


def test_names_no_function_that_is_not_there(system):
    for contract, function in RESTRICTED:
        assert function in writes(system.contracts[contract])


@pytest.fixture
def access_transaction(system, chain):
    """The transaction that wrote the table: the last one of the deployment."""
    (transaction_id,) = chain[system.first_block + len(system.contracts)].transactions
    return chain.get_transaction(transaction_id)


def test_admits_the_auction_alone(system, market, access_transaction):
    assert event_of(access_transaction, "VenueSet") == {
        "venue": system.auction.address,
        "admitted": True,
    }
    assert market.isVenue(system.auction)
    assert system.auction.market() == market


def test_labels_its_roles(access_transaction):
    labels = events_of(access_transaction, "RoleLabel")

    assert {event["roleId"]: event["label"] for event in labels} == {
        role: role.name for role in Role if role is not Role.ADMIN
    }


def test_gives_each_role_to_its_holder(
    access_transaction, consortium, bank, operator, auditor, treasurer
):
    granted = events_of(access_transaction, "RoleGranted")

    assert [(event["roleId"], event["account"]) for event in granted] == [
        (Role.OPERATOR, operator.address),
        (Role.AUDITOR, auditor.address),
        (Role.TREASURER, treasurer.address),
        (Role.MINTER, bank.address),
        *((role, consortium.address) for role in MEMBERS_ROLES),
    ]


@pytest.mark.parametrize(
    "other", ["deployer", "operator", "auditor", "treasurer", "seller", "outsider"]
)
def test_nobody_alone_gives_roles(authority, other, request):
    somebody = request.getfixturevalue(other)

    with pytest.raises(VirtualMachineError, match="AccessManagerUnauthorizedAccount"):
        authority.grantRole.call(Role.OPERATOR, somebody, 0, {"from": somebody})


def holders_of(authority, web3):
    """Who has which role, by the Authority's own record of all that was ever given or taken."""
    given = web3.eth.contract(address=authority.address, abi=authority.abi).events
    accounts_of = {}
    for event in given.RoleGranted.get_logs(from_block=0):
        accounts_of.setdefault(event.args.roleId, set()).add(event.args.account)
    return {
        role: {one for one in accounts if authority.hasRole(role, one)["isMember"]}
        for role, accounts in accounts_of.items()
    }


def test_no_key_may_do_more_than_the_table_gives_to_its_office(
    system, authority, web3, operator, auditor, treasurer
):
    """Every function of every contract: whom does the Authority let call it, who has a key?

    What an office may call is read from the page.
    """
    holders = holders_of(authority, web3)
    people = {
        (contract, name): {
            account
            for account in holders[authority.getTargetFunctionRole(target, selector)]
            if not web3.eth.get_code(account)
        }
        for contract, target in system.contracts.items()
        for name, selector in selectors(target)
    }

    offices = {"OPERATOR": operator, "AUDITOR": auditor, "TREASURER": treasurer}
    assert {place: who for place, who in people.items() if who} == {
        place: {offices[role].address}
        for place, role in documented_roles(CONTRACTS).items()
        if role in offices
    }


@pytest.mark.parametrize("office", ["operator", "auditor", "treasurer"])
def test_no_office_acts_through_the_authority(system, authority, office, request):
    """There it would be somebody else, and could speak a second time."""
    somebody = request.getfixturevalue(office)
    role = next(role for role, name in HOLDERS.items() if name == office)

    for contract, functions in ACCESS[role].items():
        target = system.contracts[contract]
        for name in functions:
            arguments = [some_value(argument) for argument in writes(target)[name]["inputs"]]
            data = getattr(target, name).encode_input(*arguments)
            with reverts(error("AccessManagerUnauthorizedAccount", somebody, Role.ADMIN.value)):
                authority.execute.call(target, data, {"from": somebody})


def test_no_key_changes_the_authority_or_the_rules_of_voting(system, accounts):
    """By calling: as all who have to do with the system."""
    authority, consortium = system.contracts["Authority"], system.contracts["Consortium"]
    entries = [
        *((authority, entry) for name, entry in writes(authority).items() if name != "multicall"),
        *((consortium, writes(consortium)[name]) for name in RULES_OF_THE_CONSORTIUM),
    ]

    for target, entry in entries:
        for somebody in accounts[: HOUSEHOLDS_FROM + 1]:
            assert refusal(target, entry, somebody), (entry["name"], somebody)


def test_the_deployer_keeps_nothing(system, authority, deployer):
    for role in Role:
        assert not authority.hasRole(role, deployer)["isMember"]
    assert not system.membership.isMember(deployer)


@pytest.mark.parametrize("role", MEMBERS_ROLES)
def test_the_members_decide_by_vote(system, authority, web3, consortium, role):
    assert consortium.address in holders_of(authority, web3)[role]
    assert plain(authority.hasRole(role, consortium)) == {"isMember": True, "executionDelay": 0}


def test_the_members_alone_are_admin(authority, web3, consortium):
    assert holders_of(authority, web3)[Role.ADMIN] == {consortium.address}


def test_the_members_may_hand_over(authority, resolve, consortium, outsider):
    resolve(
        call_of(authority, "grantRole", Role.ADMIN, outsider, 0),
        call_of(authority, "revokeRole", Role.ADMIN, consortium),
    )

    authority.grantRole.call(Role.OPERATOR, outsider, 0, {"from": outsider})
