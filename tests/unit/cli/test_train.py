"""``pitcall train policy`` from lap tables to a file and its card."""

import json

import pytest
from typer.testing import CliRunner

from pitcall.adapters.policy import load
from pitcall.cli.__main__ import app
from pitcall.cli.output import ExitCode
from tests.unit.backtest.conftest import lively
from tests.unit.backtest.lap_file import write

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]  # compiles the twin, imports torch


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("laps")
    return [
        str(write(folder / f"{year}.parquet", *(lively(season=year, number=number) for number in (1, 2))))
        for year in (2018, 2019)
    ]


def run(*arguments):
    return CliRunner().invoke(app, ["train", "policy", *map(str, arguments)])


def test_writes_a_policy_and_its_card(files, tmp_path):
    """The card names the command without the folders of this machine."""
    done = run(*files, "--out", tmp_path, "--json")
    assert done.exit_code == ExitCode.OK, done.output
    told = json.loads(done.stdout)
    assert told["version"] == load(tmp_path).version
    assert told["stops"] > 10
    text = (tmp_path / "policy.md").read_text("utf-8")
    assert "pitcall train policy 2018.parquet 2019.parquet --out DIR" in text
    assert str(tmp_path) not in text


def test_says_what_is_wrong(files, tmp_path):
    """A race twice, one season, no file."""
    twice = run(files[0], files[0], "--out", tmp_path)
    assert (twice.exit_code, "give each race once" in twice.output) == (ExitCode.USAGE, True)
    one = run(files[0], "--out", tmp_path)
    assert (one.exit_code, "two seasons" in one.output) == (ExitCode.USAGE, True)
    assert run(tmp_path / "none.parquet", "--out", tmp_path).exit_code == ExitCode.NOT_FOUND
    both = run(*files, "--priors", "--model", tmp_path, "--out", tmp_path)
    assert (both.exit_code, "exclude each other" in both.output) == (ExitCode.USAGE, True)


def test_reads_the_races_with_other_parameters(files, tmp_path):
    """The card says with which, and the command has the option."""
    assert run(*files, "--priors", "--out", tmp_path).exit_code == ExitCode.OK
    text = (tmp_path / "policy.md").read_text("utf-8")
    assert "--priors --out DIR" in text
    assert "read with the parameters prior@" in text
