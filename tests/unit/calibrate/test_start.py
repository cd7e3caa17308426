"""What the grid says of pace."""

import numpy as np
import pytest

from pitcall.calibrate import start
from tests.unit.calibrate.conftest import field

pytestmark = pytest.mark.unit


def race(per_slot, sd, number=1, *, with_grid=True):
    """Twelve cars whose lap is ``per_slot`` slower per slot, give or take."""
    rng = np.random.default_rng(number)
    pace = 90.0 + per_slot * np.arange(12) + rng.normal(0, sd, 12)
    laps = np.tile(pace[:, None], (1, 20))
    grid = list(range(1, 13)) if with_grid else None
    return field(laps, grid=grid, number=number, start_s=[4.0 * c for c in range(12)])


@pytest.mark.parametrize("with_grid", [True, False])
def test_finds_slope_and_spread(with_grid):
    """0.1 s a slot, give or take 0.3 s; by the order after lap 1 where there is no grid."""
    races = [race(0.1, 0.3, n, with_grid=with_grid) for n in range(1, 21)]
    found = start.fit(races, [90.0] * 20)
    assert found.races == 20
    assert found.pace_per_slot_s == pytest.approx(0.1, abs=0.03)
    assert found.slot_sd_s == pytest.approx(0.3, rel=0.25)
    assert np.isfinite(found.gain_sd) == with_grid


def test_too_few_cars_say_nothing():
    """No race with eight cars: not a number."""
    found = start.fit([field(np.full((4, 20), 90.0))], [90.0])
    assert found.races == 0
    assert np.isnan(found.pace_per_slot_s)
