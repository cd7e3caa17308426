"""The state of a race on a terminal."""

from typing import Any, Final

from rich.table import Table
from rich.text import Text

from pitcall.domain.events import Track
from pitcall.domain.race import CarStatus, RaceState
from pitcall.domain.tyres import Compound
from pitcall.wire.view import standings_view

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


def timing_table(state: RaceState) -> Table:
    """The timing screen."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=headline(state), title_justify="left")
    for heading in ("pos", "gap", "last lap", "stops", "age"):
        table.add_column(heading, justify="right")
    for heading in ("tyre", "car", "driver", ""):
        table.add_column(heading)
    for car in standings_view(state):
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
    first = [f"{car['car']} {_gap(car)}" for car in standings_view(state)[:6] if car["status"] != CarStatus.RETIRED]
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
