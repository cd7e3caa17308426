"""Where every car finishes."""

import numpy as np
import pytest

from pitcall.domain.race import RaceState
from pitcall.forecast import read
from pitcall.learned.features import OWN, SHARED
from pitcall.learned.network import PAIR, Network
from pitcall.learned.outlook import FLAT, outlook
from pitcall.model import HAND_SET, Model

pytestmark = pytest.mark.unit


def orders(paths: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([rng.permutation(4) + 1 for _ in range(paths)], np.uint8)


def learned(scale: float) -> Model:
    """A network that takes the simulated odds times ``scale``; nobody stops, no luck of one's own."""
    width = len(OWN) + len(SHARED)
    hidden = np.zeros((1, PAIR, 4))
    hidden[0, OWN.index("position")] = 4.0  # the car in front finishes in front
    return Model(
        ranks=Network.from_arrays(
            {
                "mean": np.zeros(width), "sd": np.ones(width), "hidden": hidden, "hidden_bias": np.zeros((1, 4)),
                "out": np.full((1, 4), -0.1 * scale), "odds": np.array([[1.0, 0, 0]]), "stop": np.zeros((1, width)),
                "stop_bias": np.array([-40.0]), "rho": np.array([-20.0]), "lost": np.zeros(1),
            }
        )
    )  # fmt: skip


def test_without_a_learned_forecast_every_path_counts_the_same(state: RaceState) -> None:
    """The outlook is the share of the simulated races, with a little for ranks that none of them showed."""
    place, grid = orders(), read(state).race.grid
    found = outlook(state, grid, place, HAND_SET)
    share = np.array([np.bincount(column, minlength=5)[1:] / len(place) for column in place.T])
    assert found.p == pytest.approx((share + FLAT / len(place) / 4) / (1 + FLAT / len(place)))
    assert found.p.sum(axis=1) == pytest.approx(np.ones(4))
    assert found.paths == len(place)
    assert found.cars == grid.cars


def test_weighted_paths_show_the_learned_forecast(state: RaceState) -> None:
    """With a network that trusts the running order, the leader wins more often, on the same paths."""
    place, grid = orders(), read(state).race.grid
    plain, moved = outlook(state, grid, place, HAND_SET), outlook(state, grid, place, learned(1.0))
    leader = grid.cars.index("VER")
    assert moved.p[leader, 0] > plain.p[leader, 0] + 0.1
    assert moved.weights.sum() == pytest.approx(1.0)
    assert moved.paths < plain.paths
    assert np.bincount(place[:, leader], moved.weights, 5)[1] == pytest.approx(moved.p[leader, 0], abs=1e-3)


def test_every_rank_is_taken_once(state: RaceState) -> None:
    """The columns of the outlook sum to 1 as well: some car finishes in each place."""
    place, grid = orders(), read(state).race.grid
    assert outlook(state, grid, place, learned(1.0)).p.sum(axis=0) == pytest.approx(np.ones(4), abs=1e-6)
