"""Settings come from the environment; what the process loads is bounded."""

import subprocess
import sys

import pytest
from pitcall_orchestrator.settings import Settings
from pydantic import ValidationError

pytestmark = pytest.mark.unit


def test_cloud_run_names_the_port_and_our_own_name_wins(monkeypatch):
    """PORT is honoured; PITCALL_ORCHESTRATOR_PORT is the stronger one."""
    monkeypatch.setenv("PORT", "1234")
    assert Settings().port == 1234
    monkeypatch.setenv("PITCALL_ORCHESTRATOR_PORT", "2345")
    assert Settings().port == 2345


def test_the_model_server_has_two_names(monkeypatch):
    """MCP_SERVER_URL is its old one."""
    monkeypatch.setenv("MCP_SERVER_URL", "model:1")
    assert Settings().model_server == "model:1"
    monkeypatch.setenv("PITCALL_ORCHESTRATOR_MODEL_SERVER", "model:2")
    assert Settings().model_server == "model:2"


def test_settings_do_not_change_and_are_checked(monkeypatch):
    """A typing mistake stops the start, not the first race."""
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]  # that is the point
    monkeypatch.setenv("PITCALL_ORCHESTRATOR_DEADLINE_MS", "10")
    with pytest.raises(ValidationError):
        Settings()


def test_every_setting_is_described():
    """The reference page is made of these sentences."""
    assert all(field.description for field in Settings.model_fields.values())


def test_nothing_heavy_is_loaded():
    """The orchestrator's container has no numpy, and it starts at once."""
    heavy = "{'numpy', 'numba', 'torch', 'pyarrow', 'scipy', 'pandas'}"
    code = f"import sys, pitcall_orchestrator.__main__; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
