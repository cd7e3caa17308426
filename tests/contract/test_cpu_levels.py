"""A kernel compiled for a fixed CPU level plays the same races as one for this machine."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.contract

PLAY = """
import hashlib
from pitcall.adapters import compiled
compiled.use()
from numba.core import config
from pitcall.cli.bench.profiles import ASKING, PROFILES, calls
from pitcall.sim.engine import Engine
engine, found = Engine(2), hashlib.sha256()
for race in PROFILES.values():
    played = engine.play(race(), 11, range(64), ASKING, calls(4))
    for array in (played.place, played.rejoin, played.gap_s):
        found.update(array.tobytes())
print(config.CPU_NAME, found.hexdigest())
"""


def _has_avx2() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and cpuinfo.exists() and " avx2" in cpuinfo.read_text()


@pytest.mark.skipif(not _has_avx2(), reason="needs an x86-64 CPU with AVX2")
def test_every_cpu_level_gives_the_same_bits():
    """AVX2 or whatever this machine has: no fused multiply-add, no reassociation, so the figures are the same."""

    def play(cpu: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", PLAY],
            env=os.environ | {"PITCALL_SIM_CPU": cpu},
            capture_output=True, text=True, timeout=110, check=True,
        )  # fmt: skip
        name, bits = done.stdout.split()
        return name, bits

    native, portable = play("native"), play("x86-64-v3")
    assert (native[0], portable[0]) == ("None", "x86-64-v3")
    assert native[1] == portable[1]
