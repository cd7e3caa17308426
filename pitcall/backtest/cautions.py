"""Tier T4: are neutralisations and retirements as frequent as the simulations say? Pure.

At each moment of a case: how many safety cars, VSCs and red flags still begin before the flag, and which
cars do not cover 90 % of the distance. Expected is the mean of the simulated races of the shipped path,
seen is what the log shows. Nobody can say which race will have a safety car; that three in ten have one
when three in ten were expected is what counts here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.backtest.cases import FINISHED, Case
from pitcall.backtest.run import Race
from pitcall.domain.events import Track, TrackStatus
from pitcall.domain.race import RaceState
from pitcall.season import play
from pitcall.sim.model import pack
from pitcall.sim.race import RED, SAFETY_CAR, VSC
from pitcall.sim.race import Race as Rest
from pitcall.sim.twin_state import TR_OUT, TR_PLAYED, TR_REGIME, TRACE_COLUMNS

#: Simulated races of a moment.
PATHS: Final = 128
#: What is counted, and how both sides name it.
KINDS: Final = (("safety_car", SAFETY_CAR, Track.SAFETY_CAR), ("vsc", VSC, Track.VSC), ("red", RED, Track.RED))
_SEED: Final = 1

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one kind: expected and seen, one entry per moment (per car and moment for retirements)."""

    expected: Floats  #: mean number, or probability
    p_any: Floats  #: probability of at least one
    seen: Floats


@dataclass(frozen=True, slots=True)
class Bin:
    """A row of a reliability table."""

    said: float  #: mean probability
    happened: float  #: share
    cases: int


def tallies(race: Race, read: Callable[[RaceState], Rest]) -> dict[str, Tally]:
    """Of ``safety_car``, ``vsc``, ``red``, ``retired`` in a race; ``read`` makes of a state what is simulated."""
    found: dict[str, list[tuple[float, float, float]]] = {
        name: [] for name in (*(kind[0] for kind in KINDS), "retired")
    }
    for case in race.cases:
        rest = read(case.state)
        trace = _traced(rest)
        for name, flag, status in KINDS:
            began = _began(trace, flag, rest.regime)
            found[name].append((float(began.mean()), float((began > 0).mean()), _seen(race, case, status)))
        short = _short(trace, rest)
        at = {car: i for i, car in enumerate(rest.grid.cars)}
        for car in case.scored:
            p = float(short[at[car.car]])
            found["retired"].append((p, p, float(not car.finished)))
    return {name: Tally(*np.array(rows, np.float64).reshape(-1, 3).T) for name, rows in found.items()}


def summary(tally: Tally) -> dict[str, float]:
    """Expected and seen per moment, and the log loss of "at least one" against its constant frequency."""
    any_seen = tally.seen > 0
    base = np.full(len(any_seen), np.clip(any_seen.mean(), 1e-6, 1 - 1e-6)) if len(any_seen) else tally.p_any
    return {
        "expected": float(tally.expected.mean()),
        "seen": float(tally.seen.mean()),
        "log_loss": _log_loss(tally.p_any, any_seen),
        "log_loss_of_the_frequency": _log_loss(base, any_seen),
    }


def reliability(p: npt.ArrayLike, happened: npt.ArrayLike, bins: int = 10) -> list[Bin]:
    """Of all that was given about this probability, what share happened? Equal-width bins, empty ones left out."""
    said, came = np.asarray(p, np.float64), np.asarray(happened, np.float64)
    at = np.minimum((said * bins).astype(int), bins - 1)
    return [
        Bin(float(said[at == k].mean()), float(came[at == k].mean()), int((at == k).sum()))
        for k in range(bins)
        if (at == k).any()
    ]


def _traced(rest: Rest) -> npt.NDArray[np.float32]:
    """[path, lap, car, column] of ``PATHS`` simulated races."""
    trace = np.zeros((PATHS, rest.circuit.total_laps + 1, len(rest.grid.cars), TRACE_COLUMNS), np.float32)
    play(pack(rest), np.uint64(_SEED), 0, trace)
    return trace


def _began(trace: npt.NDArray[np.float32], flag: int, now: int) -> npt.NDArray[np.int64]:
    """How often ``flag`` was shown anew in each path; ``now`` is what is shown at the moment."""
    played = trace[..., TR_PLAYED].max(axis=(0, 2)) == 1
    regime = trace[:, :, :, TR_REGIME].max(axis=2)[:, played]
    regime = np.hstack([np.full((len(regime), 1), now, np.float32), regime])
    return np.asarray(((regime[:, 1:] == flag) & (regime[:, :-1] != flag)).sum(axis=1), np.int64)


def _short(trace: npt.NDArray[np.float32], rest: Rest) -> Floats:
    """P(a car does not cover ``FINISHED`` of the distance)."""
    enough = int(np.ceil(FINISHED * rest.circuit.total_laps))
    out = trace[:, : enough + 1, :, TR_OUT].max(axis=1) == 1
    return np.asarray(np.where(rest.grid.racing, out.mean(axis=0), 1.0), np.float64)


def _seen(race: Race, case: Case, status: Track) -> float:
    return float(
        sum(
            isinstance(event, TrackStatus) and event.status is status and event.t > case.state.t
            for event in race.events
        )
    )


def _log_loss(p: Floats, happened: npt.NDArray[np.bool_]) -> float:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.where(happened, np.log(p), np.log1p(-p)).mean())
