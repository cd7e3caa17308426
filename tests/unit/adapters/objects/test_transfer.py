"""Into a file: resumed, checked, by one process at a time."""

import threading

import pytest

from pitcall.adapters.objects import download
from pitcall.errors import Conflict, NotFound, PitcallError

pytestmark = pytest.mark.unit

PART = 1 << 20
DATA = bytes(range(256)) * 4 * 1024 * 8  # 8 parts


class _Stop(Exception):
    pass


def stop_after(limit):
    def progress(moved):
        if moved >= limit:
            raise _Stop

    return progress


def interrupted(store, target, limit=3 * PART):
    with pytest.raises(_Stop):
        download(store, "big", target, part_bytes=PART, progress=stop_after(limit))


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "bucket")


@pytest.fixture(params=[0.0, float("inf")], ids=["one stream", "in parallel"], autouse=True)
def _speed(request, monkeypatch):
    """A store as fast as one stream can use, and one that is not."""
    monkeypatch.setattr("pitcall.adapters.objects.transfer.FAST", request.param)


def test_it_goes_on_where_it_stopped(store, tmp_path):
    """The first call of progress counts what is there; only the rest is asked for."""
    store.put("big", DATA)
    target = tmp_path / "big"
    interrupted(store, target)
    (part,) = names(tmp_path)
    assert part.startswith(".big.")
    moved: list[int] = []
    download(store, "big", target, part_bytes=PART, progress=moved.append)
    assert moved[0] == 3 * PART
    assert target.read_bytes() == DATA
    assert names(tmp_path) == ["big"]


def test_what_is_there_is_read_back_not_believed(store, tmp_path):
    """A part that was damaged meanwhile costs the time, not the truth."""
    store.put("big", DATA)
    target = tmp_path / "big"
    interrupted(store, target)
    (part,) = [path for path in tmp_path.iterdir() if path.name.startswith(".big")]
    part.write_bytes(b"x" * 3 * PART)
    moved: list[int] = []
    download(store, "big", target, part_bytes=PART, progress=moved.append)
    assert target.read_bytes() == DATA
    assert 0 in moved


def test_a_new_version_starts_again(store, tmp_path):
    """Nothing of the old one gets into it, and nothing of it stays behind."""
    store.put("big", DATA)
    target = tmp_path / "big"
    interrupted(store, target)
    store.put("big", DATA[::-1])
    moved: list[int] = []
    download(store, "big", target, part_bytes=PART, progress=moved.append)
    assert moved[0] == 0
    assert target.read_bytes() == DATA[::-1]
    assert names(tmp_path) == ["big"]


def test_a_version_that_goes_away_in_the_middle_is_a_conflict(store, tmp_path):
    """Half of one and half of another would be worse than nothing."""
    store.put("big", DATA)

    def replace(moved):
        if moved == PART:
            store.put("big", b"new")

    with pytest.raises(Conflict):
        download(store, "big", tmp_path / "big", part_bytes=PART, threads=1, progress=replace)
    assert names(tmp_path) == []


def test_the_wanted_version_or_none(store, tmp_path):
    """An older generation is refused before a byte moves."""
    first = store.put("big", b"1")
    store.put("big", b"2")
    with pytest.raises(Conflict, match="big"):
        download(store, "big", tmp_path / "big", generation=first.generation)


def test_an_empty_object_is_an_empty_file(store, tmp_path):
    """Also over one that is not."""
    store.put("big", b"")
    (tmp_path / "big").write_bytes(b"old")
    download(store, "big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == b""


def test_two_at_once_get_one_file(store, tmp_path):
    """They wait for each other; both end well."""
    store.put("big", DATA)
    target, ends = tmp_path / "big", []

    def run():
        ends.append(download(store, "big", target, part_bytes=PART).size)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ends == [len(DATA)] * 6
    assert target.read_bytes() == DATA
    assert names(tmp_path) == ["big"]


def test_no_object_no_file(store, tmp_path):
    """Not even a hidden one."""
    with pytest.raises(NotFound):
        download(store, "big", tmp_path / "big")
    assert names(tmp_path) == []


def test_a_target_that_cannot_be_written_is_one_sentence(store, tmp_path):
    """The path and the system's reason."""
    store.put("big", DATA)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PitcallError, match="file/big"):
        download(store, "big", tmp_path / "file" / "big")
