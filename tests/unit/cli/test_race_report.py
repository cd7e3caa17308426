"""``pitcall race report``, and what ``pitcall knowledge add`` makes of it."""

import json

import pytest
from typer.testing import CliRunner

from pitcall.adapters.races import RaceStore
from pitcall.cli import knowledge, race
from pitcall.report.page import report
from pitcall.synth import synthesise

pytestmark = pytest.mark.unit

RACE = synthesise(11, cars=6, laps=12, race="small", name="Small Prix")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Each test has its own races and documents, and the embedder that needs nothing."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("ELASTICSEARCH_URL", raising=False)
    monkeypatch.setattr("pitcall.adapters.registry.package.DEFAULTS", {})
    RaceStore().save(RACE)


def pitcall(app, *arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_on_standard_output_it_can_be_piped():
    """The page and nothing else, however narrow the terminal is."""
    assert pitcall(race.app, "report", "small").stdout == report(RACE)


def test_a_file_can_be_added_and_found(tmp_path):
    """Under its title and labels; written again, it replaces the older one."""
    out = tmp_path / "small.md"
    assert str(out) in pitcall(race.app, "report", "small", "--out", out).stderr
    assert out.read_text() == report(RACE)
    pitcall(knowledge.app, "add", out)
    found = json.loads(pitcall(knowledge.app, "search", "fastest laps", "--label", "kind=report", "--json").stdout)
    assert found["hits"][0]["document"]["title"] == "Small Prix: race report"
    assert found["hits"][0]["passage"]["heading"] == "Fastest laps"
    pitcall(race.app, "report", "small", "--out", out)
    assert "unchanged" in pitcall(knowledge.app, "add", out).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [(["nowhere"], 5, "nowhere"), (["small", "--out", "{tmp}/no/such/folder.md"], 2, "cannot write")],
)
def test_what_is_wrong_is_one_clear_error(tmp_path, arguments, code, says):
    """No such race; a file that cannot be written."""
    arguments = [one.format(tmp=tmp_path) for one in arguments]
    assert says in pitcall(race.app, "report", *arguments, code=code).stderr
