"""``pitcall model``, over a folder. The same over real servers: tests/contract/objects/test_registry_stores.py."""

import base64
import json
import pickle
import tomllib

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from pitcall.adapters.model import manifest as fit_manifest
from pitcall.adapters.model import save, shipped
from pitcall.adapters.objects import read_settings
from pitcall.adapters.registry import describe, open_shelf, package
from pitcall.cli.model import app
from pitcall.cli.output import ExitCode

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PITCALL_STORAGE_BUCKET", "./bucket")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def pitcall(*arguments, code=ExitCode.OK):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def told(*arguments):
    return json.loads(pitcall(*arguments, "--json").stdout)


@pytest.fixture
def model(here):
    """Makes a folder; another number is another version."""

    def make(number=0):
        folder = here / f"model-{number}"
        folder.mkdir(exist_ok=True)
        save_file({"w": np.full(3, number, np.float32)}, folder / "weights.safetensors")
        (folder / "manifest.json").write_text(json.dumps({"command": "pitcall fit", "seasons": {"2019": 21}}))
        return folder

    return make


def imported(folder, *options):
    return pitcall("import", "policy", "--from", folder, "--licence", "MIT", *options).stdout.strip()


def published(folder):
    version = imported(folder)
    pitcall("upload", "policy")
    return version


def test_import_upload_bless_download(here, model):
    """The way of a model from a folder to another machine."""
    version = imported(model(), "--metric", "rps=0.93")
    assert [(row["store"], row["cache"]) for row in told("list")] == [(False, True)]
    assert "is on this machine only" in pitcall("status").stdout
    assert version in pitcall("upload", "policy").stdout
    assert f"{version} is blessed" in pitcall("bless", "policy", version, "--why", "better").stdout
    assert [(row["role"], row["store"], row["cache"]) for row in told("list")] == [("blessed", True, True)]
    shown = told("show", "policy")
    assert shown["origin"] == {
        "licence": "MIT", "data": "seasons 2019 (21 races)", "command": "pitcall fit", "metrics": {"rps": 0.93},
        "tolerance": 0.0,
    }  # fmt: skip
    assert "weights.safetensors" in pitcall("show", "policy").stdout
    pitcall("download", "policy", "--to", "copy", "--home", here / "elsewhere")
    assert (here / "copy" / "weights.safetensors").read_bytes() == (model() / "weights.safetensors").read_bytes()
    status = told("status")
    assert (status["reachable"], status["writable"], status["cache"]["not_uploaded"]) == (True, True, [])
    assert status["models"][0]["events"][-1]["why"] == "better"


def test_canary_and_rollback(model):
    """A trial, its end, and the way back."""
    first, second = published(model(1)), published(model(2))
    pitcall("bless", "policy", first)
    assert told("canary", "policy", second, "--percent", 5)["canary"] == {"version": second, "percent": 5.0}
    assert f"{second} answers 5 % of the races" in pitcall("canary", "policy", second, "--percent", 5).stdout
    assert told("canary", "policy", "--percent", 0)["canary"] is None
    pitcall("canary", "policy", code=ExitCode.USAGE)
    assert told("bless", "policy", second)["previous"] == [first]
    assert told("rollback", "policy", "--why", "slow")["blessed"] == first
    assert "rolled back (slow)" in pitcall("status").stdout
    pitcall("rollback", "policy", code=ExitCode.USAGE)


def test_gc_shows_first_what_it_removes(model):
    """What is blessed stays."""
    versions = [published(model(number)) for number in range(3)]
    pitcall("bless", "policy", versions[0])
    plan = told("gc", "--keep", 0, "--plan")
    assert (plan["done"], {row["version"] for row in plan["versions"]}) == (False, set(versions[1:]))
    assert len(told("list")) == 3
    assert "2 versions removed" in pitcall("gc", "policy", "--keep", 0).output
    assert {row["version"] for row in told("list") if row["store"]} == {versions[0]}


def test_verify_finds_a_flipped_bit(here, model):
    """And names file and version; the good one stays good."""
    good, bad = published(model(1)), published(model(2))
    assert "good" in pitcall("verify").stdout
    path = here / "bucket" / "models" / "policy" / bad / "files" / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    output = pitcall("verify", "--json", code=ExitCode.FAILURE).stdout
    assert {row["version"]: row["ok"] for row in json.loads(output)} == {good: True, bad: False}
    assert "weights.safetensors" in pitcall("verify", "policy", bad, code=ExitCode.FAILURE).stdout


def test_a_bad_version_is_not_blessed_and_the_old_one_stays(here, model):
    """The reason is told."""
    good, bad = published(model(1)), published(model(2))
    pitcall("bless", "policy", good)
    (here / "bucket" / "models" / "policy" / bad / "files" / "weights.safetensors").write_bytes(b"short")
    assert "weights.safetensors" in pitcall("bless", "policy", bad, code=ExitCode.FAILURE).output
    assert told("show", "policy")["version"] == good


def test_a_model_of_a_package_needs_no_licence(here):
    """The licence of what is shipped is known, and so is the tolerance; answers name it by what stands under data."""
    version = pitcall("import", "race-model", "--from-package", "pitcall").stdout.strip()
    pitcall("upload", "race-model", version)
    origin = told("show", "race-model", version)["origin"]
    assert (origin["licence"], origin["tolerance"]) == ("Apache-2.0", 1e-6)
    assert origin["data"].startswith(f"{shipped().version}, seasons 2018 (21 races)")


