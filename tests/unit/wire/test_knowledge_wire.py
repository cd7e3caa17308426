"""Passages on the wire: what they lose, what they keep, what is refused."""

import pytest

from pitcall.errors import InvalidRequest
from pitcall.wire import knowledge as wire
from pitcall.wire.knowledge import Grounding, Passages, Source
from pitcall.wire.v1 import knowledge_pb2 as pb

pytestmark = pytest.mark.unit


def source(**more):
    """A source; the test says what it is about."""
    fields = {
        "document": "undercut-1",
        "title": "Undercut",
        "heading": "When",
        "location": "line 7",
        "link": "https://e.org/#a",
    }
    return Source(**{**fields, "text": "Fresh tyres gain.\nOld ones lose.", "marks": ((0, 5),), **more})


def test_what_travels_arrives():
    """Every field, whatever it is."""
    sent = source(covered=0.5, quote="Fresh tyres gain.", topic="undercut", kind="handbook")
    assert wire.source_from_wire(wire.source_to_wire(sent)) == sent
    grounding = Grounding((sent,), "hashing-384@1", "")
    assert wire.grounding_from_wire(wire.grounding_to_wire(grounding)) == grounding
    found = Passages((sent, source()), "hashing-384@1", ("dense",), 1.5)
    assert wire.passages_from_wire(wire.passages_to_wire(found)) == found


ACTS = {
    "escape": "\x1b[31mred\x1b[0m",
    "right to left": "\u202egnirts\u202c",
    "zero width": "un\u200bdercut",
    "bell": "ring\a",
    "null": "a\0b",
    "line separator": "a\x85b",
}


@pytest.mark.parametrize("text", ACTS.values(), ids=ACTS)
def test_characters_that_act_become_blanks(text):
    """A terminal or a page shows them and does nothing; every other character stays where it was."""
    made = source(text=text, title=text, quote=text, heading=text)
    for shown in (made.text, made.title, made.quote, made.heading):
        assert shown.isprintable()
        assert len(shown) == len(text)
    assert [a for a, b in zip(made.text, text, strict=True) if a != " "] == [
        b for b in text if b.isprintable() and b != " "
    ]


def test_lines_stay_lines_in_a_passage_and_nowhere_else():
    """A title is one line."""
    made = source(title="Two\nlines")
    assert (made.title, made.text.count("\n")) == ("Two lines", 1)


def test_lengths_are_bounded():
    """A store that somebody else filled may hold anything."""
    made = source(text="x" * 10_000, title="y" * 10_000, marks=((0, 1), (9_000, 9_001)))
    assert (len(made.text), len(made.title)) == (wire.MAX_PASSAGE, wire.MAX_LINE)
    assert made.marks == ((0, 1),)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"covered": 1.5}, "source.covered"),
        ({"covered": float("nan")}, "source.covered"),
        ({"mark_end": [3, 4]}, "source.mark_end"),
    ],
)
def test_what_cannot_be_true_is_refused(changes, says):
    """The message names the field."""
    message = wire.source_to_wire(source())
    for name, value in changes.items():
        message.ClearField(name)
        message.MergeFrom(pb.Source(**{name: value}))
    with pytest.raises(InvalidRequest, match=says):
        wire.source_from_wire(message)


def test_too_many_sources_are_refused():
    """Nobody reads them."""
    message = pb.SearchResponse(sources=[wire.source_to_wire(source())] * (wire.MAX_SOURCES + 1))
    with pytest.raises(InvalidRequest, match="at most 100"):
        wire.passages_from_wire(message)
