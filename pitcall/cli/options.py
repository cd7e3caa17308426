"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from pitcall.adapters.home import home

#: Port of the page.
DEFAULT_PORT: Final = 8080


def kernel_cache() -> Path:
    """Where numba keeps compiled code: ``NUMBA_CACHE_DIR``, or a folder of the home. The next start loads it."""
    configured = os.environ.get("NUMBA_CACHE_DIR")
    return Path(configured) if configured else home() / "cache" / "numba"


def _use_home(path: Path | None) -> Path | None:
    """Make ``--home`` the home of this process and of the services that it starts."""
    if path is not None:
        os.environ["PITCALL_HOME"] = str(path.expanduser().resolve())
    os.environ["NUMBA_CACHE_DIR"] = str(kernel_cache())  # numba reads it when it is imported, later
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
