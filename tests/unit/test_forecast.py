"""From a race state to what the simulator plays."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from pitcall import forecast as fc
from pitcall import priors
from pitcall.calibrate.filter import DEFAULT
from pitcall.domain import events as ev
from pitcall.domain.events import Track
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.domain.tyres import Compound
from pitcall.errors import NotFound, StaleFeed
from pitcall.form import Form
from pitcall.model import Model
from pitcall.parameters import DEFAULT as DEFAULT_SET
from pitcall.sim.messages import Candidate
from pitcall.sim.race import GREEN, RED, SAFETY_CAR, VSC, YELLOW, Weather
from pitcall.synth import synthesise

pytestmark = pytest.mark.unit

TOTAL = 60
PACE = {"AAA": 90.0, "BBB": 90.4, "CCC": 91.0, "DDD": 91.2}


def race_log(
    laps: int = 15, *, wear: float = 1.0, pace: dict[str, float] | None = None, **entry: Any
) -> list[ev.Event]:
    """A race made exactly by the model that ``read`` inverts: no noise, no traffic, medium tyres from new."""
    circuit, tyres = priors.default_circuit(TOTAL), priors.tyres_for(TOTAL, 90.0)
    events: list[ev.Event] = [ev.Session(t=0.0, race="test", name="Test", total_laps=TOTAL)]
    clock = {}
    for i, car in enumerate(pace or PACE):
        events.append(ev.Car(t=0.0, car=car, grid=i + 1, **({"compound": Compound.MEDIUM, "tyre_age": 0} | entry)))
        clock[car] = 5.0 * i
    for lap in range(1, laps + 1):
        for car, base in (pace or PACE).items():
            t = base + circuit.fuel_s * (TOTAL - lap) + wear * tyres[1].wear_s * (lap - 1)
            clock[car] += t
            seen: dict[str, Any] = {"compound": Compound.MEDIUM, "tyre_age": lap} if not entry else {}
            events.append(ev.Lap(t=clock[car], car=car, lap=lap, lap_time_s=t, **seen))
    return sorted(events, key=lambda e: e.t)


def state(laps: int = 15, **kwargs: Any) -> RaceState:
    return reduce_all(race_log(laps, **kwargs))


class TestPace:
    def test_is_recovered_from_a_race_made_by_the_model(self):
        """Differences between cars come back, a little shrunk; the level has the fuel of the last lap."""
        race = fc.read(state(25)).race
        differences = np.array(race.grid.pace_s) - race.grid.pace_s[0]
        np.testing.assert_allclose(differences, [0.0, 0.4, 1.0, 1.2], rtol=0.2)
        assert race.grid.pace_s[0] == pytest.approx(90.0, abs=0.4)

    def test_grows_surer_with_every_lap(self):
        """More laps, smaller posterior sd."""
        sds = [fc.read(state(laps)).race.grid.pace_sd_s[0] for laps in (3, 8, 20)]
        assert sds[0] > sds[1] > sds[2]

    def test_is_not_moved_far_by_one_lost_lap(self):
        """One lap in traffic, 12 s slower, is an outlier, not a slow car."""
        log = race_log(15)
        lost = [
            replace(e, lap_time_s=(e.lap_time_s or 0) + 12)
            if isinstance(e, ev.Lap) and (e.car, e.lap) == ("AAA", 9)
            else e
            for e in log
        ]
        before, after = fc.read(reduce_all(log)).race.grid.pace_s[0], fc.read(reduce_all(lost)).race.grid.pace_s[0]
        assert abs(after - before) < 0.3

    def test_comes_from_the_prior_before_the_first_lap(self):
        """On the grid the order is all that is known, and the answer says so."""
        reading = fc.read(state(0))
        np.testing.assert_allclose(np.diff(reading.race.grid.pace_s), DEFAULT_SET.unseen.pace_per_slot_s)
        assert all(
            sd > DEFAULT_SET.unseen.slot_sd_s for sd in reading.race.grid.pace_sd_s
        )  # and it may wander from there
        assert any("No clean lap yet" in line for line in reading.assumed)

    def test_of_the_prior_makes_the_reference_lap_at_half_distance(self):
        """Pace is that of the last lap's fuel, so half a race of fuel comes on top."""
        race = fc.read(state(0)).race
        middle = np.mean(race.grid.pace_s) + race.circuit.fuel_s * TOTAL / 2
        assert middle == pytest.approx(priors.REFERENCE_LAP_S)


