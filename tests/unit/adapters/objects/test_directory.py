"""What only a directory can do wrong. The contract itself: tests/contract/objects."""

import os
import threading

import pytest

from pitcall.adapters.objects import download, open_store
from pitcall.adapters.objects.directory import LEFT_OVER_S
from pitcall.errors import Conflict, Corrupt, InvalidRequest, PermissionDenied, PitcallError

pytestmark = pytest.mark.unit


@pytest.fixture
def root(tmp_path):
    return tmp_path / "bucket"


def test_an_object_is_the_file_of_its_key(store, root):
    """A person can look at it, and copy one in, which then has no digest."""
    store.put("races/a.jsonl", b"laps", metadata={"kind": "race"})
    assert (root / "races" / "a.jsonl").read_bytes() == b"laps"
    (root / "races" / "b.jsonl").write_bytes(b"by hand")
    assert [info.key for info in store.list()] == ["races/a.jsonl", "races/b.jsonl"]
    assert store.get("races/b.jsonl").read() == b"by hand"
    assert store.head("races/b.jsonl").sha256 is None


def test_a_bit_that_flips_on_disk_is_seen(store, root, tmp_path):
    """Reading it is an error, in memory and into a file; the file that was there stays."""
    store.put("weights", b"good" * 1000)
    stat = (root / "weights").stat()
    (root / "weights").write_bytes(b"bood" + b"good" * 999)
    os.utime(root / "weights", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(Corrupt, match="weights"):
        store.get("weights").read()
    target = tmp_path / "weights"
    target.write_bytes(b"older")
    with pytest.raises(Corrupt):
        download(store, "weights", target)
    assert target.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bucket", "weights"]


def test_nobody_writes_between_the_condition_and_the_write(store, root, monkeypatch):
    """A second replacer, as if in another process, waits and is then refused."""
    info = store.put("alias", b"base")
    other, ends, publish = open_store(str(root)), [], store._publish

    def replace():
        try:
            other.put("alias", b"second", if_generation=info.generation)
        except Conflict:
            ends.append("refused")

    second = threading.Thread(target=replace)

    def slowly(*arguments):
        second.start()
        second.join(0.3)  # it has this long to get in between
        return publish(*arguments)

    monkeypatch.setattr(store, "_publish", slowly)
    store.put("alias", b"first", if_generation=info.generation)
    second.join(10)
    assert (ends, store.get("alias").read()) == (["refused"], b"first")


def test_an_edit_by_hand_is_another_version(store, root):
    """Whoever wants to replace what was read is told."""
    info = store.put("alias", b"one")
    (root / "alias").write_bytes(b"two")
    with pytest.raises(Conflict):
        store.put("alias", b"three", if_generation=info.generation)


def test_a_reader_keeps_the_version_that_it_opened(store):
    """A replacement meanwhile changes nothing for it."""
    store.put("big", b"1" * 3_000_000)
    with store.get("big") as content:
        pieces = iter(content)
        first = next(pieces)
        store.put("big", b"2" * 10)
        assert first + b"".join(pieces) == b"1" * 3_000_000


def test_versions_differ_however_fast_they_follow(store):
    """A clock that stands still, or goes back, makes no two versions alike."""
    generations = {store.put("alias", b"same").generation for _ in range(200)}
    assert len(generations) == 200


def test_a_folder_and_an_object_cannot_have_one_name(store):
    """A cloud could; what cannot be copied there and back is refused."""
    store.put("a/b", b"")
    for key in ("a", "a/b/c"):
        with pytest.raises(InvalidRequest, match=key):
            store.put(key, b"")


def test_a_link_leads_nowhere_else(store, root, tmp_path):
    """A bucket that somebody prepared cannot make us write or read outside."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    for call in (
        lambda: store.get("link/secret"),
        lambda: store.put("link/new", b""),
        lambda: store.head("link/secret"),
    ):
        with pytest.raises(InvalidRequest, match="symbolic link"):
            call()


def test_what_killed_writes_left_is_swept_away(store, root):
    """After a day; what is being written now stays."""
    store.put("a", b"")
    old, new = root / ".pitcall" / "tmp" / "old", root / ".pitcall" / "tmp" / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    stat = old.stat()
    os.utime(old, (stat.st_atime, stat.st_mtime - LEFT_OVER_S - 1))
    store.put("b", b"")
    assert [path.name for path in old.parent.iterdir()] == ["new"]
    assert [info.key for info in store.list()] == ["a", "b"]


def test_a_damaged_note_costs_the_digest_not_the_object(store, root):
    """The bytes are still there."""
    store.put("a", b"x")
    for note in (root / ".pitcall" / "info").rglob("*.json"):
        note.write_text("{")
    assert (store.get("a").read(), store.head("a").sha256) == (b"x", None)


def test_old_notes_go_with_their_objects(store, root):
    """A store that is written to for a year does not fill up with notes."""
    for number in range(5):
        store.put("a", str(number).encode())
    notes = list((root / ".pitcall" / "info").rglob("*.json"))
    assert len(notes) == 1
    store.delete("a")
    assert not notes[0].exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do anything")
def test_a_folder_of_somebody_else_is_not_allowed(store, root):
    """A typed error, not an OSError."""
    root.mkdir(mode=0o500)
    with pytest.raises(PermissionDenied):
        store.put("a", b"")


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path):
    """One sentence, with the path."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PitcallError, match="file"):
        open_store(str(tmp_path / "file")).put("a", b"")
