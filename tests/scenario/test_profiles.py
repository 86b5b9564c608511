"""Reading profile files: what comes out, and what a bad file says."""

import numpy as np
import pytest

from app.errors import NotFoundError, ProfileError
from app.market.windows import WINDOW_LENGTH
from app.scenario.csv_table import MAX_FILE_BYTES
from app.scenario.profiles import EnergySeries, Profiles, Scaling, energy_wh, read_profiles

START = 1_465_164_000  # 2016-06-05T22:00:00Z
FIRST_WINDOW = START // WINDOW_LENGTH

HOUR = """\
time,household,load_w,pv_w
2016-06-05T22:00:00Z,A,401,0
2016-06-05T22:15:00Z,A,401,3
2016-06-05T22:30:00Z,A,401,0
2016-06-05T22:45:00Z,A,401,0
2016-06-05T22:00:00Z,B,10,1000
2016-06-05T22:15:00Z,B,20,2000
2016-06-05T22:30:00Z,B,30,3000
2016-06-05T22:45:00Z,B,40,4000
"""


@pytest.fixture
def hour(written):
    return written(HOUR)


@pytest.fixture
def faulty(written):
    """Writes the hour with one text replaced."""

    def make(old: str, new: str):
        assert old in HOUR, "the test would change nothing"
        return written(HOUR.replace(old, new, 1))

    return make


def refused(path, **options) -> ProfileError:
    with pytest.raises(ProfileError) as caught:
        read_profiles(path, **options)
    return caught.value


def lists(series: EnergySeries) -> tuple[list[int], list[int]]:
    return series.load_wh.tolist(), series.pv_wh.tolist()