class TestWear:
    def test_of_the_field_moves_the_cars(self):
        """A race with three times the wear is read as harder on tyres than one with little."""
        high, low = fc.read(state(25, wear=3.0)).race.grid.wear[0], fc.read(state(25, wear=0.3)).race.grid.wear[0]
        assert high > 1.3 > low >= DEFAULT.wear_floor

    def test_is_not_hidden_by_traffic(self):
        """Cars that drive close early, and free later, seem to wear little: what the air ahead cost is taken off first.

        Races with wear 1 by construction; without that they are read as 0.66 on average.
        """
        read = []
        for seed in range(8):
            grid = fc.read(reduce_all(until_lap(synthesise(seed), 20))).race.grid
            read += [wear for wear, racing in zip(grid.wear, grid.racing, strict=True) if racing]
        assert 0.75 < np.mean(read) < 1.15


class TestPitLoss:
    def test_is_learned_from_green_stops(self):
        """A stop that cost 30 s moves the estimate from the prior towards it."""
        log = [e for e in race_log(20) if not (isinstance(e, ev.Lap) and e.car == "AAA" and e.lap > 10)]
        t = max(e.t for e in log if isinstance(e, ev.Lap) and e.car == "AAA")
        log += [
            ev.PitIn(t=t + 95, car="AAA", lap=11),
            ev.Lap(t=t + 100, car="AAA", lap=11, lap_time_s=100, compound=Compound.MEDIUM, tyre_age=11, pit_in=True),
            ev.PitOut(t=t + 118, car="AAA", lap=12, compound=Compound.HARD, tyre_age=0),
            ev.Lap(t=t + 216, car="AAA", lap=12, lap_time_s=116, compound=Compound.HARD, tyre_age=1, pit_out=True),
        ]
        reading = fc.read(reduce_all(sorted(log, key=lambda e: e.t)))
        assert priors.PIT_LOSS_S < reading.race.circuit.pit_loss_s < 32
        assert not any("No green stop" in line for line in reading.assumed)

    def test_is_the_prior_and_said_to_be_before_any_stop(self):
        """Nothing is answered from an assumption silently."""
        reading = fc.read(state())
        assert reading.race.circuit.pit_loss_s == priors.PIT_LOSS_S
        assert any("No green stop seen yet" in line for line in reading.assumed)


class TestUnknownTyres:
    def test_are_assumed_and_named(self):
        """A feed without compounds still gets an answer, which says what was assumed for whom."""
        reading = fc.read(state(compound=Compound.UNKNOWN, tyre_age=None))
        assert set(reading.race.grid.compound) == {int(Compound.MEDIUM)}
        assert sum("tyres are not known" in line for line in reading.assumed) == 4


class TestRegime:
    @pytest.mark.parametrize(
        ("shown", "regime"),
        [
            (Track.GREEN, GREEN),
            (Track.YELLOW, YELLOW),
            (Track.VSC, VSC),
            (Track.SAFETY_CAR, SAFETY_CAR),
            (Track.RED, RED),
        ],
    )
    def test_is_what_the_marshals_show(self, shown, regime):
        """A neutralisation goes on in the simulation."""
        shown_now = reduce_all([ev.TrackStatus(t=5_000.0, status=shown)], state())
        assert fc.read(shown_now).race.regime == regime

    def test_of_a_red_flag_is_the_restart(self):
        """The laps that it has lasted do not matter: the next one is raced, on tyres of everybody's choice."""
        race = fc.read(state(), Track.RED).race
        assert (race.regime, race.regime_laps) == (RED, 0)

    def test_can_be_assumed(self):
        """The question "what if there is a safety car" starts one now."""
        race = fc.read(state(), Track.SAFETY_CAR).race
        assert (race.regime, race.regime_laps) == (SAFETY_CAR, 0)
        assert fc.read(state()).race.regime == 0

    def test_counts_the_laps_it_has_lasted(self):
        """Laps that the leader has completed since it began."""
        log = race_log(15)
        start = min(e.t for e in log if isinstance(e, ev.Lap) and e.lap == 12) + 1
        log.append(ev.TrackStatus(t=start, status=Track.SAFETY_CAR))
        assert fc.read(reduce_all(sorted(log, key=lambda e: e.t))).race.regime_laps == 3


