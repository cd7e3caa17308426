"""A folder and a prefix made equal, and files packed on their way."""

import os
from typing import Any

import pytest
import zstandard

from pitcall.adapters.objects import StorageSettings
from pitcall.adapters.objects.packed import (
    MAX_UNDECLARED,
    RAW_SHA256,
    RAW_SIZE,
    download_file,
    file_key,
    stored_key,
    upload_file,
)
from pitcall.adapters.objects.sync import Action, Direction, carry_out, plan
from pitcall.errors import Conflict, Corrupt, InvalidRequest

pytestmark = pytest.mark.unit

LOG = b'{"type":"lap","car":"VER"}\n' * 500
OPTIONS: dict[str, Any] = {"threads": 2, "part_bytes": 1 << 20}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "here"
    (path / "2019-12").mkdir(parents=True)
    (path / "2019-12" / "events.jsonl").write_bytes(LOG)
    (path / "weights.bin").write_bytes(b"weights")
    return path


def planned(store, folder, direction=Direction.BOTH, *, delete=False, prefix="races/", **settings):
    return plan(store, folder, prefix, direction, StorageSettings(**settings), delete=delete)


def synced(store, folder, direction=Direction.BOTH, *, delete=False, **settings):
    steps = planned(store, folder, direction, delete=delete, **settings)
    return list(carry_out(store, folder, steps, StorageSettings(**settings), lambda _step, _moved: None))


def done(steps):
    return [(str(step.action), step.file) for step in steps]


class TestPacked:
    @pytest.mark.parametrize(
        ("name", "packed"),
        [
            ("events.jsonl", True),
            ("up.log", True),
            ("checkpoint-12.json", True),
            ("result.json", False),
            ("a.npz", False),
        ],
    )
    def test_logs_and_checkpoints_are_packed(self, name, packed):
        """There and back, the name is the same."""
        key = f"runs/1/{name}"
        assert stored_key(key) == (f"{key}.zst" if packed else key)
        assert file_key(stored_key(key)) == key

    def test_any_zstd_reads_them(self, store, folder, tmp_path):
        """A frame as every other one, much smaller, with size and digest of the file."""
        info = upload_file(store, "e/events.jsonl", folder / "2019-12" / "events.jsonl")
        raw = store.get("e/events.jsonl.zst").read()
        assert zstandard.ZstdDecompressor().stream_reader(raw).read() == LOG
        assert len(raw) < len(LOG) / 10
        assert info.metadata[RAW_SIZE] == str(len(LOG))
        download_file(store, info.key, tmp_path / "out.jsonl", **OPTIONS)
        assert (tmp_path / "out.jsonl").read_bytes() == LOG
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]

    @pytest.mark.parametrize(
        ("content", "metadata"),
        [
            (b"no frame", {}),
            (zstandard.compress(LOG)[:-9], {RAW_SIZE: str(len(LOG))}),
            (zstandard.compress(LOG), {RAW_SIZE: str(len(LOG) - 1)}),
            (zstandard.compress(LOG), {RAW_SIZE: str(len(LOG) + 1)}),
            (zstandard.compress(LOG), {RAW_SHA256: "0" * 64}),
        ],
        ids=["no frame", "cut", "too long", "too short", "other"],
    )
    def test_what_does_not_unpack_as_it_says_is_refused(self, store, tmp_path, content, metadata):
        """The file that was there stays."""
        store.put("events.jsonl.zst", content, metadata=metadata)
        (tmp_path / "out").write_bytes(b"older")
        with pytest.raises(Corrupt, match=r"events\.jsonl\.zst"):
            download_file(store, "events.jsonl.zst", tmp_path / "out", **OPTIONS)
        assert (tmp_path / "out").read_bytes() == b"older"
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]

    def test_a_bomb_stops_at_a_limit(self, store, tmp_path, monkeypatch):
        """What says nothing of its size cannot fill the disk."""
        assert len(LOG) < MAX_UNDECLARED
        monkeypatch.setattr("pitcall.adapters.objects.packed.MAX_UNDECLARED", 10_000)
        store.put("events.jsonl.zst", zstandard.compress(bytes(50_000_000)))
        with pytest.raises(Corrupt, match="more than 10000 bytes"):
            download_file(store, "events.jsonl.zst", tmp_path / "out", **OPTIONS)
        assert not (tmp_path / "out").exists()


