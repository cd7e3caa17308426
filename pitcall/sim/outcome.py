"""What a simulation gives back, and who can run one. No numba, so that every service may read it.

An outcome is exact: bytes and float32 that depend on (race, calls, seed, path) only. Outcomes of
path ranges put end to end are the outcome of the whole range, whoever played them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pitcall.sim.messages import Candidate
from pitcall.sim.race import Race

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The asking car's races: one row per path, one column per call."""

    place: Bytes  #: [path, call] finishing position, in its class, 1 = first
    rejoin: Bytes  #: [path, call, 3] position at the line after its first stop, then 1 + grid index of the
    #: car ahead and of the car behind there; 0 = no stop, or nobody
    gap_s: npt.NDArray[np.float32]  #: [path, call, 2] to those two cars, s; 0 where there is none


class Player(Protocol):
    """Plays races: an engine in this process, or several workers behind HTTP."""

    @property
    def width(self) -> int:
        """Races that it plays side by side: 1 per thread. It never changes a bit of the outcome."""

    def play(self, race: Race, seed: int, paths: range, car: int, calls: Sequence[Candidate]) -> Outcome:
        """Play every path of ``paths`` once per call; ``car`` is the asking car's grid index. Blocks."""

    def finish(self, race: Race, seed: int, paths: range) -> Bytes:
        """[path, car] finishing positions when every car follows the rival policy. Blocks."""


def joined(parts: Sequence[Outcome]) -> Outcome:
    """Outcomes of neighbouring path ranges as one, in their order."""
    return Outcome(
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.rejoin for part in parts]),
        np.concatenate([part.gap_s for part in parts]),
    )
