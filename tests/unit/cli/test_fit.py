"""``pitcall fit``."""

import json

import pytest
from typer.testing import CliRunner

from pitcall.adapters.model import load, manifest
from pitcall.cli.__main__ import app
from tests.unit.cli.synthetic_laps import table

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]  # compiles the kernel and its twin


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("laps")
    return [table(folder / f"laps_{year}.parquet", year, (1, 2)) for year in (2018, 2019)]


def run(*words):
    """Without the learned forecast unless a test asks for one."""
    return CliRunner().invoke(app, ["fit", "--members", "0", *map(str, words)])


def test_writes_a_set_and_says_what_it_rests_on(files, tmp_path):
    """The set can be loaded under the name that is printed; the circuit comes from the name of the race."""
    result = run(*files, "--out", tmp_path / "set", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    model = load(tmp_path / "set")
    parameters = model.parameters
    assert told["version"] == model.version
    assert told["seasons"] == {"2018": 2, "2019": 2}
    assert told["counts"]["starts"] == 80
    assert told["command"] == "pitcall fit laps_2018.parquet laps_2019.parquet --members 0 --out DIR"
    assert parameters.circuits["Monza"].races == 4


def test_the_same_files_make_the_same_set(files, tmp_path):
    """In a file without JSON too; one season alone makes another one."""
    for name in ("one", "two"):
        assert run(*files, "--out", tmp_path / name).exit_code == 0
    assert manifest(tmp_path / "one") == manifest(tmp_path / "two")
    result = run(*files, "--season", 2019, "--out", tmp_path / "three")
    assert "from the races of 2019 (2)" in result.stdout
    assert load(tmp_path / "three").version != load(tmp_path / "one").version


def test_a_race_counts_once(files, tmp_path):
    """Given twice, it would count twice."""
    result = run(files[0], files[0], "--out", tmp_path)
    assert result.exit_code == 2
    assert "race 2018-01 is in" in result.stderr
    assert "give each race once" in result.stderr


def test_says_which_seasons_there_are(files, tmp_path):
    """And ends with the code of a wrong request."""
    result = run(*files, "--season", 2026, "--out", tmp_path)
    assert result.exit_code == 2
    assert "no race of the seasons 2026; there are 2018, 2019" in result.stderr


def test_a_missing_file_is_named(tmp_path):
    """Exit code 5, no stack trace."""
    result = run(tmp_path / "none.parquet", "--out", tmp_path, "--json")
    assert result.exit_code == 5
    assert json.loads(result.stderr)["detail"] == f"no file {tmp_path / 'none.parquet'}"
