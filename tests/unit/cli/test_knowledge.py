"""``pitcall knowledge``."""

import json

import pytest
from typer.testing import CliRunner

from pitcall.cli.knowledge import app

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Each test has its own store and the embedder that needs nothing."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("ELASTICSEARCH_URL", raising=False)
    monkeypatch.setattr("pitcall.adapters.registry.package.DEFAULTS", {})
    return tmp_path / "home"


@pytest.fixture
def notes(tmp_path):
    """A folder with two documents and one that cannot be read."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "undercut.md").write_text("# Undercut\nStop first and use [fresh] tyres to pass the car ahead.\n")
    (folder / "rain.md").write_text(
        "# Rain\nIntermediates from the crossover on.\n\n## Red flag\nTyres may be changed.\n"
    )
    return folder


def pitcall(*arguments, code=0, given=None):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)
    assert result.exit_code == code, result.output
    return result


class TestAdd:
    def test_a_folder(self, notes):
        """Each document with its passages on stdout, progress on stderr; again, and nothing is new."""
        first = pitcall("add", notes)
        assert [line.split()[1:] for line in first.stdout.splitlines()] == [["2", "passages"], ["1", "passage"]]
        assert "[1/2] rain.md" in first.stderr
        assert pitcall("add", notes).stdout.count("unchanged") == 2

    def test_as_json(self, notes):
        """One object: what was added, what was there, what failed."""
        found = json.loads(pitcall("add", notes, "--label", "series=F1", "--label", "season=2026", "--json").stdout)
        assert [one["title"] for one in found["added"]] == ["Rain", "Undercut"]
        assert found["added"][0]["labels"] == {"series": "f1", "season": 2026, "circuit": "", "kind": "", "team": ""}
        assert (found["unchanged"], found["failed"]) == ([], [])

    def test_standard_input(self):
        """With the place where a person finds it."""
        pitcall("add", "-", "--source", "https://example.org/x", "--title", "X", given="# Heading\nSome text.\n")
        (hit,) = json.loads(pitcall("search", "text", "--json").stdout)["hits"]
        assert (hit["document"]["title"], hit["link"]) == ("X", "https://example.org/x#heading")

    def test_one_bad_file_does_not_keep_the_others_out(self, notes):
        """It is named at the end, with the reason, and the command fails."""
        (notes / "a.pdf").write_bytes(b"no PDF")
        result = pitcall("add", notes, code=2)
        assert "1 of 3 documents were not added" in result.stderr
        assert "a.pdf is a damaged PDF" in result.stderr
        assert len(json.loads(pitcall("list", "--json").stdout)["documents"]) == 2

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (["nowhere.md"], 5, "there is no nowhere.md"),
            (["-"], 2, "--source URL"),
            (["{notes}", "--title", "One"], 2, "--source and --title are for one document, not for 2"),
            (["{notes}", "--label", "colour=red"], 2, "NAME is one of series, season, circuit, kind, team"),
            (["{notes}", "--label", "season=soon"], 2, "a season is a year"),
        ],
    )
    def test_what_is_wrong_is_one_clear_error(self, notes, arguments, code, says):
        """And nothing is stored."""
        assert says in pitcall("add", *(one.format(notes=notes) for one in arguments), code=code, given="text").stderr
        assert json.loads(pitcall("list", "--json", code=3).stderr)["error"] == "KnowledgeUnavailable"


class TestSearch:
    def test_shows_passages_with_where_they_stand(self, notes):
        """Title, heading and place, the text as it is, and a link."""
        pitcall("add", notes)
        shown = pitcall("search", "fresh tyres").stdout
        assert shown.startswith(
            "[1] Undercut, line 2\nStop first and use [fresh] tyres to pass the car ahead.\nfile://"
        )
        assert "undercut.md#undercut" in shown
        assert "[2] Rain, Red flag, line 5" in shown

    def test_as_json(self, notes):
        """With all that a citation needs, and who embedded the question."""
        pitcall("add", notes)
        found = json.loads(pitcall("search", "crossover", "--hits", 1, "--json").stdout)
        assert (found["embedder"], found["missed"]) == ("hashing-384@1", [])
        (hit,) = found["hits"]
        text = hit["passage"]["text"]
        assert [text[start:end] for start, end in hit["marks"]] == ["crossover"]
        assert hit["ranks"] == {"bm25": 1}

    def test_within_labels(self, notes):
        """Only documents of the series that is named."""
        pitcall("add", notes / "rain.md", "--label", "series=f1")
        pitcall("add", notes / "undercut.md", "--label", "series=wec")
        found = json.loads(pitcall("search", "tyres", "--label", "series=wec", "--json").stdout)
        assert [hit["document"]["title"] for hit in found["hits"]] == ["Undercut"]
        assert "nothing matches" in pitcall("search", "tyres", "--label", "series=gt3").stderr

    @pytest.mark.parametrize(("text", "says"), [("", "is empty"), ("x" * 5_000, "at most 4,000")])
    def test_refuses_what_is_no_question(self, notes, text, says):
        """Exit code 2."""
        pitcall("add", notes)
        assert says in pitcall("search", text, code=2).stderr

    def test_without_a_store_says_what_to_type(self):
        """Exit code 3: later it may work."""
        assert "make one: pitcall knowledge add PATH" in pitcall("search", "x", code=3).stderr


class TestCare:
    def test_list_says_what_there_is(self, notes):
        """A line a document on stdout, the sum on stderr."""
        pitcall("add", notes, "--label", "kind=notes")
        result = pitcall("list")
        assert "Undercut  notes" in result.stdout
        assert "2 documents, 3 passages" in result.stderr

    def test_remove_by_id_or_file(self, notes):
        """Either is enough; one that is not there is named."""
        pitcall("add", notes)
        pitcall("remove", notes / "rain.md")
        (left,) = json.loads(pitcall("list", "--json").stdout)["documents"]
        pitcall("remove", left["id"])
        assert "no document 'x'" in pitcall("remove", "x", code=5).stderr

    def test_snapshot_and_restore(self, notes):
        """The state of then comes back."""
        pitcall("add", notes)
        assert pitcall("snapshot", "monday").stdout.startswith("monday  /")
        pitcall("remove", notes / "rain.md")
        pitcall("restore", "monday")
        assert len(json.loads(pitcall("list", "--json").stdout)["documents"]) == 2
        assert pitcall("snapshot", "--list").stdout == "monday\n"
        assert "there are: monday" in pitcall("restore", "friday", code=5).stderr
        assert "cron" in pitcall("snapshot", "--schedule", code=2).stderr

    def test_reindex_makes_an_old_store_usable(self, notes, monkeypatch):
        """After the embedder has changed, the error says what to type, and that helps."""
        pitcall("add", notes)
        monkeypatch.setattr("pitcall.knowledge.hashing.HashingEmbedder.id", "other@1")
        assert "pitcall knowledge reindex" in pitcall("search", "tyrse", code=1).stderr
        assert json.loads(pitcall("reindex", "--json").stdout)["store"]["embedder"] == "other@1"
        assert "[1]" in pitcall("search", "tyrse").stdout


def test_a_wrong_setting_is_named(monkeypatch):
    """One sentence, without its value: it may be a secret."""
    monkeypatch.setenv("ELASTICSEARCH_URL", "svc:secret@host")
    stderr = pitcall("list", code=2).stderr
    assert "ELASTICSEARCH_URL: an address such as" in stderr
    assert "secret" not in stderr
    monkeypatch.setenv("PITCALL_KNOWLEDGE_TIMEOUT_S", "-1")
    assert "a setting is wrong: timeout_s" in pitcall("list", code=2).stderr
