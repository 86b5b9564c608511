"""`brownie run deploy_privacy`: the whole system and private trading in one go."""

import json

import pytest
from brownie import accounts

from app.chain.keys import DEPLOYER, OPERATOR, development_auditor_key
from scripts import deploy, deploy_privacy
from tests.contracts.plain import plain


@pytest.fixture
def deployed(tmp_path):
    path = tmp_path / "here.json"
    system = deploy_privacy.main(str(path))
    return system, json.loads(path.read_text())["contracts"]


def test_saves_the_addresses_of_both(deployed):
    system, saved = deployed

    assert len(system.more) == 8
    assert saved == {
        name: {"address": contract.address} for name, contract in system.contracts.items()
    }
    assert saved.keys() > {"EnergyMarket", "PrivateMarket", "NotePool", "ERC6538Registry"}


@pytest.mark.parametrize("function", ["makeTransaction", "pause"])
def test_the_operator_alone_has_its_part_from_the_beginning(deployed, function):
    system, _ = deployed
    market = system.more["PrivateMarket"]
    selector = getattr(market, function).signature

    trusted = [
        person for person in accounts[:10] if system.authority.canCall(person, market, selector)[0]
    ]

    assert trusted == [accounts[OPERATOR]]


def test_the_deployer_keeps_no_role(deployed):
    system, _ = deployed

    assert not system.authority.hasRole(deploy.Role.ADMIN, accounts[DEPLOYER])[0]


def test_the_parts_are_linked(deployed):
    system, _ = deployed
    market, pool = system.more["PrivateMarket"], system.more["NotePool"]

    assert market.pool() == pool
    assert market.membership() == system.membership
    assert market.authority() == system.authority
    assert pool.paymentToken() == system.payment_token
    assert plain(market.auditorKey()) == dict(
        zip("xy", development_auditor_key().public, strict=True)
    )