class TestSync:
    def test_each_side_gets_what_it_lacks(self, store, folder):
        """Then there is nothing to do."""
        store.put("races/there.bin", b"there")
        store.put("other/x", b"not ours")
        assert done(synced(store, folder)) == [
            ("upload", "2019-12/events.jsonl"), ("download", "there.bin"), ("upload", "weights.bin"),
        ]  # fmt: skip
        assert (folder / "there.bin").read_bytes() == b"there"
        assert [info.key for info in store.list("races/")] == [
            "races/2019-12/events.jsonl.zst", "races/there.bin", "races/weights.bin",
        ]  # fmt: skip
        assert planned(store, folder) == []

    def test_a_touched_file_is_not_moved_again(self, store, folder):
        """Content decides, not the clock."""
        synced(store, folder)
        for path in folder.rglob("*.*"):
            os.utime(path, (1, 1))
        assert planned(store, folder, Direction.UP) == []

    @pytest.mark.parametrize("content", [b"Weights", b"longer weights"], ids=["same size", "other size"])
    def test_what_differs_follows_the_leading_side_or_stays(self, store, folder, content):
        """Nothing is overwritten unless somebody said which side is right."""
        synced(store, folder)
        (folder / "weights.bin").write_bytes(content)
        (step,) = planned(store, folder)
        assert (step.action, step.file) == (Action.LEAVE, "weights.bin")
        assert done(synced(store, folder, Direction.UP)) == [("upload", "weights.bin")]
        assert store.get("races/weights.bin").read() == content
        store.put("races/weights.bin", b"from there")
        assert done(synced(store, folder, Direction.DOWN)) == [("download", "weights.bin")]
        assert (folder / "weights.bin").read_bytes() == b"from there"

    def test_nothing_is_deleted_unless_asked(self, store, folder):
        """With the word, and a leading side, both directions do."""
        synced(store, folder)
        (folder / "weights.bin").unlink()
        assert planned(store, folder, Direction.UP) == []
        assert done(synced(store, folder, Direction.UP, delete=True)) == [("delete object", "weights.bin")]
        (folder / "new.bin").write_bytes(b"")
        assert planned(store, folder, Direction.DOWN) == []
        assert done(synced(store, folder, Direction.DOWN, delete=True)) == [("delete file", "new.bin")]
        assert not (folder / "new.bin").exists()
        with pytest.raises(InvalidRequest, match="--up or --down"):
            planned(store, folder, delete=True)

    def test_what_is_billed_anyway_is_spared(self, store, folder):
        """Younger than min_storage_days: left, with the reason."""
        synced(store, folder)
        (folder / "weights.bin").unlink()
        (step,) = planned(store, folder, Direction.UP, delete=True, min_storage_days=90)
        assert (step.action, "billed for 90" in step.why) == (Action.LEAVE, True)

    def test_what_changed_since_the_plan_is_a_conflict(self, store, folder):
        """Neither side loses what it did not know of."""
        steps = planned(store, folder, Direction.UP)
        store.put("races/weights.bin", b"faster")
        with pytest.raises(Conflict):
            list(carry_out(store, folder, steps, StorageSettings(), lambda _step, _moved: None))
        assert store.get("races/weights.bin").read() == b"faster"
        (folder / "weights.bin").unlink()
        steps = planned(store, folder, Direction.DOWN)
        (folder / "weights.bin").write_bytes(b"faster here")
        with pytest.raises(Conflict, match="plan again"):
            list(carry_out(store, folder, steps, StorageSettings(), lambda _step, _moved: None))
        assert (folder / "weights.bin").read_bytes() == b"faster here"

    def test_hidden_files_and_links_stay_at_home(self, store, folder, tmp_path):
        """A half download is none of the store's business, and a link may lead anywhere."""
        (folder / ".weights.bin.0.part").write_bytes(b"half")
        (folder / "link").symlink_to(tmp_path)
        (folder / "file").symlink_to(folder / "weights.bin")
        assert [step.file for step in planned(store, folder)] == ["2019-12/events.jsonl", "weights.bin"]

    def test_a_folder_that_is_a_link_is_not_written_through(self, store, folder, tmp_path):
        """A store cannot make us write outside the folder."""
        (tmp_path / "outside").mkdir()
        (folder / "link").symlink_to(tmp_path / "outside")
        store.put("races/link/x", b"x")
        with pytest.raises(InvalidRequest, match="symbolic link"):
            synced(store, folder)
        assert list((tmp_path / "outside").iterdir()) == []

    def test_two_objects_for_one_file_are_named(self, store, folder):
        """Which is right is not ours to say."""
        store.put("races/a.jsonl", b"")
        store.put("races/a.jsonl.zst", b"")
        with pytest.raises(InvalidRequest, match="the same file"):
            planned(store, folder)

    def test_a_prefix_is_a_folder(self, store, folder):
        """Half a name would mix two."""
        with pytest.raises(InvalidRequest, match="races/"):
            planned(store, folder, prefix="races")
