"""The SQLite knowledge store when something is wrong with its file, its disk or its time."""

import os
import pwd
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pitcall.adapters.knowledge.sqlite import SqliteKnowledge, rows, schema
from pitcall.errors import (
    Corrupt,
    DeadlineExceeded,
    KnowledgeReadOnly,
    KnowledgeUnavailable,
    NotFound,
)
from pitcall.knowledge.messages import Query
from tests.contract.knowledge.shelf import EMBEDDER, put, search, texts

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path):
    return tmp_path / "knowledge" / "knowledge.db"


@pytest.fixture
async def store(path):
    opened = SqliteKnowledge(path)
    yield opened
    await opened.close()


@contextmanager
def as_nobody():
    """Without the rights of root, who may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """A folder that others may look into, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp(prefix="pitcall-knowledge-"))
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def damage(path):
    """Overwrite all but the first two pages and the last two."""
    content = bytearray(path.read_bytes())
    content[8192:-8192] = b"\xff" * (len(content) - 16_384)
    path.write_bytes(content)


class TestFile:
    async def test_is_not_made_by_looking(self, store, path):
        """A search without a store is an error that says what to type, and leaves no empty file behind."""
        with pytest.raises(
            KnowledgeUnavailable, match=r"no knowledge store .*knowledge\.db; make one: pitcall knowledge"
        ):
            await search(store, "undercut")
        with pytest.raises(KnowledgeUnavailable):
            await store.remove("a")
        assert not path.exists()

    async def test_damaged_in_the_middle_is_named(self, store, path):
        """No stack trace of SQLite, but file and way out."""
        await put(store, "a", *(f"undercut {n}" for n in range(200)))
        await store.close()
        damage(path)
        with pytest.raises(Corrupt, match=r"knowledge\.db is damaged .* pitcall knowledge restore NAME"):
            await search(store, "undercut")

    async def test_that_is_no_database_is_named(self, store, path):
        """Whatever stands there is not overwritten."""
        content = b"not a database at all, but long enough to be read as one" * 100
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(Corrupt, match="is damaged"):
            await put(store, "a", "undercut")
        assert path.read_bytes() == content

    async def test_of_somebody_else_is_left_alone(self, store, path):
        """A database without our mark."""
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE theirs (x)")
        with pytest.raises(Corrupt, match="is a database, but not a knowledge store"):
            await put(store, "a", "undercut")

    async def test_of_a_later_version_is_not_touched(self, store, path):
        """An older Pitcall would only damage it."""
        await put(store, "a", "undercut")
        await store.close()
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 99")
        with pytest.raises(Corrupt, match="has format 99, this version reads 1"):
            await search(store, "undercut")

    async def test_that_is_damaged_is_replaced_by_a_snapshot(self, store, path):
        """The damaged one is kept beside it, and a store that was open goes on with the restored one."""
        await put(store, "a", "undercut")
        await store.snapshot("monday")
        await store.close()
        path.write_bytes(b"\xff" * 10_000)
        with pytest.raises(Corrupt):
            await search(store, "undercut")
        await store.restore("monday")
        assert texts(await search(store, "undercut")) == ["undercut"]
        assert [kept.read_bytes()[:1] for kept in path.parent.glob("*.damaged-*")] == [b"\xff"]

    async def test_that_is_gone_is_replaced_by_a_snapshot(self, store, path):
        """Also when somebody removed it while it was open."""
        await put(store, "a", "undercut")
        await store.snapshot("monday")
        for file in path.parent.glob("knowledge.db*"):
            file.unlink()
        await store.restore("monday")
        assert texts(await search(store, "undercut")) == ["undercut"]

    async def test_of_a_damaged_snapshot_is_not_taken_over(self, store, path):
        """The store stays as it is."""
        await put(store, "a", *(f"undercut {n}" for n in range(200)))
        damage(Path(await store.snapshot("monday")))
        with pytest.raises(Corrupt, match="monday"):
            await store.restore("monday")
        assert len((await search(store, "undercut", per_document=5)).hits) == 5

    async def test_is_one_after_it_is_closed(self, store, path):
        """No log is left beside it, so it can be copied."""
        await put(store, "a", "undercut")
        await store.close()
        assert [file.name for file in path.parent.iterdir()] == ["knowledge.db"]


