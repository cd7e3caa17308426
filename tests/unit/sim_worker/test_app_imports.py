"""What the sim worker's process loads before its port listens."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit


def test_the_app_loads_no_heavy_or_foreign_package():
    """Neither what it must never reach (torch, grpc) nor numba, which it loads after it listens."""
    code = "import sys, pitcall_sim_worker.__main__; print(*{'torch', 'grpc', 'numba', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
