"""From features to the distribution of each car's rank: a small ensemble, evaluated in NumPy. Pure.

For each pair of running cars the log odds that the first finishes ahead are the simulated log odds,
scaled by how far the race is, plus a learned, antisymmetric correction; a car may also stop before
90 % of the distance. A car's pairs make its rank: its own luck ``u ~ N(0, 1)`` explains the share
``rho`` of each pair's variance, and given ``u`` the pairs are independent (Thurstone; a Poisson
binomial, integrated over ``u`` by Gauss-Hermite). ``pitcall.train.ranks`` trains it on the score of
the ranks themselves, in torch; this module has the same arithmetic and is what is served.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from pitcall.errors import InvalidRequest
from pitcall.learned.features import OWN, SHARED, Features

#: Nodes of the integral over a car's own luck.
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
#: Probability that every rank gets besides: what no model of 92 races can exclude.
FLOOR: Final = 2e-4
#: A pair's probability is kept this far from 0 and 1.
SURE: Final = 1e-5
#: The simulated log odds are scaled by this before the hidden layer, so that all inputs are of order 1.
ODDS_SCALE: Final = 0.3

Floats = npt.NDArray[np.float32]
Ranks = npt.NDArray[np.float64]

_OWN, _SHARED = len(OWN), len(SHARED)
#: Inputs of the hidden layer: difference and sum of the two cars, the race, simulated odds, team-mates.
PAIR: Final = 2 * _OWN + _SHARED + 2


@dataclass(frozen=True, slots=True)
class Network:
    """The weights of ``members`` networks, leading axis first; shapes with m members, h hidden units."""

    mean: Floats  #: [OWN + SHARED] of the features in training
    sd: Floats  #: [OWN + SHARED]
    hidden: Floats  #: [m, PAIR, h]
    hidden_bias: Floats  #: [m, h]
    out: Floats  #: [m, h]
    odds: Floats  #: [m, 3] scale of the simulated log odds: constant, slope and curve in the fraction driven
    stop: Floats  #: [m, OWN + SHARED] log odds of not covering 90 % of the distance
    stop_bias: Floats  #: [m]
    rho: Floats  #: [m] logit of the share of a pair's variance that is a car's own luck
    lost: Floats  #: [m] rate at which the ranks of cars that stop fall off, from the last running car up

    def __post_init__(self) -> None:
        m, h = self.out.shape if self.out.ndim == 2 else (0, 0)
        shapes = {
            "mean": (_OWN + _SHARED,), "sd": (_OWN + _SHARED,), "hidden": (m, PAIR, h), "hidden_bias": (m, h),
            "out": (m, h), "odds": (m, 3), "stop": (m, _OWN + _SHARED), "stop_bias": (m,), "rho": (m,), "lost": (m,),
        }  # fmt: skip
        for f in fields(self):
            value = getattr(self, f.name)
            if value.shape != shapes[f.name] or not m:
                raise InvalidRequest(f"{f.name}: shape {value.shape}, not {shapes[f.name]}")
            if not np.isfinite(value).all():
                raise InvalidRequest(f"{f.name}: holds a number that is not finite")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "Network":
        """From named arrays, as a file holds them. Raises InvalidRequest: one is missing, misshapen or not finite."""
        missing = [f.name for f in fields(cls) if f.name not in arrays]
        if missing:
            raise InvalidRequest(f"the learned forecast lacks {', '.join(missing)}")
        return cls(**{f.name: np.asarray(arrays[f.name], np.float32) for f in fields(cls)})

    def arrays(self) -> dict[str, Floats]:
        """By name, for a file."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def ranks(self, state: Features) -> Ranks:
        """[car, rank] probability of each rank 1..starters for the running cars; each row sums to 1."""
        total = np.zeros((len(state.cars), state.starters))
        for member in range(len(self.rho)):
            ahead, stop = self._pairs(state, member)
            total += self._member(ahead, stop, member, state.starters)
        total = total / len(self.rho) + FLOOR
        return np.asarray(total / total.sum(axis=1, keepdims=True))

    def _pairs(self, state: Features, k: int) -> tuple[Ranks, Ranks]:
        """(log odds [car, other] that the car beats the other if both go on, P(stop) [car]) of one member."""
        own = (state.own - self.mean[:_OWN]) / self.sd[:_OWN]
        shared = (state.shared - self.mean[_OWN:]) / self.sd[_OWN:]
        n = len(own)
        # The first layer is linear, so it is applied to cars before it is to pairs.
        w = self.hidden[k]
        less, plus = own @ w[:_OWN], own @ w[_OWN : 2 * _OWN]
        x = (less[:, None] - less[None]) + (plus[:, None] + plus[None])
        x = x + shared @ w[2 * _OWN : -2] + self.hidden_bias[k]
        x = x + (ODDS_SCALE * state.ahead)[..., None] * w[-2] + state.team_mates[..., None] * w[-1]
        with np.errstate(over="ignore"):  # far below 0 the exponential is infinite and SiLU 0, as it should be
            g = (x / (1.0 + np.exp(-x))) @ self.out[k]
        f = float(state.shared[0]) - 0.5
        scale = self.odds[k, 0] + self.odds[k, 1] * f + self.odds[k, 2] * f * f
        z = np.concatenate([own, np.broadcast_to(shared, (n, _SHARED))], axis=1) @ self.stop[k] + self.stop_bias[k]
        return np.asarray(scale * state.ahead + g - g.T, np.float64), np.asarray(1.0 / (1.0 + np.exp(-z)), np.float64)

    def _member(self, ahead: Ranks, stop: Ranks, k: int, starters: int) -> Ranks:
        n = len(stop)
        behind = np.clip((1.0 - stop)[None] / (1.0 + np.exp(ahead)), SURE, 1.0 - SURE)
        rho = 1.0 / (1.0 + np.exp(-float(self.rho[k])))
        given = ndtr((ndtri(behind)[:, None] + np.sqrt(rho) * NODES[:, None]) / np.sqrt(1.0 - rho))
        given *= 1.0 - np.eye(n)[:, None]  # [car, node, other]; a car is not behind itself
        rank = np.zeros((n, len(NODES), starters))
        rank[..., 0] = 1.0
        for other in range(n):
            q = given[:, :, other, None]
            rank[..., 1:] = rank[..., 1:] * (1.0 - q) + rank[..., :-1] * q
            rank[..., :1] *= 1.0 - q
        runs = np.einsum("cnr,n->cr", rank, WEIGHTS)
        places = np.arange(starters)
        lost = np.where(places < n, np.exp(-np.exp(float(self.lost[k])) * np.maximum(n - 1 - places, 0)), 0.0)
        return np.asarray(runs * (1.0 - stop)[:, None] + (lost / lost.sum()) * stop[:, None])