class TestEnergy:
    def test_remainders_are_carried_into_the_next_step(self):
        power = np.array([401, 401, 401, 401])
        assert energy_wh(power, 900).tolist() == [100, 100, 100, 101]

    def test_less_than_a_wh_is_missing_at_any_step(self):
        power = np.random.default_rng(7).integers(0, 30_000, size=(5, 672))
        exact = np.cumsum(power, axis=1) * 900 / 3_600
        missing = exact - np.cumsum(energy_wh(power, 900), axis=1)
        assert missing.min() >= 0
        assert missing.max() < 1

    def test_a_week_of_the_street_keeps_its_energy(self, summer):
        profiles = read_profiles(summer)
        watts = dict.fromkeys(profiles.households, 0)
        for line in summer.read_text(encoding="utf-8").splitlines()[1:]:
            _, household, load_w, _ = line.split(",")
            watts[household] += int(load_w)
        expected = [watts[household] * 900 // 3_600 for household in profiles.households]
        assert profiles.load_wh.sum(axis=1).tolist() == expected

    def test_scaling_is_exact(self):
        power = np.full(4_000, 1)
        assert energy_wh(power, 900, permille=333).sum() == 333

    @pytest.mark.parametrize("step_seconds", [60, 300, 600, 900, 1_800, 3_600])
    def test_a_constant_kilowatt_is_a_kwh_an_hour(self, step_seconds):
        power = np.full(WINDOW_LENGTH // step_seconds, 1_000)
        assert energy_wh(power, step_seconds).sum() == 1_000


class TestReading:
    def test_energy_per_household_and_step(self, hour):
        profiles = read_profiles(hour)
        assert profiles.households == ("A", "B")
        assert profiles.start == START
        assert profiles.step_seconds == 900
        assert profiles.load_wh.tolist() == [[100, 100, 100, 101], [2, 5, 8, 10]]
        assert profiles.pv_wh.tolist() == [[0, 0, 0, 0], [250, 500, 750, 1_000]]

    def test_order_of_rows_does_not_matter(self, hour, written):
        ordered = read_profiles(hour)
        header, *rows = HOUR.splitlines()
        shuffled = read_profiles(written("\n".join([header, *reversed(rows)])))
        assert shuffled.households == ordered.households
        assert (shuffled.load_wh == ordered.load_wh).all()
        assert (shuffled.pv_wh == ordered.pv_wh).all()

    def test_order_of_columns_does_not_matter(self, hour, written):
        ordered = read_profiles(hour)
        columns = [line.split(",") for line in HOUR.splitlines()]
        text = "\n".join(",".join(reversed(fields)) for fields in columns)
        assert (read_profiles(written(text)).load_wh == ordered.load_wh).all()

    def test_times_with_an_offset_are_the_same_moments(self, hour, written):
        local = HOUR.replace("2016-06-05T22", "2016-06-06T00").replace("Z,", "+02:00,")
        assert read_profiles(written(local)).start == read_profiles(hour).start

    def test_what_a_spreadsheet_adds_is_no_fault(self, written):
        text = "\ufeff" + HOUR.replace("\n", "\r\n") + "\r\n"
        assert read_profiles(written(text)).load_wh.sum() == 426

    def test_hourly_data_has_one_step_a_window(self, written):
        text = "time,household,load_w,pv_w\n2016-06-05T22:00:00Z,A,7,0\n"
        profiles = read_profiles(written(text))
        assert profiles.steps_per_window == 1
        assert profiles.load_wh.tolist() == [[7]]

    def test_chosen_households_come_in_the_order_asked_for(self, hour):
        profiles = read_profiles(hour, households=["B", "A"])
        assert profiles.households == ("B", "A")
        assert profiles.load_wh[0].tolist() == [2, 5, 8, 10]

    def test_scaling_is_per_household(self, hour):
        profiles = read_profiles(hour, scaling={"B": Scaling(load_permille=500, pv_permille=0)})
        assert profiles.load_wh.sum(axis=1).tolist() == [401, 12]
        assert profiles.pv_wh[1].sum() == 0

    def test_household_that_is_not_in_the_file(self, hour):
        with pytest.raises(NotFoundError, match="'C'"):
            read_profiles(hour, households=["A", "C"])

    def test_arrays_cannot_be_written_to(self, hour):
        profiles = read_profiles(hour)
        with pytest.raises(ValueError, match="read-only"):
            profiles.load_wh[0, 0] = 1


class TestWindows:
    @pytest.fixture
    def day(self) -> Profiles:
        load_wh = np.arange(24 * 4).reshape(1, -1)
        return Profiles(("A",), START, 900, load_wh, load_wh * 0)

    @pytest.fixture
    def endless(self, day: Profiles) -> Profiles:
        return Profiles(day.households, START, 900, day.load_wh, day.pv_wh, repeats=True)

    def test_steps_of_a_window(self, day):
        assert lists(day.steps_of("A", FIRST_WINDOW + 2)) == ([8, 9, 10, 11], [0, 0, 0, 0])

    @pytest.mark.parametrize("offset", [-1, 24])
    def test_no_steps_outside_the_data(self, day, offset):
        assert not day.covers(FIRST_WINDOW + offset)
        with pytest.raises(NotFoundError, match=str(FIRST_WINDOW + offset)):
            day.steps_of("A", FIRST_WINDOW + offset)

    def test_unknown_household(self, day):
        with pytest.raises(NotFoundError, match="'Z'"):
            day.steps_of("Z", FIRST_WINDOW)

    def test_repeated_data_follows_itself(self, endless):
        again = endless.steps_of("A", FIRST_WINDOW + 24 + 2)
        assert lists(again) == lists(endless.steps_of("A", FIRST_WINDOW + 2))

    def test_repeated_data_still_has_a_beginning(self, endless):
        assert not endless.covers(FIRST_WINDOW - 1)

    def test_history_is_energy_per_window_oldest_first(self, day):
        history = day.history_of("A", FIRST_WINDOW + 3, count=2)
        assert history.load_wh.tolist() == [4 + 5 + 6 + 7, 8 + 9 + 10 + 11]

    def test_history_is_shorter_where_the_data_begins(self, endless):
        assert endless.history_of("A", FIRST_WINDOW + 1, count=48).load_wh.tolist() == [6]
        assert endless.history_of("A", FIRST_WINDOW, count=48).load_wh.size == 0

    def test_history_of_repeated_data_goes_back_through_the_repetition(self, endless):
        history = endless.history_of("A", FIRST_WINDOW + 25, count=2)
        assert history.load_wh.tolist() == [92 + 93 + 94 + 95, 6]

    def test_no_history_after_the_end_of_the_data(self, day):
        assert day.history_of("A", FIRST_WINDOW + 24, count=1).load_wh.tolist() == [374]
        with pytest.raises(NotFoundError):
            day.history_of("A", FIRST_WINDOW + 25, count=1)


class TestFaults:
    """Each file differs from a good one in one thing; the error names it."""

    @pytest.mark.parametrize(
        ("old", "new", "place", "rule", "value"),
        [
            ("401,3", "x,3", "3:load_w", "must be a whole number", "x"),
            ("401,3", "401,3.5", "3:pv_w", "must be a whole number", "3.5"),
            ("401,3", "401,", "3:pv_w", "must be a whole number", ""),
            ("401,3", "401,٣", "3:pv_w", "must be a whole number", "٣"),
            ("401,3", "-401,3", "3:load_w", "must not be negative", "-401"),
            ("401,3", "1000001,3", "3:load_w", "must be at most 1000000", "1000001"),
            ("401,3", f"401,{'9' * 5_000}", "3:pv_w", "must be at most 1000000", "9" * 5_000),
            ("22:15:00Z,A", "22:15:00,A", "3:time", "must have a time zone", "2016-06-05T22:15:00"),
            ("2016-06-05T22:15:00Z,A", "5.6.16,A", "3:time", "must be an ISO 8601 time", "5.6.16"),
            ("2016-06-05T22:15:00Z,A", "2016-02-30T22:15:00Z,A", "3:time", "ISO 8601", "02-30"),
            ("2016-06-05T22:15:00Z,A", "1906-06-05T22:15:00Z,A", "3:time", "since 1970", "1906"),
            ("22:15:00Z,A", "22:15:00.5Z,A", "3:time", "whole seconds", "22:15:00.5Z"),
            ("22:15:00Z,A", "22:16:00Z,A", "3:time", "grid of 900-second steps", "22:16:00Z"),
            ("22:15:00Z,A", "22:30:00Z,A", "4:time", "row 3 has it too", "22:30:00Z"),
            ("22:15:00Z,A", "22:15:00Z,", "3:household", "must be 1 to 31 letters", ""),
            ("22:15:00Z,A", "22:15:00Z,A B", "3:household", "must be 1 to 31 letters", "A B"),
            ("22:15:00Z,A", f"22:15:00Z,{'A' * 32}", "3:household", "must be 1 to 31", "A" * 32),
            ("401,3", "401", "3", "must have 4 fields", "401"),
            ("401,3", "401,3,5", "3", "must have 4 fields", "401,3,5"),
            ("pv_w", "pv_kw", "1:pv_w", "column is missing", "pv_kw"),
            ("pv_w", "pv_w,note", "1:note", "column is not one of time, household", "note"),
            ("pv_w", "pv_w,pv_w", "1:pv_w", "column is there twice", "pv_w,pv_w"),
        ],
    )
    def test_error_names_place_rule_and_value(self, faulty, old, new, place, rule, value):
        path = faulty(old, new)
        error = refused(path)
        assert error.field == f"{path}:{place}"
        assert rule in error.rule
        assert value in error.value
        assert error.status == 422

    def test_gap_in_the_middle_names_the_row_after_it(self, faulty):
        error = refused(faulty("2016-06-05T22:15:00Z,A,401,3\n", ""))
        assert error.field.endswith(":3:time")
        assert "A lacks 2016-06-05T22:15:00Z" in error.rule

    def test_gap_at_the_end_names_the_last_row_of_the_household(self, faulty):
        error = refused(faulty("2016-06-05T22:45:00Z,A,401,0\n", ""))
        assert error.field.endswith(":4:time")
        assert "A lacks 2016-06-05T22:45:00Z" in error.rule

    def test_gap_of_years_costs_no_memory(self, faulty):
        error = refused(faulty("2016-06-05T22:45:00Z,B", "9999-06-05T22:45:00Z,B"))
        assert "lacks" in error.rule

    def test_first_step_must_begin_an_hour(self, written):
        rows = [line for line in HOUR.splitlines() if ":00:00Z" not in line]
        error = refused(written("\n".join(rows)))
        assert error.field.endswith(":2:time")
        assert "full hour" in error.rule

    def test_last_step_must_end_an_hour(self, written):
        rows = [line for line in HOUR.splitlines() if ":45:00Z" not in line]
        error = refused(written("\n".join(rows)))
        assert "end of a full hour" in error.rule
        assert error.value == "2016-06-05T22:30:00Z"

    def test_steps_must_divide_the_hour(self, written):
        text = HOUR.replace("22:15", "22:07").replace("22:30", "22:14").replace("22:45", "22:21")
        error = refused(written(text))
        assert error.field.endswith(":3:time")
        assert "not of 420 seconds" in error.rule

    def test_unknown_household(self, hour):
        error = refused(hour, known={"A"})
        assert error.field.endswith(":6:household")
        assert error.value == "B"

    @pytest.mark.parametrize("content", ["", "\n\n", "  "])
    def test_empty_file(self, written, content):
        assert refused(written(content)).rule == "must not be empty"

    def test_header_alone(self, written):
        assert (
            refused(written("time,household,load_w,pv_w\n")).rule
            == "must have rows below the header"
        )

    def test_not_utf8(self, written):
        error = refused(written(HOUR.encode().replace(b"Z,B,20", b"Z,\xe4,20")))
        assert error.field.endswith(":7")
        assert error.rule == "must be UTF-8"

    def test_semicolons_get_a_hint(self, written):
        assert "commas" in refused(written(HOUR.replace(",", ";"))).hint

    def test_open_quote_names_the_row(self, faulty):
        assert refused(faulty("Z,A,401,3", 'Z,"A,401,3')).rule == "must be valid CSV"

    def test_no_such_file(self, tmp_path):
        assert refused(tmp_path / "none.csv").rule == "must be a readable file"

    def test_folder(self, tmp_path):
        assert refused(tmp_path).rule == "must be a readable file"

    def test_file_that_is_too_large(self, tmp_path):
        path = tmp_path / "large.csv"
        with path.open("wb") as file:
            file.truncate(MAX_FILE_BYTES + 1)
        assert refused(path).value == MAX_FILE_BYTES + 1

    def test_tampered_copy_of_the_street(self, changed, summer):
        # 241 steps of 13 households, the header, and the fourth household
        error = refused(changed(summer, "2016-06-08T10:15:00Z,H05,", "2016-06-08T10:15:00Z,H05,-"))
        assert error.field.endswith("summer.csv:3138:load_w")
