"""How the command starts and ends, in processes of its own."""

import subprocess
import sys

import pytest

from pitcall import __version__

pytestmark = pytest.mark.e2e

#: What only some commands need; each costs more than all of the command line itself.
HEAVY = {"numpy", "numba", "pyarrow", "grpc", "torch", "pydantic", "fastapi", "opentelemetry", "scipy"}


def test_the_version_is_printed_without_loading_anything_heavy():
    """Completion and --version answer at once, whatever is installed."""
    code = "import sys, pitcall.cli.__main__ as m; m.app(['--version'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    version, modules = done.stdout.splitlines()
    assert version == f"pitcall {__version__}"
    assert HEAVY & {module.partition(".")[0] for module in modules.split()} == set()


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("--help",), 0), (("nonsense",), 2), (("ask", "--help"), 0)])
def test_help_and_usage_errors_have_their_codes(pitcall, arguments, code):
    """A typing mistake is a usage error, help is not."""
    done = pitcall(*arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_available(pitcall, shell):
    """Printed for the shell named; the variable keeps typer from looking for the shell that runs it."""
    done = pitcall("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert (done.returncode, "pitcall" in done.stdout.lower()) == (0, True)


def test_there_are_no_colours_in_a_pipe(pitcall):
    """Output that is not a terminal has no escape sequences."""
    done = pitcall("doctor")
    assert "\x1b" not in done.stdout + done.stderr
