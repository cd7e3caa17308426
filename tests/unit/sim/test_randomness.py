"""Counter-based random numbers."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from pitcall.sim import randomness as rnd

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def wrapping():
    """uint64 wraps by design."""
    with np.errstate(over="ignore"):
        yield


def test_mix_is_the_finaliser_of_splitmix64():
    """The first output of the reference generator with seed 1234567 (from its authors' test vector)."""
    gamma = np.uint64(0x9E3779B97F4A7C15)
    assert int(rnd.mix(np.uint64(1234567) + gamma)) == 6457827717110365317


def test_a_number_depends_on_each_part_of_its_address():
    """Changing seed, path, lap, car or channel alone changes the number."""
    base = (7, 3, 5, 2, rnd.LAP)
    others = [
        (8, 3, 5, 2, rnd.LAP),
        (7, 4, 5, 2, rnd.LAP),
        (7, 3, 6, 2, rnd.LAP),
        (7, 3, 5, 3, rnd.LAP),
        (7, 3, 5, 2, rnd.PIT),
    ]
    draws = {rnd.uniform(rnd.mix(np.uint64(seed)), *rest) for seed, *rest in [base, *others]}
    assert len(draws) == 6


def test_addresses_do_not_collide():
    """The highest car, lap and channel of one path do not reach into the next."""
    key = rnd.mix(np.uint64(1))
    assert rnd.uniform(key, 0, 511, 63, 15) != rnd.uniform(key, 1, 0, 0, 0)


def test_uniform_fills_the_unit_interval_evenly():
    """Chi-square of 20,000 draws in 20 bins stays below its 99.9 % quantile (43.8 at 19 degrees of freedom)."""
    key = rnd.mix(np.uint64(11))
    draws = [rnd.uniform(key, path, 9, 3, rnd.PASS) for path in range(20_000)]
    assert 0.0 < min(draws) < max(draws) < 1.0
    counts = np.histogram(draws, bins=20, range=(0, 1))[0]
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 43.8


@pytest.mark.parametrize("u", [1e-12, 1e-6, 0.001, 0.07, 0.3, 0.5, 0.62, 0.925, 0.9999, 1 - 1e-9])
def test_normal_is_the_quantile_function(u):
    """Agrees with the standard library's inverse to the 7 digits that AS 241 promises."""
    assert rnd.normal(u) == pytest.approx(NormalDist().inv_cdf(u), rel=1e-6, abs=1e-7)


def test_logistic_below_a_logit_happens_with_its_probability():
    """The inequality that the model uses for every yes-or-no draw."""
    z = 0.8
    assert rnd.logistic(1 / (1 + math.exp(-z))) == pytest.approx(z)
