"""The tutorial's commands and code do what the tutorial says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()

#: ``text`` blocks need a file that the reader has; ``make demo`` has tests of its own.
COMMANDS = [
    line.removeprefix(".venv/bin/pitcall ")
    for block in re.findall(r"```sh\n(.*?)```", TUTORIAL, re.DOTALL)
    for line in block.splitlines()
    if line.startswith(".venv/bin/pitcall ")
]


def test_every_command_works_in_its_order(mesh, pitcall):
    """As typed by a reader in a second terminal while the services run."""
    assert len(COMMANDS) > 8
    for command in COMMANDS:
        done = pitcall(*shlex.split(command))
        assert (command, done.returncode, done.stderr) == (command, 0, done.stderr)
        assert done.stdout


def test_the_python_example_prints_an_answer(mesh):
    """Run as a file of its own, against the address that the services have here."""
    (code,) = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)
    code = code.replace("http://127.0.0.1:8080", mesh.url)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[-2].startswith("final ")
    assert len(lines[-1]) > 10
