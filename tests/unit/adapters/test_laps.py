"""FastF1-named lap tables to events."""

from collections import Counter
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pitcall.adapters.laps import LapsRace, events_from_laps, races_in
from pitcall.domain.events import Car, Finish, Lap, PitIn, PitOut, Retired, Session, Track, TrackStatus
from pitcall.domain.race import CarStatus, RaceState
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest, NotFound

pytestmark = pytest.mark.unit

START = 2000.0  #: session time of the start in the tables made here
SCHEMA = {
    "Season": pa.int16(), "RoundNumber": pa.int16(), "EventName": pa.string(), "Driver": pa.string(),
    "DriverNumber": pa.int16(), "Team": pa.string(), "LapNumber": pa.int16(), "LapTime": pa.float64(),
    "Time": pa.float64(), "Position": pa.float64(), "Compound": pa.string(), "TyreLife": pa.float64(),
    "PitInTime": pa.float64(), "PitOutTime": pa.float64(), "TrackStatus": pa.string(),
}  # fmt: skip


def row(car, lap, *, late=0.0, lap_s=90.0, **other):
    """A lap of 90 s that ends ``late`` s after the others'."""
    return {
        "Season": 2019, "RoundNumber": 12, "EventName": "Hungarian Grand Prix", "Driver": car, "DriverNumber": 33,
        "Team": "Red Bull", "LapNumber": lap, "LapTime": lap_s + (late if lap == 1 else 0.0),
        "Time": START + lap_s * lap + late, "Position": 1.0,
        "Compound": "SOFT", "TyreLife": float(lap + 2), "PitInTime": None, "PitOutTime": None,
        "TrackStatus": "1",
    } | other  # fmt: skip


def stint(car, last, *, first=1, late=0.0, **other):
    return [row(car, lap, late=late, **other) for lap in range(first, last + 1)]


@pytest.fixture
def table(tmp_path):
    """Write rows as parquet."""

    def write(rows, schema=SCHEMA):
        path = tmp_path / "laps.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(schema.items()))), path)
        return path

    return write


@pytest.fixture
def imported(table):
    """The events of rows."""
    return lambda rows: events_from_laps(table(rows), 2019, 12)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def status_changes(events):
    return [(event.t, event.status) for event in of(TrackStatus, events)]


class TestRace:
    def test_is_named_after_season_and_round(self, imported):
        """``2019-12``, with the distance that the leader drove."""
        session = imported(stint("VER", 3))[0]
        assert isinstance(session, Session)
        assert (session.race, session.name, session.series) == ("2019-12", "Hungarian Grand Prix 2019", "f1")
        assert (session.season, session.round, session.total_laps, session.t) == (2019, 12, 3, 0.0)

    def test_begins_at_zero_for_the_car_that_left_first(self, imported):
        """Session time starts when the cameras do; race time at the lights."""
        rows = stint("VER", 2) + stint("HAM", 2, late=0.75)
        assert [lap.t for lap in of(Lap, imported(rows))] == [90.0, 90.75, 180.0, 180.75]

    def test_without_lap_times_begins_with_the_first_pit_exit(self, imported):
        """As at Spa in 2021: the field left the lane behind the safety car."""
        rows = [
            row("VER", 1, LapTime=None, PitOutTime=START),
            row("HAM", 1, LapTime=None, PitOutTime=START + 4, late=5),
        ]
        events = imported(rows)
        assert [lap.t for lap in of(Lap, events)] == [90.0, 95.0]
        assert [out.t for out in of(PitOut, events)] == [0.0, 4.0]

    def test_enters_every_car_before_the_start(self, imported):
        """By key, so that the entry list tells nothing of the result; the grid is not in the table."""
        cars = of(Car, imported(stint("VER", 2) + stint("HAM", 2, late=1.0)))
        assert [(car.car, car.number, car.team, car.grid, car.t) for car in cars] == [
            ("HAM", "33", "Red Bull", None, 0.0),
            ("VER", "33", "Red Bull", None, 0.0),
        ]
        assert (cars[0].compound, cars[0].tyre_age) == (Compound.SOFT, 2)

    def test_ends_when_the_leader_completes_the_last_lap(self, imported):
        """The flag is out just before; a lapped car is home one lap short."""
        events = imported(stint("VER", 6) + stint("HAM", 5, late=60.0, lap_s=100.0))
        assert [event.t for event in of(Finish, events)] == [540.0]
        last = events[events.index(Finish(t=540.0, source="laps")) + 1]
        assert isinstance(last, Lap)
        assert (last.car, last.lap) == ("VER", 6)
        state = reduce_all(events)
        assert {car.car: (car.laps_done, car.status) for car in state.cars.values()} == {
            "VER": (6, CarStatus.FINISHED),
            "HAM": (5, CarStatus.FINISHED),
        }


