"""``pitcall demo``: the bundled race, a question, the answer and its chart."""

import asyncio
from typing import Annotated, Final
from urllib.parse import urlencode

import typer

from pitcall.cli.ask import question_to
from pitcall.cli.mesh import Mesh, terminated_like_interrupted
from pitcall.cli.options import DEFAULT_PORT, Home, Port, Verbose
from pitcall.cli.output import exits, progress, stdout
from pitcall.cli.present import answer
from pitcall.cli.up import ending_by_signal, tell_if_page_is_missing

#: What the demo asks. A test checks that the bundled race has this car running on its first tyres then.
RACE: Final = "demo"
CAR: Final = "SOR"
LAP: Final = 18
QUESTION: Final = "When should I pit?"


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the answer.")] = False,
    port: Port = DEFAULT_PORT,
    home: Home = None,  # noqa: ARG001 - its callback has already used it
    verbose: Verbose = False,
) -> None:
    """Start all, ask "When should I pit?" in the bundled race, and keep serving the page."""
    with exits(), terminated_like_interrupted(), Mesh(progress, port=port, announce=True, verbose=verbose) as mesh:
        mesh.wait_documents()
        stdout.print(f'"{QUESTION}" ({CAR} after lap {LAP} of the race {RACE})', markup=False)
        body = asyncio.run(question_to(mesh.url, QUESTION, {"race": RACE, "car": CAR, "lap": LAP}))
        stdout.print(answer(body))
        stdout.print(f"chart: {chart_url(mesh.url)}", markup=False, soft_wrap=True)
        tell_if_page_is_missing(mesh.url)
        if once:
            return
        with ending_by_signal():
            progress("serving; Ctrl-C stops")
            mesh.watch()


def chart_url(url: str) -> str:
    """The page, opened at the question of the demo."""
    return f"{url}/?{urlencode({'race': RACE, 'car': CAR, 'lap': LAP, 'ask': QUESTION})}"