class TestWeather:
    def test_of_a_dry_race_stays_dry(self):
        """No rain is foreseen where none is reported, and nothing is said about it."""
        reading = fc.read(state())
        assert reading.race.weather == Weather()
        assert not any("Wetness" in line for line in reading.assumed)

    @pytest.mark.parametrize(
        ("fitted", "wetness"),
        [
            (Compound.MEDIUM, DEFAULT_SET.rain.damp),
            (Compound.INTERMEDIATE, DEFAULT_SET.rain.intermediate),
            (Compound.WET, DEFAULT_SET.rain.wet),
        ],
    )
    def test_is_read_off_the_tyres_of_the_field(self, fitted, wetness):
        """Reported rain goes on; how wet the track is shows in what the cars have fitted, and the answer says so."""
        session, *rest = race_log(5, compound=fitted)
        reading = fc.read(reduce_all([session, ev.Weather(t=0.0, rain=True), *rest]))
        assert (reading.race.weather.raining, reading.race.weather.wetness) == (True, wetness)
        assert any(f"Wetness of the track taken as {wetness:.2f}" in line for line in reading.assumed)

    def test_makes_the_fitted_tyre_the_right_one(self):
        """On the wetness that is taken for it each kind of tyre loses least."""
        for fitted, wetness in (
            ({0, 1, 2}, DEFAULT_SET.rain.damp),
            ({3}, DEFAULT_SET.rain.intermediate),
            ({4}, DEFAULT_SET.rain.wet),
        ):
            above = [wetness - tyre.wet_best for tyre in priors.DEFAULT_TYRES]
            lost = [
                off * tyre.wet_over_s if off > 0 else -off * tyre.wet_under_s
                for off, tyre in zip(above, priors.DEFAULT_TYRES, strict=True)
            ]
            assert {k for k in range(5) if lost[k] == min(lost)} == fitted


class TestTeams:
    def test_are_what_makes_cars_mates(self):
        """Cars of one team have one number; a car whose team is not known is its own."""
        teams = {"AAA": "Red", "BBB": "Blue", "CCC": "Red", "DDD": ""}
        log = [replace(e, team=teams[e.car]) if isinstance(e, ev.Car) else e for e in race_log(3)]
        a, b, c, d = fc.read(reduce_all(log)).race.grid.team
        assert a == c
        assert len({a, b, d}) == 3


class TestCarInThePits:
    def test_has_its_stop_still_to_do_before_the_line(self):
        """Between pit entry and the line the stop is certain."""
        t = state().t + 1
        inside = reduce_all([ev.PitIn(t=t, car="BBB", lap=16)], state())
        grid = fc.read(inside).race.grid
        assert grid.boxing == (False, True, False, False)

    def test_has_most_of_its_loss_to_come_after_the_line(self):
        """The gap at the line does not show a stop's cost yet; the simulation must."""
        t = state().t + 1
        log = [ev.PitIn(t=t, car="BBB", lap=16), ev.Lap(t=t + 90, car="BBB", lap=16, lap_time_s=92, pit_in=True)]
        grid = fc.read(reduce_all(log, state())).race.grid
        assert grid.extra_s[1] == pytest.approx(priors.PIT_LOSS_S * priors.OUT_LAP_SHARE)
        assert grid.tyre_age[1] == 0


