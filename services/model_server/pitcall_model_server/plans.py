"""Which calls are looked at: the legal ones, under what is supposed, or those that are compared."""

from collections.abc import Sequence
from dataclasses import replace

from pitcall import forecast as model
from pitcall.domain.race import CarState, RaceState
from pitcall.domain.tyres import RAIN, Compound
from pitcall.errors import InvalidRequest
from pitcall.sim import what_if as transform
from pitcall.sim.messages import Candidate
from pitcall.wire.request import Planned, WhatIf
from pitcall_model_server.readings import Known


def supposed(known: Known, what_if: WhatIf, car: str | None) -> Known:
    """The race with what is supposed of it. ``what_if.track`` is in the reading already.

    Raises:
        NotFound: there is no such rival.
        InvalidRequest: the rival is the asking ``car`` or out of the race; the rain comes after the flag.
    """
    race = known.reading.race
    if what_if.boxes_now is not None:
        rival = known.state.car(what_if.boxes_now).car
        if rival == car:
            raise InvalidRequest(f"what_if.boxes_now: {car} is the car that asks; compare boxing now with another lap")
        race = transform.boxes_now(race, rival)
    if what_if.rain_in_laps is not None:
        lap = rain_lap(known, what_if.rain_in_laps)
        if lap > race.circuit.total_laps:
            left = race.circuit.total_laps - transform.current_lap(race)
            raise InvalidRequest(f"what_if.rain_in_laps: the race is over in {left} laps, before the rain")
        race = transform.rain_from(race, lap)
    return known if race is known.reading.race else replace(known, reading=replace(known.reading, race=race))


def rain_lap(known: Known, rain_in_laps: int) -> int:
    """The first lap of the leader in the rain."""
    return transform.current_lap(known.reading.race) + rain_in_laps


def legal(known: Known, car: str, what_if: WhatIf) -> tuple[Candidate, ...]:
    """Every legal call, those on tyres with a tread from the lap before a supposed rain on included.

    Raises:
        NotFound: no such car.
        StaleFeed: nothing is left to call.
    """
    calls = model.candidates(known.state, car)
    if what_if.rain_in_laps is None or known.state.wet:
        return calls
    first = max(known.state.car(car).laps_done + 1, rain_lap(known, what_if.rain_in_laps) - 1)
    treads = (Candidate(lap, int(tyre)) for lap in range(first, known.state.total_laps) for tyre in RAIN)
    return (*calls, *treads)


def compared(
    plans: tuple[Planned, Planned], calls: Sequence[Candidate], state: RaceState, car: str
) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """The legal calls that plan A and plan B stand for: one, or one for each tyre where none is named.

    Raises:
        InvalidRequest: a plan is not legal (the text says why, and what is), or both are the same call.
    """
    a, b = (_named(plan, calls, state, car, name) for plan, name in zip(plans, "ab", strict=True))
    if set(a) & set(b):
        raise InvalidRequest("plan B: it is the same call as plan A; name another lap or other tyres")
    return a, b


def _named(plan: Planned, calls: Sequence[Candidate], state: RaceState, car: str, name: str) -> tuple[Candidate, ...]:
    found = tuple(call for call in calls if call.lap == plan.lap and plan.compound in (None, call.compound))
    if found:
        return found
    raise InvalidRequest(
        f"plan {name.upper()}: {_words(plan)} is not legal for {car}: {_why_not(plan, calls, state.car(car))}"
    )


def _words(plan: Planned) -> str:
    if plan.lap is None:
        return "staying out to the flag"
    return f"boxing on lap {plan.lap}" + ("" if plan.compound is None else f" for {plan.compound.label}s")


def _why_not(plan: Planned, calls: Sequence[Candidate], car: CarState) -> str:
    """Why a plan is none of the legal calls, and what is legal in its place."""
    laps = sorted({call.lap for call in calls if call.lap is not None})
    stops = f"a stop is legal on laps {laps[0]} to {laps[-1]}" if laps else "no stop is possible any more"
    if plan.lap is None:
        return f"it has not used two different dry compounds; {stops}"
    if plan.lap not in laps:
        return stops if plan.lap > car.laps_done else f"it has completed lap {car.laps_done}; {stops}"
    tyres = [Compound(call.compound).label for call in calls if call.lap == plan.lap and call.compound is not None]
    return f"on lap {plan.lap} it may take {' or '.join(f'{tyre}s' for tyre in tyres)}"
