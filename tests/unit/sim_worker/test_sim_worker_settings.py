"""Settings come from the environment."""

import pytest
from pitcall_sim_worker.settings import Settings
from pydantic import ValidationError

pytestmark = pytest.mark.unit


def test_cloud_run_names_the_port_and_our_own_name_wins(monkeypatch):
    """PORT is honoured; PITCALL_SIM_PORT is the stronger one."""
    monkeypatch.setenv("PORT", "1234")
    assert Settings().port == 1234
    monkeypatch.setenv("PITCALL_SIM_PORT", "2345")
    assert Settings().port == 2345


def test_names_of_other_tools_are_honoured(monkeypatch):
    """PARALLEL_WORKERS sets the threads, LOG_LEVEL the log level."""
    monkeypatch.setenv("PARALLEL_WORKERS", "3")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert (Settings().threads, Settings().log_level) == (3, "debug")


def test_a_wrong_setting_names_its_variable(monkeypatch):
    """The message says which variable to correct."""
    monkeypatch.setenv("PITCALL_SIM_PORT", "none")
    with pytest.raises(ValidationError, match="PITCALL_SIM_PORT"):
        Settings()


def test_every_setting_is_described():
    """The reference page is made of these sentences."""
    assert all(field.description for field in Settings.model_fields.values())
