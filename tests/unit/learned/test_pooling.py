"""Weights on paths."""

import numpy as np
import pytest

from pitcall.learned.pooling import MOST, pool

pytestmark = pytest.mark.unit


def places(paths: int, cars: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(cars) + 1 for _ in range(paths)], np.uint8)


def marginals(place: np.ndarray, weights: np.ndarray) -> np.ndarray:
    cars = place.shape[1]
    return np.array([np.bincount(place[:, car] - 1, weights, cars) for car in range(cars)])


def test_two_paths_two_cars_closed_form() -> None:
    """With two possible orders the weights are the forecast itself."""
    place = np.array([[1, 2], [2, 1]], np.uint8)
    pooled = pool(place, np.array([0, 1]), np.array([[0.7, 0.3], [0.3, 0.7]]))
    assert pooled.weights == pytest.approx([0.7, 0.3])
    assert pooled.paths == pytest.approx(1 / (0.49 + 0.09))


def test_a_forecast_that_the_paths_already_have_changes_nothing() -> None:
    """Equal weights are the nearest weights when nothing has to move."""
    place = places(500, 6)
    pooled = pool(place, np.arange(6), marginals(place, np.full(500, 1 / 500)))
    assert pooled.weights == pytest.approx(np.full(500, 1 / 500), rel=1e-9)
    assert pooled.paths == pytest.approx(500)


def test_marginals_reach_the_forecast() -> None:
    """Every car's finishing positions have the forecast distribution under the weights."""
    place = places(4096, 8)
    tilted = np.exp(-0.4 * place[:, 0] + 0.25 * place[:, 3])  # some weights whose marginals can be reached
    target = marginals(place, tilted / tilted.sum())
    pooled = pool(place, np.arange(8), target)
    assert marginals(place, pooled.weights) == pytest.approx(target, abs=2e-3)
    assert pooled.miss < 2e-3


def test_the_weights_are_the_nearest_ones() -> None:
    """Of all weights with these marginals the pooled ones have the form of an exponential tilt of each car's place."""
    place = places(3000, 5, seed=3)
    tilt = np.exp(0.5 * np.log1p(place[:, 1].astype(float)))
    target = marginals(place, tilt / tilt.sum())
    pooled = pool(place, np.arange(5), target)
    kl = float((pooled.weights * np.log(pooled.weights * len(place))).sum())
    other = tilt / tilt.sum()  # has the marginals, too
    assert kl <= float((other * np.log(other * len(place))).sum()) + 1e-6


def test_a_rank_that_no_path_shows_is_left_out() -> None:
    """A forecast of what was never simulated cannot be reached and does not break the rest."""
    place = np.array([[1, 2], [1, 2], [1, 2]], np.uint8)
    pooled = pool(place, np.array([0]), np.array([[0.4, 0.6]]))
    assert pooled.weights == pytest.approx(np.full(3, 1 / 3))


def test_no_path_carries_the_answer() -> None:
    """One path in thousands that alone shows a likely rank gets a bounded share, and the miss is told."""
    place = places(2000, 4)
    place[:, 0], place[0, 0] = 2, 1
    pooled = pool(place, np.array([0]), np.array([[0.9, 0.1, 0.0, 0.0]]))
    assert pooled.weights.max() <= MOST / 2000 * 1.1
    assert pooled.miss > 0.5
    assert pooled.weights.sum() == pytest.approx(1.0)
