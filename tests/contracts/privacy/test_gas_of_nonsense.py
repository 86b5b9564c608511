"""Whoever sends nonsense pays for itself, but cannot make a call burn all its gas."""

import pytest
from brownie import accounts, history, reverts

from app.privacy.bulletproofs import RangeStatement, prove_ranges
from app.privacy.curve import G
from app.privacy.lsag import tag_base
from app.privacy.pedersen import commit
from tests.contracts.privacy.abi import as_abi, claim_of
from tests.privacy.cases import (
    CONTEXT,
    MESSAGE,
    handles,
    member_signature,
    opening,
    spend_signature,
)

OFF_CURVE = (1, 3)
LIMIT = 5_000_000


def spent_on(function, *arguments):
    """The gas of a transaction that must fail."""
    with reverts():
        function.transact(*arguments, {"from": accounts[0], "gas_limit": LIMIT})
    return history[-1].gas_used


@pytest.fixture
def off_curve_calls(verifiers):
    """Of each verifier a call whose last point to be looked at is none."""
    _, member = member_signature()
    _, spend = spend_signature()
    _, handle = handles()
    statement = RangeStatement(CONTEXT, (4,), (commit(opening(9)),))
    proof = prove_ranges(statement, [opening(9)])
    claim = list(claim_of(statement, proof))
    claim[3] = (*claim[3][:3], OFF_CURVE, *claim[3][4:])
    ring = [*member["ring"][:-1], OFF_CURVE]
    notes = as_abi(spend["ring"])
    notes[-1] = (notes[-1][0], OFF_CURVE)
    return {
        "ring": (
            verifiers.ring.verify,
            (ring, CONTEXT, MESSAGE, tag_base(CONTEXT), as_abi(member["signature"])),
        ),
        "spend": (verifiers.spend.verify, (notes, CONTEXT, MESSAGE, as_abi(spend["signature"]))),
        "handles": (
            verifiers.sigma.verifyHandles,
            (as_abi(handle["handles"]), OFF_CURVE, CONTEXT, as_abi(handle["proof"])),
        ),
        "ranges": (verifiers.ranges.verify, ([claim],)),
    }


def test_points_off_the_curve_burn_no_gas(off_curve_calls):
    for name, (function, arguments) in off_curve_calls.items():
        assert spent_on(function, *arguments) < 300_000, name


def test_even_unchecked_points_burn_little(probe):
    assert spent_on(probe.combine, [G, OFF_CURVE], [5, 7]) < 150_000