class TestCandidates:
    def test_are_every_lap_left_times_every_dry_compound(self):
        """After 15 of 60 laps: laps 16 to 59 on three compounds; staying out would break the rule."""
        calls = fc.candidates(state(), "AAA")
        assert len(calls) == 44 * 3 - 1  # not medium again on the last possible lap
        assert Candidate() not in calls

    def test_of_an_unknown_car_name_those_there_are(self):
        """The error helps."""
        with pytest.raises(NotFound, match="AAA, BBB, CCC, DDD"):
            fc.candidates(state(), "ZZZ")

    def test_of_a_retired_car_are_refused(self):
        """Nothing is left to call."""
        out = reduce_all([ev.Retired(t=5_000.0, car="AAA")], state())
        with pytest.raises(StaleFeed, match="AAA"):
            fc.candidates(out, "AAA")


class TestEvidence:
    def test_names_the_neighbours_now_and_after_a_stop(self):
        """Gaps at the last line and order-at-gap arithmetic for a stop at the end of this lap."""
        now = state()
        facts = fc.evidence(now, fc.read(now), "BBB", Candidate(16, 2))
        assert (facts.position, facts.ahead, facts.behind) == (2, "AAA", "CCC")
        assert facts.gap_ahead_s == pytest.approx(5 + 15 * 0.4, abs=0.01)
        assert facts.rejoin_position == 3  # 22 s is less than DDD's 29 s deficit
        assert (facts.rejoin_ahead, facts.rejoin_behind) == ("CCC", "DDD")

    def test_sees_an_undercut(self):
        """A car 0.5 s behind gains more than that with a lap on new tyres against 40 laps old ones."""
        close = {"AAA": 90.0, "BBB": 90.0}
        log = [
            replace(e, t=e.t - 4.5) if isinstance(e, ev.Lap) and e.car == "BBB" else e
            for e in race_log(40, pace=close, wear=2.0)
        ]
        now = reduce_all(sorted(log, key=lambda e: e.t))
        (threat,) = fc.evidence(now, fc.read(now), "AAA", Candidate(41, 2)).undercut_threats
        assert threat.car == "BBB"
        assert threat.gap_s == pytest.approx(0.5)
        assert threat.margin_s > 0


def test_reading_is_a_pure_function_of_the_state():
    """Same state, same bits: the seed too."""
    assert fc.read(state()) == fc.read(state())
    assert fc.seed_of(state(), "AAA") == fc.seed_of(state(), "AAA") != fc.seed_of(state(), "BBB")
    assert 0 <= fc.seed_of(state(), "AAA") < 2**53


class TestCarThatIsLate:
    """What has not happened is known, too."""

    @staticmethod
    def without(car: str, after_s: float) -> RaceState:
        """The race after ``after_s`` more seconds in which this car never crosses the line."""
        now = state()
        log = [e for e in race_log(30) if e.t > now.t and e.t <= now.t + after_s and getattr(e, "car", "") != car]
        return reduce_all(log, now)

    def test_is_not_late_before_its_lap_should_be_over(self):
        """Every car of an ordinary race is where it should be."""
        assert set(fc.read(state()).race.grid.extra_s) == {0.0}

    def test_has_its_lateness_still_to_lose(self):
        """A line that is 20 s overdue has not been crossed: the lap under way takes that much longer at least."""
        late = self.without("AAA", 90.0 + 20.0 + 25.0)  # the others go on; AAA is first at the line, 20 s before BBB
        grid = fc.read(late).race.grid
        assert grid.racing[0]
        assert 5.0 < grid.extra_s[0] < 45.0
        assert grid.extra_s[1:] == (0.0, 0.0, 0.0)

    def test_is_out_when_it_is_half_a_lap_late(self):
        """Whatever the feed says, it is not coming."""
        assert fc.read(self.without("AAA", 180.0)).race.grid.racing == (False, True, True, True)

    def test_is_not_late_while_the_race_is_stopped(self):
        """Under a red flag nobody crosses the line."""
        stopped = reduce_all([ev.TrackStatus(t=state().t + 600.0, status=Track.RED)], state())
        grid = fc.read(stopped).race.grid
        assert all(grid.racing)
        assert set(grid.extra_s) == {0.0}


