"""The plain NumPy version plays the same model, so that beating it means something."""

from dataclasses import replace

import numpy as np
import pytest

from pitcall.cli.bench import plain_numpy, profiles
from pitcall.sim.engine import Engine
from pitcall.sim.messages import Candidate
from pitcall.sim.model import pack
from pitcall.sim.race import STOP_FEATURES, Race

pytestmark = pytest.mark.unit

RACES = 4_096
#: Stop features of the other cars and of damage, which it leaves out.
AROUND = {"pressed", "undercut", "cover", "team_mate", "places", "behind_field", "stops_lately", "damage_s"}


@pytest.fixture(scope="module")
def race() -> Race:
    """The dry profile without what plain NumPy leaves out."""
    full = profiles.f1_dry()
    weights = tuple(0.0 if k in AROUND else w for k, w in zip(STOP_FEATURES, full.policy.stop, strict=True))
    cautions = replace(
        full.cautions,
        red_hazard=0.0,
        unlap=False,
        after_failure=(*full.cautions.after_failure[:3], 0.0),
        after_accident=(*full.cautions.after_accident[:3], 0.0),
    )
    return replace(
        full,
        circuit=replace(
            full.circuit, blue_s=0.0, lapping_s=0.0, dirty_air_s=(4.0, 2.0, 1.0)
        ),  # strong, so that it shows
        grid=replace(full.grid, team=(), sets=()),
        cautions=cautions,
        reliability=replace(full.reliability, damage_s=0.0, penalty_p=0.0),
        policy=replace(full.policy, stop=weights),
    )


def test_every_car_finishes_where_the_kernel_puts_it(race):
    """Mean positions agree within 5 standard errors over independent races."""
    kernel = Engine(1).finish(race, 3, range(RACES)).astype(float)
    numpy = plain_numpy.play(pack(race), -1, (0, 0), RACES, 5)
    error = np.sqrt((kernel.var(axis=0) + numpy.var(axis=0)) / RACES)
    assert (abs(kernel.mean(axis=0) - numpy.mean(axis=0)) < 5 * error).all()


@pytest.mark.parametrize("call", [(14, 2), (40, 1)])
def test_a_call_is_worth_what_the_kernel_says(race, call):
    """An early and a late stop of the asking car."""
    kernel = Engine(1).play(race, 3, range(RACES), 9, [Candidate(*call)]).place
    numpy = plain_numpy.play(pack(race), 9, call, RACES, 8)[:, 9]
    error = np.sqrt((kernel.var() + numpy.var()) / RACES)
    assert abs(kernel.mean() - numpy.mean()) < 4 * error


def test_places_are_a_permutation(race):
    """Each place once in each race."""
    place = plain_numpy.play(pack(race), -1, (0, 0), 64, 5)
    assert (np.sort(place, axis=1) == np.arange(1, 21)).all()
