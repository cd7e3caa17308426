"""Calls of one car played against each other on the same possible races, and what that proves so far. Pure.

The error of "this call is the best" is the sum, over all others, of the probability that the other one
is better by more than the indifference zone (union bound; each by a normal approximation of its paired
difference). A call that adds next to nothing to that sum need not be played further.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from pitcall.errors import Cancelled
from pitcall.sim import utility as goal
from pitcall.sim.messages import Candidate, Utility
from pitcall.sim.outcome import Bytes, Outcome, Player
from pitcall.sim.race import Race

#: Time between two looks at the clock and at cancellation, about.
LOOK_S = 0.008
#: Races of the first block, for each that the player plays side by side.
FIRST_RACES = 512
#: Paths that the kernel plays for the price of one: fewer at a time save nothing.
LANES = 32
#: Share of the error asked for that one look at the results may use: every round is a look, and each may err. On
#: made-up races with the worst truth there is (all others 0.1501 behind, zone 0.15), 1 errs in 10 to 11 % of the
#: decisions and 0.5 in 6 %; with all others 0.2 behind, 1 in 4 to 5 % and 0.5 in 2.5 % (400 decisions each).
LOOK_SHARE = 0.5
#: Share of that which calls that are no longer played may use up; the rest is for those still played.
DROPPED_SHARE = 0.25


class Watch:
    """Cuts work into blocks of about ``LOOK_S`` and looks at the caller between them.

    Block sizes follow the clock. Paths are numbered, so they change nothing but when a cut or a
    cancellation is seen.
    """

    def __init__(self, width: int, out_of_time: Callable[[], bool], cancelled: Callable[[], bool]) -> None:
        self._out_of_time, self._cancelled = out_of_time, cancelled
        self._width = width  # fewer races at a time would save nothing
        self._races = FIRST_RACES * width
        self._whole = LANES * width

    def blocks(self, paths: range, calls: int = 1) -> Iterator[range]:
        """``paths`` in blocks that are no larger than they must be."""
        step = max(self._whole, self._races // calls // self._whole * self._whole)
        return (range(start, min(start + step, paths.stop)) for start in range(paths.start, paths.stop, step))

    def shares(self, calls: int, paths: int) -> Iterator[slice]:
        """Slices of ``calls`` calls for one block of ``paths`` paths; time is taken while the caller plays one.

        It ends early when time is over.

        Raises:
            Cancelled: the caller has left.
        """
        start = 0
        while start < calls and self.look():
            share = slice(start, min(calls, start + max(1, self._races // paths)))
            began = time.perf_counter()
            yield share
            races = (share.stop - share.start) * paths
            fit = int(races * LOOK_S / max(time.perf_counter() - began, 1e-6))
            self._races = max(self._width, min(fit, 4 * self._races))
            start = share.stop

    def look(self) -> bool:
        """False: time is over. Raises Cancelled when the caller has left."""
        if self._cancelled():
            raise Cancelled("the question was taken back")
        return not self._out_of_time()


@dataclass
class Trial:
    """All races played so far for ``calls``, from path 0 on: two calls share those that both were played on."""

    player: Player
    race: Race
    seed: int
    car: int  #: grid index of the asking car
    calls: Sequence[Candidate]
    utility: Utility
    zone: float  #: goal's unit
    confidence: float
    watch: Watch
    paths: int = 0  #: played for each call that is still alive
    rounds: int = 0
    alive: list[int] = field(init=False)  #: indices of the calls still played
    places: list[Bytes] = field(init=False)  #: of each call: finishing positions by path
    rejoins: "Rejoins" = field(init=False)

    def __post_init__(self) -> None:
        self.alive = list(range(len(self.calls)))
        self.places = [np.empty(0, np.uint8) for _ in self.calls]
        self.rejoins = Rejoins(len(self.calls), self.cars)

    @property
    def _allowed(self) -> float:
        return LOOK_SHARE * (1.0 - self.confidence)

    @property
    def cars(self) -> int:
        """Cars on the grid."""
        return len(self.race.grid.cars)

    def play(self, paths: int) -> bool:
        """Play the alive up to path ``paths``. False: time was over before that.

        Raises:
            Cancelled: the caller has left.
        """
        self.rounds += 1
        for k in self.alive:  # a call that comes back first catches up
            missing = range(len(self.places[k]), self.paths)
            if missing and not self._play([k], missing):
                return False
        whole = self._play(self.alive, range(self.paths, paths))
        self.paths = len(self.places[self.alive[0]])
        return whole

    def best(self) -> int:
        """The call with the lowest mean loss among those that were played throughout, the first one of equals."""
        return min(
            (k for k in self.alive if len(self.places[k]) == self.paths),
            key=lambda k: float(goal.loss(self.utility, self.places[k]).mean()),
        )

    def against(self, best: int) -> tuple[list[float], list[float]]:
        """Mean and standard error of (loss - the best one's) of each call, over the paths that it was played on."""
        mean, error = [0.0] * len(self.calls), [0.0] * len(self.calls)
        reference = goal.loss(self.utility, self.places[best])
        for k, places in enumerate(self.places):
            if k != best:
                d = goal.loss(self.utility, places) - reference[: len(places)]
                mean[k] = float(d.mean())
                error[k] = goal.standard_error(self.utility, d, self.cars)
        return mean, error

    def doubts(self, best: int, mean: Sequence[float], error: Sequence[float]) -> list[float]:
        """For each call: probability that it is better than the best by more than the zone."""
        return [0.0 if k == best else goal.p_better(mean[k], error[k], self.zone) for k in range(len(self.calls))]

    def resolved(self, doubts: Sequence[float]) -> bool:
        """The best call is within the zone of every other, with the confidence asked for."""
        return math.fsum(doubts) <= self._allowed

    def drop(self, best: int, doubts: Sequence[float]) -> None:
        """Play on only with the best and the calls that leave real doubt. One that was dropped may come back."""
        allowed = DROPPED_SHARE * self._allowed
        dropped: set[int] = set()
        for k in sorted(range(len(doubts)), key=lambda k: doubts[k]):
            allowed -= doubts[k]
            if allowed < 0:
                break
            dropped.add(k)
        self.alive = [k for k in range(len(doubts)) if k == best or k not in dropped]

    def _play(self, which: Sequence[int], paths: range) -> bool:
        blocks: list[Bytes] = []
        for block in self.watch.blocks(paths, len(which)):
            shares = [self._share(which[some], block) for some in self.watch.shares(len(which), len(block))]
            if sum(share.place.shape[1] for share in shares) < len(which):
                break  # time is over: a block without all of its calls is of no use
            played = beside(shares)
            self.rejoins.add(which, played)
            blocks.append(played.place)
        for column, k in enumerate(which):
            self.places[k] = np.concatenate([self.places[k], *(place[:, column] for place in blocks)])
        return sum(map(len, blocks)) == len(paths)

    def _share(self, which: Sequence[int], paths: range) -> Outcome:
        return self.player.play(self.race, self.seed, paths, self.car, [self.calls[k] for k in which])


def beside(shares: Sequence[Outcome]) -> Outcome:
    """Outcomes of different calls on the same paths as one, in their order."""
    return Outcome(
        np.concatenate([share.place for share in shares], axis=1),
        np.concatenate([share.rejoin for share in shares], axis=1),
        np.concatenate([share.gap_s for share in shares], axis=1),
    )


class Rejoins:
    """Where each call's car came out after its stop: whole-number sums, so the order of blocks is no matter."""

    def __init__(self, calls: int, cars: int) -> None:
        self._stops = np.zeros(calls, np.int64)
        self._position = np.zeros(calls, np.int64)
        self._count = np.zeros((calls, 2, cars + 1), np.int64)  # [call, ahead or behind, 1 + grid index or 0]
        self._gap_ms = np.zeros((calls, 2, cars + 1), np.int64)

    def add(self, which: Sequence[int], played: Outcome) -> None:
        """Count the races of ``played``, whose columns are the calls ``which``."""
        calls, rows = list(which), len(played.place)
        stopped = played.rejoin[:, :, 0] > 0
        self._stops[calls] += stopped.sum(axis=0)
        self._position[calls] += played.rejoin[:, :, 0].sum(axis=0, dtype=np.int64)
        shape = (len(calls), 2, self._count.shape[2])
        cell = np.arange(len(calls))[:, None] * 2 + np.arange(2)
        index = (cell * shape[2] + played.rejoin[:, :, 1:]).reshape(rows, -1)
        index = index[np.repeat(stopped, 2, axis=1)]
        # Sums of whole numbers: exact as floats far beyond any number of races.
        ms = np.rint(played.gap_s.astype(np.float64) * 1e3).reshape(rows, -1)[np.repeat(stopped, 2, axis=1)]
        size = math.prod(shape)
        self._count[calls] += np.bincount(index, minlength=size).reshape(shape)
        self._gap_ms[calls] += np.bincount(index, weights=ms, minlength=size).reshape(shape).astype(np.int64)

    def position(self, call: int) -> float | None:
        """Mean position at the line right after the stop; None: it never stopped."""
        return float(self._position[call] / self._stops[call]) if self._stops[call] else None

    def neighbour(self, call: int, side: int) -> tuple[int | None, float | None]:
        """Grid index of the car most often ahead (``side`` 0) or behind (1) and the mean gap to it, s; None: nobody."""
        who = int(np.argmax(self._count[call, side]))
        if who == 0:
            return None, None
        return who - 1, float(self._gap_ms[call, side, who] / self._count[call, side, who]) / 1e3
