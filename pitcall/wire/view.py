"""What a client sees: ``Race``, ``Car`` and ``race.delta`` of docs/reference/socket.md, and a rejoin in words. Pure."""

from collections.abc import Mapping
from typing import Any

from pitcall.domain.race import CarState, RaceState, gap_s, laps_down

Json = dict[str, Any]


def race_view(state: RaceState) -> Json:
    """``Race``: everything of a race that a page shows, cars in running order."""
    return {
        "id": state.race,
        "name": state.name,
        "series": state.series,
        "total_laps": state.total_laps,
        "lap": state.laps_done,
        "t_s": round(state.t, 3),
        "track": state.track.value,
        "finished": state.finished,
        "wet": state.wet,
        "messages": [{"t_s": round(t_s, 3), "text": text} for t_s, text in state.messages],
        "cars": standings_view(state),
    }


def standings_view(state: RaceState) -> list[Json]:
    """``[Car]`` in running order."""
    order = state.order()
    return [_car(position, order) for position in range(1, len(order) + 1)]


def delta(race: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """``race.delta`` without its type: the fields of Race that changed, and the cars that changed, whole."""
    known = {car["car"]: car for car in before["cars"]}
    return {
        "race": race,
        "changes": {name: value for name, value in after.items() if name != "cars" and before.get(name) != value},
        "cars": [car for car in after["cars"] if known.get(car["car"]) != car],
    }


def rejoin_words(ahead: str | None, gap_ahead_s: float | None, behind: str | None, gap_behind_s: float | None) -> str:
    """Between whom a stop mostly comes out, to follow a position: ``, 1.2 s behind HAM``; empty if mostly alone.

    Each side has its own most frequent car, in different races. It can be the same one: the stop comes out
    sometimes behind it and sometimes ahead.
    """
    if ahead and ahead == behind:
        return f", around {ahead}: {gap_ahead_s:.1f} s behind it or {gap_behind_s:.1f} s ahead"
    front = f", {gap_ahead_s:.1f} s behind {ahead}" if ahead else ""
    return front + (f", {gap_behind_s:.1f} s ahead of {behind}" if behind else "")


def _car(position: int, order: list[CarState]) -> Json:
    car, leader = order[position - 1], order[0]
    last = car.laps[-1].lap_time_s if car.laps else None
    return {
        "car": car.car,
        "number": car.number,
        "driver": car.driver,
        "team": car.team,
        "position": position,
        "status": car.status.value,
        "lap": car.laps_done,
        "gap_s": _rounded(gap_s(car, leader)),
        "interval_s": _rounded(gap_s(car, order[position - 2])) if position > 1 else None,
        "laps_down": laps_down(car, leader),
        "last_lap_s": _rounded(last),
        "compound": car.compound.label,
        "tyre_age": car.tyre_age,
        "stops": len(car.stops),
    }


def _rounded(seconds: float | None) -> float | None:
    """To the millisecond: feeds know no more."""
    return None if seconds is None else round(seconds, 3)
