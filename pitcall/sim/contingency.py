"""What would change the call: events that may happen now, and parameters that may be wrong. Pure.

Both are small questions about the decision that was just made, on the same possible races (same seed,
same paths), so that each costs a fraction of it. They come with the final decision only.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Final, Literal

import numpy as np

from pitcall.sim import utility as goal
from pitcall.sim import what_if
from pitcall.sim.messages import BreakEven, Candidate, Contingency, DecideRequest, Decision
from pitcall.sim.race import GREEN, SAFETY_CAR, Race
from pitcall.sim.trial import Trial

#: Wetness above which rain is no news.
SOAKED: Final = 0.3
#: Paths of one contingency: 64, and up to 256 while the calls are close. Enough for the events that change a call
#: by a place or more: at 64 paths the error of a paired difference was 0.05 to 1 place on synthetic questions.
EVENT_FIRST_PATHS: Final = 64
EVENT_PATHS: Final = 256
#: Paths of each point of a break-even. Only the *change* of the difference is measured on them (the
#: difference itself is known from all paths of the decision), and few races change.
BREAK_EVEN_PATHS: Final = 128
#: Multiples of today's value that are tried, 1 being the decision itself: the ends, and on a side where the
#: difference changes its sign, the one in the middle as well.
LOWEST, LOWER, HIGHER, HIGHEST = 0.6, 0.8, 1.25, 1.6
#: Two-sided 95 %.
Z_95: Final = NormalDist().inv_cdf(0.975)

_INTERMEDIATE, _WET = 3, 4

Event = Literal["safety_car", "vsc", "rain", "rival_boxes"]
Parameter = Literal["pit_loss_s", "wear", "caution_rate"]


def outlook(request: DecideRequest, trial: Trial, decision: Decision) -> Decision:
    """``decision`` with its contingencies and break-evens, as far as they were asked for and time allows.

    A part that time cuts short is left out and the decision is marked ``cut``; so it is with one that
    was cut before: nothing is added.

    Raises:
        Cancelled: the caller has left.
    """
    if not request.outlook or decision.cut:
        return decision
    contingencies: list[Contingency] = []
    for event, rival, race in _events(request):
        found = _contingency(trial, decision, event, rival, race)
        if found is None:
            return replace(decision, cut=True)
        contingencies += found
    decision = replace(decision, contingencies=tuple(contingencies))
    break_evens = _break_evens(trial, decision)
    if break_evens is None:
        return replace(decision, cut=True)
    return replace(decision, break_evens=break_evens)


def car_behind(race: Race, car: str) -> str:
    """The running car right behind ``car``; "" when it is the last."""
    grid = race.grid
    running = sorted(
        (k for k in range(len(grid.cars)) if grid.racing[k]), key=lambda k: (-grid.laps_done[k], grid.time_s[k])
    )
    place = running.index(grid.cars.index(car))
    return grid.cars[running[place + 1]] if place + 1 < len(running) else ""


def _events(request: DecideRequest) -> Iterator[tuple[Event, str, Race]]:
    """The events that can happen now, and the race after each."""
    race, rival = request.race, car_behind(request.race, request.car)
    if race.regime != SAFETY_CAR:
        yield "safety_car", "", what_if.safety_car_now(race)
    if race.regime == GREEN:
        yield "vsc", "", what_if.vsc_now(race)
    if race.weather.wetness < SOAKED:
        yield "rain", "", what_if.rain_from(race, what_if.current_lap(race))
    if rival and not race.grid.boxing[race.grid.cars.index(rival)]:
        yield "rival_boxes", rival, what_if.boxes_now(race, rival)


def _contingency(
    trial: Trial, decision: Decision, event: Event, rival: str, race: Race
) -> tuple[Contingency, ...] | None:
    """The plan against boxing at once under ``event``; empty: boxing at once is no candidate; None: no time left."""
    plan = trial.calls[decision.best]
    calls = (plan, *_at_once(trial.calls, plan, rain=event == "rain"))
    if len(calls) == 1:
        return ()
    small = replace(trial, race=race, calls=calls, paths=0, rounds=0)
    paths = EVENT_FIRST_PATHS
    while True:
        if not small.play(paths):
            return None
        best = small.best()
        mean, error = small.against(best)
        doubts = small.doubts(best, mean, error)
        if small.resolved(doubts) or paths >= EVENT_PATHS:
            break
        small.drop(best, doubts)
        small.alive = sorted({0, *small.alive})  # the plan is what the others are compared with
        paths *= 2
    return (_told(small, event, rival, best),)


def _told(small: Trial, event: Event, rival: str, best: int) -> Contingency:
    """Does the best of ``small`` replace its first call, the plan?"""
    plan = small.calls[0]
    mean, error = small.against(0)
    others = range(1, len(small.calls))
    against = best if best != 0 else min(others, key=lambda k: mean[k])
    z = NormalDist().inv_cdf(1.0 - (1.0 - small.confidence) / len(others))  # any of them might look better by luck
    delta = max(0.0, -mean[against])
    changes = delta > small.zone and delta > z * error[against]
    call = small.calls[against] if changes else plan
    return Contingency(event, rival, call.lap, call.compound, delta, error[against], changes)


def _at_once(calls: Sequence[Candidate], plan: Candidate, *, rain: bool) -> list[Candidate]:
    """A stop on the first lap that is a candidate, for each of its compounds; in rain for the wet ones as well."""
    first = min((call.lap for call in calls if call.lap is not None), default=None)
    if first is None:
        return []
    compounds = {call.compound for call in calls if call.lap == first} | ({_INTERMEDIATE, _WET} if rain else set())
    found = [Candidate(first, compound) for compound in sorted(c for c in compounds if c is not None)]
    return [call for call in found if call != plan]


def _break_evens(trial: Trial, decision: Decision) -> tuple[BreakEven, ...] | None:
    """Where the closest other call becomes as good, by each parameter; None: no time left."""
    other = _closest(decision)
    if other is None:
        return ()
    race, found = trial.race, []
    pit_loss_s = float(race.circuit.pit_loss_s)
    moved: tuple[tuple[Parameter, float, Callable[[Race, float], Race]], ...] = (
        ("pit_loss_s", pit_loss_s, what_if.with_pit_loss),
        ("wear", 1.0, what_if.with_wear),
        ("caution_rate", 1.0, what_if.with_caution_rate),
    )
    mean, error = trial.against(decision.best)
    today = (1.0, mean[other], error[other])
    for parameter, now, change in moved:
        points = [today]
        for end, middle in ((LOWEST, LOWER), (HIGHEST, HIGHER)):
            for factor in (end, middle):
                there = _moved_difference(trial, decision.best, other, change(race, factor * now))
                if there is None:
                    return None
                points.append((factor, *there))
                if there[0] * today[1] > 0:  # as today: nothing is looked for on this side
                    break
        value, low, high = (None if x is None else x * now for x in crossing(sorted(points)))
        found.append(BreakEven(parameter, now, value, low, high, other, LOWEST * now, HIGHEST * now))
    return tuple(found)


def _closest(decision: Decision) -> int | None:
    """The option that loses least among those that can be told apart from the best; among all, if none can.

    What is tied with the best is as good today: there is no parameter to be moved for that.
    """
    others = [k for k in range(len(decision.options)) if k != decision.best]
    apart = [k for k in others if k not in decision.tied]
    return min(apart or others, key=lambda k: decision.options[k].delta, default=None)


def _moved_difference(trial: Trial, best: int, other: int, race: Race) -> tuple[float, float] | None:
    """Loss of ``other`` minus that of ``best`` in the changed race, and its error; None: no time left.

    The change of the difference is measured on the first paths and added to the difference on all of
    its paths: two estimates that are correlated by the paths that they share.
    """
    n = min(BREAK_EVEN_PATHS, len(trial.places[other]))
    small = replace(trial, race=race, calls=(trial.calls[best], trial.calls[other]), paths=0, rounds=0)
    if not small.play(n):
        return None

    def difference(of: Trial, a: int, b: int) -> goal.Floats:
        paths = min(len(of.places[a]), len(of.places[b]))
        return goal.loss(of.utility, of.places[b])[:paths] - goal.loss(of.utility, of.places[a])[:paths]

    today = difference(trial, best, other)
    change = difference(small, 0, 1) - today[:n]
    if n < 2:
        return float(today.mean() + change.mean()), goal.standard_error(trial.utility, change, trial.cars)
    error = goal.standard_error(trial.utility, today, trial.cars)
    covariance = float(np.cov(today[:n], change)[0, 1]) / len(today)
    squared = error**2 + float(change.var(ddof=1)) / n + 2.0 * covariance
    # Never surer than the change by itself would be if nothing but one race had shown it.
    return float(today.mean() + change.mean()), math.sqrt(max(squared, 1.0 / n**2))


def crossing(points: Sequence[tuple[float, float, float]]) -> tuple[float | None, float | None, float | None]:
    """Where a difference, known at some points with an error, is 0: nearest to 1, with its 95 % interval.

    Args:
        points: (x, difference, standard error) by rising x; linear in between.

    Returns:
        The place, and the two ends between which 0 is in the 95 % interval of the difference. An end
        outside the points is None; all three are None when the difference is not 0 anywhere.
    """
    x, d, error = (np.array(column) for column in zip(*points, strict=True))
    zeros = _zeros(x, d)
    if not zeros:
        return None, None, None
    value = min(zeros, key=lambda z: (abs(math.log(z)), z))
    edges = sorted({*_zeros(x, d - Z_95 * error), *_zeros(x, d + Z_95 * error)})
    low = max((e for e in edges if e <= value), default=None)
    high = min((e for e in edges if e >= value), default=None)
    return value, low, high


def _zeros(x: goal.Floats, y: goal.Floats) -> list[float]:
    """Where the polyline through (x, y) is 0."""
    found = [float(a) for a, b in zip(x, y, strict=True) if b == 0.0]
    found += [
        float(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k])) for k in range(len(x) - 1) if y[k] * y[k + 1] < 0.0
    ]
    return sorted(found)