class TestStop:
    def test_happens_at_its_own_times_and_names_the_next_tyres(self, imported):
        """Entry on the in-lap, exit on the out-lap; the exit knows what a feed shows then."""
        rows = stint("VER", 3)
        rows[1] |= {"PitInTime": START + 176.0}
        rows[2] |= {"PitOutTime": START + 199.5, "Compound": "HARD", "TyreLife": 1.0}
        events = imported(rows)
        assert of(PitIn, events) == [PitIn(t=176.0, source="laps", car="VER", lap=2)]
        assert of(PitOut, events) == [
            PitOut(t=199.5, source="laps", car="VER", lap=3, compound=Compound.HARD, tyre_age=0)
        ]
        assert [(lap.pit_in, lap.pit_out) for lap in of(Lap, events)] == [(False, False), (True, False), (False, True)]
        known_then = reduce_all(event for event in events if event.t <= 200).car("VER")
        assert (known_then.compound, known_then.tyre_age, len(known_then.stops)) == (Compound.HARD, 0, 1)

    def test_before_the_start_or_after_the_flag_is_none(self, imported):
        """Laps to the grid and to parc ferme are not part of the race."""
        rows = stint("VER", 3)
        rows[0] |= {"PitOutTime": START - 1900.0}
        rows[2] |= {"PitInTime": START + 300.0}
        events = imported(rows)
        assert of(PitIn, events) == []
        assert of(PitOut, events) == []
        assert not of(Lap, events)[0].pit_out


class TestRow:
    def test_that_does_not_know_its_tyres_says_unknown(self, imported):
        """None, NaN, an unknown name: the race goes on without."""
        gaps = [
            {"Compound": None, "TyreLife": None, "Position": None},
            {"Compound": "nan", "TyreLife": float("nan"), "Position": float("nan")},
            {"Compound": "UNKNOWN", "LapTime": float("nan"), "TrackStatus": None},
        ]
        laps = of(Lap, imported([row("VER", lap) | gap for lap, gap in enumerate(gaps, start=1)]))
        assert [lap.compound for lap in laps] == [Compound.UNKNOWN] * 3
        assert [lap.tyre_age for lap in laps] == [None, None, 5]
        assert [lap.position for lap in laps] == [None, None, 1]
        assert [lap.lap_time_s for lap in laps] == [90.0, 90.0, None]
        assert [lap.track for lap in laps] == ["1", "1", ""]

    def test_without_a_time_or_a_car_is_left_out(self, imported):
        """There is no moment at which it could have been known."""
        rows = [*stint("VER", 2), row("VER", 3, Time=None), row("HAM", 1, Time=float("nan")), row(None, 1)]
        assert [(lap.car, lap.lap) for lap in of(Lap, imported(rows))] == [("VER", 1), ("VER", 2)]

    def test_that_does_not_move_time_on_is_left_out(self, imported):
        """As Stroll's fifth lap in Styria 2021; the laps after it keep their numbers."""
        rows = [*stint("VER", 2), row("VER", 3, Time=START + 180.0), row("VER", 4)]
        assert [lap.lap for lap in of(Lap, imported(rows))] == [1, 2, 4]

    def test_of_a_stoppage_has_no_lap_time(self, imported):
        """Three times the median is a red flag; when the car crossed the line stays true."""
        rows = stint("VER", 4)
        rows[3] |= {"LapTime": 1800.0, "Time": START + 2070.0}
        laps = of(Lap, imported(rows))
        assert [lap.lap_time_s for lap in laps] == [90.0, 90.0, 90.0, None]
        assert laps[3].t == 2070.0

    def test_may_hold_durations_and_whole_numbers_as_fractions(self, table):
        """As FastF1 itself writes them."""
        changes = {"LapTime": pa.duration("us"), "Time": pa.duration("us"), "LapNumber": pa.float64()}
        rows = [
            lap | {"LapTime": timedelta(seconds=lap["LapTime"]), "Time": timedelta(seconds=lap["Time"])}
            for lap in stint("VER", 2)
        ]
        laps = of(Lap, events_from_laps(table(rows, SCHEMA | changes), 2019, 12))
        assert [(lap.t, lap.lap, lap.lap_time_s) for lap in laps] == [(90.0, 1, 90.0), (180.0, 2, 90.0)]


