"""What a decision costs, in races, against playing every candidate to the end. Pure; for ``pitcall bench decide``.

``SyntheticPlayer`` plays made-up races whose true means are known, so that "resolved" can be held
against the truth and not against another simulation.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pitcall.sim.decision import decide
from pitcall.sim.messages import Candidate, DecideRequest, Decision
from pitcall.sim.outcome import Bytes, Outcome, Player
from pitcall.sim.race import Race


@dataclass(frozen=True, slots=True)
class Work:
    """One decision and what it took."""

    decision: Decision
    races: int
    seconds: float


def work(request: DecideRequest, player: Player, *, uniform: bool = False) -> Work:
    """Decide by rule and count; without contingencies and break-evens, which are not part of the comparison.

    Args:
        request: what to decide.
        player: plays the races.
        uniform: True: the same stopping rule, but every candidate is played in every round.
    """
    counted, began = _Counted(player), time.perf_counter()
    *_, decision = decide(replace(request, outlook=False), counted, uniform=uniform)
    return Work(decision, counted.races, time.perf_counter() - began)


class _Counted:
    """A player that counts the races it is asked for."""

    def __init__(self, player: Player) -> None:
        self._player, self.races = player, 0

    @property
    def width(self) -> int:
        return self._player.width

    def play(self, race: Race, seed: int, paths: range, car: int, calls: Sequence[Candidate]) -> Outcome:
        self.races += len(paths) * len(calls)
        return self._player.play(race, seed, paths, car, calls)

    def finish(self, race: Race, seed: int, paths: range) -> Bytes:
        return self._player.finish(race, seed, paths)


class SyntheticPlayer:
    """Places around given means: one part shared by all calls, one by neighbouring laps, rounded and clipped.

    Means that keep 3 sd from both ends of the field are met to 0.01 position.
    """

    width = 1

    def __init__(
        self, means: Sequence[float], *, first_lap: int, shared: float = 2.0, own: float = 1.0, neighbours: int = 5
    ) -> None:
        """``means``: by lap of the stop from ``first_lap`` on; laps less than ``neighbours`` apart are correlated."""
        self._means, self._first = np.array(means), first_lap
        self._shared, self._own, self._neighbours = shared, own, neighbours

    def play(self, race: Race, seed: int, paths: range, car: int, calls: Sequence[Candidate]) -> Outcome:  # noqa: ARG002  # a Player's
        """See ``Player``; calls are told apart by their lap alone."""
        laps = np.array([-1 if call.lap is None else call.lap - self._first for call in calls])
        if laps.min() < 0 or laps.max() >= len(self._means):
            raise ValueError("calls: stops on the laps that have a mean only")
        at = np.arange(paths.start, paths.stop)
        common = self._shared * _normal(seed, at[:, None], np.array([0]))
        own = sum(_normal(seed, at[:, None], 1 + laps + j) for j in range(self._neighbours))
        x = self._means[laps] + common + self._own / self._neighbours**0.5 * own
        place = np.clip(np.rint(x), 1, len(race.grid.cars)).astype(np.uint8)
        return Outcome(place, np.zeros((*place.shape, 3), np.uint8), np.zeros((*place.shape, 2), np.float32))

    def finish(self, race: Race, seed: int, paths: range) -> Bytes:  # noqa: ARG002  # a Player's
        """[path, car]: the order of the grid."""
        return np.tile(np.arange(1, len(race.grid.cars) + 1, dtype=np.uint8), (len(paths), 1))


def _normal(seed: int, path: npt.NDArray[np.int64], what: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Standard normal numbers named by (seed, path, what): Box and Muller on splitmix64."""
    key = np.uint64(seed) ^ (path.astype(np.uint64) << np.uint64(20)) ^ (what.astype(np.uint64) << np.uint64(1))
    u, v = (((_mix(_mix(key + np.uint64(k))) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53 for k in (0, 1))
    return np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * v)


def _mix(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):  # uint64 wraps by design
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
