"""Scenario files: what they become, and what a bad one says."""

import re
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import pytest

from app.errors import ProfileError, ScenarioError
from app.ledger.types import Terms
from app.market.clearing import PricingRule
from app.scenario.profiles import Scaling
from app.scenario.scenario import (
    Battery,
    LedgerChoice,
    Plugin,
    Venue,
    load_profiles,
    load_scenario,
    with_overrides,
)

TARIFF = "{ 0: 0.25, 6: 0.35, 22: 0.26 }"
SPRING_START = "2016-05-08T22:00:00Z"


@pytest.fixture
def street(examples):
    return examples / "street-all-solar.yaml"


@pytest.fixture
def edited(street, simbench, tmp_path):
    """Writes the street's scenario with texts replaced, the data staying where it is."""

    def make(*replacements: tuple[str, str]):
        text = street.read_text(encoding="utf-8").replace("../data/simbench", str(simbench))
        for old, new in replacements:
            assert old in text, "the test would change nothing"
            text = text.replace(old, new, 1)
        path = tmp_path / "edited.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return make


@pytest.fixture
def own_data(tmp_path):
    """A scenario as short as can be, over a file of one's own without a table of households."""
    rows = [
        f"2016-06-05T{hour:02d}:00:00Z,{household},500,{pv_w}"
        for hour in range(24)
        for household, pv_w in (("north", 0), ("south", 900))
    ]
    (tmp_path / "own.csv").write_text("\n".join(["time,household,load_w,pv_w", *rows]))
    path = tmp_path / "own.yaml"

    def make(more: str = ""):
        path.write_text(
            "name: own\nseed: 1\nstart: 2016-06-05T12:00:00Z\nwindows: 12\n"
            "data: {profiles: own.csv}\ngrid: {ceiling: 0.3, floor: 0.1, penalty: 0}\n" + more
        )
        return path

    return make


def refused(path) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    return caught.value


def section(path, name: str) -> str:
    """The text of a top-level section, with the blank line after it."""
    _, found, rest = path.read_text(encoding="utf-8").partition(f"\n{name}:")
    assert found
    return f"{name}:" + rest.partition("\n\n")[0] + "\n\n"


class TestExamples:
    @pytest.mark.parametrize("name", ["street", "street-all-solar", "huang2022", "private"])
    def test_every_example_loads_with_its_data(self, examples, name):
        scenario = load_scenario(examples / f"{name}.yaml")
        profiles = load_profiles(scenario)
        assert scenario.name == name
        assert profiles.households == tuple(p.household for p in scenario.participants)

    def test_no_example_is_forgotten(self, examples):
        assert {path.name for path in examples.glob("*.yaml")} == {
            "street.yaml",
            "street-all-solar.yaml",
            "huang2022.yaml",
            "private.yaml",
        }

    def test_street_is_a_day_of_thirteen_households(self, street):
        scenario = load_scenario(street)
        assert len(scenario.participants) == 13
        assert scenario.start == datetime(2016, 6, 8, 22, tzinfo=UTC).timestamp()
        assert scenario.last_window - scenario.first_window == 23
        assert sum(1 for p in scenario.participants if p.battery) == 5

    def test_street_knows_three_days_of_history(self, street):
        scenario = load_scenario(street)
        profiles = load_profiles(scenario)
        assert profiles.history_of("H01", scenario.first_window, 100).load_wh.size == 72

    def test_street_on_its_way_has_six_roofs(self, examples):
        profiles = load_profiles(load_scenario(examples / "street.yaml"))
        roofs = {
            household
            for household, pv_wh in zip(profiles.households, profiles.pv_wh, strict=True)
            if pv_wh.any()
        }
        assert roofs == {"H06", "H07", "H08", "H09", "H11", "H13"}


