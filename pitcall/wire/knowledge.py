"""Passages that answers cite: to ``pitcall.wire.v1`` messages and back. Pure.

What a document says is data. A source holds no character that would act on a screen or a terminal, and its lengths are
bounded, whoever wrote the document; who shows it needs only to show it as text.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from pitcall.errors import InvalidRequest
from pitcall.wire.fields import finite
from pitcall.wire.fields import text as short
from pitcall.wire.v1 import knowledge_pb2 as pb

#: Longest passage that is sent, characters; Pitcall's own have at most 900.
MAX_PASSAGE: Final = 4_000
#: Longest title, heading, place, link, name.
MAX_LINE: Final = 300
#: Most sources of one message.
MAX_SOURCES: Final = 100

#: Unicode categories of what is not shown but acts: control, format (such as "right to left"), surrogates, private.
_ACTS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_LINES: Final = ("document", "title", "heading", "location", "link", "topic", "kind")


def plain(text: str, limit: int = MAX_PASSAGE) -> str:
    """The text with a blank for every character that would act; lines stay lines, and no other character moves."""
    if text.isprintable():  # nearly always, for one line
        return text[:limit]
    return "".join(
        " " if character != "\n" and unicodedata.category(character) in _ACTS else character
        for character in text[:limit]
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A passage with all that a citation needs. Made plain by whoever makes it."""

    document: str  #: id
    title: str
    heading: str  #: from the outermost, such as ``55 Safety car > 55.3``
    location: str  #: where in the document, for a person
    link: str  #: where to read on
    text: str
    marks: tuple[tuple[int, int], ...] = ()  #: the words that matched: start and end in ``text``
    covered: float = 0.0  #: share of the question's words that title, heading or text hold
    quote: str = ""  #: the sentence of ``text`` that holds most of them
    topic: str = ""  #: of the call that it is about; "" for a question in words
    kind: str = ""  #: of document, such as rules

    def __post_init__(self) -> None:
        for name in _LINES:
            object.__setattr__(self, name, plain(getattr(self, name).replace("\n", " "), MAX_LINE))
        for name in ("text", "quote"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        within = tuple((start, end) for start, end in self.marks if 0 <= start < end <= len(self.text))
        object.__setattr__(self, "marks", within)


@dataclass(frozen=True, slots=True)
class Grounding:
    """The sources behind a call. Without any, ``missing`` says why, for a person."""

    sources: tuple[Source, ...] = ()
    embedder: str = ""  #: who made the vectors; "" where none was reached
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Passages:
    """What a search found, best first."""

    sources: tuple[Source, ...]
    embedder: str
    missed: tuple[str, ...] = ()  #: legs that the time cut off
    took_ms: float = 0.0


def source_to_wire(source: Source) -> pb.Source:
    """One source."""
    named = {field.name: getattr(source, field.name) for field in fields(Source) if field.name != "marks"}
    return pb.Source(**named, mark_start=[a for a, _ in source.marks], mark_end=[b for _, b in source.marks])


def source_from_wire(message: pb.Source) -> Source:
    """One source. Raises InvalidRequest for one that cannot be true."""
    if len(message.mark_start) != len(message.mark_end):
        raise InvalidRequest(f"source.mark_end: {len(message.mark_end)} for {len(message.mark_start)} marks")
    if not 0 <= message.covered <= 1:  # false for NaN too
        raise InvalidRequest(f"source.covered: from 0 to 1, not {message.covered}")
    named = {field.name: getattr(message, field.name) for field in fields(Source) if field.name != "marks"}
    return Source(**named, marks=tuple(zip(message.mark_start, message.mark_end, strict=True)))


def grounding_to_wire(grounding: Grounding) -> pb.Grounding:
    """The sources behind a call."""
    sources = map(source_to_wire, grounding.sources)
    return pb.Grounding(sources=sources, embedder=grounding.embedder, missing=grounding.missing)


def grounding_from_wire(message: pb.Grounding) -> Grounding:
    """The sources behind a call. Raises InvalidRequest for what cannot be true."""
    return Grounding(
        _sources(message.sources), short(message.embedder, "embedder"), plain(short(message.missing, "missing"))
    )


def passages_to_wire(found: Passages) -> pb.SearchResponse:
    """The answer of Search."""
    sources = map(source_to_wire, found.sources)
    return pb.SearchResponse(sources=sources, embedder=found.embedder, missed=found.missed, took_ms=found.took_ms)


def passages_from_wire(message: pb.SearchResponse) -> Passages:
    """The answer of Search. Raises InvalidRequest for what cannot be true."""
    took_ms = finite(message.took_ms, "took_ms")
    return Passages(_sources(message.sources), short(message.embedder, "embedder"), tuple(message.missed), took_ms)


def _sources(messages: Sequence[pb.Source]) -> tuple[Source, ...]:
    if len(messages) > MAX_SOURCES:
        raise InvalidRequest(f"sources: at most {MAX_SOURCES}, not {len(messages)}")
    return tuple(source_from_wire(message) for message in messages)
