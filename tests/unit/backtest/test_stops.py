"""Scores of stops: by hand, against scikit-learn, and on races that are simulated."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from pitcall.adapters.laps import events_from_table
from pitcall.backtest.forecaster import Simulated
from pitcall.backtest.run import prepared
from pitcall.backtest.stop_cases import stop_cases
from pitcall.backtest.stops import AgeHazard, Stops, crps, log_loss, next_stops, policy_p, pr_auc
from pitcall.domain.reducer import reduce_all
from pitcall.forecast import read
from pitcall.model import Model
from pitcall.policy import StopPolicy
from pitcall.priors import DEFAULT_POLICY
from pitcall.sim.engine import Engine
from pitcall.sim.race import STOP_FEATURES
from tests.unit.backtest.conftest import lively

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]  # compiles the twin


def weights(**named):
    return tuple(named.get(name, 0.0) for name in STOP_FEATURES)


@pytest.fixture(scope="module")
def races():
    return prepared([lively(number=number) for number in (1, 2)], events_from_table)


@pytest.fixture(scope="module")
def found(races):
    return stop_cases(races[0].events, lambda state: read(state).race)


class TestAgeHazard:
    def test_is_the_share_of_stops_at_an_age_and_near_it(self, found):
        """No stop on fresh tyres; most where most stops were; the whole is what there was."""
        hazard = AgeHazard.fit(found)
        at = np.unique(found.age[found.stopped])
        assert hazard.p[1] < hazard.p[at].mean()
        assert hazard.of(found.age).sum() == pytest.approx(found.stopped.sum(), rel=0.25)
        assert hazard.of(np.array([10_000])) == hazard.p[-1]

    def test_says_when_the_next_stop_comes(self):
        """Half on each lap: 1/2, 1/4, 1/8 and 1/8 for none in three laps."""
        hazard = AgeHazard(np.full(61, 0.5))
        assert hazard.next_stop(3, 3).tolist() == [0.5, 0.25, 0.125, 0.125]

    def test_needs_cases(self, found):
        """Of nothing comes nothing."""
        with pytest.raises(ValueError, match="at least one case"):
            AgeHazard.fit(found.of(np.zeros(len(found), bool)))


def test_log_loss_is_what_came_less_than_sure():
    """And who says "never" and is wrong pays a bounded price."""
    assert log_loss(np.array([0.5, 0.25]), np.array([True, False])) == pytest.approx(-np.log([0.5, 0.75]).mean())
    assert log_loss(np.array([0.0]), np.array([True])) == pytest.approx(-np.log(1e-6))


def test_pr_auc_is_average_precision():
    """As scikit-learn has it, ties included; a perfect order has 1."""
    random = np.random.default_rng(1)
    p, stopped = random.random(500).round(1), random.random(500) < 0.2
    assert pr_auc(p, stopped) == pytest.approx(average_precision_score(stopped, p))
    assert pr_auc(np.array([0.9, 0.8, 0.1]), np.array([True, True, False])) == 1.0


def test_crps_is_the_distance_less_half_the_spread():
    """A sure forecast pays its error; 10 or 14 when 12 came: 2 less 1."""
    assert crps(np.array([10, 10]), 13) == 3.0
    assert crps(np.array([10, 14]), 12) == 1.0


def test_policy_p_is_the_logistic_of_the_features(found):
    """One weight, one more for all, and no overflow."""
    p = policy_p(found, weights(bias=-1.0), 0.5)
    assert p == pytest.approx(1 / (1 + np.exp(0.5)))
    assert policy_p(found, weights(bias=-1e6)).max() < 1e-20


class TestStops:
    def test_compares_the_policy_with_the_age_of_the_tyres(self, races, found):
        """A policy that never stops is worse than the age, by log loss and by the lap of the next stop."""
        tier = Stops(AgeHazard.fit(found))

        never = StopPolicy(replace(DEFAULT_POLICY, stop=weights(bias=-30.0)))
        shipped = Simulated(Engine(1), Model(policy=never))
        for race in races:
            tier.add(race, shipped)
        figures = tier.figures()
        assert figures["policy"]["cases"] == figures["age_only"]["cases"] > 100
        assert figures["below_age_only"]["log_loss"] < 0
        assert figures["policy"]["next_stop_crps"] > figures["age_only"]["next_stop_crps"] > 0

    def test_the_next_stop_is_that_of_the_simulated_races(self, races, found):
        """All cars stop at once: the error is the distance to the real stop, or to the flag."""
        end, case = reduce_all(races[0].events), races[0].cases[0]
        rest = read(case.state).race
        at_once = replace(rest, policy=replace(rest.policy, stop=weights(bias=30.0)))
        scores = next_stops(at_once, end, AgeHazard.fit(found))
        stops = [min((s.lap for s in end.cars[car].tyre_stops), default=15) for car in sorted(end.cars)[1:]]
        done = [end.cars[car].laps_done and case.state.cars[car].laps_done for car in sorted(end.cars)[1:]]
        assert [ours for ours, _ in scores] == pytest.approx([s - d - 1 for s, d in zip(stops, done, strict=True)])
