"""The decision loop."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pitcall.errors import Cancelled, DeadlineExceeded
from pitcall.sim.decision import decide, forecast
from pitcall.sim.messages import F1_POINTS, Budget, Candidate, DecideRequest, ForecastRequest, Utility
from pitcall.sim.outcome import Outcome
from pitcall.sim.work import SyntheticPlayer, work

from .conftest import busy_race

pytestmark = pytest.mark.unit

CALLS = (Candidate(), *(Candidate(lap, compound) for lap in range(13, 30) for compound in range(3)))


def request(**changes: Any) -> DecideRequest:
    return replace(DecideRequest(busy_race(), "C4", CALLS, seed=3), **changes)


def player(means, **spread: Any) -> SyntheticPlayer:
    return SyntheticPlayer(means, first_lap=13, **spread)


def known(seed: int, calls: int, **changes: Any) -> DecideRequest:
    """A question about ``calls`` stops, one a lap, for a player whose truth is known."""
    changes = {"outlook": False} | changes
    return request(candidates=tuple(Candidate(13 + k, 1) for k in range(calls)), seed=seed, **changes)


def last_of(asked: DecideRequest, by: SyntheticPlayer):
    *_, last = decide(asked, by)
    return last


class TestStream:
    def test_ends_with_one_final_decision(self, engine):
        """Rounds double, the last one is final and only that."""
        seen = list(decide(request(budget=Budget(8, 64, indifference=0.0)), engine))
        assert [d.draws for d in seen] == [8, 16, 32, 64]
        assert [d.final for d in seen] == [False, False, False, True]
        assert [d.rounds for d in seen] == [1, 2, 3, 4]

    def test_every_decision_holds_every_candidate(self, engine):
        """Options keep the order of the candidates, dropped ones included."""
        for d in decide(request(), engine):
            assert [(o.lap, o.compound) for o in d.options] == [(c.lap, c.compound) for c in CALLS]

    def test_same_seed_gives_the_same_decision_bit_for_bit(self, engine):
        """The promise behind "replay this decision"."""
        assert list(decide(request(), engine)) == list(decide(request(), engine))

    def test_one_path_is_one_final_answer(self, engine):
        """The smallest budget: no error can be estimated, so the widest is stated and nothing is resolved."""
        (only,) = decide(request(budget=Budget(1, 1)), engine)
        assert only.final
        assert not only.resolved
        assert {o.standard_error for i, o in enumerate(only.options) if i != only.best} == {11.0}


class TestOptions:
    def test_are_consistent_with_each_other(self, engine):
        """Probabilities sum to 1, the mean is theirs, a difference is that of two means and never negative."""
        *_, last = decide(request(), engine)
        best = last.options[last.best]
        for o in last.options:
            assert math.fsum(o.p_position) == pytest.approx(1.0)
            assert o.mean_position == pytest.approx(sum(i * p for i, p in enumerate(o.p_position, 1)))
            assert o.delta_positions == pytest.approx(max(0.0, o.mean_position - best.mean_position), abs=1e-9)
            assert o.standard_error > 0 or o is best
        assert best.delta_positions == best.standard_error == 0.0

    def test_dropped_ones_are_put_on_the_scale_of_the_best(self):
        """A lucky first round does not flatter a candidate that was dropped after it: bias below 3 errors."""
        gaps = []
        for seed in range(60):
            last = last_of(known(seed, 3, budget=Budget(16, 1024, indifference=0.0)), player([5.0, 7.0, 5.0]))
            if last.options[1].draws < last.draws:
                gaps.append(last.options[1].mean_position - 7.0)
        assert len(gaps) >= 40
        assert abs(np.mean(gaps)) < 3 * np.std(gaps) / math.sqrt(len(gaps)) + 0.02

    def test_a_difference_is_as_sure_as_the_paired_one_also_for_a_dropped_call(self):
        """Two calls 2 places apart on every path: the means of few and of many paths still differ by 2."""
        for seed in range(20):
            exact = player([5.0, 7.0, 5.0], own=0.0, shared=1.0)
            last = last_of(known(seed, 3, budget=Budget(16, 256, indifference=0.0)), exact)
            assert (last.options[1].draws, last.draws) == (16, 256)
            assert last.options[1].delta_positions == pytest.approx(2.0, abs=1e-6)
            assert last.options[1].delta == pytest.approx(2.0, abs=1e-6)

    def test_no_difference_on_any_path_is_not_certainty(self):
        """The error of a difference that was never seen is that of one swapped place in all paths."""
        last = last_of(known(1, 2, budget=Budget(64, 64)), player([5.0, 5.0], own=0.0))
        other = last.options[1 - last.best]
        assert other.delta_positions == 0.0
        assert other.standard_error == pytest.approx(math.sqrt(1 / 63 / 64))

    @pytest.mark.parametrize("goal", ["position", "points", "win", "target", "cvar"])
    def test_the_value_is_that_of_the_distribution_shown(self, engine, goal):
        """Each option's figures are functions of its own distribution, and the loss is a difference of values."""
        utility = Utility(goal, target=3, tail=0.25)
        *_, last = decide(request(utility=utility, outlook=False, budget=Budget(64, 256)), engine)
        best = last.options[last.best]
        for o in last.options:
            assert o.p_win == o.p_position[0]
            assert o.p_target == pytest.approx(sum(o.p_position[:3]))
            assert o.expected_points == pytest.approx(np.dot(o.p_position[:10], F1_POINTS))
            assert o.cvar_position >= o.mean_position - 1e-9
            shown = {
                "position": o.mean_position,
                "points": o.expected_points,
                "win": o.p_win,
                "target": o.p_target,
                "cvar": o.cvar_position,
            }
            assert o.utility == shown[goal]
            loss = (o.utility - best.utility) * (1 if goal in ("position", "cvar") else -1)
            assert o.delta == pytest.approx(max(0.0, loss), abs=1e-9)

    def test_the_goal_changes_the_call(self):
        """A gamble that wins or loses everything is the call for a win, not for the mean or a bad day."""

        class Gamble:
            width = 1

            def play(self, race, seed, paths, car, calls):
                lucky = np.arange(paths.start, paths.stop) % 2 == 0
                place = np.stack([np.where(lucky, 1, 11), np.full(len(lucky), 3)], axis=1).astype(np.uint8)
                return Outcome(place, np.zeros((*place.shape, 3), np.uint8), np.zeros((*place.shape, 2), np.float32))

        def best(goal):
            return last_of(known(1, 2, utility=Utility(goal, target=3)), Gamble()).best  # type: ignore[arg-type]  # plays only

        assert {goal: best(goal) for goal in ("win", "position", "points", "target", "cvar")} == {
            "win": 0, "position": 1, "points": 1, "target": 1, "cvar": 1,
        }  # fmt: skip

    def test_waiting_a_lap_costs_what_the_same_stop_a_lap_later_loses(self):
        """The difference to the next lap's stop for the same tyre; nothing where there is none."""
        last = last_of(known(3, 3, budget=Budget(512, 512)), player([5.0, 6.0, 6.5]))
        first, second, third = last.options
        assert first.wait_cost == pytest.approx(second.utility - first.utility)
        assert second.wait_cost == pytest.approx(third.utility - second.utility)
        assert first.wait_cost_error is not None
        assert abs(first.wait_cost - 1.0) < 4 * first.wait_cost_error
        assert first.wait_cost_error < 0.1
        assert (third.wait_cost, third.wait_cost_error) == (None, None)

    def test_rejoin_names_the_most_frequent_neighbours_and_their_mean_gap(self):
        """Gaps are averaged over the races in which that neighbour was there."""

        class Rejoin:
            width = 1

            def play(self, race, seed, paths, car, calls):
                at = np.arange(paths.start, paths.stop)
                place = np.full((len(at), len(calls)), 4, np.uint8)
                rejoin = np.zeros((*place.shape, 3), np.uint8)
                rejoin[:, :, 0] = 6
                rejoin[:, :, 1] = np.where(at % 4 == 0, 3, 2)[:, None]  # C2 in a quarter of the races, else C1
                gap = np.zeros((*place.shape, 2), np.float32)
                gap[:, :, 0] = np.where(at % 4 == 0, 9.0, 1.0 + at % 4)[:, None]
                return Outcome(place, rejoin, gap)

        first, *_ = last_of(known(3, 2, budget=Budget(64, 64)), Rejoin()).options  # type: ignore[arg-type]  # plays only
        assert (first.rejoin_position, first.rejoin_ahead, first.rejoin_behind) == (6.0, "C1", "")
        assert first.rejoin_gap_ahead_s == pytest.approx(3.0)
        assert first.rejoin_gap_behind_s is None

    def test_ties_are_named(self):
        """Calls that are equal or too close to tell are tied with the best; one that is 3 places off is not."""
        last = last_of(known(3, 4, budget=Budget(256, 256, indifference=0.05)), player([5.0, 5.0, 8.0, 5.0]))
        assert sorted([*last.tied, last.best]) == [0, 1, 3]

    def test_rejoin_is_given_for_stops_only(self, engine):
        """Staying out has no line after a stop to speak of."""
        *_, last = decide(request(), engine)
        assert last.options[0].rejoin_position is None
        assert all(1 <= (o.rejoin_position or 0) <= 12 for o in last.options[1:])


