"""Many simulated races show what real ones showed."""

import numpy as np
import pytest

from pitcall.domain.events import Car
from pitcall.season import GRIDS, MEASURED, season
from pitcall.synth import before_the_start, synthesise

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def found():
    """Four thousand races: their own error is a fifth of the measured figures'."""
    return season(4_000)


@pytest.mark.parametrize("name", MEASURED)
def test_is_what_was_measured(found, name):
    """Safety cars, VSCs, red flags and retirements: within two standard errors of the races counted."""
    measured, se = MEASURED[name]
    assert abs(found.figures[name] - measured) < 2 * se


def test_cars_stop_and_fail_as_often_as_in_the_seasons_since_2018(found):
    """Stops of a finisher and retirements a lap lie within the range of those seasons."""
    assert 1.40 <= found.stops_per_finisher <= 2.19
    assert 0.0012 <= found.retired_per_lap <= 0.0023


def test_the_figures_agree_with_each_other(found):
    """What is counted is one set of races."""
    f = found.figures
    shares = [f["races with none"], *(f[f"races with {k}"] for k in (1, 2, 3, "4 or more"))]
    assert sum(shares) == pytest.approx(1)
    assert f["races with any of the three"] >= max(1 - f["races with none"], f["races with a VSC"])
    assert f["races with a VSC"] <= f["VSCs a race"]
    assert found.races == 4_000


def test_is_the_same_for_the_same_seed():
    """And another one for another seed; the grids stay."""
    assert season(GRIDS, seed=5) == season(GRIDS, seed=5)
    assert season(10 * GRIDS, seed=5) != season(10 * GRIDS, seed=6)
    with pytest.raises(ValueError, match=f"races: at least {GRIDS}"):
        season(GRIDS - 1)


def test_is_played_from_the_grids_of_synthetic_races():
    """The same entries with the same pace as in ``synthesise``."""
    race, events = before_the_start(3), synthesise(3)
    assert set(race.grid.laps_done) == {0}
    entered = [event.car for event in events if isinstance(event, Car)]
    assert race.grid.cars == tuple(entered)
    assert np.ptp(race.grid.pace_s) > 1.0
