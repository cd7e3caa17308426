"""Settings come from the environment."""

import pytest
from pitcall_model_server.settings import Settings
from pydantic import ValidationError

pytestmark = pytest.mark.unit


def test_cloud_run_names_the_port_and_our_own_name_wins(monkeypatch):
    """PORT is honoured; PITCALL_MODEL_PORT is the stronger one."""
    monkeypatch.setenv("PORT", "1234")
    assert Settings().port == 1234
    monkeypatch.setenv("PITCALL_MODEL_PORT", "2345")
    assert Settings().port == 2345


def test_where_the_sim_worker_is_and_how_much_is_played(monkeypatch):
    """PITCALL_MODEL_SIM_URL, and MONTE_CARLO_ITERATIONS as an alias of max_paths."""
    monkeypatch.setenv("PITCALL_MODEL_SIM_URL", "http://sim:1")
    monkeypatch.setenv("MONTE_CARLO_ITERATIONS", "512")
    assert (Settings().workers, Settings().max_paths) == (("http://sim:1",), 512)


def test_several_workers_are_a_list_with_commas(monkeypatch):
    """PITCALL_MODEL_SIM_URLS wins over the address of one; a worker named twice is one worker."""
    monkeypatch.setenv("PITCALL_MODEL_SIM_URL", "http://one:1")
    monkeypatch.setenv("PITCALL_MODEL_SIM_URLS", "http://a:1, https://b:2,http://a:1")
    assert Settings().workers == ("http://a:1", "https://b:2")


@pytest.mark.parametrize("wrong", ["", "sim:8082", "http://a:1,", "http://a:1 http://b:2", "http://a:1,,http://b:2"])
def test_a_list_that_is_none_stops_the_service_and_names_the_variable(monkeypatch, wrong):
    """It is not found out by the first question."""
    monkeypatch.setenv("PITCALL_MODEL_SIM_URLS", wrong)
    with pytest.raises(ValidationError, match="PITCALL_MODEL_SIM_URLS"):
        Settings()


def test_which_networks_are_served_and_how_many_versions_of_each(monkeypatch):
    """A list with commas, each name once; MODEL_CACHE_SIZE is an alias of cache_size."""
    assert (Settings().served, Settings().cache_size) == ((), 3)
    monkeypatch.setenv("PITCALL_MODEL_SERVE", " tyre-wear, pace,tyre-wear ")
    monkeypatch.setenv("MODEL_CACHE_SIZE", "5")
    assert (Settings().served, Settings().cache_size) == (("tyre-wear", "pace"), 5)


@pytest.mark.parametrize(
    ("name", "wrong"), [("SERVE", "a,,b"), ("SERVE", "A model"), ("CACHE_SIZE", "1"), ("LANES", "0")]
)
def test_a_wrong_setting_of_networks_stops_the_service_and_is_named(monkeypatch, name, wrong):
    """One version could not be swapped without a gap."""
    monkeypatch.setenv(f"PITCALL_MODEL_{name}", wrong)
    with pytest.raises(ValidationError, match=f"(?i){name}"):
        Settings()


def test_every_setting_is_described():
    """The reference page is made of these sentences."""
    assert all(field.description for field in Settings.model_fields.values())
