"""Models over every store, on real servers, and over several processes."""

import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from safetensors.numpy import save_file

from pitcall.adapters.objects import read_settings
from pitcall.adapters.registry import Shelf, describe, open_cache, open_model
from pitcall.errors import Conflict, Corrupt, ModelRefused, NotFound
from pitcall.registry.manifest import Origin

from .conftest import PART

pytestmark = pytest.mark.contract


@pytest.fixture
def environment(place, tmp_path, monkeypatch) -> dict[str, str]:
    """Settings go in through the environment, as a service's do."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PITCALL_STORAGE_BUCKET", place.url)
    for name, value in place.settings.items():
        monkeypatch.setenv(f"PITCALL_STORAGE_{name}".upper(), str(value))
    return dict(os.environ)


@pytest.fixture
def shelf(store, environment):
    return Shelf(store, read_settings())


@pytest.fixture
def publish(shelf, tmp_path):
    """Makes and uploads a version; another number is another one."""

    def make(number=0, size=1000):
        folder = tmp_path / f"v{number}"
        folder.mkdir(exist_ok=True)
        weights = np.random.default_rng(number).integers(0, 255, size, np.uint8)
        save_file({"w": np.full(3, number, np.float32), "table": weights}, folder / "weights.safetensors")
        (folder / "config.json").write_text(json.dumps({"number": number}))
        return shelf.publish(describe("policy", folder, Origin("MIT")), folder)

    return make


def test_a_version_goes_up_is_blessed_and_opened(shelf, publish):
    """Store first, then cache; the package's turn does not come."""
    first, second = publish(1), publish(2)
    shelf.change("policy", lambda alias: alias.bless(first.version, 1.0))
    shelf.change("policy", lambda alias: alias.bless(second.version, 2.0))
    assert {one.version for one in shelf.versions("policy")} == {first.version, second.version}
    for source in ("store", "cache"):
        with open_model("policy") as opened:
            assert (opened.manifest, opened.source) == (second, source)
            assert json.loads((opened.folder / "config.json").read_text()) == {"number": 2}
    assert publish(1) == first  # again: nothing changes
    shelf.check_stored(first)


def test_of_two_blessers_one_wins(place, environment, publish):
    """At the same moment, ten times: each time exactly one, and the alias is the winner's."""
    versions = [publish(number).version for number in (1, 2)]
    for turn in range(10):
        shelves = [Shelf(place.open(), read_settings()) for _ in versions]
        barrier = Barrier(2)

        def bless(number, shelves=shelves, barrier=barrier, turn=turn):
            def change(alias):
                barrier.wait(10)  # both have read
                return alias.bless(versions[number], turn, f"turn {turn}").leave((), 0.0)

            try:
                return shelves[number].change(f"policy-{turn}", change).blessed
            except Conflict:
                return None

        with ThreadPoolExecutor(2) as pool:
            winners = [version for version in pool.map(bless, (0, 1)) if version]
        assert [shelves[0].alias(f"policy-{turn}")[0].blessed] == winners
        for shelf in shelves:
            shelf.store.close()


def test_asking_whether_writing_is_allowed_writes_nothing(shelf, store):
    """The condition of the write never holds, on any store."""
    shelf.check_writable()
    assert list(store.list()) == []


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "pickle", "manifest"])
def test_what_was_harmed_in_the_store_is_refused_and_the_old_one_serves(shelf, store, publish, harm):
    """Each with its reason; nothing of it stays in the cache."""
    good, bad = publish(1), publish(2)
    for version in (good, bad):
        shelf.change("policy", lambda alias, version=version: alias.bless(version.version, 1.0))
    folder = f"models/policy/{bad.version}"
    key = f"{folder}/manifest.json" if harm == "manifest" else f"{folder}/files/weights.safetensors"
    content = store.get(key).read()
    if harm == "remove":
        store.delete(key)
    else:
        changed = {
            "flip": content[:-1] + bytes([content[-1] ^ 1]),
            "cut": content[:-1],
            "pickle": b"\x80\x04" + content[2:],
            "manifest": content.replace(b'"F32"', b'"F64"'),
        }[harm]
        assert changed != content
        store.put(key, changed)
    with pytest.raises((Corrupt, ModelRefused, NotFound)):
        open_model("policy", bad.version)
    with open_model("policy") as opened:
        assert opened.manifest == good
    assert [entry.version for entry in open_cache(read_settings()).entries()] == [good.version]


