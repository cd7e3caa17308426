"""``pitcall storage`` as a process, over every store."""

import json
import os
import signal
import subprocess
import sys

import pytest

from .conftest import PART

pytestmark = pytest.mark.contract


@pytest.fixture
def command(place, tmp_path):
    """Runs pitcall storage; settings go in through the environment, as a person's do."""
    environment = os.environ | {"PITCALL_HOME": str(tmp_path / "home"), "PITCALL_STORAGE_BUCKET": place.url}
    environment |= {f"PITCALL_STORAGE_{name}".upper(): str(value) for name, value in place.settings.items()}

    def run(*arguments, code=0):
        whole = [sys.executable, "-m", "pitcall.cli", "storage", *map(str, arguments)]
        done = subprocess.run(whole, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        return done

    run.environment = environment  # type: ignore[attr-defined]  # the tests below need it
    return run


def test_sync_is_incremental_both_ways(command, tmp_path):
    """Up, nothing more to do, down elsewhere, the same files; then only what differs moves."""
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "runs" / "ä b").mkdir(parents=True)
    (here / "runs" / "ä b" / "checkpoint-1.json").write_text('{"sigma":0.3}' * 1000)
    (here / "runs" / "embeddings.bin").write_bytes(os.urandom(PART + 10))
    (here / "empty.bin").write_bytes(b"")

    def steps(*arguments):
        return [
            (step["action"], step["file"]) for step in json.loads(command("sync", *arguments, "--json").stdout)["steps"]
        ]

    assert len(steps(here, "--prefix", "team/", "--up")) == 3
    assert steps(here, "--prefix", "team/", "--up", "--plan") == []
    assert len(steps(there, "--prefix", "team/")) == 3
    for path in here.rglob("*.*"):
        assert (there / path.relative_to(here)).read_bytes() == path.read_bytes()
    (there / "runs" / "embeddings.bin").write_bytes(os.urandom(PART + 10))
    (there / "empty.bin").unlink()
    assert steps(there, "--prefix", "team/", "--up", "--delete") == [
        ("delete object", "empty.bin"), ("upload", "runs/embeddings.bin"),
    ]  # fmt: skip
    assert steps(here, "--prefix", "team/", "--down", "--delete") == [
        ("delete file", "empty.bin"), ("download", "runs/embeddings.bin"),
    ]  # fmt: skip
    assert (here / "runs" / "embeddings.bin").read_bytes() == (there / "runs" / "embeddings.bin").read_bytes()


@pytest.mark.parametrize("direction", ["--up", "--down"])
def test_ctrl_c_leaves_no_half_file(command, place, tmp_path, direction):
    """Exit code 130, nothing half to be seen on either side; the same command ends it."""
    here = tmp_path / "here"
    here.mkdir()
    content = os.urandom(6 * PART)
    store = place.open()
    if direction == "--up":
        (here / "big.bin").write_bytes(content)
    else:
        store.put("big.bin", content)
    whole = [sys.executable, "-m", "pitcall.cli", "storage", "sync", str(here), direction]
    with subprocess.Popen(whole, env=command.environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            process.wait(1.2)  # somewhere in the transfer, on most machines; any moment is right
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        code = process.wait(30)
        assert process.stderr is not None
        told = process.stderr.read()
        early = code == -signal.SIGINT or "Aborted" in told  # the command had not begun
        assert code in (0, 130) or early, told
        assert early or "Traceback" not in told
    seen = [info.key for info in store.list()]
    assert seen in ([], ["big.bin"])
    if seen:
        assert store.get("big.bin").read() == content
    assert [path.name for path in here.glob("[!.]*")] in ([], ["big.bin"])
    command("sync", here, direction)
    assert (here / "big.bin").read_bytes() == content == store.get("big.bin").read()
    assert [path.name for path in here.iterdir()] == ["big.bin"]
    store.close()
