"""Tier T1: where does a car come out after a stop? Pure.

Stops       Of a car whose in-lap and out-lap were driven to the line, under green both, and no stop on the out-lap; not
            on the first lap. Whatever the reason: the timing does not tell damage from strategy.
Question    Twice. ``entry``: as the car enters the pit lane; who is in the lane already is known. ``line``: as it
            begins the in-lap, when the call has to be made; then nobody knows who else will stop on that lap.
Truth       Position at the end of the out-lap, by when the cars completed a lap of that number. Rivals count
            wherever they are on the road: one that stops on the same laps is ahead or behind by the clock as it is
            then. A rival that has not completed that lap, retired or lapped, is behind.
Forecast    Median, over the simulated races of the shipped path, of the position at which the car rejoins.
Baseline    ``gap``: order at the gap. One place is lost for each running rival that is less than a pit loss behind, by
            the gaps at the last line that both have crossed; nobody else stops.
Score       exact, within_1: share of the stops, none of which is left out; bias: mean of forecast - truth, places.

What is missing at ``line`` is what nobody knows then. On three quarters of the races of 2018-2022, 1,288 stops: 0.51
exact and 0.84 within one; 0.68 and 0.93 where no car within 30 s stops on the in-lap or the out-lap (39 % of the
stops), 0.72 and 0.97 if, besides, this stop's own loss is known. A peer's 0.59 and 0.87 on other races are arithmetic
with the loss that the stop turned out to have; on ours that makes 0.55 and 0.81 at ``entry``, and we 0.66 and 0.91.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pitcall.backtest.run import Race
from pitcall.calibrate.filter import playable
from pitcall.domain.events import Lap, PitIn
from pitcall.domain.race import LapRecord, RaceState, gap_s
from pitcall.domain.reducer import reduce, reduce_all
from pitcall.forecast import seed_of
from pitcall.sim.messages import Candidate
from pitcall.sim.outcome import Player
from pitcall.sim.race import Race as Rest

#: Simulated races of a question.
PATHS: Final = 256

Laps = dict[str, dict[int, LapRecord]]


class Rejoin(NamedTuple):
    """One stop, asked about at one moment."""

    moment: str  #: ``line`` or ``entry``
    car: str
    lap: int  #: of the stop
    actual: int
    ours: float  #: median; nan: the car came out in none of the simulated races
    by_gap: int


def rejoins(race: Race, read: Callable[[RaceState], Rest], player: Player) -> list[Rejoin]:
    """The stops of a race; ``read`` makes of a state what is simulated."""
    final = reduce_all(race.events)
    laps = {car.car: {r.lap: r for r in car.laps} for car in final.cars.values()}
    stops = {(car, lap) for car, driven in laps.items() for lap in driven if _counts(driven, lap)}
    found = []
    for moment, car, lap, state in _asked(race, stops):
        rest = read(state)
        call = Candidate(lap, playable(laps[car][lap + 1].compound))
        out = player.play(rest, seed_of(state, car), range(PATHS), rest.grid.cars.index(car), (call,)).rejoin[:, 0, 0]
        ours = float(np.median(out[out > 0])) if out.any() else math.nan
        found.append(
            Rejoin(moment, car, lap, _position(laps, car, lap + 1), ours, _by_gap(state, car, rest.pit_loss_s))
        )
    return found


def _counts(laps: dict[int, LapRecord], lap: int) -> bool:
    come, go = laps[lap], laps.get(lap + 1)
    return bool(lap > 1 and come.pit_in and come.green and go and go.green and not go.pit_in)


def _asked(race: Race, stops: set[tuple[str, int]]) -> Iterator[tuple[str, str, int, RaceState]]:
    state = RaceState()
    for event in race.events:
        state = reduce(state, event)
        if isinstance(event, Lap) and (event.car, event.lap + 1) in stops:
            yield "line", event.car, event.lap + 1, state
        elif isinstance(event, PitIn) and (event.car, event.lap) in stops:
            yield "entry", event.car, event.lap, state


def _position(laps: Laps, car: str, lap: int) -> int:
    mine = laps[car][lap].time_s
    return 1 + sum(lap in other and other[lap].time_s < mine for name, other in laps.items() if name != car)


def _by_gap(state: RaceState, car: str, loss_s: float) -> int:
    me, place = state.car(car), 1
    for rival in state.cars.values():
        if rival.car == car or not rival.racing:
            continue
        behind = gap_s(rival, me)
        ahead = (rival.laps_done, -rival.time_s) > (me.laps_done, -me.time_s)
        place += ahead or (behind is not None and rival.laps_done >= me.laps_done - 1 and behind < loss_s)
    return place


def summary(found: Sequence[Rejoin]) -> dict[str, dict[str, float]]:
    """Scores at each moment; those of the baseline under ``gap_...``."""
    return {moment: _scores([one for one in found if one.moment == moment]) for moment in ("entry", "line")}


def _scores(found: Sequence[Rejoin]) -> dict[str, float]:
    actual = np.array([one.actual for one in found], np.float64)
    ours = np.floor(np.array([one.ours for one in found], np.float64) + 0.5) - actual
    by_gap = np.array([one.by_gap for one in found], np.float64) - actual
    answered = float(np.isfinite(ours).mean()) if found else 0.0
    return {"stops": float(len(found)), "answered": answered, **_shares("", ours), **_shares("gap_", by_gap)}


def _shares(prefix: str, off: npt.NDArray[np.float64]) -> dict[str, float]:
    """Of all stops: one that was not answered is neither exact nor near."""
    known = off[np.isfinite(off)]
    return {
        f"{prefix}exact": float((off == 0).mean()) if len(off) else 0.0,
        f"{prefix}within_1": float((np.abs(off) <= 1).mean()) if len(off) else 0.0,
        f"{prefix}bias": float(known.mean()) if len(known) else 0.0,
    }
