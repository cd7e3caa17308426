"""The learned forecast: arithmetic, symmetry, refusals."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from pitcall.errors import InvalidRequest
from pitcall.learned.features import OWN, SHARED, Features
from pitcall.learned.network import FLOOR, PAIR, Network

pytestmark = pytest.mark.unit

Array = npt.NDArray[np.floating]


def network(members: int = 1, **changed: Array) -> Network:
    """Simulated odds taken as they are, nobody stops, no luck of one's own; ``changed`` overrides arrays."""
    width = len(OWN) + len(SHARED)
    arrays: dict[str, Array] = {
        "mean": np.zeros(width), "sd": np.ones(width), "hidden": np.zeros((members, PAIR, 4)),
        "hidden_bias": np.zeros((members, 4)), "out": np.zeros((members, 4)),
        "odds": np.tile([1.0, 0.0, 0.0], (members, 1)),
        "stop": np.zeros((members, width)), "stop_bias": np.full(members, -40.0), "rho": np.full(members, -20.0),
        "lost": np.zeros(members),
    }  # fmt: skip
    return Network.from_arrays({**arrays, **changed})


def state(cars: int = 4, starters: int = 5, seed: int = 0) -> Features:
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.5, (cars, cars)).astype(np.float32)
    return Features(
        cars=tuple("ABCDEFGH"[:cars]),
        own=rng.normal(0, 1, (cars, len(OWN))).astype(np.float32),
        shared=rng.normal(0, 1, len(SHARED)).astype(np.float32),
        ahead=((odds - odds.T) / 2).astype(np.float32),
        team_mates=np.eye(cars, dtype=np.float32),
        starters=starters,
    )


def test_two_cars_closed_form() -> None:
    """With two cars and no correction a car wins with the simulated odds."""
    odds = np.array([[0.0, 1.3], [-1.3, 0.0]], np.float32)
    ranks = network().ranks(replace(state(2, 2), ahead=odds))
    win = 1 / (1 + np.exp(-1.3))
    expected = (np.array([[win, 1 - win], [1 - win, win]]) + FLOOR) / (1 + 2 * FLOOR)
    assert ranks == pytest.approx(expected, abs=1e-5)


def test_ranks_are_a_poisson_binomial() -> None:
    """Without luck of its own a car's rank is the number of independent rivals that beat it."""
    f = state()
    ranks = network().ranks(f)
    beaten = 1 / (1 + np.exp(f.ahead.astype(float)))
    for car in range(4):
        p = np.array([1.0])
        for other in range(4):
            if other != car:
                p = np.convolve(p, [1 - beaten[car, other], beaten[car, other]])
        assert ranks[car, :4] == pytest.approx((p + FLOOR) / (1 + 5 * FLOOR), abs=1e-4)


def test_a_cars_own_luck_widens_its_ranks_and_keeps_its_mean() -> None:
    """The more of each pair's variance is the car's own, the wider its distribution; the mean rank stays."""
    f = state(8, 8, seed=2)
    places = np.arange(1, 9)
    means, sds = [], []
    for rho in (-20.0, 0.0):
        ranks = network(rho=np.array([rho])).ranks(f)
        means.append(ranks @ places)
        sds.append(np.sqrt(ranks @ places**2 - (ranks @ places) ** 2))
    assert means[1] == pytest.approx(means[0], abs=0.05)
    assert (sds[1] > sds[0]).all()


def test_pairs_are_antisymmetric_whatever_was_learned() -> None:
    """The odds of A against B are those of B against A, turned round."""
    rng = np.random.default_rng(1)
    net = network(hidden=rng.normal(0, 0.3, (1, PAIR, 4)), out=rng.normal(0, 0.5, (1, 4)))
    ahead, _ = net._pairs(state(), 0)
    assert ahead == pytest.approx(-ahead.T, abs=1e-5)
    assert np.abs(ahead - state().ahead).max() > 0.05  # the correction is there


def test_a_car_that_stops_falls_to_the_last_running_rank() -> None:
    """Who will surely not go the distance ranks behind those who do, before those already out."""
    ranks = network(stop_bias=np.array([40.0]), lost=np.array([5.0])).ranks(state(4, 6))
    assert ranks[:, 3] == pytest.approx(np.ones(4), abs=0.01)


def test_rows_sum_to_one_and_nothing_is_impossible() -> None:
    """Every rank of every running car has some probability."""
    ranks = network(2, rho=np.zeros(2)).ranks(state(6, 9))
    assert ranks.shape == (6, 9)
    assert ranks.sum(axis=1) == pytest.approx(np.ones(6))
    assert ranks.min() >= FLOOR / (1 + 9 * FLOOR) * 0.999


def test_quadrature_of_luck() -> None:
    """Two cars, half of the variance a car's own luck: the marginal probability of the pair is unchanged."""
    odds = np.array([[0.0, 0.8], [-0.8, 0.0]], np.float32)
    ranks = network(rho=np.zeros(1)).ranks(replace(state(2, 2), ahead=odds))
    assert ranks[0, 0] == pytest.approx(1 / (1 + np.exp(-0.8)), abs=2e-3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"odds": np.zeros((1, 2))}, r"odds: shape \(1, 2\), not \(1, 3\)"),
        ({"stop": np.full((1, len(OWN) + len(SHARED)), np.nan)}, "stop: holds a number that is not finite"),
        ({"out": np.zeros(3)}, "shape"),
    ],
)
def test_bad_arrays_are_refused(changed: dict[str, Array], message: str) -> None:
    """A misshapen array or one with NaN is refused by name."""
    with pytest.raises(InvalidRequest, match=message):
        network(1, **changed)


def test_a_missing_array_is_named() -> None:
    """A file that lacks an array says which."""
    arrays = network().arrays()
    del arrays["rho"]
    with pytest.raises(InvalidRequest, match="lacks rho"):
        Network.from_arrays(arrays)
