"""Our call beside the team's stop."""

import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest import agreement
from pitcall.backtest.agreement import Called, Stop, calls, stops, summary
from pitcall.backtest.run import prepared
from pitcall.domain.tyres import Compound
from pitcall.forecast import read
from pitcall.sim.engine import Engine
from tests.unit.backtest.conftest import START, race, stint

pytestmark = pytest.mark.unit

LAPS = 30


def with_stop(driver, lap, *, late=0.0, track="1", age=1, compound=Compound.HARD):
    """A full race with one visit to the pits, at the end of ``lap``."""
    rows = stint(driver, LAPS, late=late)
    rows[lap - 1] = rows[lap - 1]._replace(pit_in_s=START + lap * 90 + late - 5, track=track)
    rows[lap] = rows[lap]._replace(pit_out_s=START + lap * 90 + late + 18)
    for k in range(lap, LAPS):
        rows[k] = rows[k]._replace(compound=compound, tyre_age=age + k - lap)
    return rows


def prepared_race(*cars):
    return prepared([race([row for rows in cars for row in rows])], events_from_table)[0]


class TestStops:
    def test_are_those_made_for_strategy(self):
        """Lap, car, what was fitted, under which flag."""
        found = stops(
            prepared_race(stint("AAA", LAPS), with_stop("BBB", 12, late=1.0), with_stop("CCC", 9, late=2.0, track="4"))
        )
        assert found == [Stop("CCC", 9, Compound.HARD, green=False), Stop("BBB", 12, Compound.HARD, green=True)]

    @pytest.mark.parametrize(
        "rows",
        [
            with_stop("BBB", 1, late=1.0),
            with_stop("BBB", LAPS - 2, late=1.0),
            with_stop("BBB", 12, late=1.0, track="5"),
            with_stop("BBB", 12, late=1.0, age=13),
            with_stop("BBB", 12, late=1.0, compound=Compound.UNKNOWN),
            with_stop("BBB", 12, late=1.0)[:20],
        ],
        ids=["first lap", "last laps", "red flag", "same tyres", "unknown tyres", "retires"],
    )
    def test_others_are_left_out(self, rows):
        """What is not a choice, or cannot be read."""
        assert stops(prepared_race(stint("AAA", LAPS), rows)) == []

    def test_two_close_to_each_other_are_left_out(self):
        """Damage or a penalty, not a plan."""
        rows = with_stop("BBB", 12, late=1.0)
        rows[14] = rows[14]._replace(pit_in_s=START + 15 * 90 - 4)
        assert stops(prepared_race(stint("AAA", LAPS), rows)) == []


class Option:
    def __init__(self, lap, compound, delta):
        self.lap, self.compound, self.delta = lap, compound, delta


class Answer:
    """Best: ``best``; tied: none; all hard."""

    def __init__(self, best, later=()):
        self.options = [Option(best, 2, 0.0), *(Option(lap, 0, 1.0) for lap in later)]
        self.best = 0
        self.tied: tuple[int, ...] = ()


class TestOurCall:
    @pytest.fixture
    def called(self, monkeypatch):
        """Our call for a stop on lap 12 when the answer on each lap is ``answers[lap]``."""
        the_race = prepared_race(stint("AAA", LAPS), with_stop("BBB", 12, late=1.0))

        def run(answers):
            asked = []

            def ask(state, car, reader, player):
                now = state.car(car).laps_done + 1
                asked.append(now)
                return answers(now)

            monkeypatch.setattr(agreement, "_ask", ask)
            (found,) = calls(the_race, lambda state: read(state).race, Engine(1))
            assert asked == list(range(6, 13))
            return found

        return run

    def test_is_the_first_lap_with_box_now(self, called):
        """It said lap 10 all along, so on lap 10 it says now."""
        assert called(lambda now: Answer(max(now, 10))).ours == 10

    def test_is_the_lap_of_the_last_answer_if_it_never_says_now(self, called):
        """Always two laps from now: on lap 12 that is 14."""
        found = called(lambda now: Answer(now + 2))
        assert (found.ours, found.given, found.open) == (14, 14, False)

    def test_is_none_when_the_last_answer_stays_out(self, called):
        """Not covered; told of the tyres it has none of them to offer."""
        found = called(lambda now: Answer(None))
        assert (found.ours, found.open) == (None, False)

    def test_given_looks_at_the_tyres_that_were_fitted(self, called):
        """Best overall is to stay out; for hards it is the lap of the stop, which is not ruled out."""

        def answer(now):
            one = Answer(None)
            one.options = [Option(None, None, 0.0), Option(12, 2, 0.1), Option(11, 2, 0.3)]
            one.tied = (1,)
            return one

        found = called(answer)
        assert (found.ours, found.given, found.open) == (None, 12, True)


def test_the_real_question_is_answered():
    """The shipped path answers for a race on made laps, the same every time."""
    the_race, engine = prepared_race(stint("AAA", LAPS), with_stop("BBB", 12, late=1.0)), Engine(1)
    first, again = (calls(the_race, lambda state: read(state).race, engine) for _ in range(2))
    engine.close()
    assert first == again
    assert first[0].ours is None or 6 <= first[0].ours < LAPS


def test_summary_counts_coverage_agreement_and_bias():
    """Of four stops three were called: on the lap, one early, four late."""
    stop = Stop("BBB", 12, Compound.HARD, green=True)
    made = [Called(stop, ours, 12, open=True) for ours in (12, 11, 16)] + [Called(stop, None, None, open=False)]
    found = summary(made)
    assert found["all"] == pytest.approx(
        {
            "stops": 4,
            "coverage": 0.75,
            "within_0": 1 / 3,
            "within_1": 2 / 3,
            "within_2": 2 / 3,
            "bias_laps": 1,
            "open": 0.75,
        }
    )
    assert found["given"]["coverage"] == 0.75
    assert found["given"]["within_0"] == 1
    assert found["neutralised"]["stops"] == 0