class TestManual:
    """The scenarios of docs/scenario.md are ones that load."""

    @pytest.fixture
    def blocks(self, examples):
        manual = (examples.parent / "docs" / "scenario.md").read_text(encoding="utf-8")
        return re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)

    def test_shortest_scenario(self, blocks, own_data):
        path = own_data()
        (path.parent / "two-farms.csv").write_text((path.parent / "own.csv").read_text())
        path.write_text(blocks[0].replace("T12", "T00"))
        assert load_scenario(path).name == "two-farms"

    def test_tariff(self, blocks, edited, street):
        scenario = load_scenario(edited((section(street, "grid"), blocks[1])))
        assert set(scenario.grid.ceiling) == {250_000, 350_000}

    def test_participants(self, blocks, edited, street):
        scenario = load_scenario(edited((section(street, "participants"), blocks[2])))
        by_id = {p.household: p for p in scenario.participants}
        assert by_id["H01"].seller.name == "conceder"
        assert by_id["H02"].battery == Battery(10_000, 5_000, 920, 5_000)

    def test_order_strategies(self, blocks, edited, street):
        scenario = load_scenario(edited((section(street, "participants"), blocks[3] + "\n")))
        by_id = {p.household: p for p in scenario.participants}
        assert (scenario.venue, scenario.pricing_rule) == (Venue.AUCTION, PricingRule.UNIFORM)
        assert by_id["H12"].storage_orders == Plugin("speculator", {})
        assert by_id["H01"].buy_orders.parameters["worth"] == 0.3


class TestMeaning:
    def test_prices_and_money_are_exact_integers(self, edited):
        scenario = load_scenario(edited(("ceiling: 0.32", "ceiling: 0.300001")))
        terms = scenario.grid.terms_of(scenario.first_window)
        assert terms == Terms(grid_floor=80_000, grid_ceiling=300_001, penalty_rate=50_000)
        assert scenario.grid.treasury == 10_000_000_000
        assert scenario.participants[0].deposit == 500_000_000

    @pytest.mark.parametrize("price", ["0.32", '"0.32"', "0.320000000000000000000000000000"])
    def test_a_price_may_be_a_number_or_a_text(self, edited, price):
        scenario = load_scenario(edited(("ceiling: 0.32", f"ceiling: {price}")))
        assert scenario.grid.ceiling == (320_000,) * 24

    def test_prices_by_hour_of_the_local_day(self, edited):
        scenario = load_scenario(edited(("ceiling: 0.32", f"ceiling: {TARIFF}")))
        day = [
            scenario.grid.terms_of(window).grid_ceiling
            for window in range(scenario.first_window, scenario.last_window + 1)
        ]
        assert day == [250_000] * 6 + [350_000] * 16 + [260_000] * 2

    def test_hours_are_utc_unless_a_time_zone_is_given(self, edited):
        scenario = load_scenario(
            edited(("time_zone: Europe/Berlin", ""), ("ceiling: 0.32", f"ceiling: {TARIFF}"))
        )
        assert scenario.grid.terms_of(scenario.first_window + 8).grid_ceiling == 350_000
        assert scenario.grid.terms_of(scenario.first_window + 7).grid_ceiling == 250_000

    def test_a_household_differs_from_the_default_in_what_it_says(self, street):
        by_id = {p.household: p for p in load_scenario(street).participants}
        assert by_id["H02"].buyer == Plugin("conceder", {})
        assert by_id["H05"].buyer == Plugin("boulware", {})
        assert by_id["H05"].seller == by_id["H02"].seller

    def test_parameters_of_a_strategy(self, edited):
        choice = "seller: { name: boulware, parameters: { beta: 0.25 } }"
        scenario = load_scenario(edited(("seller: boulware", choice)))
        assert scenario.participants[1].seller == Plugin("boulware", {"beta": 0.25})

    def test_members_vote_cautiously_unless_they_say_otherwise(self, edited):
        scenario = load_scenario(edited(("H05: {", "H05: { vote: manual,")))
        by_id = {p.household: p.vote for p in scenario.participants}
        assert by_id["H05"] == "manual"
        assert set(by_id.values()) == {"manual", "cautious"}

    def test_rated_power_is_that_of_the_table_scaled(self, edited, own_data):
        (first, *_) = load_scenario(edited(("battery: data", "pv_scale: 0.5"))).participants
        assert first.panel_w == 117_200 // 2
        assert load_scenario(own_data()).participants[0].panel_w is None

    def test_battery_of_the_data_starts_half_full(self, street):
        by_id = {p.household: p for p in load_scenario(street).participants}
        assert by_id["H12"].battery == Battery(146_700, 73_400, 950, 73_350)
        assert by_id["H01"].battery is None

    def test_battery_of_ones_own(self, edited):
        own = "{ capacity_kwh: 10.5, power_kw: 5, efficiency: 0.9, initial: 0.2 }"
        scenario = load_scenario(edited(("battery: data", f"battery: {own}")))
        assert scenario.participants[0].battery == Battery(10_500, 5_000, 900, 2_100)

    def test_no_battery(self, edited):
        scenario = load_scenario(edited(("battery: data", "battery: none")))
        assert not any(p.battery for p in scenario.participants)

    def test_community_battery(self, street):
        shared = load_scenario(street).community_battery
        assert shared is not None
        assert shared.battery == Battery(100_000, 50_000, 920, 50_000)

    def test_list_of_households_keeps_its_order(self, edited):
        scenario = load_scenario(edited(("from: data", "from: [H11, H05, H01]")))
        assert [p.household for p in scenario.participants] == ["H11", "H05", "H01"]
        assert load_profiles(scenario).households == ("H11", "H05", "H01")

    def test_scaling_reaches_the_profiles(self, edited):
        full = load_profiles(load_scenario(edited()))
        scenario = load_scenario(edited(("deposit: 500", "load_scale: 0.5\n    pv_scale: 0")))
        halved = load_profiles(scenario)
        assert scenario.participants[0].scaling == Scaling(500, 0)
        assert halved.load_wh[0].sum() == full.load_wh[0].sum() // 2
        assert not halved.pv_wh.any()

    def test_own_data_needs_no_table_and_few_lines(self, own_data):
        scenario = load_scenario(own_data())
        assert [p.household for p in scenario.participants] == ["north", "south"]
        assert scenario.participants[0].battery is None
        assert scenario.community_battery is None
        assert scenario.communication.loss == 0

    def test_scenario_is_frozen(self, street):
        with pytest.raises(FrozenInstanceError):
            load_scenario(street).seed = 1

    def test_same_file_same_scenario(self, street):
        assert load_scenario(street) == load_scenario(street)