def test_a_race_model_is_asked_its_golden_rows_before_anybody_gets_it(here):
    """When it is imported, and again from the store before it is blessed."""
    good, bad = here / "good", here / "bad"
    for folder in (good, bad):
        save(folder, shipped(), fit_manifest())
    rows = load_file(bad / "golden.safetensors")
    save_file(rows | {"out.stop": rows["out.stop"] / 2}, bad / "golden.safetensors")
    output = pitcall("import", "race-model", "--from", bad, code=ExitCode.FAILURE).output
    assert "its stop for the golden rows differ by" in output
    assert told("list") == []
    manifest = describe("race-model", bad, package.DEFAULTS["race-model"].origin)
    with open_shelf(read_settings()) as shelf:
        shelf.publish(manifest, bad)
    output = pitcall("bless", "race-model", manifest.version, code=ExitCode.FAILURE).output
    assert "its stop for the golden rows differ by" in output
    assert pitcall("import", "race-model", "--from", good).stdout.strip()


class TestSetup:
    def test_prints_a_line_that_configures_every_process(self, monkeypatch):
        """What it holds is read back."""
        monkeypatch.delenv("PITCALL_STORAGE_BUCKET")
        line = pitcall(
            "setup", "--provider", "s3", "--bucket", "team", "--prefix", "/pitcall/", "--region", "eu-central-1"
        ).stdout.strip()
        name, _, value = line.removeprefix("export ").partition("=")
        assert json.loads(base64.b64decode(value)) == {"bucket": "s3://team/pitcall", "region": "eu-central-1"}
        monkeypatch.setenv(name, value)
        assert read_settings().bucket == "s3://team/pitcall"

    def test_a_folder_is_named_whole(self, here):
        """The line works from everywhere."""
        assert told("setup", "--provider", "local", "--bucket", "team")["settings"] == {"bucket": str(here / "team")}

    def test_writes_its_table_and_nothing_else(self, here, monkeypatch):
        """What else is in the file stays, also how the bucket is used; what named another place does not."""
        monkeypatch.delenv("PITCALL_STORAGE_BUCKET")
        file = here / ".pitcall.toml"
        ours = '# ours\n[race]\nname = "a[storage]b"\n\n'
        file.write_text(ours + '[storage]\nbucket = "s3://old"\nregion = "eu"\nthreads = 2\n\n[x]\ny = 1\n')
        pitcall("setup", "--provider", "gcs", "--bucket", "team", "--write")
        assert tomllib.loads(file.read_text()) == {
            "race": {"name": "a[storage]b"}, "x": {"y": 1}, "storage": {"threads": 2, "bucket": "gs://team"},
        }  # fmt: skip
        assert file.read_text().startswith(ours)
        assert read_settings().bucket == "gs://team"
        file.write_text('storage.bucket = "old"\n')
        again = pitcall("setup", "--provider", "gcs", "--bucket", "team", "--write", code=ExitCode.USAGE)
        assert "edit it by hand" in again.output
        assert file.read_text() == 'storage.bucket = "old"\n'

    @pytest.mark.parametrize(
        "options",
        [
            ("--provider", "s3", "--bucket", "key:hush@team"),
            ("--provider", "s3", "--bucket", "team?token=hush"),
            ("--provider", "azure", "--bucket", "team", "--endpoint", "https://x?sig=hush"),
            ("--provider", "azure", "--bucket", "team", "--endpoint", "https://u:hush@x"),
            ("--provider", "gcs", "--bucket", "team", "--region", "eu"),
            ("--provider", "gcs", "--bucket", "team", "--account", "x"),
        ],
    )
    def test_takes_no_secret_and_no_option_of_another(self, options):
        """And repeats no secret."""
        assert "hush" not in pitcall("setup", *options, code=ExitCode.USAGE).output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["import", "policy"], ExitCode.USAGE),
        (["import", "policy", "--from", "no-folder", "--licence", "MIT"], ExitCode.USAGE),
        (["import", "policy", "--from", "bad"], ExitCode.USAGE),
        (["import", "policy", "--from", "bad", "--licence", "MIT"], ExitCode.FAILURE),
        (["import", "policy", "--from-package", "no_such_package", "--licence", "MIT"], ExitCode.NOT_FOUND),
        (["import", "policy", "--from", "bad", "--licence", "MIT", "--metric", "rps"], ExitCode.USAGE),
        (["import", "Policy!", "--from", "bad", "--licence", "MIT"], ExitCode.USAGE),
        (["upload", "policy"], ExitCode.USAGE),
        (["upload", "policy", "a" * 12], ExitCode.NOT_FOUND),
        (["download", "policy"], ExitCode.NOT_FOUND),
        (["download", "policy", "../x"], ExitCode.USAGE),
        (["bless", "policy", "a" * 12], ExitCode.NOT_FOUND),
        (["rollback", "policy"], ExitCode.USAGE),
        (["show", "policy"], ExitCode.NOT_FOUND),
    ],
)
def test_a_mistake_is_one_sentence_and_a_code(here, arguments, code):
    """The codes that the page on the command promises; with --json the one shape of an error."""
    (here / "bad").mkdir()
    (here / "bad" / "weights.safetensors").write_bytes(pickle.dumps({}))
    output = pitcall(*arguments, code=code).output
    assert output.startswith("error: ")
    assert "Traceback" not in output
    assert set(json.loads(pitcall(*arguments, "--json", code=code).output)) == {
        "error", "detail", "retryable", "trace_id",
    }  # fmt: skip


def test_status_of_a_store_that_cannot_be_reached(model, monkeypatch):
    """Says why, tells what is remembered, and ends with the code of it."""
    version = published(model())
    pitcall("bless", "policy", version)
    monkeypatch.setenv("PITCALL_STORAGE_BUCKET", "http://nowhere")
    output = pitcall("status", "--json", code=ExitCode.USAGE).stdout
    status = json.loads(output)
    assert (status["reachable"], status["models"][0]["blessed"]) == (False, version)
    assert "as of" in pitcall("status", code=ExitCode.USAGE).stdout
