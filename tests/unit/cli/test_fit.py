"""``pitcall fit``."""

import json

import pytest
from typer.testing import CliRunner

from pitcall.adapters.model import load, manifest
from pitcall.cli.__main__ import app
from pitcall.tuned import UNTUNED
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
    assert "race 2018-01 (Italian Grand Prix) is in two files; give each race once" in result.stderr


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


class TestTune:
    def test_a_search_is_logged_and_told(self, files, tmp_path):
        """Every evaluation has its line; gain, command and budget are named; what is not kept changes nothing."""
        log = tmp_path / "search.jsonl"
        result = run(*files, "--tune", 24, "--tune-log", log, "--out", tmp_path / "set")
        assert result.exit_code == 0, result.output
        assert "the search changes the RPS of races that it had not seen by" in result.stdout
        assert (load(tmp_path / "set").parameters.tuned == UNTUNED) == ("is not kept" in result.stdout)
        assert len(log.read_text().splitlines()) == 25
        told = manifest(tmp_path / "set")
        assert told.counts["evaluations of the search on the score"] == 24
        assert "--tune 24" in told.command

    def test_a_log_without_a_search_is_refused(self, tmp_path):
        """Nobody would read it."""
        result = run(tmp_path / "none.parquet", "--tune-log", tmp_path / "log", "--out", tmp_path)
        assert result.exit_code == 2
        assert "say with --tune how long" in result.stderr.replace("\n", " ")

    def test_too_small_a_budget_is_refused_at_once(self, files, tmp_path):
        """Before anything is read."""
        result = run(tmp_path / "none.parquet", "--tune", 23, "--out", tmp_path)
        assert result.exit_code == 2
        assert "0 for no search, or 24 or more" in result.output
