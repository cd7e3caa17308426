"""Answers for a person, as rich renderables. The bodies are those of docs/reference/socket.md."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

#: Options of a decision that are shown; --json has all.
SHOWN_OPTIONS: Final = 8
#: Cars of a forecast that are shown.
SHOWN_CARS: Final = 10


def answer(body: Mapping[str, Any]) -> RenderableType:
    """The whole answer: the call, why, the figures behind it, and where they come from."""
    parts: list[RenderableType] = [Panel(Text(str(body["text"]), style="bold"), expand=False)]
    parts.append(_bullets(body.get("why") or ()))
    if decision := body.get("decision"):
        parts += [options(decision), Text(_certainty(decision), style="dim")]
    if forecast := body.get("forecast"):
        parts.append(_forecast(forecast))
    if standings := body.get("standings"):
        parts.append(_standings(standings))
    parts += [Text(line, style="dim") for line in _origin(body)]
    return Group(*parts)


def _bullets(lines: Sequence[str]) -> Table:
    """One line each; what wraps stays behind its bullet."""
    table = Table.grid(padding=(0, 1))
    for line in lines:
        table.add_row(" -", Text(line))
    return table


def call(lap: int | None, compound: str | None) -> str:
    """An option in words: ``box lap 23, hard`` or ``stay out``."""
    return "stay out" if lap is None else f"box lap {lap}, {compound}"


def options(decision: Mapping[str, Any]) -> Table:
    """The best options, best first."""
    ranked = sorted(decision["options"], key=lambda option: float(option["mean_position"]))
    shown = ranked[:SHOWN_OPTIONS]
    title = f"best {len(shown)} of {len(ranked)} options" if len(ranked) > len(shown) else None
    table = _table(("call", "mean position", "worse by", "P(win)", "P(podium)", "rejoins"), title=title, left=1)
    for option in shown:
        chances = option["p_position"]
        rejoin = option.get("rejoin_position")
        table.add_row(
            call(option["lap"], option["compound"]),
            f"{option['mean_position']:.2f}",
            f"{option['delta_positions']:.2f} ± {option['standard_error']:.2f}",
            _percent(sum(chances[:1])),
            _percent(sum(chances[:3])),
            "-" if rejoin is None else f"P{rejoin:.0f}",
        )
    return table


def _certainty(decision: Mapping[str, Any]) -> str:
    known = "best call known" if decision["resolved"] else "the best calls cannot be told apart"
    cut = ", cut by the deadline" if decision["cut"] else ""
    return f"{known}, {decision['draws']:,} races per option{cut}"


def _forecast(forecast: Mapping[str, Any]) -> Table:
    table = _table(("car", "mean position", "P(win)", "P(podium)", "P(top 10)"), title="forecast", left=1)
    for car in forecast["cars"][:SHOWN_CARS]:
        chances = car["p_position"]
        table.add_row(
            car["car"],
            f"{car['mean_position']:.2f}",
            *(_percent(sum(chances[:places])) for places in (1, 3, 10)),
        )
    return table


def _standings(cars: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(("position", "car", "driver", "gap", "tyre", "age", "stops"), title="standings", left=0)
    for car in cars:
        gap = car["gap_s"]
        table.add_row(
            str(car["position"]),
            car["car"],
            car["driver"],
            car["status"] if car["status"] == "retired" else "-" if gap is None else f"+{gap:.1f} s",
            car["compound"],
            "-" if car["tyre_age"] is None else str(car["tyre_age"]),
            str(car["stops"]),
        )
    return table


def _origin(body: Mapping[str, Any]) -> list[str]:
    """Where the figures come from, and where the time went."""
    lines = []
    if provenance := body.get("provenance"):
        lines.append(
            f"model {provenance['model']}, seed {provenance['seed']}, race {provenance['race']} "
            f"after lap {provenance['race_lap']}, feed {provenance['feed_age_s']:.0f} s old"
        )
        lines += [f"assumed: {sentence}" for sentence in provenance["assumed"]]
    if timings := body.get("timings_ms"):
        hops = ", ".join(f"{name.replace('_', ' ')} {timings[name]:.0f}" for name in timings if name != "total")
        lines.append(f"{timings['total']:.0f} ms: {hops}")
    return lines


def _percent(probability: float) -> str:
    if 0 < probability < 0.005:
        return "<1 %"
    return f"{100 * probability:.0f} %"


def _table(columns: Sequence[str], *, title: str | None, left: int) -> Table:
    """A plain table; columns from ``left`` on are right-aligned figures."""
    table = Table(title=title, title_justify="left", title_style="dim", box=None, pad_edge=True)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right", no_wrap=True)
    return table
