"""What every command prints and how it ends: results on stdout, progress and errors on stderr.

=====  ==========================================================================
code   meaning
=====  ==========================================================================
0      done
1      it failed for a reason that no other code names
2      the request is wrong: fix the command and try again
3      unavailable or out of time: the same command may work later
4      not allowed: key missing or wrong
5      no such race, car or lap
130    interrupted by Ctrl-C
=====  ==========================================================================
"""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NoReturn

import typer
from rich.console import Console

from pitcall.errors import Cancelled, InvalidRequest, NotFound, PitcallError, error_body

if TYPE_CHECKING:
    from sys import UnraisableHookArgs  # of the type checker only

#: Before a Ctrl-C that was lost is sent again, s: what runs then has ended.
_MOMENT_S: Final = 0.01

#: Results. A Console looks up ``sys.stdout`` when it prints, so a redirect is honoured.
stdout = Console(highlight=False)
#: Progress, hints and errors.
stderr = Console(stderr=True, highlight=False)


class ExitCode(IntEnum):
    """The documented ends of a command."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    UNAVAILABLE = 3
    AUTH = 4
    NOT_FOUND = 5
    INTERRUPTED = 130


def exit_code(error: PitcallError) -> ExitCode:
    """The code with which a command ends for an error."""
    if isinstance(error, Cancelled):
        return ExitCode.INTERRUPTED
    if error.http in (401, 403):
        return ExitCode.AUTH
    if isinstance(error, NotFound):
        return ExitCode.NOT_FOUND
    if isinstance(error, InvalidRequest):
        return ExitCode.USAGE
    return ExitCode.UNAVAILABLE if error.retryable else ExitCode.FAILURE


def print_json(value: object) -> None:
    """Print one JSON value on one line of stdout, flushed: a reader of a stream gets each line at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def progress(text: str) -> None:
    """Tell the person what is happening, on stderr. ``text`` is plain: brackets in it are not markup."""
    stderr.print(text, markup=False, soft_wrap=True)


def fail(error: PitcallError, *, as_json: bool = False, trace_id: str = "") -> NoReturn:
    """Print the error on stderr and end with its code. ``as_json`` prints the one error shape instead of a sentence.

    Raises:
        typer.Exit: always.
    """
    if as_json:
        sys.stderr.write(json.dumps(error_body(error, trace_id), ensure_ascii=False) + "\n")
    else:
        progress(f"error: {error.detail}")
    raise typer.Exit(int(exit_code(error))) from error


@contextmanager
def exits(*, as_json: bool = False) -> Iterator[None]:
    """Run the body of a command; a PitcallError or Ctrl-C in it ends the command with the documented code.

    Raises:
        typer.Exit: the body failed or was interrupted.
    """
    try:
        yield
    except PitcallError as error:
        fail(error, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(int(ExitCode.INTERRUPTED)) from None


def interrupts_again(lost: "UnraisableHookArgs") -> None:
    """For ``sys.unraisablehook``: a Ctrl-C that comes while Python frees an object is sent once more.

    Python can only report it there, with a traceback, and the command would go on.
    """
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    again = threading.Timer(_MOMENT_S, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    again.daemon = True
    again.start()