class TestFieldThatCrawls:
    def test_is_behind_a_safety_car_whatever_is_shown(self):
        """Laps of twice the circuit's green lap from the start on are not raced."""
        log = [replace(e, t=e.t * 2.0, lap_time_s=None) if isinstance(e, ev.Lap) else e for e in race_log(2)]
        assert fc.read(reduce_all(log)).race.regime == SAFETY_CAR
        assert fc.read(state(2)).race.regime == GREEN


class TestForm:
    """What earlier races say of the cars."""

    @staticmethod
    def model(races: int = 5) -> Model:
        """After races in which AAA was 1.3 % quicker than DDD."""
        form, finished = Form(), state(40, pace=PACE | {"EEE": 90.7})
        for _ in range(races):
            form = form.after(finished)
        return Model(form=form)

    def test_moves_the_pace_of_cars_that_have_not_driven(self):
        """On the grid a car that was slow in earlier races is expected slower, and is known better."""
        known, blank = fc.read(state(0), model=self.model()).race.grid, fc.read(state(0)).race.grid
        gap = [grid.pace_s[3] - grid.pace_s[0] for grid in (known, blank)]
        assert gap[0] > gap[1] + 0.15
        assert known.pace_sd_s[0] < blank.pace_sd_s[0]

    def test_matters_less_with_every_lap(self):
        """After 25 laps the laps decide."""
        known, blank = fc.read(state(25), model=self.model()).race.grid, fc.read(state(25)).race.grid
        assert known.pace_s[3] - known.pace_s[0] == pytest.approx(blank.pace_s[3] - blank.pace_s[0], abs=0.1)

    def test_of_a_team_that_breaks_raises_its_hazard(self):
        """A car that never finished fails more often than one that always did, within bounds."""
        log = [replace(e, team=e.car) if isinstance(e, ev.Car) else e for e in race_log(40)]
        finished, form = reduce_all(log), Form()
        cars = {**finished.cars, "AAA": replace(finished.cars["AAA"], laps=finished.cars["AAA"].laps[:12])}
        for _ in range(8):
            form = form.after(replace(finished, cars=MappingProxyType(cars)))
        grid = fc.read(finished, model=Model(form=form)).race.grid
        assert grid.reliability[0] > 1.2
        assert 1.0 > grid.reliability[1] >= 1 / fc.RECORD_BOUND


class TestStopsLately:
    def stopped(self, *laps: int) -> RaceState:
        """AAA came in at the end of each of these laps, for new tyres; 20 laps of four cars."""
        log = race_log(20)
        ends = {event.lap: event.t for event in log if isinstance(event, ev.Lap) and event.car == "AAA"}
        ages = {lap: lap - max((stop for stop in laps if stop < lap), default=0) for lap in ends}
        log = [replace(e, tyre_age=ages[e.lap]) if isinstance(e, ev.Lap) and e.car == "AAA" else e for e in log]
        log += [ev.PitIn(t=ends[lap] - 5.0, car="AAA", lap=lap) for lap in laps]
        log += [
            ev.PitOut(t=ends[lap] + 15.0, car="AAA", lap=lap + 1, compound=Compound.MEDIUM, tyre_age=0) for lap in laps
        ]
        return reduce_all(sorted(log, key=lambda event: event.t))

    def test_count_less_with_every_lap(self):
        """A stop on lap 17 is three laps old after lap 20: a quarter of a stop a car, times 0.85 cubed."""
        race = fc.read(self.stopped(17)).race
        assert min(race.grid.laps_done) == 20
        assert race.stops_lately == pytest.approx(0.25 * 0.85**3)
        assert fc.read(self.stopped(8, 17)).race.stops_lately == pytest.approx(0.25 * (0.85**3 + 0.85**12))
        assert fc.read(state(20)).race.stops_lately == 0.0
