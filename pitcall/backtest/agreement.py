"""Tier T5: do we call the stop when the team made it? Pure.

Stops       Of cars that finish, made for strategy as far as the table tells: not on the first lap or the last
            ``LAST`` laps, not under a red flag, not followed or preceded by another one within ``APART`` laps
            (damage, penalties), with tyres that are known. At most ``SAMPLE`` of a race, evenly over its stops.
Question    Asked as the car crosses the line, from ``BEFORE`` laps before the lap of the stop up to that lap,
            and answered as the model server would, with a small budget.
Our call    The lap on which the answer is "box now" for the first time. If it never is, the lap that the last
            answer names: from there on the team's own stop is part of the race. "Stay out" there is no call.
Given       The same, if it is known that the car will stop, and for which tyres: the best lap for those.
Agreement   Share of the stops with a call of ours (coverage); of those, how many within 0, 1 and 2 laps of the
            team's, and the mean of our lap - theirs (bias; below 0: we are early).
Open        Share of the stops where the last answer cannot tell the best call from stopping now. Often many laps
            are equally good; the one that leads by a hair is named, and then it may be far from the team's.

Agreement is not correctness: the team knew more than the timing shows, and rivals would have answered us.

Why it is low: the mean position hardly depends on the lap; often all of the next laps lie within the zone in which
calls count as equally good. As we are asked before the stop, a flat mean reaches forward only: hence the bias.
Naming that of the equally good laps which the learned policy finds likeliest agrees somewhat more often: too little
for a call that the simulation does not put first. More wear brings our calls nearer to the teams' and makes the
forecasts worse, so how races end speaks against it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pitcall.backtest.run import Race
from pitcall.backtest.table import LapRow
from pitcall.domain.events import Lap
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce
from pitcall.domain.tyres import Compound
from pitcall.errors import StaleFeed
from pitcall.forecast import candidates, seed_of
from pitcall.sim import decision
from pitcall.sim.messages import Budget, DecideRequest, Decision
from pitcall.sim.outcome import Player
from pitcall.sim.race import Race as Rest

#: Laps before the stop from which we are asked; laps between two stops; last laps without strategy.
BEFORE: Final = 6
APART: Final = 4
LAST: Final = 3
#: Stops of a race that are asked about.
SAMPLE: Final = 8
BUDGET: Final = Budget(first_paths=32, max_paths=128)


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that a team made."""

    car: str
    lap: int  #: it came in at the end of this lap
    compound: Compound  #: fitted
    green: bool


@dataclass(frozen=True, slots=True)
class Called:
    """A stop beside our call; None: we made none."""

    stop: Stop
    ours: int | None
    given: int | None
    open: bool  #: at the last question the team's lap was not ruled out


def stops(race: Race) -> list[Stop]:
    """The strategic stops of a race, by lap and car."""
    finishers = {car.car for case in race.cases for car in case.scored if car.finished}
    found: list[Stop] = []
    for driver in sorted(finishers):
        laps = {row.lap: row for row in race.table.rows if row.driver == driver}
        visits = [row for row in laps.values() if row.pit_in_s is not None]
        found += [
            Stop(driver, row.lap, laps[row.lap + 1].compound, not set(row.track) & set("4567"))
            for row in visits
            if 1 < row.lap <= race.table.total_laps - LAST and row.lap + 1 in laps and _chosen(row, laps, visits)
        ]
    return sorted(found, key=lambda stop: (stop.lap, stop.car))


def _chosen(row: LapRow, laps: dict[int, LapRow], visits: Sequence[LapRow]) -> bool:
    out = laps[row.lap + 1]
    alone = all(other is row or abs(other.lap - row.lap) > APART for other in visits)
    changed = out.tyre_age is None or row.tyre_age is None or out.tyre_age <= row.tyre_age
    return alone and changed and out.compound is not Compound.UNKNOWN and "5" not in row.track + out.track


def calls(race: Race, read: Callable[[RaceState], Rest], player: Player) -> list[Called]:
    """What we would have called in a race; ``read`` makes of a state what is simulated."""
    made = stops(race)
    chosen = [made[k] for k in np.linspace(0, len(made) - 1, min(SAMPLE, len(made))).round().astype(int)]
    states = _states(race, {(s.car, lap) for s in chosen for lap in range(s.lap - BEFORE - 1, s.lap)})
    return [_called(stop, states, read, player) for stop in chosen]


def _states(race: Race, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], RaceState]:
    """The race as it was when these cars had completed these laps."""
    state, found = RaceState(), {}
    for event in race.events:
        state = reduce(state, event)
        if isinstance(event, Lap) and (event.car, event.lap) in wanted:
            found[event.car, event.lap] = state
    return found


def _called(
    stop: Stop, states: dict[tuple[str, int], RaceState], read: Callable[[RaceState], Rest], player: Player
) -> Called:
    ours: int | None = None
    given: int | None = None
    is_open = False
    for now in range(max(1, stop.lap - BEFORE), stop.lap + 1):  # the lap being driven, at whose end it can box
        state = states.get((stop.car, now - 1))
        answer = None if state is None else _ask(state, stop.car, read, player)
        if answer is None:
            continue
        last = now == stop.lap
        best, for_those = answer.options[answer.best].lap, _best_for(answer, stop.compound)
        ours = best if ours is None and (last or best == now) else ours
        given = for_those if given is None and (last or for_those == now) else given
        if last:
            is_open = any(answer.options[k].lap == now for k in (answer.best, *answer.tied))
    return Called(stop, ours, given, is_open)


def _ask(state: RaceState, car: str, read: Callable[[RaceState], Rest], player: Player) -> Decision | None:
    try:
        legal = candidates(state, car)
    except StaleFeed:
        return None
    request = DecideRequest(read(state), car, legal, seed_of(state, car), BUDGET, by_rule=True, outlook=False)
    *_, answer = decision.decide(request, player)
    return answer


def _best_for(answer: Decision, compound: Compound) -> int | None:
    """The best lap for these tyres; None where they cannot be fitted."""
    fitting = [option for option in answer.options if option.compound == int(compound)]
    return min(fitting, key=lambda option: option.delta).lap if fitting else None


def summary(made: Sequence[Called]) -> dict[str, dict[str, float]]:
    """Agreement by kind: all, green and neutralised stops, strategy not given; all stops, strategy given."""
    green = [one for one in made if one.stop.green]
    other = [one for one in made if not one.stop.green]
    return {
        "all": _agreement([(one.stop.lap, one.ours) for one in made]) | _open(made),
        "green": _agreement([(one.stop.lap, one.ours) for one in green]) | _open(green),
        "neutralised": _agreement([(one.stop.lap, one.ours) for one in other]) | _open(other),
        "given": _agreement([(one.stop.lap, one.given) for one in made]),
    }


def _open(made: Sequence[Called]) -> dict[str, float]:
    return {"open": float(np.mean([one.open for one in made])) if made else 0.0}


def _agreement(pairs: Sequence[tuple[int, int | None]]) -> dict[str, float]:
    off = np.array([ours - theirs for theirs, ours in pairs if ours is not None], np.float64)
    shares = {f"within_{k}": float((np.abs(off) <= k).mean()) if len(off) else 0.0 for k in range(3)}
    coverage = len(off) / len(pairs) if pairs else 0.0
    return {
        "stops": float(len(pairs)),
        "coverage": coverage,
        **shares,
        "bias_laps": float(off.mean()) if len(off) else 0.0,
    }
