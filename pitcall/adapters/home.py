"""Where everything that a run writes lives."""

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """``PITCALL_HOME``, or the platform's data folder. Created by whoever writes to it."""
    configured = os.environ.get("PITCALL_HOME")
    return Path(configured).expanduser() if configured else platformdirs.user_data_path("pitcall", appauthor=False)