class TestTrackStatus:
    @staticmethod
    def laps(*digits, late=0.0, car="VER"):
        return [row(car, lap, late=late, TrackStatus=seen) for lap, seen in enumerate(digits, start=1)]

    def test_begins_with_the_first_lap_that_shows_it_and_ends_with_the_first_that_does_not(self, imported):
        """Just before that lap, so that the lap finds the status it was driven under."""
        events = imported(self.laps("1", "4", "4", "1"))
        assert status_changes(events) == [(180.0, Track.SAFETY_CAR), (360.0, Track.GREEN)]
        assert [type(event) for event in events if event.t == 180.0] == [TrackStatus, Lap]

    def test_is_the_most_severe_of_a_lap(self, imported):
        """Red before safety car before virtual safety car before yellow."""
        events = imported(self.laps("2", "26", "264", "2645", "67", "7", "2", "1"))
        assert [status.value for _, status in status_changes(events)] == [
            *("yellow", "vsc", "safety_car", "red", "vsc", "yellow", "green")
        ]

    def test_does_not_come_back_as_an_echo(self, imported):
        """A slow lap that began under the safety car ends after it: it shows what is over."""
        slow = self.laps("1", "4", "1", late=60.0, car="HAM")
        slow[1]["Time"], slow[2]["Time"] = START + 290.0, START + 380.0
        rows = self.laps("1", "4", "1", "1", "1") + slow
        assert status_changes(imported(rows)) == [(180.0, Track.SAFETY_CAR), (270.0, Track.GREEN)]

    def test_comes_back_when_it_is_new(self, imported):
        """A second safety car is one."""
        events = imported(self.laps("1", "4", "1", "4", "1"))
        assert [status for _, status in status_changes(events)] == [Track.SAFETY_CAR, Track.GREEN] * 2

    def test_that_the_table_does_not_know_changes_nothing(self, imported):
        """0 is FastF1's word for no data; the lap then says nothing either."""
        events = imported(self.laps("4", "0", "4", "1"))
        assert status_changes(events) == [(90.0, Track.SAFETY_CAR), (360.0, Track.GREEN)]
        assert of(Lap, events)[1].track == ""


