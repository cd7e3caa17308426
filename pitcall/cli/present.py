"""Answers for a person, as rich renderables. The bodies are those of docs/reference/socket.md."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pitcall.cli import goals
from pitcall.wire.view import rejoin_words

#: Options of a decision that are shown; --json has all.
SHOWN_OPTIONS: Final = 8
#: Calls that are named as equal to the best.
SHOWN_TIED: Final = 3
#: Cars of a forecast that are shown.
SHOWN_CARS: Final = 10


def answer(body: Mapping[str, Any]) -> RenderableType:
    """The whole answer: the call, why, the figures behind it, and where they come from."""
    parts: list[RenderableType] = [Panel(Text(str(body["text"]), style="bold"), expand=False)]
    parts.append(_bullets(body.get("why") or ()))
    parts += _sources(body)
    if decision := body.get("decision"):
        parts.append(options(decision))
        sure = _certainty(decision, body.get("comparison"))
        parts += [Text(line, style="dim") for line in (sure, _best(decision)) if line]
        if decision["contingencies"] or decision["break_evens"]:
            parts.append(_if_then(decision))
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


def _sources(body: Mapping[str, Any]) -> list[RenderableType]:
    """What the answer cites, or why it cites nothing. Of a passage all is shown where it is the answer itself."""
    if missing := body.get("ungrounded"):
        return [Text(f"without a source: {missing}", style="dim")]
    table = Table.grid(padding=(0, 1))
    for source in body.get("sources") or ():
        place = " > ".join(part for part in (source["title"], source["heading"]) if part)
        about = ", ".join(part for part in (source["kind"], source["location"], source["link"]) if part)
        table.add_row(f"[{source['number']}]".rjust(4), Text(place).append(f"  {about}", style="dim"))
        if body.get("tool") == "search":
            table.add_row("", Text(source["text"]))
    return [table] if table.row_count else []


def options(decision: Mapping[str, Any]) -> Table:
    """The best options, best first, in the unit of the goal."""
    utility = decision["utility"]
    ranked = sorted(decision["options"], key=lambda option: float(option["delta"]))
    shown = ranked[:SHOWN_OPTIONS]
    title = f"best {len(shown)} of {len(ranked)} options" if len(ranked) > len(shown) else None
    usual = utility["goal"] == "position"
    columns = ("P(win)", "P(podium)") if usual else (goals.column(utility),)
    table = _table(("call", "worse by", "mean position", *columns, "rejoins"), title=title, left=1)
    for option in shown:
        chances = (_percent(sum(option["p_position"][:places])) for places in (1, 3))
        rejoin = option["rejoin_position"]
        table.add_row(
            goals.call(option["lap"], option["compound"]),
            goals.loss(option, utility),
            f"{option['mean_position']:.2f}",
            *(chances if usual else (goals.value(option, utility),)),
            "-" if rejoin is None else f"P{rejoin:.0f}",
        )
    return table


def _best(decision: Mapping[str, Any]) -> str:
    """Where the best call comes out and between whom, and what the same stop costs one lap later."""
    best, parts = decision["options"][decision["best"]], []
    if best["rejoin_position"] is not None:
        sides = ("rejoin_ahead", "rejoin_gap_ahead_s", "rejoin_behind", "rejoin_gap_behind_s")
        parts.append(f"comes out P{best['rejoin_position']:.1f}{rejoin_words(*(best[name] for name in sides))}")
    if best["wait_cost"] is not None:
        cost = goals.difference(best["wait_cost"], best["wait_cost_error"], decision["utility"])
        parts.append(f"one lap later costs {cost}")
    return "; ".join(parts)


def _certainty(decision: Mapping[str, Any], comparison: Mapping[str, Any] | None) -> str:
    cut = ", cut by the deadline" if decision["cut"] else ""
    if comparison is not None:
        known = "can" if comparison["told_apart"] else "cannot"
        return f"the two {known} be told apart, {decision['draws']:,} races per option{cut}"
    tied = sorted((decision["options"][row] for row in decision["tied"]), key=lambda option: float(option["delta"]))
    names = "; ".join(goals.call(option["lap"], option["compound"]) for option in tied[:SHOWN_TIED])
    more = f" and {len(tied) - SHOWN_TIED} more" if len(tied) > SHOWN_TIED else ""
    known = "best call known" if decision["resolved"] else "the best calls cannot be told apart"
    equal = f"; cannot be told apart from it: {names}{more}" if tied else ""
    return f"{known}, {decision['draws']:,} races per option{cut}{equal}"


def _if_then(decision: Mapping[str, Any]) -> Table:
    """What would change the call."""
    table = _table(("if", "then", ""), title="what would change the call", left=3, wraps=(0, 2))
    for row in goals.if_then(decision):
        table.add_row(*row)
    return table


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


def _table(columns: Sequence[str], *, title: str | None, left: int, wraps: Sequence[int] = ()) -> Table:
    """A plain table; columns from ``left`` on are right-aligned figures, those in ``wraps`` may take a second line."""
    table = Table(title=title, title_justify="left", title_style="dim", box=None, pad_edge=True)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right", no_wrap=index not in wraps)
    return table