class TestPrivacy:
    """What private trading asks of a scenario; each file differs from the example in one thing."""

    @pytest.fixture
    def private(self, examples, simbench, tmp_path):
        text = (examples / "private.yaml").read_text(encoding="utf-8")
        text = text.replace("../data/simbench", str(simbench))

        def make(old: str, new: str):
            assert old in text, "the test would change nothing"
            path = tmp_path / "private.yaml"
            path.write_text(text.replace(old, new, 1), encoding="utf-8")
            return path

        return make

    def test_it_is_off_unless_asked_for(self, street, examples):
        assert not load_scenario(street).privacy
        assert load_scenario(examples / "private.yaml").privacy

    @pytest.mark.parametrize(
        ("old", "new", "field", "rule", "hint"),
        [
            ("privacy: on", "privacy: on\nvenue: auction", "venue", "negotiation", "privacy: off"),
            ("privacy: on", "privacy: on\nvenue: both", "venue", "negotiation", "orders"),
            ("privacy: on", "privacy: on\nledger: model", "ledger", "chain", "no proofs"),
            ("privacy: on", "privacy: maybe", "privacy", "true or false", ""),
            (
                "negotiation:",
                "community_battery: { capacity_kwh: 9, power_kw: 5, efficiency: 0.9, deposit: 1,"
                " seller: boulware, buyer: boulware }\nnegotiation:",
                "community_battery",
                "must not be there",
                "everybody would know",
            ),
            ("deposit: 100", "deposit: 4294.967296", "deposit", "at most 4294.967295", "lower it"),
        ],
    )
    def test_what_cannot_be_private_is_named(self, private, old, new, field, rule, hint):
        error = refused(private(old, new))
        assert error.field.endswith(field)
        assert rule in error.rule
        assert hint in error.hint

    @pytest.mark.parametrize(("members", "right"), [(3, False), (4, True)])
    def test_a_ring_has_four_members_or_more(self, private, members, right):
        names = [f"H{number:02d}" for number in (1, 2, 3, 5)][:members]
        path = private(
            "[H01, H02, H03, H05, H06, H07, H08, H10, H11, H13, H14]", f"[{', '.join(names)}]"
        )
        text = path.read_text()
        for other in ("H06", "H10", "H11", "H13", "H14", "H05"):
            if other not in names:
                text = re.sub(rf"    {other}: {{.*\n", "", text)
        path.write_text(text)
        if right:
            assert len(load_scenario(path).participants) == members
        else:
            error = refused(path)
            assert error.field == "participants.from"
            assert "4 to 32" in error.rule

    def test_a_ring_has_32_members_or_fewer(self, own_data):
        path = own_data("privacy: on\n")
        households = [f"h{number}" for number in range(33)]
        rows = [
            f"2016-06-05T{hour:02d}:00:00Z,{household},500,0"
            for hour in range(24)
            for household in households
        ]
        (path.parent / "own.csv").write_text("\n".join(["time,household,load_w,pv_w", *rows]))
        error = refused(path)
        assert (error.field, error.value) == ("participants.from", 33)

    def test_the_command_line_cannot_take_the_chain_away(self, examples):
        scenario = load_scenario(examples / "private.yaml")
        with pytest.raises(ScenarioError, match="ledger: must be chain"):
            with_overrides(scenario, ledger=LedgerChoice.MODEL)


