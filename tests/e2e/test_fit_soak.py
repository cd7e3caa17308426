"""The fit on real seasons: ``make soak`` with ``PITCALL_TEST_DATA``."""

import json
import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from pitcall.adapters.model import load, shipped
from pitcall.cli.__main__ import app

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1_200)]

SEASONS = ("2018", "2019", "2020", "2021", "2022_r01_r11")


@pytest.fixture
def files(data):
    return [str(data / "f1" / f"laps_{season}.parquet") for season in SEASONS]


def test_the_shipped_set_is_what_its_command_makes(files, tmp_path):
    """From the five seasons: the parameters to the last digit, the rest in form (other processors round otherwise)."""
    result = CliRunner().invoke(app, ["fit", *files, "--out", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    made, ships = load(tmp_path), shipped()
    assert replace(made.parameters, version="") == replace(ships.parameters, version="")
    assert made.form == ships.form
    assert made.policy is not None
    assert ships.policy is not None
    assert made.policy.policy.stop == pytest.approx(ships.policy.policy.stop, abs=0.01)
    assert made.ranks is not None


def test_four_seasons_take_less_than_ten_minutes(files, tmp_path):
    """What leaving one season out asks for. It takes about 3 minutes of two quiet cores."""
    began = time.perf_counter()
    result = CliRunner().invoke(app, ["fit", *files[:4], "--out", str(tmp_path), "--json"])
    assert time.perf_counter() - began < 600
    assert json.loads(result.stdout)["seasons"] == {"2018": 21, "2019": 21, "2020": 17, "2021": 22}
