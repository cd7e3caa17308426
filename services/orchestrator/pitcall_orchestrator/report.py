"""Forecasts and standings in words. Pure templates: every figure is that of a tool's result."""

from dataclasses import dataclass
from typing import Final

from pitcall.domain.events import Track
from pitcall.domain.race import CarState, RaceState, gap_s, laps_down
from pitcall.wire.reply import Outlook
from pitcall.wire.request import WhatIf
from pitcall_orchestrator.planner import Intent, Plan
from pitcall_orchestrator.protocol import mean_position

TRACK: Final = {
    Track.GREEN: "green flag",
    Track.YELLOW: "yellow flag",
    Track.VSC: "virtual safety car",
    Track.SAFETY_CAR: "safety car",
    Track.RED: "red flag",
}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer in words: the main line, and up to five short reasons."""

    text: str
    why: tuple[str, ...] = ()


def forecast(plan: Plan, state: RaceState, given: Outlook) -> Said:
    """The words for a forecast. Raises NotFound for a car that is not in the race."""
    rows = dict(zip(given.forecast.cars, given.forecast.p_position, strict=True))
    why = [f"From {given.forecast.draws} simulated races."]
    if plan.what_if:
        why.append(f"Supposed: {supposed(plan.what_if)}.")
    why += given.provenance.assumed[:2]
    if plan.intent is Intent.WINNER or plan.car is None:
        first = sorted(rows, key=lambda car: (-rows[car][0], car))[:3]
        return Said(f"{', '.join(f'{car} {_percent(rows[car][0])}' for car in first)} to win.", tuple(why))
    car, row = state.car(plan.car), rows[plan.car]
    likely = max(range(len(row)), key=lambda place: row[place])
    why.insert(0, f"P{_place(state, car)} now. Most likely P{likely + 1} ({_percent(row[likely])}).")
    if plan.top is None:
        chances = f"Win {_percent(row[0])}, podium {_percent(sum(row[:3]))}, top ten {_percent(sum(row[:10]))}."
    else:
        name = {1: "Win", 3: "Podium"}.get(plan.top, f"Top {plan.top}")
        chances = f"{name}: {_percent(sum(row[: plan.top]))}."
    subject = f"{car.car}: " if plan.named else ""
    return Said(f"{subject}P{mean_position(row):.1f} expected. {chances}", tuple(why))


def standings(plan: Plan, state: RaceState) -> Said:
    """The words for the order and the gaps as they are. Raises NotFound for a car that is not in the race."""
    order = state.order()
    if not order:
        return Said("No car is entered yet.")
    why = (f"Lap {state.laps_done} of {state.total_laps}, {TRACK[state.track]}.",)
    if plan.intent is Intent.GAP and plan.car is not None:
        car = state.car(plan.car)
        if plan.other is None or plan.other == plan.car:
            return Said(_around(car, order), why)
        return Said(_between(plan, state, car, state.car(plan.other)), why)
    first = [order[0].car, *(f"{car.car} {_apart(car, order[0])}".strip() for car in order[1:3])]
    text = f"{'Leading' if state.laps_done else 'On the grid'}: {', '.join(first)}."
    if plan.car is not None:
        car = state.car(plan.car)
        apart = _apart(car, order[0]) if car not in order[:3] else ""
        subject = f"{car.car} is" if plan.named else "You are"
        text += f" {subject} P{_place(state, car)}{f', {apart}' if apart else ''}."
    return Said(text, why)


def supposition(what_if: WhatIf) -> str:
    """What is supposed, at the beginning of a main line: ``Under a safety car``."""
    parts = [] if what_if.track is None else [f"under a {TRACK[what_if.track]}"]
    if what_if.rain_in_laps is not None:
        parts.append(f"if it rains {_in(what_if.rain_in_laps)}")
    if what_if.boxes_now is not None:
        parts.append(f"if {what_if.boxes_now} boxes now")
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}"


def supposed(what_if: WhatIf) -> str:
    """The same as a fact: ``safety car from now on``."""
    parts = [] if what_if.track is None else [f"{TRACK[what_if.track]} from now on"]
    if what_if.rain_in_laps is not None:
        parts.append(f"rain {_in(what_if.rain_in_laps)}")
    if what_if.boxes_now is not None:
        parts.append(f"{what_if.boxes_now} boxes now")
    return ", ".join(parts)


def event(name: str, rival: str) -> str:
    """What might happen, as the beginning of a sentence."""
    named = {"safety_car": "Safety car now", "vsc": "Virtual safety car now", "rain": "Rain now"}
    return named.get(name, f"{rival or 'The car behind'} boxes now")


def _in(laps: int) -> str:
    return "now" if laps == 0 else f"in {laps} lap{'s' if laps > 1 else ''}"


def car_ahead(state: RaceState, car: str) -> str | None:
    """The car in front in the running order."""
    running = [entry.car for entry in state.order()]
    at = running.index(car)
    return running[at - 1] if at else None


def _between(plan: Plan, state: RaceState, car: CarState, other: CarState) -> str:
    """``HAM is 3.2 s behind you.``"""
    ahead, behind = sorted((car, other), key=lambda entry: _place(state, entry))
    apart = _apart(behind, ahead).lstrip("+")
    you = {car.car: "you"} if not plan.named else {}
    subject = "You are" if behind.car in you else f"{behind.car} is"
    text = f"{subject} {f'{apart} ' if apart else ''}behind {you.get(ahead.car, ahead.car)}"
    return f"{text}." if apart else f"{text}; the gap is not known yet."


def _around(car: CarState, order: list[CarState]) -> str:
    """Who is in front and who behind."""
    at = order.index(car)
    text = f"{car.car} is P{at + 1}."
    if at:
        text += f" Ahead: {order[at - 1].car}, {_apart(car, order[at - 1]).lstrip('+') or 'gap not known yet'}."
    if at + 1 < len(order):
        text += f" Behind: {order[at + 1].car}, {_apart(order[at + 1], car).lstrip('+') or 'gap not known yet'}."
    return text


def _apart(behind: CarState, ahead: CarState) -> str:
    """``+3.2 s`` or ``+1 lap``; empty where the two share no line yet."""
    down = laps_down(behind, ahead)
    if down:
        return f"+{down} lap{'s' if down > 1 else ''}"
    gap = gap_s(behind, ahead)
    return "" if gap is None else f"+{gap:.1f} s"


def _place(state: RaceState, car: CarState) -> int:
    return 1 + [entry.car for entry in state.order()].index(car.car)


def _percent(p: float) -> str:
    certain = 1 - 1e-9  # a sum of probabilities is not exact
    if 0 < p < 0.01:
        return "under 1 %"
    if 0.99 < p < certain:
        return "over 99 %"
    return f"{100 * p:.0f} %"
