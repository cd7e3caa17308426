"""``pitcall knowledge add --pack``, and regulations as a PDF."""

import json

import pytest
from typer.testing import CliRunner

from pitcall.adapters import model
from pitcall.cli.knowledge import app
from pitcall.model import Model
from pitcall.parameters import CircuitEffect, Parameters
from tests.unit.adapters.knowledge.test_files import pdf

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Each test has its own store and the embedder that needs nothing."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("ELASTICSEARCH_URL", raising=False)
    monkeypatch.setattr("pitcall.adapters.registry.package.DEFAULTS", {})


def pitcall(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_the_pack_is_added_once():
    """Handbook and circuits, found by what they are about; again, and nothing is new."""
    first = json.loads(pitcall("add", "--pack", "--json").stdout)
    assert first["version"].startswith("pack@")
    assert (len(first["added"]) > 60, first["unchanged"], first["removed"]) == (True, [], [])
    assert f"0 added, {len(first['added'])} unchanged, 0 removed" in pitcall("add", "--pack").stdout
    shown = pitcall("search", "pit stop under green against driving by", "--label", "circuit=monza", "--hits", 1).stdout
    assert shown.startswith("[1] Monza (Italian Grand Prix), Pit loss, line")


def test_circuits_are_those_of_the_model_in_use(tmp_path):
    """Pages of circuits that it does not know are removed."""
    pitcall("add", "--pack")
    parameters = Parameters(version="", circuits={"Ours": CircuitEffect(1, 90.0, 21.0, 14.0, stops=30)})
    ours = model.named(Model(parameters))
    model.save(tmp_path / "ours", ours, model.Manifest(ours.version, 1, {}, {}, "", "", {}))
    brought = json.loads(pitcall("add", "--pack", "--model", tmp_path / "ours", "--json").stdout)
    assert [name.rpartition("-")[0] for name in brought["added"]] == ["ours"]
    assert len(brought["removed"]) > 20
    listed = json.loads(pitcall("list", "--label", "kind=circuit", "--json").stdout)["documents"]
    assert [one["title"] for one in listed] == ["Ours"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name files or folders, or give --pack"),
        (["--pack", "notes.md"], "it takes no PATH"),
        (["--pack", "--label", "series=f1"], "it takes no PATH"),
        (["notes.md", "--model", "folder"], "--model goes with --pack"),
    ],
)
def test_what_does_not_go_together_is_one_clear_error(arguments, says):
    """Exit code 2."""
    assert says in pitcall("add", *arguments, code=2).stderr


def test_regulations_are_added_with_one_command(tmp_path):
    """A rule question finds the article, with its number and its page, before the handbook."""
    regulations = tmp_path / "regulations.pdf"
    pages = [
        ["Sporting Regulations", "28 PIT LANE", "28.1 The speed limit in the pit lane is 80 km/h.", "1/2"],
        [
            "Sporting Regulations",
            "28.2 Both cars of a team may be served on the same lap; the second car",
            "waits behind the first one and may not block the fast lane.",
            "29 TYRES",
            "29.1 Each car uses at least two specifications of dry tyre.",
            "2/2",
        ],
    ]
    regulations.write_bytes(pdf(*pages, title="Sporting Regulations 2026"))
    pitcall("add", "--pack")
    pitcall("add", regulations, "--label", "series=f1", "--label", "season=2026", "--label", "kind=rules")
    asked = "may both cars of a team be served on the same lap, and must the second one wait?"
    (hit,) = json.loads(pitcall("search", asked, "--hits", 1, "--json").stdout)["hits"]
    assert hit["document"]["title"] == "Sporting Regulations 2026"
    assert hit["passage"]["heading"] == "28 PIT LANE > 28.2"
    assert hit["link"] == f"{regulations.as_uri()}#page=2"
