"""The score that a search minimises."""

from dataclasses import replace

import numpy as np
import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest.run import prepared
from pitcall.backtest.score import rps
from pitcall.form import Form
from pitcall.model import HAND_SET
from pitcall.sim.engine import Engine
from pitcall.tune.objective import Objective, fair_rps, gains, states
from pitcall.tuned import UNTUNED, Tuned
from tests.unit.backtest.conftest import lively

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def engine():
    with_threads = Engine(1)
    yield with_threads
    with_threads.close()


@pytest.fixture(scope="module")
def driven():
    return prepared([lively(number=number) for number in (1, 2)], events_from_table)


@pytest.fixture(scope="module")
def read(driven):
    return states(driven, [Form(), Form()], HAND_SET)


class TestStates:
    def test_name_the_scored_cars_and_their_ranks(self, driven, read):
        """One state a case; columns are those of the grid that is played."""
        cases = [case for race in driven for case in race.cases]
        assert [state.race for state in read] == [case.race for case in cases]
        for state, case in zip(read, cases, strict=True):
            assert [state.rest.grid.cars[k] for k in state.columns] == [scored.car for scored in case.scored]
            assert state.final == tuple(scored.final for scored in case.scored)

    def test_are_read_without_what_an_earlier_search_found(self, driven, read):
        """A search starts from the fit."""
        tuned = replace(HAND_SET, parameters=replace(HAND_SET.parameters, tuned=Tuned(noise=2.0)))
        assert states(driven, [Form(), Form()], tuned) == read


class TestFairRps:
    def test_is_the_rps_when_there_is_no_chance_in_it(self):
        """All paths alike: nothing is taken off."""
        place = np.tile(np.array([[1, 3]], np.uint8), (64, 1))
        p = np.eye(4)
        assert fair_rps(place, (2, 3), 4) == pytest.approx([rps(p[0], 2), rps(p[2], 3)])

    def test_does_not_depend_on_the_number_of_paths(self):
        """The mean over many handfuls of paths is the score of the whole; the plain score is worse for few."""
        random = np.random.default_rng(1)
        places = random.choice(np.arange(1, 7), size=(4_000, 8, 1), p=[0.3, 0.3, 0.1, 0.1, 0.1, 0.1]).astype(np.uint8)
        few = np.array([fair_rps(place, (2,), 6)[0] for place in places])
        whole = rps([0.3, 0.3, 0.1, 0.1, 0.1, 0.1], 2)
        plain = np.mean([rps(np.bincount(place[:, 0], minlength=7)[1:] / 8, 2) for place in places])
        assert few.mean() == pytest.approx(whole, abs=4 * few.std() / len(few) ** 0.5)
        assert plain > whole + 0.01


class TestObjective:
    def test_scores_the_races_that_are_asked_for(self, read, engine):
        """By race, the same every time, and not by what else is asked."""
        objective = Objective(read, engine, paths=64)
        assert objective.races == ("2019-01", "2019-02")
        both = objective(UNTUNED, objective.races)
        assert both == objective(UNTUNED, objective.races)
        assert objective(UNTUNED, ["2019-02"]) == {"2019-02": both["2019-02"]}
        assert all(0 < score < 0.5 for score in both.values())

    def test_sees_what_is_tuned(self, read, engine):
        """A forecast that knows nothing of the race is worse."""
        objective = Objective(read, engine, paths=64)
        vague = objective(Tuned(pace_sd=20.0, noise=20.0), objective.races)
        assert (gains(vague, objective(UNTUNED, objective.races)) > 0.01).all()

    def test_has_a_name_that_changes_with_what_is_evaluated(self, read, engine):
        """Other states or other paths: another objective."""
        names = {Objective(some, engine, paths).fingerprint() for some in (read, read[:-1]) for paths in (64, 128)}
        assert len(names) == 4
        assert Objective(read, engine, 64).fingerprint() in names