class TestDisk:
    async def test_that_is_read_only_can_be_searched(self, open_folder):
        """A store in an image: searches go on, a write is one clear error."""
        path = open_folder / "knowledge.db"
        store = SqliteKnowledge(path)
        await put(store, "a", "undercut")
        await store.close()
        path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        open_folder.chmod(0o555)
        with as_nobody():
            assert texts(await search(store, "undercut")) == ["undercut"]
            with pytest.raises(KnowledgeReadOnly, match=r"cannot write to .*knowledge\.db"):
                await put(store, "b", "overcut")
            with pytest.raises(KnowledgeReadOnly):
                await store.snapshot("monday")
            assert [one.id for one in await store.documents()] == ["a"]
        await store.close()

    async def test_where_no_folder_can_be_made(self, open_folder):
        """One clear error that names the folder."""
        open_folder.chmod(0o555)
        store = SqliteKnowledge(open_folder / "new" / "knowledge.db")
        with as_nobody(), pytest.raises(KnowledgeReadOnly, match="cannot make the folder"):
            await put(store, "a", "undercut")

    async def test_that_is_full_keeps_what_was_there(self, store, path, monkeypatch):
        """The document that does not fit is not there at all; the others are."""
        await put(store, "a", "undercut")
        await store.close()
        connect = schema.connect

        def small(*arguments, **options):
            db = connect(*arguments, **options)
            db.execute("PRAGMA max_page_count = 60")
            return db

        monkeypatch.setattr(schema, "connect", small)
        with pytest.raises(KnowledgeReadOnly, match="full"):
            await put(store, "b", *(f"overcut {n} " * 50 for n in range(500)))
        assert [one.id for one in await store.documents()] == ["a"]
        assert texts(await search(store, "overcut undercut", per_document=5)) == ["undercut"]


class TestOthers:
    async def test_who_write_for_long_make_a_writer_give_up(self, store, path, monkeypatch):
        """With an error that says so and may be retried; readers do not notice."""
        await put(store, "a", "undercut")
        await store.close()
        monkeypatch.setattr(schema, "BUSY_MS", 50)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(KnowledgeUnavailable, match="another process has been writing") as raised:
                await put(store, "b", "overcut")
            assert raised.value.retryable
            assert texts(await search(store, "undercut")) == ["undercut"]
        await put(store, "b", "overcut")

    async def test_may_make_the_store_at_the_same_time(self, path):
        """Both find it made once."""
        stores = [SqliteKnowledge(path) for _ in range(4)]
        for number, store in enumerate(stores):
            await put(store, f"d-{number}", "undercut")
        assert len(await stores[0].documents()) == 4
        for store in stores:
            await store.close()


class TestTime:
    async def test_that_is_too_short_for_the_words_leaves_that_leg_out(self, store, monkeypatch):
        """The other leg answers, and the missing one is named."""
        await put(store, "a", *(f"undercut and more {n}" for n in range(2_000)))
        vector = EMBEDDER.embed(["undercut"])[0]
        monkeypatch.setattr(rows, "_STEPS", 1)
        found = await store.search(Query("undercut more", vector, EMBEDDER.id, budget_s=0.0005))
        assert found.missed == ("bm25",)
        assert found.hits[0].ranks == {"dense": 1}
        with pytest.raises(DeadlineExceeded, match="not done in time"):
            await store.search(Query("undercut more", budget_s=0.0005))

    async def test_is_given_back(self, store):
        """A search that was cut off leaves the connection usable."""
        await put(store, "a", "undercut")
        with pytest.raises(DeadlineExceeded):
            await store.search(Query("undercut", budget_s=0.0))
        assert texts(await store.search(Query("undercut"))) == ["undercut"]


async def test_a_snapshot_that_fails_leaves_no_file(store, path, monkeypatch):
    """Neither a half one nor its temporary."""
    await put(store, "a", "undercut")
    (path.parent / "snapshots").write_text("not a folder")
    with pytest.raises(KnowledgeReadOnly, match="cannot write"):
        await store.snapshot("monday")
    (path.parent / "snapshots").unlink()
    with pytest.raises(NotFound, match="there are: none"):
        await store.restore("monday")


async def test_the_index_of_words_follows_every_change(store, path):
    """Added, replaced, removed, restored: FTS5 finds nothing to complain about."""
    for number in range(5):
        await put(store, f"d-{number}", f"undercut {number}", "overcut")
    await put(store, "d-1", "something else")
    await store.snapshot("monday")
    await store.remove("d-2")
    await store.restore("monday")
    await put(store, "d-3", "and again")
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        assert db.execute("SELECT count(*) FROM words WHERE words MATCH 'undercut'").fetchone() == (3,)


async def test_a_store_that_is_being_filled_for_the_first_time_finds_nothing(store, path):
    """Between the moment in which the file is there and its first document it belongs to no embedder."""
    schema.connect(path, create=True).close()
    assert texts(await search(store, "pit window")) == []
