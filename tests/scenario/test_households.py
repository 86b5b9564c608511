"""Reading the table of households."""

import pytest

from app.errors import ProfileError
from app.scenario.households import Household, read_households


@pytest.fixture
def table(simbench):
    return simbench / "households.csv"


def test_batteries_and_panels_by_household(table):
    households = read_households(table)
    assert households["H12"] == Household("H12", 73_400, 146_700, 73_400, 950)
    assert households["H01"] == Household("H01", 117_200, 0, 0, 0)


@pytest.mark.parametrize(
    ("old", "new", "place", "rule"),
    [
        ("H02,", "H01,", "3:household", "must be there once"),
        ("H02,", "H 2,", "3:household", "must be 1 to 31 letters"),
        ("36700,18300,950", "36700,0,950", "6:battery_w", "must not be 0 for a battery"),
        ("36700,18300,950", "36700,18300,0", "6:battery_efficiency_permille", "must not be 0"),
        ("36700,18300,950", "36700,18300,1001", "6:battery_efficiency_permille", "at most 1000"),
        ("36700,18300,950", "36.7,18300,950", "6:battery_wh", "must be a whole number"),
        ("pv_peak_w", "peak", "1:pv_peak_w", "column is missing"),
    ],
)
def test_error_names_row_column_and_rule(changed, table, old, new, place, rule):
    with pytest.raises(ProfileError) as caught:
        read_households(changed(table, old, new))
    assert caught.value.field.endswith(f"households.csv:{place}")
    assert rule in caught.value.rule


def test_other_columns_are_for_the_reader(changed, table):
    assert read_households(changed(table, "loads", "remarks")) == read_households(table)
