"""Grades of a race's calls, for a terminal and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from pitcall.cli.output import stdout
from pitcall.ledger import Call, Grade, Outcome, Skill, band

#: The band that the table shows.
_SHOWN: Final = 0.8
_WORDS: Final = {
    Outcome.FOLLOWED: "followed",
    Outcome.NOT_FOLLOWED: "not followed",
    Outcome.OUT: "car out",
    Outcome.UNKNOWN: "not known",
}


def grades_json(race: str, graded: Sequence[tuple[Call, Grade]], figures: Sequence[Skill]) -> dict[str, Any]:
    """All that was found; arrays are by ``pitcall.ledger.LEVELS``."""
    return {
        "race": race,
        "models": [asdict(each) for each in figures],
        "calls": [{**asdict(call), "compound": _tyres(call), **asdict(grade)} for call, grade in graded],
    }


def print_grades(graded: Sequence[tuple[Call, Grade]], figures: Sequence[Skill]) -> None:
    """A row for each call, then what they come to, model by model."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("lap", "car", "call", "was", "finished", "80 % band", "P"):
        table.add_column(heading, justify="right" if heading in ("lap", "finished", "P") else "left")
    for call, grade in graded:
        low, high = band(call.p_position, _SHOWN)
        finished = "" if grade.position is None else f"P{grade.position}"
        p = call.p_position[grade.position - 1] if grade.score and grade.position else None
        words = "stay out" if call.in_lap is None else f"box {call.in_lap} {_tyres(call)}"
        row = (str(call.lap), call.car, words, _WORDS[grade.outcome], finished, f"P{low} to P{high}")
        table.add_row(*map(Text, row), Text("" if p is None else f"{100 * p:.0f} %"))
    stdout.print(table)
    for figure in figures:
        stdout.print(f"\n{_summary(figure)}", markup=False, soft_wrap=True)


def _summary(figure: Skill) -> str:
    when = "live" if figure.live else "replayed"
    others = [(figure.followed, "followed"), (figure.not_followed, "not followed (no grade)")]
    others += [(figure.out, "with the car out before it could tell"), (figure.unknown, "not known (no grade)")]
    head = f"{figure.model}, {when}: {_count(figure.calls, 'call')}"
    head += "".join(f", {n} {what}" for n, what in others if n) + "."
    if figure.rps is None or figure.log_loss is None:
        return f"{head}\nNo call was followed, so there is nothing to grade."
    bands = "\n".join(
        f"{100 * b.level:.0f} % bands held {100 * b.held:.0f} % of the time ({100 * b.expected:.0f} % expected; "
        f"95 % interval {100 * b.low:.0f} to {100 * b.high:.0f} %)"
        for b in figure.bands
    )
    over = f"over {_count(figure.followed, 'followed call')} to {_count(figure.cars, 'car')}"
    return f"{head}\n{bands}\n{over}; RPS {figure.rps:.4f}, log loss {figure.log_loss:.3f}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _tyres(call: Call) -> str | None:
    return None if call.compound is None else call.compound.label
