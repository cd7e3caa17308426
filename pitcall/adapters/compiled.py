"""Where Numba keeps compiled code and for which CPU it compiles: to be settled before numba is imported.

``NUMBA_CACHE_DIR`` names a folder with one sub folder for each pair of source and CPU. The source is in
the name because Numba does not see edits in imported modules (``pitcall.sim.source``); the CPU because
two processes that compile for different CPUs would give their files the same number.
"""

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from pitcall.adapters.home import home
from pitcall.errors import InvalidRequest
from pitcall.sim.source import fingerprint

#: native: whatever this machine has. The others are fixed levels (x86-64 psABI): code of one machine runs on another.
Cpu: TypeAlias = Literal["native", "x86-64-v2", "x86-64-v3", "x86-64-v4"]
DEFAULT_CPU: Final = "native"
#: Sub folders that are kept: a few states of the source, so that switching between branches compiles nothing.
KEPT: Final = 4

_FOLDER: Final = re.compile(r"sim-[0-9a-f]{12}-[a-z0-9-]+")


def folder(cpu: str | None = None) -> Path:
    """The sub folder of today's source; it may not exist yet.

    Args:
        cpu: one of ``Cpu``; None takes ``PITCALL_SIM_CPU``, else ``native``.

    Raises:
        InvalidRequest: no such CPU.
    """
    configured = os.environ.get("NUMBA_CACHE_DIR")
    root = Path(configured) if configured else home() / "cache" / "numba"
    if _FOLDER.fullmatch(root.name):
        root = root.parent  # the process that started this one has been here
    return root / f"sim-{fingerprint()}-{_known(cpu)}"


def use(cpu: str | None = None) -> Path:
    """Point Numba to ``folder(cpu)`` and fix the CPU; folders that were not used lately are removed.

    Raises:
        InvalidRequest: no such CPU.
    """
    chosen, here = _known(cpu), folder(cpu)
    os.environ["NUMBA_CACHE_DIR"] = str(here)
    if chosen != "native":
        os.environ["NUMBA_CPU_NAME"] = chosen
        os.environ["NUMBA_CPU_FEATURES"] = ""  # else Numba adds this machine's, and another machine would compile again
    with contextlib.suppress(OSError):  # read-only, as in an image: nothing to tidy
        here.mkdir(parents=True, exist_ok=True)
        os.utime(here)
        _tidy(here.parent)
    return here


def there(cpu: str | None = None) -> bool:
    """The kernel is compiled already, so a start takes no time for it."""
    return any(folder(cpu).glob("*/kernel.*.nbc"))


def _known(cpu: str | None) -> str:
    chosen = cpu or os.environ.get("PITCALL_SIM_CPU") or DEFAULT_CPU
    if chosen not in get_args(Cpu):
        raise InvalidRequest(f"PITCALL_SIM_CPU: {', '.join(get_args(Cpu))}, not {chosen!r}")
    return chosen


def _tidy(root: Path) -> None:
    old = sorted(
        (path for path in root.iterdir() if _FOLDER.fullmatch(path.name)), key=lambda path: -path.stat().st_mtime
    )
    for path in old[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
