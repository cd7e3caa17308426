"""``pitcall fit``: from lap tables to a model."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pitcall import __version__
from pitcall.cli.bars import steps
from pitcall.cli.options import Home, Json
from pitcall.cli.output import exits, print_json, stdout
from pitcall.errors import InvalidRequest, PitcallError

if TYPE_CHECKING:
    from pitcall.adapters.model import Manifest
    from pitcall.backtest.run import Race
    from pitcall.train.model import Learned, Search

#: Networks of the learned forecast.
DEFAULT_MEMBERS: Final = 5

#: Evaluations of the smallest search: a generation for each fold (``pitcall.tune.search``; a test compares).
LEAST_TUNE: Final = 24


def _enough(evaluations: int) -> int:
    if 0 < evaluations < LEAST_TUNE:
        raise typer.BadParameter(f"0 for no search, or {LEAST_TUNE} or more")
    return evaluations


Tune = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, callback=_enough, help="Evaluations of a search on the score of forecasts; 0: no search."
    ),
]

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Lap tables: parquet, one row per car and lap, FastF1 column names."),
]


def fit(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for the model; an older one in it is replaced.")],
    season: Annotated[
        list[int] | None, typer.Option(help="Fit on this season only; may be repeated.", show_default="all")
    ] = None,
    members: Annotated[
        int, typer.Option(min=0, max=50, help="Networks of the learned forecast; 0: none, in a fifth of the time.")
    ] = DEFAULT_MEMBERS,
    tune: Tune = 0,
    tune_log: Annotated[
        Path | None, typer.Option(help="File of the evaluations so far: a search that was stopped goes on from it.")
    ] = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Fit a model to races that were driven: tyres, passing, pit lanes, hazards, stops, form, learned forecast."""
    with exits(as_json=as_json):
        if tune_log is not None and not tune:
            raise InvalidRequest("--tune-log is the log of a search; say with --tune how long that may be")
        from pitcall.adapters.model import named, save  # noqa: PLC0415  # numpy: the other commands do without

        with steps() as step:
            step("reading races", None)
            learned = _learn(_races(files, season), members, tune, tune_log, step)
        model = named(learned.model)
        told = _manifest(learned, model.version, _command(files, season, members, tune))
        save(out, model, told)
        found = learned.tuning
        if as_json:
            searched = None if found is None else {"gain": found.gain, "error": found.error}
            print_json({**asdict(told), "out": str(out), "search": searched})
            return
        seasons = ", ".join(f"{year} ({count})" for year, count in told.seasons.items())
        stdout.print(f"{model.version} in {out}, from the races of {seasons}", markup=False, soft_wrap=True)
        for what, count in told.counts.items():
            stdout.print(f"{count:>9,} {what}", markup=False)
        if found is not None:
            kept = "kept" if found.gain < 0 else "not kept"
            stdout.print(
                f"the search changes the RPS of races that it had not seen by {found.gain:+.5f} "
                f"(standard error {found.error:.5f}) and is {kept}",
                markup=False,
                soft_wrap=True,
            )


def _races(files: Sequence[Path], seasons: Sequence[int] | None) -> "list[Race]":
    """Every race of the files, or of the seasons that were named."""
    from pitcall.adapters.laps import events_from_table, tables_from_laps  # noqa: PLC0415  # pyarrow
    from pitcall.backtest.run import prepared  # noqa: PLC0415  # numpy

    tables = [table for file in files for table in tables_from_laps(file)]
    chosen = [table for table in tables if not seasons or table.season in seasons]
    if not chosen:
        there = ", ".join(map(str, sorted({table.season for table in tables}))) or "none"
        raise InvalidRequest(f"no race of the seasons {', '.join(map(str, seasons or ()))}; there are {there}")
    return prepared(chosen, events_from_table)


def search(evaluations: int, log: Path | None = None) -> "Search | None":
    """The search that ``--tune`` asks for; None for none. Its log raises InvalidRequest: a file of another search."""
    from pitcall.train.model import Search  # noqa: PLC0415  # torch, scipy

    if not evaluations:
        return None
    if log is None:
        return Search(evaluations)
    from pitcall.adapters.evaluations import EvaluationLog  # noqa: PLC0415  # numpy

    return Search(evaluations, lambda objective: EvaluationLog(log, objective.fingerprint()))


def _learn(
    races: "list[Race]", members: int, tune: int, log: Path | None, progress: Callable[[str, float], None]
) -> "Learned":
    try:
        from pitcall.cli.bench.figures import cores  # noqa: PLC0415  # numba
        from pitcall.sim.engine import Engine  # noqa: PLC0415  # numba
        from pitcall.train.model import learn  # noqa: PLC0415  # torch, scipy
    except ImportError as exc:
        raise PitcallError("fitting needs torch and scipy: pip install 'pitcall[train]'") from exc
    engine = Engine(cores())
    try:
        return learn(races, engine, progress, members, search(tune, log))
    except ValueError as exc:
        raise InvalidRequest(f"these races teach too little: {exc}; give more of them") from exc
    finally:
        engine.close()


def _manifest(learned: "Learned", version: str, command: str) -> "Manifest":
    from pitcall.adapters.model import Manifest  # noqa: PLC0415  # numpy
    from pitcall.parameters import FORMAT  # noqa: PLC0415

    found = learned.found
    counts = {
        "laps": sum(len(race.car) for race in found.races),
        "laps in clean air": sum(int(rows.sum()) for rows in found.pace.used),
        "laps of stints with a line": found.noise.laps,
        "attacks": found.passing.attacks,
        "passes": found.passing.passes,
        "sets of tyres worn out": found.lives.ended,
        "sets of tyres changed early": found.lives.censored,
        "green stops": sum(found.lane.stops.values()),
        "stops behind a safety car or VSC": found.lane.slow_stops,
        "times in the pit lane": found.standing.stops,
        "starts": found.failures.starts,
        "retirements": found.failures.retired,
        "laps on a wet track": found.wet.wet_laps,
        "stops of the stop policy": learned.stops,
        "states of the learned forecast": learned.states,
    }
    if learned.tuning:
        counts["evaluations of the search on the score"] = learned.tuning.evaluations
    seasons = Counter(str(race.season) for race in found.races)
    return Manifest(version, FORMAT, dict(sorted(seasons.items())), counts, command, __version__, {})


def _command(files: Sequence[Path], seasons: Sequence[int] | None, members: int, tune: int) -> str:
    """The command without the folders of this machine."""
    chosen = [word for season in seasons or () for word in ("--season", str(season))]
    more = [] if members == DEFAULT_MEMBERS else ["--members", str(members)]
    more += ["--tune", str(tune)] if tune else []
    return shlex.join(["pitcall", "fit", *(file.name for file in files), *chosen, *more, "--out", "DIR"])
