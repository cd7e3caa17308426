"""The search for what no likelihood pins down."""

import math

import pytest

from pitcall.cli.fit import LEAST_TUNE
from pitcall.errors import InvalidRequest
from pitcall.tune.search import AXES, FOLDS, LEAST, Memory, tune, tuned_at
from pitcall.tuned import UNTUNED, Tuned

pytestmark = pytest.mark.unit

RACES = tuple(f"2019-{k:02d}" for k in range(1, 10))
BEST = Tuned(pace_sd=0.7, pass_logit=-0.4)


def bowl(tuned, races):
    """Least at ``BEST``; each race has a level of its own."""
    off = sum((math.log(getattr(tuned, axis.name) / getattr(BEST, axis.name)) / axis.step) ** 2
              for axis in AXES if axis.name != "pass_logit")  # fmt: skip
    off += ((tuned.pass_logit - BEST.pass_logit) / 0.3) ** 2
    return {race: 0.07 + 1e-4 * int(race[-2:]) + 1e-4 * off for race in races}


def test_the_origin_changes_nothing():
    """Where a search starts is the fit itself; every number of a ``Tuned`` has an axis."""
    assert tuned_at([0.0] * len(AXES)) == UNTUNED
    assert {axis.name for axis in AXES} == set(Tuned.__slots__)


def test_goes_half_of_the_way_to_what_is_best():
    """On a bowl, within a fraction of a step; the gain is that on races which a fold had not seen."""
    found = tune(bowl, RACES, 720)
    half = Tuned(pace_sd=BEST.pace_sd**0.5, pass_logit=BEST.pass_logit / 2)
    for axis in AXES:
        assert getattr(found.tuned, axis.name) == pytest.approx(getattr(half, axis.name), abs=axis.step / 4)
    start, end = (sum(bowl(tuned, RACES).values()) / len(RACES) for tuned in (UNTUNED, found.tuned))
    assert found.gain == pytest.approx(end - start, abs=3e-5)
    assert found.evaluations == 720


def test_what_does_not_gain_on_unseen_races_is_not_kept():
    """Each fold is led astray by its own races."""

    def astray(tuned, races):
        return {race: 0.07 + (-0.01 if len(races) > len(RACES) / 2 else 0.01) * math.log(tuned.noise) for race in races}

    found = tune(astray, RACES, LEAST)
    assert found.tuned == UNTUNED
    assert found.gain > 0


def test_each_fold_is_searched_on_the_other_folds_races():
    """And judged on its own, each race once."""
    asked = []

    def score(tuned, races):
        asked.append(tuple(races))
        return bowl(tuned, races)

    tune(score, RACES, LEAST)
    for fold in range(FOLDS):
        mine = RACES[fold::FOLDS]
        assert asked.count(mine) == 2
        assert asked.count(tuple(race for race in RACES if race not in mine)) == LEAST // FOLDS


class TestLog:
    class Counting(Memory):
        def __init__(self):
            super().__init__()
            self.asked = self.added = 0

        def get(self, fold, point):
            self.asked += 1
            return super().get(fold, point)

        def add(self, evaluation):
            self.added += 1
            super().add(evaluation)

    def test_a_search_that_was_stopped_ends_on_the_same_bits(self):
        """What was evaluated is not evaluated again."""
        log, killed = self.Counting(), 47

        def dies(tuned, races):
            if log.added == killed:
                raise KeyboardInterrupt
            return bowl(tuned, races)

        with pytest.raises(KeyboardInterrupt):
            tune(dies, RACES, 96, log)
        assert tune(bowl, RACES, 96, log) == tune(bowl, RACES, 96)
        assert log.added == 96
        tune(bowl, RACES, 96, log)
        assert log.added == 96


def test_progress_goes_from_nothing_to_all():
    """Never back."""
    seen: list[float] = []
    tune(bowl, RACES, LEAST, progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) == LEAST
    assert seen[-1] == 1.0


@pytest.mark.parametrize(
    ("races", "evaluations", "message"),
    [(RACES, LEAST - 1, "a search needs 24 evaluations or more, not 23"), (RACES[:2], LEAST, "3 races or more, not 2")],
)
def test_too_little_is_refused(races, evaluations, message):
    """With what it takes."""
    with pytest.raises(InvalidRequest, match=message):
        tune(bowl, races, evaluations)


def test_the_command_line_knows_the_least_budget():
    """It refuses a smaller one before anything is read."""
    assert LEAST_TUNE == LEAST
