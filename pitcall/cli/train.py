"""``pitcall train``: models learned from lap tables."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pitcall.cli.options import Json
from pitcall.cli.output import exits, print_json, progress, stderr, stdout
from pitcall.errors import InvalidRequest, PitcallError

if TYPE_CHECKING:
    from pitcall.backtest.stop_cases import StopCases
    from pitcall.model import Model

app = typer.Typer(help="Learn models from lap tables.", no_args_is_help=True)

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Lap tables: parquet, one row per car and lap, FastF1 column names."),
]


@app.callback()
def _root() -> None:
    """One model a command."""


@app.command()
def policy(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for policy.safetensors and policy.md, its model card.")],
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of the fit with which the races are read.", show_default="the one that ships"),
    ] = None,
    priors: Annotated[bool, typer.Option("--priors", help="Read the races with the hand-set priors instead.")] = False,
    as_json: Json = False,
) -> None:
    """Learn when the other cars stop, and on what they leave; score it leaving one season out."""
    with exits(as_json=as_json):
        from pitcall.adapters.policy import save  # noqa: PLC0415  # numpy: the other commands do without
        from pitcall.policy import StopPolicy  # noqa: PLC0415  # as above

        reading = _reading(model, priors=priors)
        cases, left_out = _cases(files, reading)
        try:
            from pitcall.train.policy import fit  # noqa: PLC0415  # torch
            from pitcall.train.policy_card import card  # noqa: PLC0415  # as above
        except ImportError as exc:
            raise PitcallError("training needs torch: pip install 'pitcall[train]'") from exc
        progress(f"{len(cases):,} car-laps, {int(cases.stopped.sum()):,} stops: learning, and scoring season by season")
        options = ["--priors"] if priors else ["--model", "DIR"] if model else []
        command = shlex.join(["pitcall", "train", "policy", *(file.name for file in files), *options, "--out", "DIR"])
        try:
            learned: StopPolicy = save(out, fit(cases))
            told = card(learned, cases, left_out, command, reading.version)
        except ValueError as exc:
            raise InvalidRequest(f"{exc}; give lap tables of two seasons or more") from exc
        (out / "policy.md").write_text(told, "utf-8")
        if as_json:
            stops = int(cases.stopped.sum())
            print_json({"version": learned.version, "out": str(out), "cases": len(cases), "stops": stops})
            return
        stdout.print(f"{learned.version} and its card in {out}", markup=False, soft_wrap=True)


def _reading(folder: Path | None, *, priors: bool) -> "Model":
    """Parameters alone: the policy that they came with is no part of what is learned."""
    from pitcall.adapters.model import load, shipped  # noqa: PLC0415  # numpy
    from pitcall.model import HAND_SET, Model  # noqa: PLC0415  # numpy

    if priors and folder:
        raise InvalidRequest("--model and --priors exclude each other")
    return HAND_SET if priors else Model((load(folder) if folder else shipped()).parameters)


def _cases(files: Sequence[Path], reading: "Model") -> "tuple[StopCases, Counter[str]]":
    """What the policy is learned from, as the shipped path reads the races; how many stops were left out, by reason."""
    from pitcall.adapters.laps import events_from_table, tables_from_laps  # noqa: PLC0415  # pyarrow
    from pitcall.backtest.run import in_order  # noqa: PLC0415  # numba
    from pitcall.backtest.stop_cases import joined, stop_cases  # noqa: PLC0415  # numba
    from pitcall.forecast import read  # noqa: PLC0415  # numpy

    tables = in_order(table for file in files for table in tables_from_laps(file))
    if not tables:
        raise InvalidRequest("no race in these files")
    left_out: Counter[str] = Counter()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=stderr,
        transient=True,
    ) as bar:  # fmt: skip
        parts = [
            stop_cases(events_from_table(table), lambda state: read(state, model=reading).race, left_out)
            for table in bar.track(tables, description="reading races")
        ]
    return joined(parts), left_out
