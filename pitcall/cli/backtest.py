"""``pitcall backtest``: forecasts of races that the fits have not seen, beside what history and statistics say."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from pitcall.cli.bars import steps
from pitcall.cli.fit import DEFAULT_MEMBERS, Tune, search
from pitcall.cli.options import Home, Json
from pitcall.cli.output import exits, print_json, stdout
from pitcall.errors import InvalidRequest, PitcallError
from pitcall.sim.messages import FORECAST_PATHS

if TYPE_CHECKING:
    from pitcall.backtest.report import Report
    from pitcall.backtest.run import Fit, Race
    from pitcall.model import Model
    from pitcall.sim.outcome import Player


class Step(StrEnum):
    """What a backtest can do without."""

    FORM = "form"
    TIERS = "tiers"


@dataclass(frozen=True, slots=True)
class Ours:
    """How our own forecasts are made."""

    model: Path | None  #: fitted before; None: fitted for each split
    members: int
    tune: int
    skip: frozenset[Step]
    paths: int

    def words(self) -> list[str]:
        """What of it was asked for on the command line, but for folders of this machine and the paths."""
        members = [] if self.members == DEFAULT_MEMBERS else ["--members", str(self.members)]
        tune = ["--tune", str(self.tune)] if self.tune else []
        return [*members, *tune, *(word for step in sorted(self.skip) for word in ("--skip", step.value))]


#: Options that take every path up to the next option.
LISTS: Final = ("--train", "--leave-one-season-out")


class PathLists(TyperCommand):
    """A command some of whose options take many paths: ``--train a b c`` is ``--train a --train b --train c``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # its class is private to typer
        """Repeat the options, then parse as usual."""
        return super().parse_args(ctx, list(spread(args)))


def spread(args: Iterable[str]) -> Iterator[str]:
    """The arguments with the name of a list option before each of its paths."""
    option, pending = "", False
    for arg in args:
        if arg.startswith("-"):
            if pending:
                yield option  # without a path: the parser says so
            name = arg.partition("=")[0]
            option = name if name in LISTS else ""
            pending = arg in LISTS
            if not pending:
                yield arg
        else:
            yield from (option, arg) if option else (arg,)
            pending = False
    if pending:
        yield option


