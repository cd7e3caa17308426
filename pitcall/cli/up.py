"""``pitcall up``: the three services, until Ctrl-C."""

import contextlib
from collections.abc import Iterator

import httpx

from pitcall.cli.mesh import Mesh, terminated_like_interrupted
from pitcall.cli.options import DEFAULT_PORT, Home, Host, Port, Verbose
from pitcall.cli.output import exits, progress, stdout


def up(
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    home: Home = None,  # noqa: ARG001 - its callback has already used it
    verbose: Verbose = False,
) -> None:
    """Run orchestrator, model server and sim worker as three processes until Ctrl-C.

    Prints the address of the page on stdout when questions can be asked. The full logs are in the home folder, logs/.
    """
    with (
        exits(),
        terminated_like_interrupted(),
        Mesh(progress, host=host, port=port, announce=True, verbose=verbose) as mesh,
    ):
        tell_if_page_is_missing(mesh.url)
        with ending_by_signal():
            stdout.print(mesh.url, markup=False)
            progress("serving; Ctrl-C stops")
            mesh.watch()


@contextlib.contextmanager
def ending_by_signal() -> Iterator[None]:
    """Ctrl-C and SIGTERM are the way to end the block, not a failure."""
    with contextlib.suppress(KeyboardInterrupt):
        yield
    progress("stopping")


def tell_if_page_is_missing(url: str) -> None:
    """Say on stderr that the page is not built, and what to do."""
    page = httpx.get(url, timeout=5.0, trust_env=False)
    if page.status_code != httpx.codes.OK:
        progress(
            "the page is not built, so there is only the terminal: make web builds it (Node 20.19 or newer), "
            "or ask with: pitcall ask"
        )