class TestStopping:
    @pytest.mark.parametrize("truth", ["random", "curve", "just beyond"])
    def test_resolved_means_within_the_zone_at_the_confidence_asked_for(self, truth):
        """200 trials with known truth: the named call is within 0.15 of the best in 95 % of the resolved ones.

        The last truth is the hardest there is: one call is best, all others are 0.2 worse.
        """
        rng = np.random.default_rng(8)
        good = resolved = 0
        for seed in range(200):
            means = {
                "random": 5.0 + rng.uniform(0, 0.8, 12),
                "curve": 5.0 + rng.uniform(0.002, 0.02) * (np.arange(12) - rng.uniform(0, 11)) ** 2,
                "just beyond": np.where(np.arange(12) == rng.integers(12), 5.0, 5.2),
            }[truth]
            last = last_of(known(seed, 12), player(means, shared=1.0))
            resolved += last.resolved
            good += last.resolved and means[last.best] - min(means) <= 0.15
        assert resolved >= 190
        assert good / resolved >= 0.95

    def test_clear_cases_cost_few_draws(self):
        """One call far ahead of the rest is named after the first round."""
        found = work(known(1, 12), player([5.0] + [8.0] * 11))
        assert found.decision.resolved
        assert found.decision.best == 0
        assert found.races == 12 * 64

    def test_equal_calls_end_unresolved_only_when_the_draws_are_spent(self):
        """With no indifference zone two equal calls can never be told apart, and the answer says so."""
        last = last_of(known(1, 2, budget=Budget(16, 128, indifference=0.0)), player([5.0, 5.0]))
        assert not last.resolved
        assert last.draws == 128
        assert last.tied == (1 - last.best,)

    def test_elimination_saves_most_of_the_draws(self):
        """Bad candidates are not played to the end."""
        asked = known(1, 12, budget=Budget(32, 1024, indifference=0.0))
        found = work(asked, player([5.0, 5.0] + [9.0] * 10))
        assert found.decision.draws == 1024
        assert found.races < 12 * 1024 / 3
        assert work(asked, player([5.0, 5.0] + [9.0] * 10), uniform=True).races == 12 * 1024

    def test_a_dropped_call_comes_back_when_the_best_one_changes(self):
        """What was dropped beside a call that turned out bad is played again, from where it stopped."""

        class Turning:
            """Call 0 leads call 1 by a place, but collapses after 64 paths; call 2 is then the best, by luck or not."""

            width = 1

            def play(self, race, seed, paths, car, calls):
                at = np.arange(paths.start, paths.stop)
                every = np.stack([np.where(at < 64, 4, 9), np.full(len(at), 5), np.where(at % 2, 1, 8)], axis=1)
                place = every[:, [call.lap - 13 for call in calls]].astype(np.uint8)
                return Outcome(place, np.zeros((*place.shape, 3), np.uint8), np.zeros((*place.shape, 2), np.float32))

        asked = known(1, 3, budget=Budget(64, 256, indifference=0.0))
        draws = [[o.draws for o in d.options] for d in decide(asked, Turning())]  # type: ignore[arg-type]  # plays only
        assert draws == [[64, 64, 64], [128, 64, 128], [128, 256, 256]]

    @pytest.mark.parametrize(
        ("utility", "zone"),
        [(Utility(), 0.15), (Utility("points"), 0.2), (Utility("win"), 0.01), (Utility("cvar", tail=0.25), 0.3)],
    )
    def test_the_zone_is_the_goals_own_unless_it_is_given(self, utility, zone):
        """Positions, points and probabilities are not on one scale."""
        assert request(utility=utility).zone == pytest.approx(zone)
        assert request(utility=utility, budget=Budget(indifference=0.5)).zone == 0.5