def backtest(  # noqa: PLR0913, PLR0917 - one argument for each option of the command
    tests: Annotated[
        list[Path] | None, typer.Argument(metavar="[TEST...]", help="Lap tables whose races are forecast.")
    ] = None,
    train: Annotated[
        list[Path] | None,
        typer.Option(help="Lap tables to learn from: every path up to the next option; may be repeated."),
    ] = None,
    leave_one_season_out: Annotated[
        list[Path] | None,
        typer.Option(help="Lap tables of which each season is forecast by the others; paths as for --train."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a model that `pitcall fit` made from the --train files: nothing of ours is fitted again."
        ),
    ] = None,
    members: Annotated[
        int, typer.Option(min=0, max=50, help="Networks of the learned forecast; 0: none.")
    ] = DEFAULT_MEMBERS,
    tune: Tune = 0,
    skip: Annotated[
        list[Step] | None,
        typer.Option(
            help="Do without what earlier races say of a car (form), or without all but the finish (tiers); "
            "may be repeated.",
            show_default="nothing",
        ),
    ] = None,
    paths: Annotated[int, typer.Option(min=64, max=65_536, help="Simulated races of a forecast.")] = FORECAST_PATHS,
    write: Annotated[
        Path | None, typer.Option(help="Page in which the section of this split is written, with its plot beside it.")
    ] = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Forecast finished races at nine moments each, from what was known then, and score it beside two baselines."""
    with exits(as_json=as_json):
        groups = _groups(tests or [], train or [], leave_one_season_out or [])
        if model is not None and groups[2]:
            raise InvalidRequest("--model and --leave-one-season-out: one model has seen the season that is left out")
        if model is not None and tune:
            raise InvalidRequest("--model and --tune: that model is fitted already; give --tune to `pitcall fit`")
        ours = Ours(model, members, tune, frozenset(skip or ()), paths)
        report = _run(*groups, ours)
        if write is not None:
            _write(write, report, _command(*groups, ours, write))
        if as_json:
            from pitcall.backtest.report import as_json as plain  # noqa: PLC0415  # numba: not for a wrong command

            print_json(plain(report, by_season=bool(groups[2])))
        else:
            from pitcall.backtest.report import lines  # noqa: PLC0415  # the same

            stdout.print("\n".join((f"## {report.title}\n", *lines(report))), markup=False, soft_wrap=True)


def _groups(tests: list[Path], train: list[Path], seasons: list[Path]) -> tuple[list[Path], list[Path], list[Path]]:
    """The three lists of files, checked. Raises InvalidRequest."""
    if seasons and (tests or train):
        raise InvalidRequest("--leave-one-season-out tests and trains on its own files: give no TEST and no --train")
    if not seasons and not tests:
        raise InvalidRequest("nothing to forecast: give TEST files and --train, or --leave-one-season-out FILES")
    if tests and not train:
        raise InvalidRequest("nothing to learn from: give lap tables of other races with --train")
    for name, files in (("TEST", tests), ("--train", train), ("--leave-one-season-out", seasons)):
        where = [path.resolve() for path in files]
        twice = next((path for path in where if where.count(path) > 1), None)
        if twice is not None:
            raise InvalidRequest(f"{twice.name} is given twice in {name}; give each file once")
    both = {path.resolve() for path in tests} & {path.resolve() for path in train}
    if both:
        raise InvalidRequest(f"{min(both).name} is both in TEST and in --train: a forecast of races that were learned")
    return tests, train, seasons


def _run(tests: list[Path], train: list[Path], seasons: list[Path], ours: Ours) -> "Report":
    """Read, fit, forecast, score."""
    from pitcall.backtest import run  # noqa: PLC0415  # numba
    from pitcall.backtest.report import OURS, Report, results  # noqa: PLC0415  # the same
    from pitcall.backtest.tiers import Tiers  # noqa: PLC0415  # the same
    from pitcall.cli.bench.figures import cores  # noqa: PLC0415  # the same
    from pitcall.sim.engine import Engine  # noqa: PLC0415  # the same

    with steps() as step:
        tested, training = _read(tests or seasons, step), _read(train, step)
        run.check_apart(tested, training)
        engine, tiers = Engine(cores()), None if Step.TIERS in ours.skip else Tiers(OURS)
        fits = _fits(engine, ours, None if ours.model is None else _loaded(ours.model, tested), step)
        if seasons:
            forecasts = run.leave_one_season_out(tested, fits, step, tiers)
        else:
            forecasts = run.play_back(tested, training, fits, step, tiers)
        engine.close()
    return Report(
        _title(tested, training),
        run.marks(tested, forecasts),
        {} if tiers is None else tiers.figures(),
        results(tested, forecasts[OURS]) | ({} if tiers is None else tiers.reliability()),
    )


def _read(files: Sequence[Path], step: Callable[[str, float], None]) -> list["Race"]:
    from pitcall.adapters.laps import events_from_table, tables_from_laps  # noqa: PLC0415  # pyarrow
    from pitcall.backtest.run import prepared  # noqa: PLC0415  # numba

    tables = []
    for done, file in enumerate(files):
        step(f"reading {file.name}", done / len(files))
        tables += tables_from_laps(file)
    step("cutting the races at their moments", 0.0)
    return prepared(tables, events_from_table)


def _loaded(folder: Path, tested: Sequence["Race"]) -> "Model":
    """The model of a folder. Raises InvalidRequest: it was fitted on a season that is to be forecast, and more."""
    from pitcall.adapters.model import load, manifest  # noqa: PLC0415  # numpy

    seen = {race.table.season for race in tested} & {int(year) for year in manifest(folder).seasons}
    if seen:
        raise InvalidRequest(f"the model in {folder} was fitted on races of {min(seen)}, which is to be forecast")
    return load(folder)


def _fits(
    player: "Player", ours: Ours, model: "Model | None", step: Callable[[str, float | None], None]
) -> "dict[str, Fit]":
    """The methods, ours first. ``model``: that of ``ours``, read."""
    from pitcall.adapters.laps import events_from_table  # noqa: PLC0415  # pyarrow
    from pitcall.backtest.forecaster import Simulated  # noqa: PLC0415  # numba
    from pitcall.backtest.report import OURS  # noqa: PLC0415  # the same
    from pitcall.backtest.transition import Transition  # noqa: PLC0415  # the same
    from pitcall.form import Form  # noqa: PLC0415  # the same

    try:
        from pitcall.train.model import learn  # noqa: PLC0415  # torch
        from pitcall.train.pairwise import Pairwise, PairwiseForecaster, sheets_of  # noqa: PLC0415  # scikit-learn
    except ImportError as exc:
        raise PitcallError("fitting needs torch and scikit-learn: pip install 'pitcall[train]'") from exc

    form = Step.FORM not in ours.skip

    def fitted(training: Sequence["Race"]) -> Simulated:
        found = model or learn(
            training, player, lambda what, _: step(what, None), ours.members, search(ours.tune), form=form
        ).model  # fmt: skip
        if not form:
            found = replace(found, form=Form())
        return Simulated(player, found, log=events_from_table if form else None, paths=ours.paths)

    return {
        OURS: fitted,
        "transition": lambda training: Transition(case for race in training for case in race.cases),
        "pairwise": lambda training: PairwiseForecaster(
            Pairwise.fit(sheets_of((race.table, race.cases) for race in training))
        ),
    }


def _title(tested: Sequence["Race"], training: Sequence["Race"]) -> str:
    if not training:
        return f"Each season forecast by the others: {_seasons(tested)}"
    return f"{_seasons(tested)}, learned from {_seasons(training)}"


def _seasons(races: Sequence["Race"]) -> str:
    """``2018-2020, 2022 (70 races)``."""
    years = sorted({race.table.season for race in races})
    first = [year for year in years if year - 1 not in years]
    last = [year for year in years if year + 1 not in years]
    spans = (f"{a}" if a == b else f"{a}-{b}" for a, b in zip(first, last, strict=True))
    return f"{', '.join(spans)} ({len(races)} races)"


def _command(tests: list[Path], train: list[Path], seasons: list[Path], ours: Ours, write: Path) -> str:
    """The command without the folders of this machine."""
    lists = ((), tests), (LISTS[:1], train), (LISTS[1:], seasons)
    words = [word for names, files in lists if files for word in (*names, *(file.name for file in files))]
    return shlex.join(["pitcall", "backtest", *words, *ours.words(), "--write", write.name])


def _write(write: Path, report: "Report", command: str) -> None:
    """Bring the page up to date and draw its plot. Raises InvalidRequest: it cannot be written."""
    from pitcall.backtest.report import page, slug  # noqa: PLC0415  # numba
    from pitcall.train.plots import reliability_svg  # noqa: PLC0415  # matplotlib

    plot = write.with_name(f"{write.stem}-{slug(report.title)}.svg")
    try:
        before = write.read_text("utf-8") if write.exists() else ""
        plot.write_text(reliability_svg(report.reliability), "utf-8")
        write.write_text(page(before, report, command, plot.name), "utf-8")
    except OSError as exc:
        raise InvalidRequest(f"cannot write {write}: {exc.strerror or exc}; name another file with --write") from exc
