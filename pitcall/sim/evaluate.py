"""One range of paths to be played: what ``/v1/evaluate`` of the sim worker is asked. No numba, no numpy.

A decision loop that runs over several workers cuts its paths into ranges and asks each worker for
one. The answer is exact (``pitcall.sim.outcome``) and depends on the request only.
"""

from dataclasses import dataclass
from typing import Final

from pitcall.sim.messages import MAX_CALLS, MAX_PATHS, MAX_SEED, Candidate
from pitcall.sim.race import Race

#: Most races of one request: 3 MiB of outcome. A larger range is cut by whoever asks.
MAX_RACES: Final = 262_144


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """Play the paths ``first_path`` up to, not including, ``first_path + paths`` once per candidate.

    Without a ``car`` every car follows the rival policy, and where each of them finishes is the answer.
    """

    race: Race
    seed: int
    first_path: int
    paths: int
    car: str | None = None  #: the asking car; None: policies only
    candidates: tuple[Candidate, ...] = ()  #: its calls, one column of the outcome each; empty without a car

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError("seed: a whole number of 64 bits without sign")
        if not 0 <= self.first_path < MAX_PATHS:
            raise ValueError(f"first_path: 0 to {MAX_PATHS - 1}, not {self.first_path}")
        if not 1 <= self.paths <= MAX_PATHS - self.first_path:
            raise ValueError(f"paths: 1 to {MAX_PATHS - self.first_path} from there on, not {self.paths}")
        self._check_calls()
        races = self.paths * max(1, len(self.candidates))
        if races > MAX_RACES:
            raise ValueError(f"paths: with {len(self.candidates)} candidates at most {MAX_RACES} races, not {races}")

    def _check_calls(self) -> None:
        if self.car is None:
            if self.candidates:
                raise ValueError("candidates: they need a car that asks")
            return
        if self.car not in self.race.grid.cars:
            raise ValueError(f"car: {self.car[:20]!r} is not on the grid")
        if not 1 <= len(self.candidates) <= MAX_CALLS:
            raise ValueError(f"candidates: between 1 and {MAX_CALLS}, not {len(self.candidates)}")
        at = self.race.grid.cars.index(self.car)
        done, total = self.race.grid.laps_done[at], self.race.circuit.total_laps
        if any(c.lap is not None and not done < c.lap < total for c in self.candidates):
            raise ValueError(f"candidates: laps {done + 1} to {total - 1} only")