class TestRunAndData:
    def test_run_must_begin_within_the_data(self, edited):
        error = refused(edited(("2016-06-08T22", "2016-06-05T21")))
        assert (error.field, error.value) == ("start", "2016-06-05T21:00:00Z")

    def test_run_may_end_with_the_data(self, own_data):
        assert load_scenario(own_data()).windows == 12

    def test_run_must_not_outlast_the_data(self, own_data):
        path = own_data()
        path.write_text(path.read_text().replace("windows: 12", "windows: 13"))
        error = refused(path)
        assert (error.field, error.value) == ("windows", 13)
        assert "repeat" in error.hint

    def test_repeated_data_carries_any_run(self, edited):
        assert load_scenario(edited(("windows: 24", "windows: 8784"))).windows == 8_784

    def test_run_that_was_made_longer_is_checked_again(self, own_data):
        scenario = load_scenario(own_data())
        with pytest.raises(ScenarioError, match="windows"):
            load_profiles(replace(scenario, windows=13))

    def test_another_season_needs_its_own_start(self, edited):
        assert refused(edited(("summer.csv", "winter.csv"))).field == "start"
        moved = edited(("summer.csv", "spring.csv"), ("2016-06-08T22:00:00Z", SPRING_START))
        assert load_scenario(moved).participants

    def test_household_that_is_not_in_the_table(self, edited, simbench, tmp_path):
        table = (simbench / "households.csv").read_text(encoding="utf-8")
        kept = [line for line in table.splitlines() if not line.startswith("H14")]
        (tmp_path / "short.csv").write_text("\n".join(kept), encoding="utf-8")
        path = edited((str(simbench / "households.csv"), str(tmp_path / "short.csv")))
        with pytest.raises(ProfileError) as caught:
            load_scenario(path)
        assert caught.value.field.endswith("summer.csv:14:household")