class TestClock:
    def test_time_over_before_the_first_race_is_an_error(self, engine):
        """There is nothing to answer with."""
        with pytest.raises(DeadlineExceeded):
            next(decide(request(), engine, out_of_time=lambda: True))

    def test_time_over_later_cuts_the_answer_and_says_so(self):
        """What is known is given, marked as cut: whole blocks of paths, every call on the same ones."""
        enough = iter([False] * 4 + [True] * 100)
        asked = known(1, 2, budget=Budget(64, 65_536, indifference=0.0), outlook=True)
        *_, last = decide(asked, player([5.0, 5.0]), out_of_time=lambda: next(enough))
        assert last.final
        assert last.cut
        assert 0 < last.draws < 65_536
        assert {o.draws for o in last.options} == {last.draws}
        assert not last.contingencies

    def test_a_cancelled_question_stops_at_the_next_look(self, engine):
        """No more than one block is played after the caller has gone."""
        looks = iter([False, True])
        with pytest.raises(Cancelled):
            list(decide(request(), engine, cancelled=lambda: next(looks)))


class TestForecast:
    def test_is_a_distribution_over_positions_for_every_car(self, engine):
        """Rows and columns sum to 1: each car finishes once, each place is taken once."""
        table = np.array(forecast(ForecastRequest(busy_race(), seed=3, paths=300), engine).p_position)
        np.testing.assert_allclose(table.sum(axis=0), 1.0)
        np.testing.assert_allclose(table.sum(axis=1), 1.0)

    def test_can_be_taken_back(self, engine):
        """As a decision can."""
        with pytest.raises(Cancelled):
            forecast(ForecastRequest(busy_race(), seed=3), engine, cancelled=lambda: True)
