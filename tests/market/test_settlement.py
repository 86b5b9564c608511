"""Settlement and positions: worked examples, and what holds for all numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.types import RecordedReading, Terms
from app.market.settlement import (
    Delivery,
    GridTrade,
    Locks,
    close_position,
    cover_cost,
    delivered_of,
    locks_of,
    missing_of,
    settle_delivery,
)
from app.market.units import cost_down, cost_up

TERMS = Terms(grid_floor=80_000, grid_ceiling=320_000, penalty_rate=50_000)

energies = st.integers(0, 2**32 - 1)
metered = st.integers(0, 2**31 - 1)


@st.composite
def priced_terms(draw: st.DrawFn) -> tuple[int, Terms]:
    """Terms, and a price between their floor and ceiling."""
    floor, price, ceiling = sorted(draw(st.integers(0, 2**32 - 1)) for _ in range(3))
    return price, Terms(floor, ceiling, draw(st.integers(0, 2**32 - 1)))


@st.composite
def sales(draw: st.DrawFn) -> tuple[list[int], int]:
    """What a seller agreed with each buyer of a window, and what it exported."""
    agreed_wh = draw(st.lists(st.integers(1, 2**20), min_size=1, max_size=6))
    return agreed_wh, draw(st.integers(0, 2 * sum(agreed_wh)))


class TestLocks:
    def test_escrow_is_the_payment_and_bond_the_cost_of_failure(self):
        assert locks_of(2_000, 200_000, TERMS) == Locks(escrow=400_000, bond=340_000)

    def test_both_are_rounded_up(self):
        assert locks_of(1, 200_001, TERMS) == Locks(escrow=201, bond=170)

    def test_at_the_ceiling_the_bond_is_the_penalty_alone(self):
        assert locks_of(1_000, 320_000, TERMS).bond == 50_000


class TestDelivered:
    @pytest.mark.parametrize(
        ("exported_wh", "delivered_wh"),
        [(0, 0), (1, 0), (2_999, 1_999), (3_000, 2_000), (9_000, 2_000)],
    )
    def test_pro_rata_of_all_that_was_agreed(self, exported_wh, delivered_wh):
        assert delivered_of(2_000, exported_wh, 3_000) == delivered_wh

    @given(sales())
    def test_parts_never_exceed_the_export_nor_the_agreements(self, sale):
        agreed_wh, exported_wh = sale
        parts_wh = [delivered_of(wh, exported_wh, sum(agreed_wh)) for wh in agreed_wh]

        assert sum(parts_wh) <= exported_wh
        assert all(part <= wh for part, wh in zip(parts_wh, agreed_wh, strict=True))

    @given(sales())
    def test_less_than_a_wh_an_agreement_is_lost_to_rounding(self, sale):
        agreed_wh, exported_wh = sale
        parts_wh = [delivered_of(wh, exported_wh, sum(agreed_wh)) for wh in agreed_wh]

        assert min(exported_wh, sum(agreed_wh)) - sum(parts_wh) < len(agreed_wh)


class TestSettleDelivery:
    def test_full_delivery(self):
        assert settle_delivery(2_000, 200_000, 2_500, 2_000, TERMS) == Delivery(
            delivered_wh=2_000,
            shortfall_wh=0,
            charged=400_000,
            paid=400_000,
            forfeited=0,
            compensation=0,
        )

    def test_half_delivery(self):
        delivery = settle_delivery(2_000, 200_000, 1_500, 3_000, TERMS)

        assert delivery == Delivery(
            delivered_wh=1_000,
            shortfall_wh=1_000,
            charged=200_000,
            paid=200_000,
            forfeited=170_000,
            compensation=120_000,
        )
        assert delivery.penalty == 50_000

    def test_nothing_delivered(self):
        delivery = settle_delivery(2_000, 200_000, 0, 2_000, TERMS)

        assert (delivery.charged, delivery.paid) == (0, 0)
        assert (delivery.forfeited, delivery.compensation) == (340_000, 240_000)

    def test_dust_goes_to_the_treasury(self):
        terms = Terms(grid_floor=0, grid_ceiling=1_500, penalty_rate=0)
        delivery = settle_delivery(3, 1_001, 1, 3, terms)

        assert (delivery.charged, delivery.paid) == (2, 1)
        assert (delivery.forfeited, delivery.compensation) == (1, 0)
        assert delivery.penalty == 2

    @given(st.integers(1, 2**32 - 1), metered, energies, priced_terms())
    def test_locks_pay_for_every_outcome(self, agreed_wh, exported_wh, others_wh, priced):
        price, terms = priced
        locks = locks_of(agreed_wh, price, terms)
        delivery = settle_delivery(agreed_wh, price, exported_wh, agreed_wh + others_wh, terms)

        assert delivery.delivered_wh + delivery.shortfall_wh == agreed_wh
        assert 0 <= delivery.paid <= delivery.charged <= locks.escrow
        assert 0 <= delivery.compensation <= delivery.forfeited <= locks.bond
        assert delivery.penalty >= 0

    @given(st.integers(1, 2**32 - 1), metered, energies, priced_terms())
    def test_a_buyer_pays_the_agreed_price_wherever_its_energy_comes_from(
        self, agreed_wh, exported_wh, others_wh, priced
    ):
        price, terms = priced
        delivery = settle_delivery(agreed_wh, price, exported_wh, agreed_wh + others_wh, terms)
        replaced = cost_up(delivery.shortfall_wh, terms.grid_ceiling) - delivery.compensation

        assert 0 <= delivery.charged + replaced - cost_down(agreed_wh, price) <= 3


class TestClosePosition:
    def test_a_surplus_is_sold_at_the_floor(self):
        reading = RecordedReading(recorded=True, exported_wh=3_000, imported_wh=500)

        assert close_position(reading, 2_000, 0, TERMS) == GridTrade(
            net_wh=500, amount=40_000, withdrawn_wh=1_000
        )

    def test_a_lack_is_bought_at_the_ceiling(self):
        reading = RecordedReading(recorded=True, imported_wh=3_000)

        assert close_position(reading, 0, 2_000, TERMS) == GridTrade(
            net_wh=-1_000, amount=320_000, withdrawn_wh=3_000
        )

    def test_what_was_bought_and_used_costs_nothing_more(self):
        reading = RecordedReading(recorded=True, imported_wh=2_000)

        assert close_position(reading, 0, 2_000, TERMS) == GridTrade(0, 0, withdrawn_wh=2_000)

    def test_amounts_are_rounded_for_the_grid(self):
        terms = Terms(grid_floor=999, grid_ceiling=1_001, penalty_rate=0)

        assert close_position(RecordedReading(True, exported_wh=1), 0, 0, terms).amount == 0
        assert close_position(RecordedReading(True, imported_wh=1), 0, 0, terms).amount == 2

    def test_what_a_storage_bought_and_took_in_stays(self):
        reading = RecordedReading(recorded=True, is_storage=True, imported_wh=2_000)

        assert close_position(reading, 0, 2_000, TERMS) == GridTrade(0, 0, withdrawn_wh=0)

    def test_a_storages_losses_vanish(self):
        reading = RecordedReading(True, True, imported_wh=2_000, losses_wh=100)

        assert close_position(reading, 0, 2_000, TERMS).lost_wh == 100

    def test_what_a_storage_put_out_unsold_is_sold_to_the_grid(self):
        reading = RecordedReading(True, True, exported_wh=1_000)

        assert close_position(reading, 400, 0, TERMS) == GridTrade(
            net_wh=600, amount=48_000, withdrawn_wh=600
        )

    @given(metered, metered)
    def test_without_a_reading_a_participant_used_what_it_bought(self, sold_wh, bought_wh):
        trade = close_position(RecordedReading(), sold_wh, bought_wh, TERMS)

        assert trade == GridTrade(net_wh=0, amount=0, withdrawn_wh=bought_wh)

    @given(metered, metered, metered, energies, priced_terms())
    def test_a_household_is_left_with_none_of_the_windows_energy(
        self, exported_wh, imported_wh, sold_wh, bought_wh, priced
    ):
        sold_wh = min(sold_wh, exported_wh)
        reading = RecordedReading(True, False, False, exported_wh, imported_wh)
        trade = close_position(reading, sold_wh, bought_wh, priced[1])
        held_wh = exported_wh - sold_wh + bought_wh

        assert held_wh + trade.lack_wh == trade.withdrawn_wh == imported_wh + trade.surplus_wh

    @given(metered, metered, metered, energies, priced_terms())
    def test_a_storage_gains_what_it_took_in_beyond_what_it_put_out(
        self, exported_wh, imported_wh, sold_wh, bought_wh, priced
    ):
        sold_wh = min(sold_wh, exported_wh)
        reading = RecordedReading(True, True, False, exported_wh, imported_wh)
        trade = close_position(reading, sold_wh, bought_wh, priced[1])
        gained_wh = bought_wh - sold_wh + trade.lack_wh - trade.withdrawn_wh

        assert gained_wh == imported_wh - exported_wh

    @given(metered, metered, metered, energies, priced_terms())
    def test_amounts_are_rounded_for_the_grid_at_every_price(
        self, exported_wh, imported_wh, sold_wh, bought_wh, priced
    ):
        _, terms = priced
        reading = RecordedReading(True, False, False, exported_wh, imported_wh)
        trade = close_position(reading, min(sold_wh, exported_wh), bought_wh, terms)

        assert trade.amount * 1_000 <= trade.surplus_wh * terms.grid_floor or trade.lack_wh > 0
        assert trade.amount * 1_000 >= trade.lack_wh * terms.grid_ceiling or trade.surplus_wh > 0


@pytest.mark.parametrize(
    ("needed_wh", "balance_wh", "missing_wh"), [(5, 0, 5), (5, 4, 1), (5, 5, 0), (5, 9, 0)]
)
def test_missing_energy_is_what_a_balance_does_not_hold(needed_wh, balance_wh, missing_wh):
    assert missing_of(needed_wh, balance_wh) == missing_wh


def test_missing_energy_costs_the_ceiling_rounded_up():
    assert cover_cost(500, TERMS) == 160_000
    assert cover_cost(1, Terms(0, 1, 0)) == 1
