"""The ``pitcall`` command. Modules that need numba, pyarrow or grpc are imported where they are used."""

import sys
from typing import Annotated

import typer

from pitcall import __version__
from pitcall.cli import knowledge, model, race, storage, train
from pitcall.cli.ask import ask
from pitcall.cli.backtest import PathLists, backtest
from pitcall.cli.bench import bench
from pitcall.cli.demo import demo
from pitcall.cli.doctor import doctor
from pitcall.cli.fit import fit
from pitcall.cli.output import interrupts_again
from pitcall.cli.up import up

app = typer.Typer(
    name="pitcall",
    help="When should I pit? Asks thousands of simulated races. Results go to stdout, progress and errors to stderr.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they may hold a key
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pitcall {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for command in (up, demo, ask, doctor, fit):
    app.command()(command)
app.command(cls=PathLists)(backtest)
app.add_typer(race.app, name="race")
app.add_typer(model.app, name="model")
app.add_typer(storage.app, name="storage")
app.add_typer(train.app, name="train")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(bench, name="bench")


def main() -> None:
    """Entry point of the command."""
    sys.unraisablehook = interrupts_again
    app()


if __name__ == "__main__":
    main()