class TestFaults:
    """Each file differs from the street in one thing; the error names it."""

    @pytest.mark.parametrize(
        ("old", "new", "field", "rule"),
        [
            ("name: street-all-solar", "", "name", "is required"),
            ("name: street-all-solar", "name: a b", "name", "must be 1 to 64 letters"),
            ("name: street-all-solar", "name: [a]", "name", "must be a text"),
            ("seed: 2022", "seed: 1.5", "seed", "must be a whole number"),
            ("seed: 2022", "seed: yes", "seed", "must be a whole number"),
            ("seed: 2022", "seed: -1", "seed", "must be from 0"),
            ("windows: 24", "windows: 0", "windows", "must be from 1 to 8784"),
            ("22:00:00Z", "22:30:00Z", "start", "must be a full hour"),
            ("22:00:00Z", "22:00:00", "start", "must have a time zone"),
            ("T22:00:00Z", "", "start", "must be a date and time"),
            ("repeat: true", "repeat: 3", "data.repeat", "must be true or false"),
            ("ceiling: 0.32", "ceiling: 0.3200001", "grid.ceiling", "at most 6 decimals"),
            ("ceiling: 0.32", f"ceiling: 0.{'3' * 40}", "grid.ceiling", "at most 6 decimals"),
            ("ceiling: 0.32", "ceiling: '1e-99999999'", "grid.ceiling", "at most 6 decimals"),
            ("ceiling: 0.32", "ceiling: 'NaN'", "grid.ceiling", "must be from 0"),
            ("ceiling: 0.32", "ceiling: 4294.967296", "grid.ceiling", "must be from 0"),
            ("ceiling: 0.32", "ceiling: cheap", "grid.ceiling", "must be a number"),
            (
                "ceiling: 0.32",
                "ceiling: [0.3, 0.4]",
                "grid.ceiling",
                "must be a number or a section",
            ),
            ("ceiling: 0.32", "ceiling: { 6: 0.3 }", "grid.ceiling", "the price from hour 0"),
            ("ceiling: 0.32", "ceiling: { 0: 1, 24: 1 }", "grid.ceiling from hour 24", "to 23"),
            (
                "ceiling: 0.32",
                "ceiling: { 0: 1, six: 1 }",
                "grid.ceiling",
                "a whole number as each",
            ),
            ("ceiling: 0.32", "ceiling: { 0: 1, 6: no }", "grid.ceiling", "must be a number"),
            ("ceiling: 0.32", "ceiling: { 0: 1, 6: -1 }", "grid.ceiling.6", "must be from 0"),
            ("ceiling: 0.32", "ceiling: { 0: 1, 6: 0.07 }", "grid.floor", "ceiling in hour 6"),
            ("floor: 0.08", "floor: 0.33", "grid.floor", "must be at most the ceiling"),
            ("floor: 0.08", "floor: -0.08", "grid.floor", "must be from 0"),
            ("penalty: 0.05", "penalty: -1", "grid.penalty", "must be from 0"),
            ("treasury: 10000", "treasury: -1", "grid.treasury", "must be from 0"),
            ("Europe/Berlin", "Europe/Bonn", "grid.time_zone", "must be a time zone"),
            ("Europe/Berlin", "../Berlin", "grid.time_zone", "must be a time zone"),
            ("from: data", "from: all", "participants.from", "must be data or a list"),
            ("from: data", "from: [H01]", "participants.from", "must be 2 to 2000"),
            ("from: data", "from: [H01, H4]", "participants.from[1]", "household of the data"),
            ("from: data", "from: [H01, H01]", "participants.from[1]", "must be there once"),
            ("H01: {", "H04: {", "participants.households.H04", "one of the participants"),
            ("H01: {", "1: {", "participants.households", "must have a text as each key"),
            ("H01: { seller", "H01: { sells", "participants.households.H01.sells", "not a known"),
            ("battery: data", "battery: big", "participants.default.battery", "must be data, none"),
            (
                "battery: data",
                "battery: { capacity_kwh: 5, power_kw: 5 }",
                "participants.default.battery.efficiency",
                "is required",
            ),
            (
                "efficiency: 0.92",
                "efficiency: 1.01",
                "community_battery.efficiency",
                "must be from 0.001 to 1",
            ),
            (
                "capacity_kwh: 100",
                "capacity_kwh: 0",
                "community_battery.capacity_kwh",
                "must be from 0.001",
            ),
            ("initial: 0.5", "initial: 1.1", "community_battery.initial", "must be from 0 to 1"),
            (
                "seller: boulware",
                "seller: { name: boulware, parameters: { beta: .x } }",
                "participants.default.seller.parameters",
                "must be a number",
            ),
            (
                "seller: boulware",
                "seller: { name: boulware, parameters: { beta: 'Infinity' } }",
                "participants.default.seller.parameters.beta",
                "must be finite",
            ),
            ("seller: boulware", "seller: ''", "participants.default.seller", "must be the name"),
            ("seed: 2022", "seed: 1\nledger: paper", "ledger", "must be chain or model"),
            ("seed: 2022", "seed: 1\nvenue: fair", "venue", "must be negotiation, auction or both"),
            (
                "seed: 2022",
                "seed: 1\npricing_rule: low",
                "pricing_rule",
                "must be midpoint, uniform or pay_as_bid",
            ),
            ("seed: 2022", "seed: 1\nnotes: x", "notes", "must be a list"),
            ("seed: 2022", "seed: 1\nnotes: ['', x]", "notes[0]", "must have 1 to 1000"),
            (
                "battery: data",
                "storage_orders: plan",
                "participants.default.storage_orders",
                "must be none or speculator",
            ),
            (
                "battery: data",
                "storage_orders: speculator",
                "participants.default.storage_orders",
                "needs a battery",
            ),
            (
                "battery: data",
                "deferrable_hours: 25",
                "participants.default.deferrable_hours",
                "must be from 0 to 24",
            ),
            (
                "battery: data",
                "dispatchable: often",
                "participants.default.dispatchable",
                "must be true or false",
            ),
            (
                "battery: data",
                "vote: 'as I like'",
                "participants.default.vote",
                "must be the name of a voting policy",
            ),
            ("rounds: 8", "rounds: 0", "negotiation.rounds", "must be from 1 to 100"),
            ("timeout_s: 60", "timeout_s: 413", "negotiation.timeout_s", "must be from 1 to 412"),
        ],
    )
    def test_error_names_path_and_rule(self, edited, old, new, field, rule):
        error = refused(edited((old, new)))
        assert error.field == field
        assert rule in error.rule
        assert error.status == 422

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ("communication: { loss: 1 }", "communication.loss"),
            ("communication: { loss: -0.1 }", "communication.loss"),
            ("communication: { delay_s: 3301 }", "communication.delay_s"),
            ("participants: { default: { battery: data } }", "participants.default.battery"),
            (
                "participants: { households: { north: { battery: data } } }",
                "participants.households.north.battery",
            ),
            ("participants: { default: { deposit: -1 } }", "participants.default.deposit"),
            ("participants: { default: { pv_scale: 10.1 } }", "participants.default.pv_scale"),
            ("participants: { default: { pv_scale: 0.0001 } }", "participants.default.pv_scale"),
        ],
    )
    def test_error_in_what_was_added(self, own_data, more, field):
        assert refused(own_data(more)).field == field

    def test_misspelt_field_gets_a_hint(self, edited):
        error = refused(edited(("floor: 0.08", "flor: 0.08")))
        assert error.field == "grid.flor"
        assert error.hint == "did you mean floor?"

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("name: street\nseed: 1\nname: street\n", "line 3, column 1"),
            ("name: street\n\tseed: 1\n", "line 2, column 1"),
            ("name: !!python/name:os.system x\n", "line 1, column 7"),
            ("grid: {ceiling: .inf}\n", "line 1, column 17"),
            ("? [a]\n: b\n", "line 1, column 3"),
        ],
    )
    def test_error_in_the_yaml_names_the_line(self, tmp_path, text, line):
        path = tmp_path / "bad.yaml"
        path.write_text(text)
        error = refused(path)
        assert error.field == line
        assert error.rule == "must be valid YAML"

    @pytest.mark.parametrize(
        ("content", "rule"),
        [
            (b"", "must be a section"),
            (b"\xff\xfe", "must be UTF-8"),
            (b"[" * 5_000, "must not nest so deeply"),
            (b"start: 2016-13-01T00:00:00Z", "must be valid YAML"),
            (b"#" * (1024 * 1024 + 1), "must be at most 1048576 bytes"),
        ],
    )
    def test_file_that_is_no_scenario(self, tmp_path, content, rule):
        path = tmp_path / "bad.yaml"
        path.write_bytes(content)
        assert refused(path).rule == rule

    def test_value_that_refers_to_itself_is_cut_short(self, edited):
        error = refused(edited(("name: street-all-solar", "name: &a [*a, *a]")))
        assert error.field == "name"
        assert len(str(error)) < 1_000

    def test_no_such_file(self, tmp_path):
        assert refused(tmp_path / "none.yaml").rule == "must be a readable file"

    def test_data_file_that_is_not_there(self, edited):
        with pytest.raises(ProfileError, match=r"none\.csv: must be a readable file"):
            load_scenario(edited(("summer.csv", "none.csv")))
