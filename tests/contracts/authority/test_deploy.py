"""The deploy script: `deploy_system` and `brownie run deploy`."""

import json

import pytest
from brownie import accounts

from app.chain.keys import AUDITORS, OPERATOR, TREASURERS, TREASURY
from scripts import deploy
from tests.contracts.plain import plain

OFFICES = {
    deploy.Role.OPERATOR: (OPERATOR,),
    deploy.Role.AUDITOR: AUDITORS,
    deploy.Role.TREASURER: TREASURERS,
}


def test_deploys_a_contract_a_transaction_and_hands_over_in_one(system, chain):
    last_block = system.first_block + len(system.contracts)

    blocks = [chain[number] for number in range(system.first_block, last_block + 1)]
    assert [len(block.transactions) for block in blocks] == [1] * (len(system.contracts) + 1)
    created = [chain.get_transaction(block.transactions[0]).contract_address for block in blocks]
    assert created == [contract.address for contract in system.contracts.values()] + [None]


def test_links_for_good(system):
    assert system.energy_token.registry() == system.registry
    assert system.energy_token.market() == system.market
    assert system.registry.energyToken() == system.energy_token
    assert system.market.energyToken() == system.energy_token
    assert system.market.paymentToken() == system.payment_token
    assert system.market.meterRegistry() == system.registry
    assert system.auction.market() == system.market
    assert system.market.isTrustedForwarder(system.forwarder)
    assert system.auction.isTrustedForwarder(system.forwarder)
    assert system.consortium.token() == system.membership
    assert system.consortium.accessManager() == system.authority
    assert system.consortium.isTrustedForwarder(system.forwarder)
    for contract in (
        system.payment_token,
        system.registry,
        system.market,
        system.auction,
        system.membership,
        system.treasury,
    ):
        assert contract.authority() == system.authority


@pytest.fixture
def deployed(tmp_path, capsys):
    """What `brownie run deploy main <file>` does on a development chain."""
    path = tmp_path / "deployments" / "here.json"
    system = deploy.main(str(path))
    return system, json.loads(path.read_text()), capsys.readouterr().out


def test_saves_the_addresses(deployed, chain):
    system, saved, _ = deployed

    assert saved == {
        "chainId": chain.id,
        "block": system.first_block,
        "contracts": {
            name: {"address": contract.address} for name, contract in system.contracts.items()
        },
    }


def test_says_network_and_addresses(deployed, chain):
    system, _, out = deployed

    assert f"chain id {chain.id}" in out
    for name, contract in system.contracts.items():
        assert f"{name:<14} {contract.address}" in out


def test_starts_with_its_own_terms(deployed):
    system, _, _ = deployed

    assert tuple(plain(system.market.defaultTerms()).values()) == (80_000, 320_000, 50_000)
    assert tuple(plain(system.market.termLimits()).values()) == (10_000, 1_000_000, 500_000)
    assert not system.market.paused()


def test_gives_the_roles_to_the_development_accounts(deployed):
    system, _, _ = deployed

    assert system.market.treasury() == accounts[TREASURY]
    for role in deploy.Role:
        holders = [person for person in accounts[:10] if is_member(system, role, person)]
        assert holders == [accounts[number] for number in OFFICES.get(role, ())]


def test_says_what_is_in_the_bank_of_a_development_chain(deployed):
    system, _, _ = deployed

    assert system.treasury.reserve()["amount"] == deploy.DEVELOPMENT_RESERVE
    assert system.treasury.paymentToken() == system.payment_token


def test_more_than_half_of_an_office_have_to_confirm(deployed):
    system, _, _ = deployed

    assert system.treasury.threshold() == system.registry.threshold() == 2
    assert [deploy.majority_of(["x"] * count) for count in (1, 2, 3, 4, 5)] == [1, 2, 2, 3, 3]


def test_founds_with_the_first_households(deployed):
    system, _, _ = deployed

    assert system.membership.memberCount() == deploy.DEVELOPMENT_MEMBERS
    for household in accounts[20 : 20 + deploy.DEVELOPMENT_MEMBERS]:
        assert system.membership.isMember(household)


def test_members_decide_quickly_on_a_development_chain_and_with_time_elsewhere(deployed):
    system, _, _ = deployed
    rules = (
        system.consortium.votingDelay(),
        system.consortium.votingPeriod(),
        system.consortium.baseDelaySeconds(),
        system.consortium.quorumNumerator(),
    )

    assert rules == (0, 60, 30, 50)
    assert deploy.VotingRules(86_400, 259_200, 86_400, 50) == deploy.DEFAULT_RULES


# On a real chain


def test_names_several_people(monkeypatch):
    monkeypatch.setenv("PEERWATT_AUDITORS", f"{accounts[2]}, {str(accounts[7]).lower()}")

    assert deploy.several("PEERWATT_AUDITORS") == [accounts[2].address, accounts[7].address]


@pytest.mark.parametrize("named", [(2,), (2, 2), (2, 7, 2)])
def test_refuses_one_alone_and_one_twice(monkeypatch, named):
    """A threshold of two that one key reaches, or none."""
    monkeypatch.setenv("PEERWATT_AUDITORS", ",".join(str(accounts[number]) for number in named))

    with pytest.raises(SystemExit, match="PEERWATT_AUDITORS has to name two or more"):
        deploy.several("PEERWATT_AUDITORS")


def is_member(system, role, person):
    return system.authority.hasRole(role, person)["isMember"]
