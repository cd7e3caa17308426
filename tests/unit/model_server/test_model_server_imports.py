"""What the model server's process loads, and when."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit


def printed_by(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    return done.stdout.split()


def test_everything_but_torch_is_loaded_before_the_port_listens():
    """Importing torch takes seconds, so the modules of the server must not; numba is the sim worker's."""
    assert printed_by("import sys, pitcall_model_server.__main__; print(*{'torch', 'numba'} & set(sys.modules))") == []


def test_torch_runs_on_one_thread():
    """The simulation beside it needs the cores; the name of the device is for the log."""
    code = (
        "from pitcall_model_server.server import load_torch; print(load_torch()); import torch;"
        "print(torch.get_num_threads(), torch.get_num_interop_threads())"
    )
    device, *threads = printed_by(code)
    assert device in {"cpu", "cuda"}
    assert threads == ["1", "1"]