def test_what_nobody_asks_for_is_removed(shelf, publish):
    """The blessed one stays, and a blesser who comes late is told."""
    versions = [publish(number).version for number in range(3)]
    shelf.change("policy", lambda alias: alias.bless(versions[0], 1.0))
    gone = [one.version for one in shelf.removable("policy", keep=0)]
    assert sorted(gone) == sorted(versions[1:])
    assert list(shelf.remove("policy", gone)) == gone
    assert shelf.folders("policy") == [versions[0]]
    with pytest.raises(NotFound):
        shelf.manifest("policy", versions[1])


#: The cache is the same whatever the store.
ONE_STORE = pytest.mark.parametrize("place", ["directory"], indirect=True)


class Worker(subprocess.Popen[str]):
    def __init__(self, environment, *arguments):
        command = [sys.executable, str(Path(__file__).with_name("registry_worker.py")), *arguments]
        super().__init__(command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def kill_downloads(environment, publish, rounds: int, dice: random.Random) -> int:
    """SIGKILL at a random byte, then end the download; how often the second one went on where the first one was."""
    size, resumed, cache = 4 * PART, 0, open_cache(read_settings())
    for number in range(rounds):
        manifest, point = publish(number, size), dice.randrange(size)
        with Worker(environment, "open", "policy", manifest.version) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if not line.strip().isdecimal() or int(line) >= point:
                    break
            process.kill()
        held = cache.hold("policy", manifest.version)
        assert held is None or held.manifest == manifest
        moved: list[int] = []
        with open_model("policy", manifest.version, progress=moved.append) as opened:
            assert opened.manifest == manifest
        config = next(file.size for file in manifest.files if file.path == "config.json")
        resumed += bool(moved) and min(moved) > config
        cache.shrink(0)
        assert (cache.entries(), cache.size()) == ([], 0)
    return resumed


def test_a_killed_download_shows_nothing_and_the_next_ends_it(environment, publish):
    """The version is whole or not there."""
    kill_downloads(environment, publish, 2, random.Random(os.environ.get("PITCALL_TEST_SEED")))


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_fifty_killed_downloads(environment, publish, record_property):
    """13 on each of the four stores; the next one brings only what is missing."""
    seed = os.environ.get("PITCALL_TEST_SEED") or str(random.SystemRandom().getrandbits(32))
    record_property("seed", seed)
    assert kill_downloads(environment, publish, 13, random.Random(seed)) >= 1


@ONE_STORE
def test_processes_that_want_the_same_version_bring_it_once(environment, publish, tmp_path):
    """They wait for the first one and take it from the cache."""
    version = publish(1, PART).version
    processes = [Worker(environment, "open", "policy", version) for _ in range(4)]
    ends = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert sorted(len(lines) > 1 for lines in ends) == [False, False, False, True]  # one saw bytes move
    size = (tmp_path / "v1" / "weights.safetensors").stat().st_size
    assert {lines[-1].partition(" ")[2] for lines in ends} == {str(size)}


@ONE_STORE
def test_a_version_that_another_process_uses_stays_until_that_process_dies(environment, publish):
    """However it dies."""
    version, cache = publish(1).version, open_cache(read_settings())
    open_model("policy", version).close()
    with Worker(environment, "hold", "policy", version) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert cache.shrink(0) == []
        process.kill()
    assert [entry.version for entry in cache.shrink(0)] == [version]
