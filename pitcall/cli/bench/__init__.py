"""``pitcall bench``: what the machine at hand makes of it. docs/bench.md has the method and our figures."""

import typer

from pitcall.cli.bench import answer, decide, kernel, retrieval, serving, start

bench = typer.Typer(no_args_is_help=True, help="Measure this machine.")
for command in (answer.answer, kernel.kernel, decide.decide, start.start, retrieval.retrieval, serving.serving):
    bench.command()(command)
