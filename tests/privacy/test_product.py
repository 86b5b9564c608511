"""What is paid is energy times price, to the unit, and rounded as the market rounds."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InputError
from app.market.units import cost_down, cost_up
from app.privacy.bulletproofs import RangeStatement, prove_ranges, verify_ranges
from app.privacy.curve import INFINITY, N
from app.privacy.pedersen import Opening, commit
from app.privacy.product import (
    PRODUCT_SECRETS,
    REMAINDER_BITS,
    Cost,
    CostStatement,
    Rounding,
    prove_cost,
    prove_product,
    verify_cost,
    verify_product,
)
from app.privacy.sigma import SigmaProof
from tests.privacy.cases import CONTEXT, MESSAGE, entropy_of, opening
from tests.privacy.strategies import examples

BITS = (22, 22, REMAINDER_BITS, REMAINDER_BITS)


def cost_of(energy_wh=1_234, price_per_kwh=210_123, rounding=Rounding.DOWN):
    return Cost.of(opening(energy_wh), opening(price_per_kwh), rounding, 99)


def prove_remainder(cost):
    statement = cost.statement()
    ranges = RangeStatement(
        CONTEXT, BITS, (statement.energy, statement.price, *statement.remainder_commitments())
    )
    openings = [cost.energy, cost.price, *cost.remainder_openings()]
    return ranges, prove_ranges(ranges, openings)


@examples(25)
@given(st.integers(0, 2**22 - 1), st.integers(0, 2**22 - 1), st.sampled_from(list(Rounding)))
def test_the_cost_is_the_markets(energy_wh, price_per_kwh, rounding):
    cost = cost_of(energy_wh, price_per_kwh, rounding)
    market = cost_down if rounding is Rounding.DOWN else cost_up

    assert cost.cost.value == market(energy_wh, price_per_kwh)
    assert 0 <= cost.remainder.value < 1_000
    assert verify_cost(cost.statement(), CONTEXT, prove_cost(cost, CONTEXT))


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize(
    ("energy_wh", "price_per_kwh"), [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 1), (1, 999)]
)
def test_the_remainder_is_in_range_at_its_limits(energy_wh, price_per_kwh, rounding):
    cost = cost_of(energy_wh, price_per_kwh, rounding)

    assert verify_ranges([prove_remainder(cost)])


@pytest.mark.parametrize("shift", [1, -1])
@pytest.mark.parametrize("rounding", Rounding)
def test_a_unit_more_or_less_fits_the_equation_but_no_range(shift, rounding):
    """The remainder that such a cost needs is below 0 or above 999."""
    honest = cost_of(rounding=rounding)
    sign = 1 if rounding is Rounding.DOWN else -1
    cheated = replace(
        honest,
        cost=replace(honest.cost, value=honest.cost.value + shift),
        remainder=replace(
            honest.remainder, value=(honest.remainder.value - sign * shift * 1_000) % N
        ),
    )

    assert verify_cost(cheated.statement(), CONTEXT, prove_cost(cheated, CONTEXT))
    with pytest.raises(InputError, match="must be below 2\\^10"):
        prove_remainder(cheated)


@pytest.mark.parametrize("name", ["energy", "price", "cost", "remainder"])
def test_another_number_does_not_fit_the_equation(name):
    cost = cost_of()
    proof = prove_cost(cost, CONTEXT)
    other = replace(cost, **{name: getattr(cost, name) + Opening(1, 0)})

    assert not verify_cost(other.statement(), CONTEXT, proof)
    with pytest.raises(InputError, match="must be the product"):
        prove_cost(other, CONTEXT)


def test_a_cost_rounded_down_does_not_pass_for_one_rounded_up():
    cost = cost_of()
    proof = prove_cost(cost, CONTEXT)

    assert cost.remainder.value
    assert not verify_cost(replace(cost.statement(), rounding=Rounding.UP), CONTEXT, proof)


def test_a_proof_survives_the_wire():
    proof = prove_cost(cost_of(), CONTEXT)

    assert SigmaProof.from_words(proof.words(), PRODUCT_SECRETS) == proof


def test_a_proof_says_nothing_in_another_context():
    cost = cost_of()

    assert not verify_cost(cost.statement(), MESSAGE, prove_cost(cost, CONTEXT))


def test_backends_prove_and_verify_alike(curve):
    cost = Cost.of(
        opening(1_234), opening(210_123), Rounding.UP, 99, entropy=entropy_of("remainder")
    )
    proof = prove_cost(cost, CONTEXT, entropy=entropy_of("same"), curve=curve)

    assert proof == prove_cost(cost, CONTEXT, entropy=entropy_of("same"))
    assert verify_cost(cost.statement(curve), CONTEXT, proof, curve=curve)


def test_products_of_two_numbers_of_64_bits_do_not_wrap():
    large = 2**64 - 1
    assert large * large + 1_000 < N

    left, right, product = opening(large), opening(large, "right"), opening(large * large)
    points = (commit(left), commit(right), commit(product))
    proof = prove_product(points, left, right, product, CONTEXT)
    assert verify_product(points, CONTEXT, proof)
    assert not verify_product((points[1], points[0], points[2]), CONTEXT, proof)


def test_infinity_is_refused_by_name():
    statement = cost_of().statement()
    with pytest.raises(InputError, match="price"):
        replace(statement, price=INFINITY)
    points = (statement.energy, statement.price, INFINITY)
    with pytest.raises(InputError, match=r"points\[2\]"):
        verify_product(points, CONTEXT, prove_cost(cost_of(), CONTEXT))
    assert isinstance(statement, CostStatement)
