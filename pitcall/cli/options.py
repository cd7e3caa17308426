"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from pitcall.adapters import compiled
from pitcall.errors import InvalidRequest

#: Port of the page.
DEFAULT_PORT: Final = 8080


def _use_home(path: Path | None) -> Path | None:
    """Make ``--home`` the home of this process and of the services that it starts."""
    if path is not None:
        os.environ["PITCALL_HOME"] = str(path.expanduser().resolve())
    try:
        compiled.use()
    except InvalidRequest as exc:
        raise typer.BadParameter(exc.detail) from exc
    return path


Home = Annotated[
    Path | None,
    typer.Option(
        envvar="PITCALL_HOME",
        callback=_use_home,
        help="Folder of all that is written.",
        show_default="the platform's data folder",
    ),
]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")]
Port = Annotated[
    int, typer.Option(min=0, max=65_535, help="Port of the page; the next free one if it is busy, 0 = any.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show all that the services log, not only warnings.")]
