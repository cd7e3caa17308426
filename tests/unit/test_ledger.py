"""Grades of calls: what was followed, which band held, what the figures come to."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pitcall.backtest import score as backtest
from pitcall.domain import events as ev
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.domain.tyres import Compound
from pitcall.ledger import (
    FLOOR,
    LEVELS,
    Call,
    Outcome,
    Tally,
    alarm,
    band,
    graded,
    over,
    score,
    skill,
    wilson,
)

pytestmark = pytest.mark.unit

HARD, SOFT = Compound.HARD, Compound.SOFT
CALL = Call("toy", "AAA", 4, 360.0, "m@1", 7, 6, HARD, (0.6, 0.3, 0.1), 64)
STAY = replace(CALL, in_lap=None, compound=None)


def race(*stops: ev.Event, laps: int = 10, aaa_laps: int = 10, out: bool = False) -> RaceState:
    """AAA leads BBB and CCC by a second a lap; on softs, but for what ``stops`` says."""
    log: list[ev.Event] = [
        ev.Car(t=0.0, car=car, grid=n, compound=SOFT, tyre_age=0) for n, car in enumerate(("AAA", "BBB", "CCC"), 1)
    ]
    for lap in range(1, laps + 1):
        for n, car in enumerate(("AAA", "BBB", "CCC")):
            if car != "AAA" or lap <= aaa_laps:
                log.append(ev.Lap(t=90.0 * lap + n, car=car, lap=lap, lap_time_s=90.0))
    if out:
        log.append(ev.Retired(t=90.0 * aaa_laps + 60.0, car="AAA"))
    log += stops
    session = ev.Session(t=0.0, race="toy", name="Toy", total_laps=10)
    return reduce_all([session, *sorted(log, key=lambda event: event.t)])


def stop(lap: int, compound: Compound = HARD) -> tuple[ev.Event, ev.Event]:
    """AAA comes in at the end of a lap."""
    return (
        ev.PitIn(t=90.0 * lap - 5.0, car="AAA", lap=lap),
        ev.PitOut(t=90.0 * lap + 15.0, car="AAA", lap=lap + 1, compound=compound, tyre_age=0),
    )


class TestOutcome:
    @pytest.mark.parametrize(
        ("call", "state", "outcome"),
        [
            (CALL, race(*stop(6)), Outcome.FOLLOWED),
            (CALL, race(*stop(6), *stop(8, SOFT)), Outcome.FOLLOWED),
            (CALL, race(*stop(2, SOFT), *stop(6)), Outcome.FOLLOWED),
            (CALL, race(*stop(6, SOFT)), Outcome.NOT_FOLLOWED),
            (CALL, race(*stop(5)), Outcome.NOT_FOLLOWED),
            (CALL, race(*stop(7)), Outcome.NOT_FOLLOWED),
            (CALL, race(), Outcome.NOT_FOLLOWED),
            (CALL, race(*stop(6, Compound.UNKNOWN)), Outcome.UNKNOWN),
            (STAY, race(), Outcome.FOLLOWED),
            (STAY, race(*stop(2)), Outcome.FOLLOWED),
            (STAY, race(*stop(9)), Outcome.NOT_FOLLOWED),
        ],
    )
    def test_the_first_stop_after_the_call_decides(self, call, state, outcome):
        """On the named lap for the named tyres, or none at all; the rest of the race is free."""
        assert graded(call, state).outcome is outcome

    @pytest.mark.parametrize(
        ("call", "state", "position"),
        [
            (CALL, race(aaa_laps=5, out=True), 3),
            (STAY, race(aaa_laps=8, out=True), 3),
            (STAY, race(ev.PitIn(t=535.0, car="AAA", lap=6), aaa_laps=5, out=True), 3),
            (CALL, race(ev.Finish(t=445.0), laps=5, aaa_laps=5), 1),
        ],
    )
    def test_a_car_that_is_out_first_neither_follows_nor_departs(self, call, state, position):
        """It retired, also in its own pit, or the race was stopped: nobody knows what it would have done."""
        grade = graded(call, state)
        assert (grade.outcome, grade.position) == (Outcome.OUT, position)
        assert grade.score == score(call.p_position, position)

    def test_a_stop_that_had_begun_when_the_call_was_made_is_not_the_one_called(self):
        """Asked in the pit lane on lap 5: the call is about the stop after this one."""
        asked = replace(CALL, t_s=446.0)
        assert graded(asked, race(*stop(5, SOFT), *stop(6))).outcome is Outcome.FOLLOWED

    def test_a_stop_after_the_flag_is_none(self):
        """Cars come in when the race is over."""
        parked = (ev.Finish(t=890.0), ev.PitIn(t=893.0, car="AAA", lap=10), ev.PitOut(t=895.0, car="AAA", lap=11))
        assert graded(STAY, race(*parked)).outcome is Outcome.FOLLOWED

    def test_a_car_that_the_log_does_not_know_has_no_grade(self):
        """The race was imported again, from another source."""
        assert graded(replace(CALL, car="ZZZ"), race()).outcome is Outcome.UNKNOWN
        more_cars = graded(replace(CALL, p_position=(1.0,)), race(*stop(6), aaa_laps=9, out=True))
        assert (more_cars.outcome, more_cars.score) == (Outcome.UNKNOWN, None)

    def test_a_call_that_was_not_followed_is_not_scored(self):
        """What another call would have brought, nobody knows."""
        assert graded(CALL, race(*stop(6))).score is not None
        assert graded(CALL, race(*stop(7))).score is None


class TestScore:
    @pytest.mark.parametrize("position", [1, 2, 3, 4])
    def test_it_is_that_of_the_backtest(self, position):
        """The figure that users see and the one that the model was chosen by are the same."""
        p = (0.5, 0.0, 0.3, 0.2)
        found = score(p, position)
        assert found.rps == pytest.approx(backtest.rps(p, position))
        assert found.log_loss == pytest.approx(backtest.log_loss(p, position))
        assert FLOOR == backtest.FLOOR

    def test_a_position_that_cannot_be_is_refused(self):
        """Zero or beyond the field."""
        for position in (0, 3):
            with pytest.raises(ValueError, match="1 to 2"):
                score((0.5, 0.5), position)

    def test_a_band_is_the_smallest_central_one(self):
        """At most the tail lies on each side, and one place less would be too little."""
        p = (0.05, 0.05, 0.2, 0.4, 0.2, 0.05, 0.05)
        assert [band(p, level) for level in LEVELS] == [(3, 5), (3, 5), (2, 6)]
        assert band((1.0,), 0.9) == (1, 1)

    def test_a_band_holds_at_least_its_level_of_any_forecast(self):
        """Also where the probabilities are sums with rounding errors; and its share is what is expected of it."""
        rng = np.random.default_rng(5)
        for p in rng.dirichlet(np.full(20, 0.3), 200):
            row = tuple(map(float, p))
            for level, expected in zip(LEVELS, score(row, 1).expected, strict=True):
                low, high = band(row, level)
                assert expected == pytest.approx(math.fsum(row[low - 1 : high]))
                assert expected >= level - 1e-6

    def test_calibrated_forecasts_hold_what_they_expect(self):
        """Positions drawn from the forecasts themselves: held and expected agree within the interval."""
        rng = np.random.default_rng(6)
        scores = [score(tuple(map(float, p)), 1 + int(rng.choice(20, p=p))) for p in rng.dirichlet(np.ones(20), 2_000)]
        for at in range(len(LEVELS)):
            held = sum(one.held[at] for one in scores) / len(scores)
            low, high = wilson(held, len(scores))
            assert low < sum(one.expected[at] for one in scores) / len(scores) < high


def tally(outcome: Outcome | None, calls: int, held: int = 0, **where: Any) -> Tally:
    """Calls of which so many ended in their bands."""
    expected = tuple(share * calls for share in (0.6, 0.85, 0.95)) if outcome in (Outcome.FOLLOWED, Outcome.OUT) else ()
    sums: dict[str, Any] = {"rps": 0.1 * calls, "log_loss": 2.0 * calls, "held": (held,) * 3, "expected": expected}
    at: dict[str, Any] = {"model": "m@1", "live": False, "race": "r", "car": "A", "stays": False} | where
    return Tally(outcome=outcome, calls=calls, **at, **(sums if expected else {}))


class TestSkill:
    def test_wilson_is_that_of_the_books(self):
        """7 of 10 at 95 %: 0.397 to 0.892 (Wilson 1927); all of 10 does not mean certain."""
        assert wilson(0.7, 10) == pytest.approx((0.3968, 0.8922), abs=1e-4)
        assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)

    def test_many_calls_to_one_car_are_one_trial(self):
        """Ten questions in one race end in one position: the interval is that of two cars, not of twenty calls."""
        figure = skill([tally(Outcome.FOLLOWED, 10, 10, car=car) for car in "AB"])[0]
        assert (figure.followed, figure.cars, figure.races) == (20, 2, 1)
        assert (figure.bands[1].low, figure.bands[1].high) == pytest.approx(wilson(1.0, 2))
        assert figure.bands[1].expected == pytest.approx(0.85)

    def test_each_model_has_its_own_figure_live_ones_first(self):
        """A new model does not inherit the name of the old one; a replay is not a live race."""
        found = skill([
            tally(None, 3, model="m@2"), tally(Outcome.FOLLOWED, 9, 9), tally(None, 1, live=True),
            tally(Outcome.FOLLOWED, 1, 1, live=True), tally(Outcome.UNKNOWN, 2, live=True),
        ])  # fmt: skip
        assert [(one.model, one.live, one.calls, one.waiting, one.unknown) for one in found] == [
            ("m@1", True, 4, 1, 2), ("m@1", False, 9, 0, 0), ("m@2", False, 3, 3, 0),
        ]  # fmt: skip
        assert found[1].rps == pytest.approx(0.1)
        assert found[1].log_loss == pytest.approx(2.0)
        assert (found[2].bands, found[2].rps, found[2].races) == ((), None, 0)

    def test_cars_that_are_out_count_as_far_as_such_calls_are_followed(self):
        """1 stop of 4 was followed, so 2 calls of cars that were out weigh 0.5: held is 1 of 1.5, not 1 of 3."""
        stops = [tally(Outcome.FOLLOWED, 1, 1), tally(Outcome.NOT_FOLLOWED, 3), tally(Outcome.OUT, 2, 0, car="B")]
        (figure,) = skill([*stops, tally(Outcome.OUT, 5, 0, car="C", stays=True)])
        assert (figure.followed, figure.not_followed, figure.out) == (1, 3, 7)
        assert figure.bands[1].held == pytest.approx(1 / 1.5)
        assert figure.bands[1].expected == pytest.approx(0.85)
        assert figure.rps == pytest.approx(0.1)
        (stay,) = skill([*stops, *(tally(Outcome.FOLLOWED, 4, 4, stays=True), tally(Outcome.OUT, 1, 0, stays=True))])
        assert stay.bands[1].held == pytest.approx(5 / 6.5)  # every stay was followed: that one counts in full

    def test_the_figures_of_calibrated_forecasts_are_calibrated_though_few_are_followed(self):
        """Cars retire one time in five and follow one call in four; what the bands held is what they promised."""
        rng, grades = np.random.default_rng(8), []
        p = (*(0.8 / 9,) * 9, 0.2)
        for _ in range(4_000):
            retires, follows = rng.random() < 0.2, rng.random() < 0.25
            outcome = Outcome.OUT if retires else Outcome.FOLLOWED if follows else Outcome.NOT_FOLLOWED
            grades.append((outcome, score(p, 10 if retires else int(rng.integers(1, 10)))))
        tallies = [
            Tally(
                "m@1", False, "r", str(n), False, outcome, 1, one.rps, one.log_loss,
                tuple(map(int, one.held)), one.expected,
            )
            if outcome is not Outcome.NOT_FOLLOWED else tally(outcome, 1)
            for n, (outcome, one) in enumerate(grades)
        ]  # fmt: skip
        for each in skill(tallies)[0].bands:
            assert each.low <= each.expected <= each.high

    def test_nothing_stored_is_no_figure(self):
        """Not a zero."""
        assert skill([]) == []


def held(share, races, cars=6, expected=0.85):
    """The figure of calls to so many cars a race of which the bands held this share."""
    each = Tally("m@1", True, "", "", False, Outcome.FOLLOWED, 100, expected=(expected * 100,) * 3)
    calls = [
        replace(each, race=str(race), car=str(car), held=(round(100 * share),) * 3)
        for race in range(races)
        for car in range(cars)
    ]
    (figure,) = skill(calls)
    return figure


class TestAlarm:
    def test_bands_that_do_not_hold_what_they_promise_raise_it(self):
        """With the figures."""
        assert alarm(held(0.4, 5)) == (
            "its 80 % bands held 40 % of the time over 5 races, at most 58 % with 95 % confidence, and promised 85 %"
        )

    @pytest.mark.parametrize("figure", [held(0.85, 20), held(0.8, 500), held(1.0, 20), held(0.6, 3), held(0.0, 2)])
    def test_chance_a_small_error_caution_and_too_few_races_do_not(self, figure):
        """Held as promised, 5 points too few for certain, too many, perhaps too few, in two races."""
        assert alarm(figure) == ""

    def test_without_a_followed_call_there_is_nothing_to_say(self):
        """Nothing was graded."""
        (figure,) = skill([Tally("m@1", True, "r", "c", False, Outcome.NOT_FOLLOWED, 100)])
        assert alarm(figure) == ""


def test_a_race_is_over_at_its_flag_or_on_its_last_lap():
    """Not on the grid, not half way."""
    assert over(race())
    assert not over(race(laps=9))
    assert over(race(ev.Finish(t=820.0), laps=9))
    assert not over(RaceState())


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"in_lap": None}, "both or neither"), ({"p_position": (0.5, 0.4)}, "sum to 1"), ({"p_position": ()}, "sum to 1")],
)
def test_a_call_that_cannot_be_is_refused(changes, said):
    """It would spoil every figure."""
    with pytest.raises(ValueError, match=said):
        replace(CALL, **changes)
