"""The stop policy finds the weights of stops that were drawn, and says what it does not know."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from pitcall.backtest.stop_cases import StopCases
from pitcall.backtest.stops import log_loss
from pitcall.policy import StopPolicy
from pitcall.priors import DEFAULT_POLICY
from pitcall.sim.race import STOP_FEATURES
from pitcall.train.policy import PINNED, fit, leave_one_season_out, logistic, softness
from pitcall.train.policy_card import card
from pitcall.train.policy_teachers import gru, mlp

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]  # imports torch

TRUE = {"bias": -3.0, "life_used": 2.0, "new_safety_car": 1.5, "places": -1.0}
AT = {name: STOP_FEATURES.index(name) for name in STOP_FEATURES}


def drawn(n=30_000, *, seasons=(2018, 2019), soft_s=6.0, seed=1):
    """Cases whose stops are drawn with the weights ``TRUE``; on circuit B the odds are one higher."""
    random = np.random.default_rng(seed)
    x = np.zeros((n, len(STOP_FEATURES)), np.float32)
    x[:, AT["bias"]] = 1.0
    for name in ("life_used", "places"):
        x[:, AT[name]] = random.random(n)
    x[:, AT["new_safety_car"]] = random.random(n) < 0.3
    circuit = np.where(random.random(n) < 0.5, "A", "B")
    odds = sum(TRUE[name] * x[:, AT[name]] for name in TRUE) + (circuit == "B")
    stopped = random.random(n) < 1 / (1 + np.exp(-odds))
    costs = np.full((n, 5), np.inf, np.float32)
    costs[:, :3] = random.uniform(0, 15, (n, 3))
    likely = np.exp(-costs[:, :3] / soft_s).cumsum(axis=1)
    fitted = (random.random((n, 1)) > likely / likely[:, -1:]).sum(axis=1)
    car = np.arange(n) // 50
    return StopCases(
        race=np.array([f"race {c // 20}" for c in car]), season=np.array(seasons)[car % len(seasons)], circuit=circuit,
        car=np.array([f"car {c}" for c in car]), lap=np.arange(n) % 50 + 2, age=random.integers(1, 30, n),
        compound=random.integers(0, 3, n), regime=np.zeros(n, np.int64), features=x, stopped=stopped,
        fitted=np.where(stopped, fitted, -1), costs=costs,
    )  # fmt: skip


@pytest.fixture(scope="module")
def cases():
    return drawn()


class TestFit:
    def test_finds_the_weights_that_the_stops_were_drawn_with(self, cases):
        """Within four standard errors; circuit B is one above circuit A, a little less for being shrunk."""
        found = fit(cases)
        for name in ("life_used", "new_safety_car", "places"):
            assert found.policy.stop[AT[name]] == pytest.approx(TRUE[name], abs=0.3)
        assert found.circuits["B"] - found.circuits["A"] == pytest.approx(1.0, abs=0.2)

    def test_keeps_what_the_tables_do_not_tell(self, cases):
        """Hand-set weights stay, and a feature that never differs has none."""
        found = fit(cases).policy.stop
        assert [found[AT[name]] for name in PINNED] == [DEFAULT_POLICY.stop[AT[name]] for name in PINNED]
        assert found[AT["team_mate"]] == 0.0

    def test_is_the_same_again(self, cases):
        """To the bit."""
        assert fit(cases) == fit(cases)

    def test_needs_a_stop(self, cases):
        """Else there is nothing to learn."""
        with pytest.raises(ValueError, match="no stop"):
            fit(cases.of(~cases.stopped))

    def test_finds_how_softly_tyres_are_chosen(self, cases):
        """The temperature of the draw; cases without a choice tell nothing."""
        assert softness(cases) == pytest.approx(6.0, rel=0.1)
        forced = replace(cases, costs=np.where(np.arange(5) == cases.fitted[:, None], cases.costs, np.inf))
        assert softness(forced) == DEFAULT_POLICY.compound_s


def test_each_season_is_predicted_by_the_others(cases):
    """What is learned on one is never asked about it."""
    seen = []

    def learner(train):
        def predict(test):
            seen.append((set(train.season.tolist()), set(test.season.tolist())))
            return np.full(len(test), 0.5)

        return predict

    leave_one_season_out(cases, {"any": learner})
    assert seen == [({2019}, {2018}), ({2018}, {2019})]
    with pytest.raises(ValueError, match="two seasons"):
        leave_one_season_out(cases.of(cases.season == 2018), {"any": learner})


@pytest.mark.parametrize("learner", [logistic, mlp, gru])
def test_what_is_learned_beats_the_frequency_elsewhere(learner, cases):
    """On cases that were not learned from; the same twice."""
    few = cases.of(np.arange(len(cases)) < 6_000)
    test = drawn(4_000, seed=2)
    p = learner(few)(test)
    assert log_loss(p, test.stopped) < log_loss(np.full(len(test), few.stopped.mean()), test.stopped) - 0.01
    assert np.array_equal(p, learner(few)(test))


def test_the_card_tells_what_ships_and_what_it_costs(cases, monkeypatch):
    """Every model, every weight, what was left out, and the command."""
    few = cases.of(np.arange(len(cases)) < 3_000)
    told = card(replace(fit(few), version="policy@abc"), few, Counter({"damage": 7}), "pitcall train policy x", "fit@1")
    for word in ("policy@abc", "fit@1", "7 damage", "MLP", "GRU", "`places`", "hand-set", "B +"):
        assert word in told
    assert "nan" not in told


def test_a_circuit_shifts_the_bias_alone():
    """And one that is not known nothing."""
    policy = StopPolicy(DEFAULT_POLICY, {"Sakhir": 0.5})
    shifted = policy.at("Sakhir")
    assert shifted.stop[0] == DEFAULT_POLICY.stop[0] + 0.5
    assert shifted.stop[1:] == DEFAULT_POLICY.stop[1:]
    assert policy.at("Nowhere") == policy.at(None) == DEFAULT_POLICY
