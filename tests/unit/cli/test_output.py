"""How a command ends."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

#: A command that ends by Ctrl-C alone, and frees an object before.
COMMAND = """
import signal, sys, time, typer
from pitcall.cli import __main__ as cli
from pitcall.cli.output import exits

class Freed:
    def __del__(self):
        {freed}

def work():
    with exits():
        Freed()
        while {waits}:
            time.sleep(0.001)

cli.app = lambda: typer.run(work)
sys.argv = ["pitcall"]
cli.main()
"""


def run(freed, *, waits):
    code = COMMAND.format(freed=freed, waits=waits)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_ctrl_c_is_not_lost_while_an_object_is_freed():
    """Exit code 130 and no traceback."""
    done = run("signal.raise_signal(signal.SIGINT)", waits=True)
    assert (done.returncode, done.stderr) == (130, "")


def test_other_errors_there_are_told_as_ever():
    """In Python's own words, and the command goes on."""
    done = run("raise OSError('torn')", waits=False)
    assert done.returncode == 0
    assert "OSError: torn" in done.stderr
