"""CMA-ES over the numbers of a ``Tuned``, cross-validated by race. Pure and deterministic.

Each of ``FOLDS`` searches sees all races but its own and is scored on those; which race belongs to which fold goes by
its turn, so that every season is in every fold. What is taken is the mean of the points half-way to what the folds
found, if on the races that they had not seen these gained at all. A search is a function of its objective and its seed:
an evaluation that is remembered need not be made again, so a search that was killed goes on from its log and ends on
the same bits. The clock has no say in it: the budget is a number of evaluations.

Hansen, "The CMA evolution strategy: a tutorial" (arXiv 1604.00772), as the package ``cmaes`` has it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np

from pitcall.errors import InvalidRequest
from pitcall.tune.objective import gains
from pitcall.tuned import UNTUNED, Tuned

FOLDS: Final = 3
SEED: Final = 5
#: Candidates of a generation; that of the tutorial for five numbers.
POPULATION: Final = 8
#: Fewest evaluations: a generation of each fold.
LEAST: Final = FOLDS * POPULATION
#: Share of the way to what was found that is gone: one season differs from the next more than races of one season do.
#: Leaving a season out, half of the way has the RPS of all of it (0.0757) and a lower log loss (2.030, 2.038).
SHARE: Final = 0.5
#: A search starts with this sd, in steps, and stays within so many steps of where it starts.
SIGMA: Final = 1.0
FARTHEST: Final = 5.0


class Axis(NamedTuple):
    """One number of a ``Tuned``."""

    name: str
    step: float  #: that one unit of the search changes: added to a logit, to the logarithm of a multiple


#: Steps that moved the score by about 0.0001 when tried one at a time (828 states of 2018-2022).
AXES: Final = (
    Axis("pace", 0.1),
    Axis("pace_sd", 0.2),
    Axis("wear_sd", 0.3),
    Axis("noise", 0.25),
    Axis("pass_logit", 0.3),
)

Point = tuple[float, ...]
#: Race -> score of a point on these races.
Score = Callable[[Tuned, Sequence[str]], dict[str, float]]


class Evaluation(NamedTuple):
    """One point that a fold tried, and its mean score over the fold's races."""

    fold: int
    point: Point
    score: float


class Log(Protocol):
    """Remembers evaluations."""

    def get(self, fold: int, point: Point) -> float | None:
        """The score; None: not evaluated yet."""

    def add(self, evaluation: Evaluation) -> None:
        """Keep one."""


class Memory:
    """A log that lasts as long as the process."""

    def __init__(self) -> None:
        self._scores: dict[tuple[int, Point], float] = {}

    def get(self, fold: int, point: Point) -> float | None:
        """See ``Log``."""
        return self._scores.get((fold, point))

    def add(self, evaluation: Evaluation) -> None:
        """See ``Log``."""
        self._scores[evaluation.fold, evaluation.point] = evaluation.score


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    tuned: Tuned  #: ``UNTUNED`` where the folds did not gain
    gain: float  #: mean change of the RPS on races that a fold had not seen; below 0: better
    error: float  #: standard error of that, by race
    evaluations: int


def tuned_at(point: Sequence[float]) -> Tuned:
    """The ``Tuned`` of a point; the origin changes nothing."""
    values = {
        axis.name: axis.step * x if axis.name == "pass_logit" else math.exp(axis.step * x)
        for axis, x in zip(AXES, point, strict=True)
    }
    return Tuned(**values)


def tune(
    score: Score,
    races: Sequence[str],
    evaluations: int,
    log: Log | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Found:
    """Search.

    Args:
        score: what is minimised.
        races: ids, in the order of their dates.
        evaluations: budget of all folds together; what does not fill a generation is not used.
        log: knows what an earlier run has evaluated; None: nothing.
        progress: called with the share that is done.

    Raises:
        InvalidRequest: the budget is too small for a generation of each fold, or there are fewer races than folds.
    """
    generations = evaluations // LEAST
    if generations < 1:
        raise InvalidRequest(f"a search needs {LEAST} evaluations or more, not {evaluations}")
    if len(races) < FOLDS:
        raise InvalidRequest(f"a search needs {FOLDS} races or more, not {len(races)}")
    log = Memory() if log is None else log
    points, change = [], []
    for fold in range(FOLDS):
        apart = [race for k, race in enumerate(races) if k % FOLDS == fold]
        seen = [race for k, race in enumerate(races) if k % FOLDS != fold]

        def step(share: float, fold: int = fold) -> None:
            progress((fold + share) / FOLDS)

        points.append([SHARE * x for x in _search(score, seen, fold, generations, log, step)])
        change.append(gains(score(tuned_at(points[-1]), apart), score(UNTUNED, apart)))
    together = np.concatenate(change)
    gain, error = float(together.mean()), float(together.std(ddof=1) / math.sqrt(len(together)))
    middle = np.mean(points, axis=0)
    return Found(_rounded(middle.tolist()) if gain < 0 else UNTUNED, gain, error, FOLDS * generations * POPULATION)


def _search(
    score: Score, races: Sequence[str], fold: int, generations: int, log: Log, progress: Callable[[float], None]
) -> list[float]:
    """Where the search's mean ends: it is less lucky than the best point that was tried."""
    from cmaes import CMA  # noqa: PLC0415  # who does not search does without

    n = len(AXES)
    bounds = np.tile([-FARTHEST, FARTHEST], (n, 1))
    search = CMA(np.zeros(n), SIGMA, bounds=bounds, seed=SEED + fold, population_size=POPULATION)
    for generation in range(generations):
        told = []
        for k in range(POPULATION):
            point = tuple(search.ask().tolist())
            known = log.get(fold, point)
            if known is None:
                known = float(np.mean(list(score(tuned_at(point), races).values())))
                log.add(Evaluation(fold, point, known))
            told.append((np.array(point), known))
            progress((generation + (k + 1) / POPULATION) / generations)
        search.tell(told)
    return [float(x) for x in search.mean]


def _rounded(point: Sequence[float]) -> Tuned:
    """To three digits: more were not found, and people read them."""
    found = tuned_at(point)
    return Tuned(**{axis.name: float(f"{getattr(found, axis.name):.3g}") for axis in AXES})
