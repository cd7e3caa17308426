"""``pitcall bench serving`` measures; the figures themselves are in docs/bench-serving.md."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


def test_the_report_has_the_documented_fields(tmp_path):
    """Our own server, started, asked and ended: every request answered, and nothing left in the home."""
    command = [
        sys.executable,
        "-m",
        "pitcall.cli",
        "bench",
        "serving",
        "--only",
        "pitcall",
        "--seconds",
        "0.2",
        "--json",
    ]
    environment = os.environ | {"PITCALL_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["pitcall"]
    assert set(found) == {"version", "ready_s", "memory_mib", "rows_per_s_core", "cells"}
    assert [(cell["rows"], cell["clients"]) for cell in found["cells"]] == [
        (rows, clients) for rows in (1, 32, 256) for clients in (1, 64)
    ]
    assert all(cell["failed"] == 0 for cell in found["cells"])
    assert all(0 < cell["p50_ms"] <= cell["p99_ms"] for cell in found["cells"])
    assert found["rows_per_s_core"] > 0
    assert found["memory_mib"] > 50
    assert list(tmp_path.iterdir()) == []
