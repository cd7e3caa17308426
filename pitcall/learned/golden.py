"""Golden rows of the race model: what its learned parts answered when it was made, to be asked again before it serves.

Pure. ``questions`` makes the rows from the model's own scales, ``answers`` asks it. Both are kept beside the weights;
a later Pitcall that computes otherwise, or a machine that does, is found out before a race is.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.special import expit

from pitcall.errors import ModelRefused
from pitcall.learned.features import OWN, SHARED, Features
from pitcall.learned.network import Network
from pitcall.model import Model
from pitcall.policy import StopPolicy
from pitcall.registry.golden import Array
from pitcall.sim.race import STOP_FEATURES

_STATES, _CARS, _STOPS = 3, 8, 16
#: A file that asks for more was made to fill memory.
_MOST: Final = 64


def questions(model: Model) -> dict[str, Array]:
    """Rows for the parts that ``model`` has: the same for the same weights, always. Empty without learned parts."""
    random = np.random.default_rng(0)
    asked: dict[str, Array] = {}
    if model.policy is not None:
        # So small that no probability is near 0 or 1, where a weight makes no difference.
        asked["stops"] = random.normal(0.0, 0.2, (_STOPS, len(STOP_FEATURES))).astype(np.float32)
    if model.ranks is not None:
        mean, sd = np.split(model.ranks.mean, [len(OWN)]), np.split(model.ranks.sd, [len(OWN)])
        odds = random.normal(size=(_STATES, _CARS, _CARS)).astype(np.float32)
        teams = np.arange(_CARS) // 2
        asked["own"] = mean[0] + sd[0] * random.normal(size=(_STATES, _CARS, len(OWN))).astype(np.float32)
        asked["shared"] = mean[1] + sd[1] * random.normal(size=(_STATES, len(SHARED))).astype(np.float32)
        asked["ahead"] = odds - odds.swapaxes(1, 2)
        asked["team_mates"] = np.tile((teams[:, None] == teams).astype(np.float32), (_STATES, 1, 1))
    return asked


def answers(model: Model, asked: Mapping[str, Array]) -> dict[str, Array]:
    """Probabilities: ``stop`` [circuit or none, row] of a stop, ``ranks`` [state, car, rank].

    Raises:
        ModelRefused: the rows are not such as ``questions`` makes for this model.
    """
    try:
        found: dict[str, Array] = {}
        with np.errstate(all="ignore"):  # what is not finite is refused by who compares
            if model.policy is not None:
                found["stop"] = _stop(model.policy, asked["stops"])
            if model.ranks is not None:
                found["ranks"] = _ranks(model.ranks, asked)
    except KeyError as exc:
        raise ModelRefused(f"the golden rows do not ask for all that the model has: {exc} is missing") from exc
    except ValueError as exc:
        raise ModelRefused("the golden rows do not fit the model: they have other shapes") from exc
    return found


def _stop(policy: StopPolicy, rows: Array) -> Array:
    circuits = [None, *sorted(policy.circuits)]
    weights = np.array([policy.at(circuit).stop for circuit in circuits])
    return np.asarray(expit(weights @ rows.astype(np.float64).T))


def _ranks(network: Network, asked: Mapping[str, Array]) -> Array:
    own, shared, ahead, mates = (asked[name].astype(np.float32) for name in ("own", "shared", "ahead", "team_mates"))
    states, cars = own.shape[:2]
    if max(states, cars) > _MOST or ahead.shape != (states, cars, cars) or mates.shape != ahead.shape:
        raise ValueError
    names = tuple(map(str, range(cars)))
    return np.array(
        [network.ranks(Features(names, *state, cars)) for state in zip(own, shared, ahead, mates, strict=True)]
    )
