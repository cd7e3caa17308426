"""What a backtest found: as JSON, as text and as a section of docs/skill.md. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from pitcall.backtest.cautions import Bin, reliability
from pitcall.backtest.run import Comparison, Race, compare
from pitcall.backtest.score import Figures, Forecast, Marks, figures, mean_of_seasons
from pitcall.backtest.tiers import Figures as TierFigures

#: Names of the methods.
OURS: Final = "pitcall"
BASELINES: Final = ("transition", "pairwise")
#: Finishing at least here, and what it is called.
RESULTS: Final = ((1, "win"), (3, "podium"), (10, "points"))
#: Decimals of the figures.
_DECIMALS: Final = {"rps": 5, "rps_finishers": 5, "mae_rank": 3, "log_loss": 3}


@dataclass(frozen=True, slots=True)
class Report:
    """One backtest."""

    title: str  #: which races, by what they were forecast
    marks: dict[str, Marks]  #: by method; OURS and the baselines
    tiers: dict[str, TierFigures]
    reliability: dict[str, list[Bin]]  #: of what was said with a probability

    def board(self) -> dict[str, Figures]:
        """Scores by method, mean of seasons."""
        return {name: mean_of_seasons(found) for name, found in self.marks.items()}

    def against(self) -> dict[str, Comparison]:
        """Ours less each baseline."""
        return {name: compare(self.marks[OURS], found) for name, found in self.marks.items() if name != OURS}


def results(races: Sequence[Race], forecasts: Sequence[Forecast]) -> dict[str, list[Bin]]:
    """Reliability of P(win), P(podium) and P(points) of the scored cars."""
    cases = [case for race in races for case in race.cases]
    said: dict[str, tuple[list[float], list[bool]]] = {name: ([], []) for _, name in RESULTS}
    for case, forecast in zip(cases, forecasts, strict=True):
        for car in case.scored:
            for place, name in RESULTS:
                said[name][0].append(float(forecast[car.car][:place].sum()))
                said[name][1].append(car.final <= place)
    return {name: reliability(p, happened) for name, (p, happened) in said.items()}


def as_json(report: Report, *, by_season: bool) -> dict[str, Any]:
    """Our scores, the baselines' beside them, the differences, the tiers; ``by_season``: seasons, then their mean."""
    whole = _scores(report.marks, report.board())
    whole |= {"difference": {name: asdict(found) for name, found in report.against().items()}}
    if by_season:
        marks = report.marks
        seasons = {
            int(season): _scores(cut, {name: figures(found) for name, found in cut.items()})
            for season in np.unique(marks[OURS].season)
            for cut in [{name: found.of(found.season == season) for name, found in marks.items()}]
        }
        return {"seasons": seasons, "mean_of_seasons": whole, "tiers": _plain(report.tiers)}
    return whole | {"tiers": _plain(report.tiers)}


def _scores(marks: Mapping[str, Marks], board: Mapping[str, Figures]) -> dict[str, Any]:
    shown = {name: _rounded(found) for name, found in board.items()}
    return shown[OURS] | {name: shown[name] for name in marks if name != OURS}


def _rounded(found: Figures) -> dict[str, Any]:
    plain = asdict(found)
    by = {f: round(value, 4) for f, value in found.rps_by_fraction.items()}
    return plain | {name: round(plain[name], digits) for name, digits in _DECIMALS.items()} | {"rps_by_fraction": by}


def _plain(tiers: Mapping[str, TierFigures]) -> dict[str, Any]:
    return {
        tier: {group: {name: round(value, 4) for name, value in found.items()} for group, found in groups.items()}
        for tier, groups in tiers.items()
    }


def lines(report: Report) -> Iterator[str]:
    """The report as Markdown: one table of scores, one of differences, one by share of the race, one per tier."""
    board, against = report.board(), report.against()
    yield from _table(
        ("", "RPS", "RPS of finishers", "places off", "log loss"),
        [
            (name, f"{f.rps:.4f}", f"{f.rps_finishers:.4f}", f"{f.mae_rank:.2f}", f"{f.log_loss:.3f}")
            for name, f in board.items()
        ],
    )
    yield from _table(
        ("pitcall less …", "RPS", "RPS of finishers", "log loss"),
        [
            (name, *(f"{d.mean:+.4f} ({d.low:+.4f} to {d.high:+.4f})" for d in (c.rps, c.rps_finishers, c.log_loss)))
            for name, c in against.items()
        ],
    )
    fractions = list(board[OURS].rps_by_fraction)
    rows = [
        (f"{float(f):.0%}", *(f"{found.rps_by_fraction[f]:.4f}" for found in board.values()), _interval(against, f))
        for f in fractions
    ]
    yield from _table(("of the race", *board, "pitcall less pairwise"), rows)
    for tier, groups in report.tiers.items():
        yield from _tier(tier, groups)


def _interval(against: Mapping[str, Comparison], fraction: str) -> str:
    if "pairwise" not in against:
        return ""
    found = against["pairwise"].rps_by_fraction[fraction]
    return f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def _tier(tier: str, groups: TierFigures) -> Iterator[str]:
    columns = list(dict.fromkeys(name for found in groups.values() for name in found))
    rows = [
        (group.replace("_", " "), *(_number(found[name]) if name in found else "" for name in columns))
        for group, found in groups.items()
    ]
    yield from _table((tier.replace("_", " "), *(name.replace("_", " ") for name in columns)), rows)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) and abs(value) >= 2 else f"{value:.3f}"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heading) + " |"
    yield "|" + "---|" * len(heading)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def slug(title: str) -> str:
    """A title as part of a file name, without what is in brackets."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\(.*?\)", "", title.lower())).strip("-")


def page(before: str, report: Report, command: str, plot: str) -> str:
    """docs/skill.md with the section of this report new or replaced; all else stays. ``plot``: a file beside it."""
    head, *sections = re.split(r"^(?=## )", before or "# How good are the forecasts?\n\n", flags=re.MULTILINE)
    mine = f"## {report.title}\n`{command}`\n\n" + "\n".join(lines(report)) + f"\n![reliability]({plot})\n\n"
    names = [section.partition("\n")[0] for section in sections]
    heading = f"## {report.title}"
    if heading in names:
        sections[names.index(heading)] = mine
    else:
        sections.append(mine)
    return head + "".join(sections).rstrip() + "\n"
