"""SIGKILL at a random point of a transfer: nothing half is seen, and the next try goes on. 50 uploads, 50 downloads."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from pitcall.adapters.objects import download

from .conftest import PART, Place

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

#: Kills each way, over the stores: 50.
ROUNDS = {"directory": 8, "gcs": 14, "s3": 14, "azure": 14}
SIZE = 5 * PART + 12345


@pytest.fixture
def dice(record_property) -> random.Random:
    """Other points every time; the seed is in the report, and PITCALL_TEST_SEED repeats it."""
    seed = os.environ.get("PITCALL_TEST_SEED") or str(random.SystemRandom().getrandbits(32))
    record_property("seed", seed)
    return random.Random(seed)


def move_and_kill(place: Place, direction: str, key: str, file: Path, dice: random.Random) -> None:
    """Start the transfer in a process of its own and kill it at or a little after a random byte."""
    command = [sys.executable, str(Path(__file__).with_name("mover.py")), direction, place.url]
    point = dice.randrange(SIZE)
    with subprocess.Popen(
        [*command, json.dumps(place.settings | {"threads": 2}), key, str(file)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= point:
                break
        try:
            process.wait(dice.uniform(0, 0.03))  # somewhere within a part
        except subprocess.TimeoutExpired:
            process.kill()


def test_a_killed_upload_shows_nothing_and_goes_on(place, tmp_path, dice):
    """The object is the old one, the whole new one or none; the next put ends it from where it was."""
    store, resumed = place.open(), 0
    for number in range(ROUNDS[place.name]):
        file, key, old = tmp_path / "up.bin", f"runs/{number}/checkpoint", b"old" if number % 2 else None
        file.write_bytes(dice.randbytes(SIZE))
        if old:
            store.put(key, old)
        move_and_kill(place, "up", key, file, dice)
        seen = [info.key for info in store.list(f"runs/{number}/")]
        assert seen in ([], [key])
        if seen:
            assert store.get(key).read() in (old, file.read_bytes())
        else:
            assert old is None
        moved: list[int] = []
        store.put(key, file, progress=moved.append)
        resumed += moved[0] > 0
        assert store.get(key).read() == file.read_bytes()
    assert [info.size for info in store.list()] == [SIZE] * ROUNDS[place.name]
    if place.name != "directory":  # a local copy starts again
        assert resumed >= 1
    assert list((Path(os.environ["PITCALL_HOME"]) / "uploads").glob("*.json")) == []
    store.close()


def test_a_killed_download_shows_nothing_and_goes_on(place, tmp_path, dice):
    """The file is the old one, the whole new one or none; the next download brings only what is missing."""
    store, resumed = place.open(), 0
    content = dice.randbytes(SIZE)
    store.put("model", content)
    for number in range(ROUNDS[place.name]):
        target = tmp_path / str(number) / "model.bin"
        target.parent.mkdir()
        if number % 2:
            target.write_bytes(b"old")
        move_and_kill(place, "down", "model", target, dice)
        assert [path.name for path in target.parent.glob("[!.]*")] in ([], ["model.bin"])
        if target.exists():
            assert target.read_bytes() in ([b"old", content] if number % 2 else [content])
        moved: list[int] = []
        download(store, "model", target, progress=moved.append)
        resumed += moved[0] > 0
        assert target.read_bytes() == content
        assert [path.name for path in target.parent.iterdir()] == ["model.bin"]
    assert resumed >= 1
    store.close()
