"""One contract, every store: each test runs on the directory and on real servers of GCS, S3 and Azure."""

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pitcall.adapters.objects import download
from pitcall.errors import (
    Cancelled,
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    StoreUnavailable,
    Unauthenticated,
)

from .conftest import PART, azure_line

pytestmark = pytest.mark.contract

BIG = os.urandom(2 * PART + 4321)
WEIRD = [
    "a b/c d",
    "ünïcödé/日本/🏁",
    "a+b&c=d?e#f%20%2F",
    "'quotes\"",
    "~tilde,(x)[y]{z}!",
    "a.b",
    "-x",
    "%",
    "x" * 200,
]


def keys(store, prefix=""):
    return [info.key for info in store.list(prefix)]


class TestRoundTrip:
    @pytest.mark.parametrize("content", [b"", b"x", b"race log" * 1000], ids=["empty", "byte", "small"])
    def test_what_is_put_is_got(self, store, content):
        """Bytes, size, digest and metadata come back as they went in."""
        put = store.put("models/a/1/weights", content, metadata={"kind": "pit policy"})
        head = store.head("models/a/1/weights")
        got = store.get("models/a/1/weights")
        assert got.read() == content
        for info in (put, head, got.info):
            assert (info.key, info.size, info.metadata) == ("models/a/1/weights", len(content), {"kind": "pit policy"})
            assert info.generation == put.generation
            assert info.sha256 == head.sha256
        assert abs(head.modified - put.modified) < 60

    def test_a_large_object_goes_up_in_parts(self, store, tmp_path):
        """Its progress grows to the end, and it comes back whole, from memory, file and stream."""
        file = tmp_path / "big"
        file.write_bytes(BIG)
        with file.open("rb") as stream:
            for key, source in (("bytes", BIG), ("file", file), ("stream", stream), ("pipe", NoSeek(BIG))):
                moved: list[int] = []
                info = store.put(key, source, progress=moved.append)
                assert moved == sorted(moved)
                assert moved[-1] == info.size == len(BIG)
                assert store.get(key).read() == BIG

    def test_a_stream_is_read_from_where_it_stands(self, store, tmp_path):
        """What was read of it before is not part of the object."""
        (tmp_path / "file").write_bytes(b"header|body")
        with (tmp_path / "file").open("rb") as stream:
            stream.read(7)
            store.put("body", stream)
        assert store.get("body").read() == b"body"

    def test_a_range_is_what_it_says(self, store):
        """From, to, both; a part of a known version needs the same answer."""
        info = store.put("ten", b"0123456789")
        assert store.get("ten", start=3).read() == b"3456789"
        assert store.get("ten", end=3).read() == b"012"
        assert store.get("ten", start=2, end=5).read() == b"234"
        assert store.get("ten", start=2, end=5, generation=info.generation).read() == b"234"
        assert store.get("ten", start=9, end=10, generation=info.generation).read() == b"9"

    @pytest.mark.parametrize(("start", "end"), [(3, 3), (5, 2), (-1, 4), (10, None), (0, 11), (4, 11), (20, 30)])
    def test_a_range_outside_is_refused(self, store, start, end):
        """Half an answer would look like a short object."""
        info = store.put("ten", b"0123456789")
        for generation in (None, info.generation):
            with pytest.raises(InvalidRequest, match="ten"):
                store.get("ten", start=start, end=end, generation=generation).read()

    def test_a_reader_may_leave_early(self, store):
        """What it leaves costs nobody anything: the store goes on working."""
        store.put("big", BIG)
        for _ in range(20):
            with store.get("big") as content:
                assert next(iter(content))
        assert store.get("big").read() == BIG

    @pytest.mark.parametrize("key", WEIRD)
    def test_odd_names_are_names(self, store, key):
        """A key is text, not a pattern, a path of the server or a piece of a URL."""
        store.put(key, key.encode())
        assert store.get(key).read() == key.encode()
        assert keys(store) == [key]
        assert [info.key for info in store.list(key[: len(key) // 2 or 1])] == [key]
        store.delete(key)
        assert keys(store) == []

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/../b",
            "./a",
            "a\x00b",
            "a\nb",
            "a\\b",
            "a.",
            "a/.pitcall/b",
            "x" * 201,
            "a/" * 500,
        ],
    )
    def test_names_that_some_store_cannot_hold_are_refused_by_all(self, store, key):
        """A bucket can be copied to any other store."""
        for call in (store.head, store.get, store.delete, lambda k: store.put(k, b"")):
            with pytest.raises(InvalidRequest):
                call(key)

    @pytest.mark.parametrize("metadata", [{"a-b": "x"}, {"A": "x"}, {"a": "é"}, {"a": " x"}, {"a": "x" * 2000}])
    def test_metadata_that_some_store_would_change_is_refused(self, store, metadata):
        """It comes back as it was, or is not taken."""
        with pytest.raises(InvalidRequest):
            store.put("a", b"", metadata=metadata)
        assert keys(store) == []


class NoSeek(io.BytesIO):
    """As a pipe."""

    def seekable(self):
        return False


class TestConditions:
    def test_create_only_creates(self, store):
        """The second creator is told, and changes nothing."""
        store.put("alias", b"one", if_absent=True)
        with pytest.raises(Conflict, match="alias"):
            store.put("alias", b"two", if_absent=True)
        assert store.get("alias").read() == b"one"

    def test_replace_needs_the_version_that_was_read(self, store):
        """A version that was replaced, or never was, does not count."""
        first = store.put("alias", b"one")
        second = store.put("alias", b"two", if_generation=first.generation)
        assert second.generation != first.generation
        with pytest.raises(Conflict, match="alias"):
            store.put("alias", b"three", if_generation=first.generation)
        with pytest.raises(Conflict):
            store.get("alias", generation=first.generation).read()
        with pytest.raises(Conflict):
            store.get("alias", start=1, end=2, generation=first.generation).read()
        with pytest.raises(Conflict):
            store.delete("alias", if_generation=first.generation)
        assert store.get("alias", generation=second.generation).read() == b"two"
        store.delete("alias", if_generation=second.generation)
        assert keys(store) == []

    def test_nothing_can_be_replaced_where_nothing_is(self, store):
        """A version of an object that was deleted is no version, however large the new one is."""
        info = store.put("gone", b"one")
        store.delete("gone")
        for content in (b"two", BIG):
            with pytest.raises(Conflict, match="gone"):
                store.put("gone", content, if_generation=info.generation)
        assert keys(store) == []

    def test_large_objects_keep_the_same_conditions(self, store):
        """The condition holds when the last part is there, not only when the first one leaves."""
        store.put("big", BIG, if_absent=True)
        other = BIG[::-1]
        with pytest.raises(Conflict):
            store.put("big", other, if_absent=True)
        first = store.head("big").generation

        def overtake(moved: int) -> None:
            if moved and store.head("big").generation == first:
                store.put("big", b"faster")

        with pytest.raises(Conflict):
            store.put("big", other, if_generation=first, progress=overtake)
        assert store.get("big").read() == b"faster"

    def test_two_conditions_are_refused(self, store):
        """A write creates or replaces."""
        with pytest.raises(InvalidRequest):
            store.put("a", b"", if_absent=True, if_generation="1")

    @pytest.mark.parametrize("size", [100, PART + 1], ids=["small", "large"])
    def test_of_two_replacers_one_wins(self, place, size):
        """Ten times: one of eight is told that it won, and its bytes are there."""
        stores = [place.open() for _ in range(8)]
        base = stores[0].put("alias", b"base")
        for round_ in range(10 if size < PART else 2):
            barrier = threading.Barrier(len(stores))

            def replace(number: int, generation: str = base.generation, barrier=barrier, round_=round_) -> object:
                content = f"{round_} {number} ".encode().ljust(size, b".")
                barrier.wait(20)
                try:
                    return stores[number].put("alias", content, if_generation=generation)
                except Conflict:
                    return None

            with ThreadPoolExecutor(len(stores)) as pool:
                done = list(pool.map(replace, range(len(stores))))
            winners = [number for number, info in enumerate(done) if info is not None]
            assert len(winners) == 1
            base = stores[0].head("alias")
            assert stores[0].get("alias").read().startswith(f"{round_} {winners[0]} ".encode())
        for store in stores:
            store.close()

    def test_of_many_creators_one_wins(self, place):
        """Also when the object is not there yet."""
        store = place.open()
        with ThreadPoolExecutor(8) as pool:

            def create(number: int) -> bool:
                try:
                    store.put("lock", str(number).encode(), if_absent=True)
                except Conflict:
                    return False
                return True

            won = list(pool.map(create, range(8)))
        assert won.count(True) == 1
        assert store.get("lock").read() == str(won.index(True)).encode()


class TestList:
    def test_keys_come_in_order_page_after_page(self, store, monkeypatch):
        """Prefixes are text; the pages of the store do not show."""
        for module in ("gcs", "s3", "azure"):
            monkeypatch.setattr(f"pitcall.adapters.objects.{module}.PAGE", 4)
        names = sorted(["a.b", "a/b", "a/b.c", "a/bc/d", "a0", "b/é", "b/z"] + [f"n/{i:02}" for i in range(11)])
        for name in reversed(names):
            store.put(name, b"12")
        assert keys(store) == sorted(names, key=str.encode)
        assert keys(store, "a/b") == ["a/b", "a/b.c", "a/bc/d"]
        assert keys(store, "n/") == [f"n/{i:02}" for i in range(11)]
        assert keys(store, "none") == []
        assert {info.size for info in store.list()} == {2}
        assert [info.generation for info in store.list("n/")] == [store.head(f"n/{i:02}").generation for i in range(11)]
        assert list(store.folders()) == ["a/", "b/", "n/"]
        assert list(store.folders("a/")) == ["a/bc/"]
        assert list(store.folders("n/")) == []
        with pytest.raises(InvalidRequest):
            list(store.folders("a"))

    def test_a_prefix_of_the_store_is_a_wall(self, place, store):
        """Two stores in one bucket do not see each other."""
        inner = place.open(f"{place.url}/inner")
        inner.put("a", b"inner")
        store.put("b", b"outer")
        assert keys(inner) == ["a"]
        assert keys(store) == ["b", "inner/a"]
        assert list(store.folders()) == ["inner/"]
        inner.close()


class TestRefusals:
    def test_what_is_not_there_is_not_found(self, store):
        """Also in a folder that is not there."""
        for key in ("a", "a/b/c"):
            for call in (store.head, lambda k: store.get(k).read(), store.delete):
                with pytest.raises(NotFound, match=key):
                    call(key)
        with pytest.raises(InvalidRequest, match="no file"):
            store.put("a", Path("/no/such/file"))

    def test_a_bucket_that_is_not_there_is_named(self, place):
        """Every call says so."""
        if place.name == "directory":
            pytest.skip("a directory is made when it is first written to")
        store = place.open(f"{place.url.split(':')[0]}://no-such-bucket-here")
        for call in (
            lambda: store.head("a"),
            lambda: store.get("a").read(),
            lambda: store.put("a", b""),
            lambda: store.put("a", BIG),
            lambda: keys(store),
            lambda: list(store.folders()),
            lambda: store.delete("a"),
        ):
            with pytest.raises(NotFound, match="no-such-bucket-here"):
                call()
        store.close()

    def test_a_server_that_is_down_is_unavailable(self, place):
        """A retryable error within seconds, no vendor's exception."""
        if place.name == "directory":
            pytest.skip("a directory has no server")
        down = {"endpoint": "http://127.0.0.1:9"}  # nothing listens on the port "discard"
        if place.name == "azure":
            down = {"azure_connection_string": azure_line("http://127.0.0.1:9")}
        store = place.open(**down)
        for call in (lambda: store.head("a"), lambda: store.put("a", b""), lambda: keys(store)):
            with pytest.raises(StoreUnavailable) as caught:
                call()
            assert caught.value.retryable
        store.close()


def test_a_stopped_upload_goes_on(store, place):
    """Ctrl-C in ``pitcall storage`` is a Cancelled from progress: what is there already is not sent again."""
    if place.name == "directory":
        pytest.skip("a local copy starts again")

    def stop(moved: int) -> None:
        if moved >= PART:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        store.put("big", BIG, progress=stop)
    assert keys(store) == []
    moved: list[int] = []
    store.put("big", BIG, progress=moved.append)
    assert moved[0] >= PART
    assert store.get("big").read() == BIG


def test_gcs_says_who_may_not(servers):
    """No credentials and no permission are two errors."""
    gcs = servers("gcs")
    for bucket, kind in (("not-allowed", PermissionDenied), ("not-signed-in", Unauthenticated)):
        store = gcs.open(f"gs://{bucket}")
        for call in (lambda s=store: s.head("a"), lambda s=store: s.put("a", b""), lambda s=store: keys(s)):
            with pytest.raises(kind, match=bucket):
                call()
        store.close()


def test_azure_refuses_a_wrong_key(servers):
    """A signature that does not fit is no way in. Azurite says AuthorizationFailure, Azure AuthenticationFailed."""
    azure = servers("azure")
    wrong = azure_line(azure.server, "d3Jvbmc=")
    store = azure.open(azure_connection_string=wrong)
    for call in (lambda: store.head("a"), lambda: store.put("a", b""), lambda: keys(store)):
        with pytest.raises((Unauthenticated, PermissionDenied), match="az://pitcall"):
            call()
    store.close()


def test_a_download_is_the_object(store, tmp_path):
    """Parallel parts, in order, checked; the older file is replaced and no other file is left."""
    info = store.put("big", BIG)
    target = tmp_path / "down" / "big.bin"
    target.parent.mkdir()
    target.write_bytes(b"old")
    moved: list[int] = []
    assert download(store, "big", target, part_bytes=1 << 20, progress=moved.append) == info
    assert target.read_bytes() == BIG
    assert moved == sorted(moved)
    assert (moved[0], moved[-1]) == (0, len(BIG))
    assert [path.name for path in target.parent.iterdir()] == ["big.bin"]
