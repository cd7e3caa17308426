"""``pitcall storage``, over a folder. The same over real servers: tests/contract/objects/test_storage_command.py."""

import json

import pytest
from typer.testing import CliRunner

from pitcall.cli.output import ExitCode
from pitcall.cli.storage import app

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PITCALL_STORAGE_BUCKET", "./bucket")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def pitcall(*arguments, code=ExitCode.OK, **options):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], **options)
    assert result.exit_code == code, result.output
    return result


def test_up_list_down(here):
    """A log is known by the name of its file; it is packed on the way and comes back as it was."""
    log = here / "events.jsonl"
    log.write_text('{"type":"lap"}\n' * 100)
    assert "races/2019-12/events.jsonl.zst" in pitcall("upload", log, "--prefix", "races/2019-12/").stdout
    listed = json.loads(pitcall("list", "--json").stdout)
    assert [one["key"] for one in listed] == ["races/2019-12/events.jsonl.zst"]
    assert listed[0]["size"] < log.stat().st_size
    assert "races/2019-12/events.jsonl.zst" in pitcall("list", "--prefix", "races/").stdout
    pitcall("download", "--prefix", "races/2019-12/", "--key", "events.jsonl", "copy.jsonl")
    assert (here / "copy.jsonl").read_bytes() == log.read_bytes()
    (here / "into").mkdir()
    pitcall("download", "--key", "races/2019-12/events.jsonl.zst", "into")
    assert (here / "into" / "events.jsonl").read_bytes() == log.read_bytes()


def test_the_standard_input_needs_a_name(here):
    """And is stored as it is."""
    pitcall("upload", "-", input="x", code=ExitCode.USAGE)
    pitcall("upload", "-", "--key", "notes/a", input="from a pipe")
    pitcall("download", "--key", "notes/a")
    assert (here / "a").read_text() == "from a pipe"


def test_sync_shows_its_plan_before_it_moves_anything(here):
    """--plan does nothing, the same command without it does just that."""
    (here / "runs").mkdir()
    (here / "runs" / "a.bin").write_bytes(b"a")
    planned = json.loads(pitcall("sync", "runs", "--up", "--plan", "--json").stdout)
    assert (planned["done"], [step["file"] for step in planned["steps"]]) == (False, ["a.bin"])
    assert "nothing was done" in pitcall("sync", "runs", "--up", "--plan").output
    assert not (here / "bucket").exists()
    done = json.loads(pitcall("sync", "runs", "--up", "--json").stdout)
    assert done == planned | {"done": True}
    assert "nothing to do" in pitcall("sync", "runs", "--up").output
    pitcall("sync", "copy", "--down")
    assert (here / "copy" / "a.bin").read_bytes() == b"a"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["download", "--key", "nothing"], ExitCode.NOT_FOUND),
        (["upload", "no-such-file"], ExitCode.USAGE),
        (["sync", "no-such-folder", "--up"], ExitCode.USAGE),
        (["sync", ".", "--up", "--down"], ExitCode.USAGE),
        (["sync", ".", "--delete"], ExitCode.USAGE),
        (["list", "--bucket", "http://user:hush@x"], ExitCode.USAGE),
    ],
)
def test_a_mistake_is_one_sentence_and_a_code(arguments, code):
    """The codes that the page on the command promises; with --json the one shape of an error."""
    output = pitcall(*arguments, code=code).output
    assert output.startswith("error: ")
    assert "Traceback" not in output
    assert "hush" not in output
    assert set(json.loads(pitcall(*arguments, "--json", code=code).output)) == {
        "error", "detail", "retryable", "trace_id",
    }  # fmt: skip
