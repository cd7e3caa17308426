"""The fingerprint of the simulation's source."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pitcall.sim.source import SOURCE, fingerprint

pytestmark = pytest.mark.unit

MAIN = """
import os, sys
from pathlib import Path
from pitcall.adapters import compiled
from pitcall.sim.source import fingerprint
if sys.argv[1] == "guarded":
    compiled.fingerprint = lambda: fingerprint(Path(__file__).parent)
    compiled.use()
from numba import njit
from rule import rule

@njit(cache=True)
def answer(x):
    return rule(x)

print(answer(1))
"""
RULE = """
from numba.extending import register_jitable

@register_jitable
def rule(x):
    return x + {added}
"""


def test_it_changes_with_any_byte_name_or_file(tmp_path):
    """An edit, a rename, a new and a lost file each give another fingerprint; the same files give the same one."""
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("y = 1\n")
    seen = [fingerprint(tmp_path)]
    assert fingerprint(tmp_path) == seen[0]
    (tmp_path / "a.py").write_text("x = 2\n")
    seen.append(fingerprint(tmp_path))
    (tmp_path / "b.py").rename(tmp_path / "c.py")
    seen.append(fingerprint(tmp_path))
    (tmp_path / "d.py").touch()
    seen.append(fingerprint(tmp_path))
    (tmp_path / "c.py").unlink()
    seen.append(fingerprint(tmp_path))
    assert len(set(seen)) == len(seen)


def test_the_kernel_is_part_of_it(tmp_path):
    """It covers the package that it lies in: what the kernel imports, not only its own file."""
    for path in SOURCE.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert fingerprint(tmp_path) == fingerprint()
    with (tmp_path / "chance.py").open("a") as chance:
        chance.write("\n")
    assert fingerprint(tmp_path) != fingerprint()


def test_an_edit_in_an_imported_module_reaches_compiled_code(tmp_path):
    """Numba alone would go on answering with the old rule; in the fingerprint's folder the new one is compiled."""

    def answer(how: str, added: int) -> int:
        (tmp_path / "rule.py").write_text(RULE.format(added=added))
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / how), "PYTHONPATH": str(Path.cwd())}
        command = [sys.executable, str(tmp_path / "main.py"), how]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return int(done.stdout)

    (tmp_path / "main.py").write_text(MAIN)
    assert [answer("bare", 1), answer("bare", 10)] == [2, 2]  # if this fails, Numba sees such edits: drop source.py
    assert [answer("guarded", 1), answer("guarded", 10)] == [2, 11]
