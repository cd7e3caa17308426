"""The state of a race for a person or as JSON; the fields of docs/reference/socket.md."""

from typing import Any, Final

from rich.table import Table
from rich.text import Text

from pitcall.domain.events import Track
from pitcall.domain.race import CarState, CarStatus, RaceState
from pitcall.domain.tyres import Compound

_TYRES: Final = {
    Compound.SOFT.label: "red",
    Compound.MEDIUM.label: "yellow",
    Compound.HARD.label: "white",
    Compound.INTERMEDIATE.label: "green",
    Compound.WET.label: "blue",
    Compound.UNKNOWN.label: "dim",
}
_FLAGS: Final = {
    Track.GREEN: ("green", "black on green"),
    Track.YELLOW: ("yellow", "black on yellow"),
    Track.VSC: ("virtual safety car", "black on yellow"),
    Track.SAFETY_CAR: ("safety car", "black on yellow"),
    Track.RED: ("red flag", "white on red"),
}


def race_json(state: RaceState) -> dict[str, Any]:
    """The whole state. What is not known is null."""
    return {
        "id": state.race,
        "name": state.name,
        "series": state.series,
        "total_laps": state.total_laps,
        "lap": state.laps_done,
        "t_s": state.t,
        "track": state.track.value,
        "finished": state.finished,
        "wet": state.wet,
        "messages": [{"t_s": t, "text": text} for t, text in state.messages],
        "cars": cars_json(state),
    }


def cars_json(state: RaceState) -> list[dict[str, Any]]:
    """One entry per car, in running order. Gaps are seconds at the last line that both cars crossed."""
    order = state.order()
    return [_car(position, order) for position in range(1, len(order) + 1)]


def _car(position: int, order: list[CarState]) -> dict[str, Any]:
    car, leader = order[position - 1], order[0]
    return {
        "car": car.car,
        "number": car.number,
        "driver": car.driver,
        "team": car.team,
        "position": position,
        "status": car.status.value,
        "lap": car.laps_done,
        "gap_s": _behind(car, leader),
        "interval_s": _behind(car, order[position - 2]) if position > 1 else None,
        "laps_down": _laps_down(car, leader),
        "last_lap_s": car.laps[-1].lap_time_s if car.laps else None,
        "compound": car.compound.label,
        "tyre_age": car.tyre_age,
        "stops": len(car.stops),
    }


def timing_table(state: RaceState) -> Table:
    """The timing screen."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=headline(state), title_justify="left")
    for heading in ("pos", "gap", "last lap", "stops", "age"):
        table.add_column(heading, justify="right")
    for heading in ("tyre", "car", "driver", ""):
        table.add_column(heading)
    for car in cars_json(state):
        out, status, last = car["status"] == CarStatus.RETIRED, car["status"], car["last_lap_s"]
        table.add_row(
            str(car["position"]),
            "" if out else _gap(car),
            "" if out or last is None else clock(last, digits=3),
            str(car["stops"]),
            "" if car["tyre_age"] is None else str(car["tyre_age"]),
            Text(car["compound"], style=_TYRES[car["compound"]]),
            Text(car["car"], style="bold"),
            Text(car["driver"]),
            "" if status == CarStatus.RUNNING else status.replace("_", " "),
            style="dim" if out else "",
        )
    return table


def headline(state: RaceState) -> Text:
    """``Hungarian Grand Prix 2019   lap 20/70   0:28:31   green``."""
    name, style = ("chequered flag", "black on white") if state.finished else _FLAGS[state.track]
    clock_text = clock(state.t, digits=0)
    return Text.assemble(
        (state.name, "bold"), f"   lap {state.laps_done}/{state.total_laps}   {clock_text}   ", (f" {name} ", style)
    )


def lap_line(state: RaceState) -> str:
    """One line for a lap: lap, time, flag, the first cars and their gaps."""
    flag = "chequered flag" if state.finished else _FLAGS[state.track][0]
    first = [f"{car['car']} {_gap(car)}" for car in cars_json(state)[:6] if car["status"] != CarStatus.RETIRED]
    clock_text = clock(state.t, digits=0)
    return f"lap {state.laps_done:>2}/{state.total_laps}  {clock_text}  {flag:<18}  {'  '.join(first)}"


def clock(seconds: float, digits: int) -> str:
    """``1:23.456`` or, without digits, ``0:28:31``."""
    rest = round(seconds, digits)
    if digits:
        return f"{int(rest // 60)}:{rest % 60:06.3f}"
    return f"{int(rest // 3600)}:{int(rest // 60) % 60:02d}:{int(rest) % 60:02d}"


def _gap(car: dict[str, Any]) -> str:
    if car["position"] == 1:
        return "leader"
    laps: int = car["laps_down"]
    if laps > 0:
        return f"+{laps} lap" + "s" * (laps > 1)
    return "-" if car["gap_s"] is None else f"+{car['gap_s']:.3f}"


def _behind(car: CarState, other: CarState) -> float | None:
    """Seconds behind another car at this car's last line; None before the first or where the other never was."""
    at_line = next((record.time_s for record in reversed(other.laps) if record.lap == car.laps_done), None)
    return None if at_line is None else max(0.0, round(car.time_s - at_line, 3))


def _laps_down(car: CarState, leader: CarState) -> int:
    """Laps that the leader was ahead when the car last crossed the line."""
    led = next((record.lap for record in reversed(leader.laps) if record.time_s <= car.time_s), 0)
    return max(0, led - car.laps_done) if car.laps else 0
