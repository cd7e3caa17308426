"""``pitcall bench answer`` measures; the figures themselves are in docs/bench.md, they depend on the machine."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


def test_the_report_has_the_documented_fields(tmp_path):
    """One JSON object; the first useful answer comes before the final one, and nothing is left in the home."""
    command = [sys.executable, "-m", "pitcall.cli", "bench", "answer", "--questions", "5", "--json"]
    environment = os.environ | {"PITCALL_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {name: set(part) for name, part in report.items() if isinstance(part, dict)} == {
        name: {"p50", "p95"} for name in ("first_ms", "final_ms", "overhead_ms")
    }
    assert report["questions"] == 5
    assert 0 <= report["resolved_share"] <= 1
    assert report["cores"] >= 1
    assert 0 < report["first_ms"]["p50"] <= report["final_ms"]["p50"]
    assert 0 < report["overhead_ms"]["p50"] < report["final_ms"]["p95"]
    assert list(tmp_path.iterdir()) == []