class TestRetirement:
    def test_shows_when_the_lead_has_gone_round_without_the_car(self, imported):
        """The third time that the lead changes lap after the car was last seen."""
        events = imported(stint("VER", 10) + stint("HAM", 4, late=1.0))
        assert of(Retired, events) == [Retired(t=630.0, source="laps", car="HAM")]
        assert reduce_all(events).car("HAM").status is CarStatus.RETIRED

    def test_is_not_claimed_of_a_car_that_comes_back(self, imported):
        """A long repair is a long stop."""
        assert (
            of(Retired, imported(stint("VER", 10) + stint("HAM", 4, late=1.0) + [row("HAM", 5, Time=START + 890)]))
            == []
        )

    def test_is_not_claimed_close_to_the_flag(self, imported):
        """The last row of a lapped car can be missing; the table cannot tell."""
        assert of(Retired, imported(stint("VER", 10) + stint("HAM", 8, late=1.0))) == []


class TestCausality:
    ROWS = (
        stint("VER", 12)
        + [row("HAM", lap, late=2.0, TrackStatus="4" if 4 <= lap <= 6 else "1") for lap in range(1, 13)]
        + stint("LEC", 5, late=3.0)
    )

    @pytest.mark.parametrize("until", [91.0, 300.0, 500.0, 720.0, 1000.0])
    def test_later_rows_do_not_change_what_was_known(self, table, until):
        """The log of a table cut short is the log of the whole table, cut short."""
        whole = events_from_laps(table(self.ROWS), 2019, 12)
        cut = events_from_laps(table([lap for lap in self.ROWS if lap["Time"] - START <= until]), 2019, 12)
        known = (Lap, TrackStatus, Retired)
        assert of(known, cut) == [event for event in of(known, whole) if event.t <= until]


class TestWrongFile:
    def test_that_is_not_there(self, tmp_path):
        """Which file."""
        with pytest.raises(NotFound, match=r"no file .*nothing\.parquet"):
            events_from_laps(tmp_path / "nothing.parquet", 2019, 12)

    def test_that_is_not_parquet(self, tmp_path):
        """No vendor error leaks."""
        (tmp_path / "laps.csv").write_text("Season,RoundNumber\n2019,12\n" * 10)
        with pytest.raises(InvalidRequest, match=r"laps\.csv cannot be read as a parquet lap table: "):
            events_from_laps(tmp_path / "laps.csv", 2019, 12)

    def test_that_lacks_columns(self, table):
        """Which columns are missing and which are there."""
        path = table([{"Season": 2019, "Driver": "VER"}], {"Season": pa.int16(), "Driver": pa.string()})
        with pytest.raises(InvalidRequest, match=r"lacks the columns RoundNumber, .*; it has Season, Driver"):
            races_in(path)

    def test_without_that_race(self, table):
        """What there is instead."""
        path = table([*stint("VER", 1), *stint("VER", 1, RoundNumber=3), *stint("VER", 1, Season=2020)])
        with pytest.raises(NotFound, match="no laps of 2019 round 4; it has 2019 rounds 3, 12; 2020 rounds 12"):
            events_from_laps(path, 2019, 4)

    def test_with_words_for_numbers(self, table):
        """Which column holds what."""
        with pytest.raises(InvalidRequest, match="LapTime holds 'fast', which is not a number"):
            events_from_laps(table([row("VER", 1, LapTime="fast")], SCHEMA | {"LapTime": pa.string()}), 2019, 12)


def test_the_races_of_a_table_are_listed_in_order(table):
    """Season, round, name; once each."""
    rows = [
        *stint("VER", 2, Season=2020),
        *stint("VER", 2),
        *stint("VER", 2, RoundNumber=3, EventName="Chinese Grand Prix"),
    ]
    assert races_in(table(rows)) == [
        LapsRace(2019, 3, "Chinese Grand Prix"),
        LapsRace(2019, 12, "Hungarian Grand Prix"),
        LapsRace(2020, 12, "Hungarian Grand Prix"),
    ]


FILES = ("laps_2018", "laps_2019", "laps_2020", "laps_2021", "laps_2022_r01_r11")


def lap_file(data: Path, name: str) -> Path:
    found = next(iter(sorted(data.glob(f"**/{name}.parquet"))), None)
    if found is None:
        pytest.skip(f"no {name}.parquet under PITCALL_TEST_DATA")
    return found


