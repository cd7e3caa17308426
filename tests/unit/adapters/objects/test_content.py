"""A stream that breaks goes on; one that lies is found out."""

import hashlib

import pytest

from pitcall.adapters.objects import content
from pitcall.adapters.objects.content import ObjectContent
from pitcall.errors import Corrupt, StoreUnavailable
from pitcall.ports import ObjectInfo

pytestmark = pytest.mark.unit

DATA = bytes(range(256)) * 40
INFO = ObjectInfo("key", len(DATA), "1", 0.0, sha256=hashlib.sha256(DATA).hexdigest())


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    made: list[int] = []
    monkeypatch.setattr(content, "pause", made.append)
    return made


def breaking(data, every):
    """A source whose connection breaks after that many bytes."""
    opened = []

    def open_at(offset):
        opened.append(offset)
        yield data[offset : offset + every]
        if offset + every < len(data):
            raise StoreUnavailable("the connection broke")

    return open_at, opened


def test_it_goes_on_where_it_broke(pauses):
    """Every byte once, and a pause before each new connection."""
    open_at, opened = breaking(DATA, 1000)
    assert ObjectContent(INFO, open_at, attempts=2).read() == DATA
    assert opened == list(range(0, len(DATA), 1000))
    assert len(pauses) == len(opened) - 1


def test_an_end_too_early_is_a_break(pauses):
    """A server that closes politely in the middle does not make a short object."""
    opened = []

    def open_at(offset):
        opened.append(offset)
        yield DATA[offset : offset + 3000]

    assert ObjectContent(INFO, open_at, attempts=2).read() == DATA
    assert len(opened) == 4


def test_it_gives_up_when_nothing_comes(pauses):
    """The attempts count those in a row that brought no byte."""

    def open_at(offset):
        raise StoreUnavailable("down")
        yield b""

    with pytest.raises(StoreUnavailable, match="down"):
        ObjectContent(INFO, open_at, attempts=3).read()
    assert pauses == [1, 2]


@pytest.mark.parametrize("wrong", [DATA[:-1] + b"x", DATA + b"x"], ids=["other", "longer"])
def test_other_bytes_are_corrupt(wrong):
    """Right length, wrong digest; or more than there should be."""

    def open_at(offset):
        yield wrong[offset:]

    with pytest.raises(Corrupt, match="digest"):
        ObjectContent(INFO, open_at, where="key in there").read()


def test_a_part_is_not_held_against_the_digest_of_the_whole():
    """It has none of its own."""

    def open_at(offset):
        yield DATA[offset:10]

    assert ObjectContent(INFO, open_at, start=5, end=10).read() == DATA[5:10]


def test_what_was_opened_is_given_back():
    """Also when nobody reads it."""
    released = []
    with ObjectContent(INFO, breaking(DATA, 100)[0], release=lambda: released.append(1)):
        pass
    assert released == [1]
