"""``pitcall bench kernel``, ``decide`` and ``start`` measure; the figures are in docs/bench.md."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.e2e


def bench(*arguments: str) -> Any:
    command = [sys.executable, "-m", "pitcall.cli", "bench", *arguments, "--json"]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_kernel_has_the_documented_fields():
    """Three kinds of race, and the kernel is the fastest of the three versions in each."""
    report = bench("kernel", "--rounds", "1")
    assert set(report["profiles"]) == {"f1_dry", "f1_wet", "endurance"}
    for found in report["profiles"].values():
        assert set(found["ns_per_car_lap"]) == {"1", "2"}
        assert 0 < found["ns_per_car_lap"]["1"] < min(found["naive_numba_ns"], found["numpy_ns"])
        assert found["cpu_ms_per_race"] > 0
        assert found["ratio_naive_numba"] > 1
        assert found["ratio_numpy"] > 1
        assert set(found["candidates"]) == {"1", "4", "32"}
    assert {name: report[name] for name in ("cars", "laps", "calls", "rounds")} == {
        "cars": 20, "laps": 70, "calls": 32, "rounds": 1,
    }  # fmt: skip


def test_decide_saves_work():
    """Dropping calls that leave no doubt takes fewer races than playing all of them, by the same stopping rule."""
    report = bench("decide", "--questions", "3")
    assert report["questions"] == 3
    assert report["total_work_ratio"] > 1
    assert report["elimination"]["resolved_share"] > 0
    for way in ("elimination", "uniform"):
        assert set(report[way]["races"]) == set(report[way]["ms"]) == {"p50", "p95"}


def test_a_start_with_the_kernel_on_disk_does_not_compile():
    """Compiling takes ten seconds and more; the goal of one second is for a quiet machine, see docs/bench.md."""
    report = bench("start", "--starts", "3")
    assert report["starts"] == 3
    assert 0 < report["ready_s"]["p50"] <= report["slowest_s"] < 5