def ranked(laps):
    """Laps completed descending, then time at the last line ascending."""
    return [car for _, _, car in sorted((-lap, time, car) for car, (lap, time) in laps.items())]


class TestRealRaces:
    """Every race of five seasons, against the definition of a race state that forecasts are scored by."""

    @pytest.mark.parametrize("name", FILES)
    def test_the_order_at_every_tenth_and_at_the_flag_is_that_of_the_table(self, data, name):
        """At lap L: every lap that ended by the time at which the first car completed L, and nothing else."""
        path = lap_file(data, name)
        columns = ["Season", "RoundNumber", "Driver", "LapNumber", "Time"]
        rows = sorted(pq.read_table(path, columns=columns).to_pylist(), key=lambda r: (r["Season"], r["RoundNumber"]))
        for (season, number), found in groupby(rows, key=lambda r: (r["Season"], r["RoundNumber"])):
            race = list(found)
            events = events_from_laps(path, season, number)
            total = max(r["LapNumber"] for r in race)
            now = {lap: min(r["Time"] for r in race if r["LapNumber"] == lap) for lap in range(1, total + 1)}
            asked = {max(1, round(tenth * total / 10)) for tenth in range(1, 10)}
            state = RaceState()
            for _, moment in groupby(events, key=lambda event: event.t):
                arrived = list(moment)
                state = reduce_all(arrived, state)
                for lap in asked & {event.lap for event in of(Lap, arrived)}:
                    asked.remove(lap)
                    known = sorted((r for r in race if r["Time"] <= now[lap]), key=lambda r: r["LapNumber"])
                    last = {r["Driver"]: (r["LapNumber"], r["Time"]) for r in known}
                    here = {car.car: (car.laps_done, car.time_s) for car in state.cars.values() if car.laps}
                    assert ranked(here) == ranked(last), (season, number, lap)
                    racing = [car.car for car in state.order() if car.laps and car.status is not CarStatus.RETIRED]
                    assert racing == [car for car in ranked(last) if car in racing]
            assert not asked, (season, number)
            last = {r["Driver"]: (r["LapNumber"], r["Time"]) for r in sorted(race, key=lambda r: r["LapNumber"])}
            assert ranked({car.car: (car.laps_done, car.time_s) for car in state.cars.values()}) == ranked(last)
            assert state.finished
            assert not [
                car.car for car in state.cars.values() if car.status is CarStatus.RETIRED and car.laps_done == total
            ]

    def test_a_race_that_is_known_by_heart(self, data):
        """Hungary 2019: Verstappen led until lap 66, Hamilton stopped twice and won; Grosjean retired."""
        events = events_from_laps(lap_file(data, "laps_2019"), 2019, 12)
        state = reduce_all(events)
        assert [car.car for car in state.order()[:4]] == ["HAM", "VER", "VET", "LEC"]
        assert (len(state.car("HAM").stops), len(state.car("VER").stops)) == (2, 2)
        assert state.car("GRO").status is CarStatus.RETIRED
        at_20 = reduce_all(until_lap(events, 20, "VER"))
        assert at_20.order()[0].car == "VER"
        assert (at_20.car("VER").compound, at_20.car("VER").stops) == (Compound.MEDIUM, ())
        assert Counter(event.type for event in events)["pit_in"] == sum(len(c.stops) for c in state.cars.values())

    def test_the_safety_cars_of_a_race_are_seen(self, data):
        """Abu Dhabi 2021: a virtual safety car on the leader's lap 36, the safety car on lap 53."""
        events = events_from_laps(lap_file(data, "laps_2021"), 2021, 22)
        shown = [
            (status.value, 1 + reduce_all(e for e in events if e.t < t).laps_done)
            for t, status in status_changes(events)
            if status in (Track.VSC, Track.SAFETY_CAR)
        ]
        assert shown == [("vsc", 36), ("safety_car", 53)]
