"""What goes into a knowledge store and what comes out. No I/O, no clock.

A document is split into passages; a passage is what is searched, shown and cited. A leg is one way to rank
passages: ``bm25`` by words, ``dense`` by the cosine of embedding vectors.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pitcall.errors import InvalidRequest

Leg: TypeAlias = Literal["bm25", "dense"]
#: Rows of unit length, float32.
Vectors: TypeAlias = NDArray[np.float32]

#: Longest question in characters: a page of text. More is a mistake or an attack.
MAX_QUERY: Final = 4_000
MAX_HITS: Final = 100
MAX_LABEL: Final = 100

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_SPACE: Final = re.compile(r"[\s_-]+")


def plain(label: str) -> str:
    """A label as it is stored and compared: lower case, ``-`` between words, so ``Las Vegas`` meets ``las-vegas``.

    Raises:
        InvalidRequest: longer than ``MAX_LABEL`` characters, or with a control character.
    """
    made = _SPACE.sub("-", label.strip()).lower()
    if len(made) > MAX_LABEL or not made.isprintable():
        raise InvalidRequest(f"{label!r:.40} cannot be a label: at most {MAX_LABEL} printable characters")
    return made


@dataclass(frozen=True, slots=True)
class Labels:
    """What a document is about. An empty label means: no particular one."""

    series: str = ""  #: such as f1
    season: int | None = None  #: year
    circuit: str = ""
    kind: str = ""  #: rules, handbook, circuit, report, notes
    team: str = ""

    def __post_init__(self) -> None:
        for name in TEXT_LABELS:
            object.__setattr__(self, name, plain(getattr(self, name)))
        if self.season is not None and not 1900 <= self.season <= 2100:
            raise InvalidRequest(f"season {self.season} is no year")


TEXT_LABELS: Final = ("series", "circuit", "kind", "team")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents may answer: for each label the values that are allowed, empty = all.

    ``Filter(series=("f1", ""))`` also lets documents through that belong to no series.
    """

    series: tuple[str, ...] = ()
    season: tuple[int, ...] = ()
    circuit: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    team: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in TEXT_LABELS:
            object.__setattr__(self, name, tuple(plain(value) for value in getattr(self, name)))

    def wanted(self) -> dict[str, tuple[str, ...] | tuple[int, ...]]:
        """The labels that are restricted, in a fixed order."""
        return {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name)}


@dataclass(frozen=True, slots=True)
class Document:
    """One source. ``id`` and ``digest`` follow from what was given, so adding it again changes nothing.

    Raises:
        InvalidRequest: ``id`` cannot be one.
    """

    id: str
    source: str  #: where a person finds it: a URL, such as ``file:///…`` or ``https://…``
    title: str
    labels: Labels = field(default_factory=Labels)
    digest: str = ""  #: of the text, the labels and the way it was split
    passages: int = 0
    added: str = ""  #: when, ISO 8601, UTC

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise InvalidRequest(
                f"{self.id!r:.80} cannot be the id of a document: up to 100 small letters, digits, '-', '_' and '.'"
            )


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that fits into one embedding."""

    number: int  #: from 0, in reading order
    text: str
    heading: str = ""  #: from the outermost, such as ``55 Safety car > 55.3``
    location: str = ""  #: where in the source, for a person: ``page 12``, ``line 40``, ``rows 2-9``
    anchor: str = ""  #: the same for a link: ``page=12``, ``double-stack``


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as it is stored: all of it.

    Raises:
        InvalidRequest: no passages, or not as many vectors.
    """

    document: Document
    passages: Sequence[Passage]
    vectors: Vectors  #: f4[passage, dim]

    def __post_init__(self) -> None:
        passages, vectors, announced = len(self.passages), len(self.vectors), self.document.passages
        if not passages or len({passages, vectors, announced}) > 1:
            raise InvalidRequest(f"{self.document.id}: {passages} passages, {vectors} vectors, {announced} announced")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage as a leg ranks it."""

    key: str  #: the store's own
    document: str
    score: float


@dataclass(frozen=True, slots=True)
class Query:
    """One search. A leg without input does not run: no words, no ``bm25``; no vector, no ``dense``.

    Raises:
        InvalidRequest: no leg has input, a null byte, or a number out of range.
    """

    text: str = ""
    vector: Vectors | None = None  #: of unit length
    embedder: str = ""  #: id of the embedder that made the vector
    where: Filter = field(default_factory=Filter)
    hits: int = 5
    per_document: int = 1  #: most passages of one document
    depth: int = 100  #: candidates of each leg
    budget_s: float = 2.0  #: a leg that takes longer is left out and named

    def __post_init__(self) -> None:
        if len(self.text) > MAX_QUERY:
            raise InvalidRequest(f"the question has {len(self.text):,} characters; at most {MAX_QUERY:,} are searched")
        if "\0" in self.text:
            raise InvalidRequest("the question holds a null byte; send plain text")
        if not self.text.strip() and self.vector is None:
            raise InvalidRequest("the question is empty")
        if not (1 <= self.hits <= MAX_HITS and self.per_document >= 1 and self.depth >= self.hits):
            raise InvalidRequest(
                f"between 1 and {MAX_HITS} hits can be asked for, and no more than candidates of a leg"
            )


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, with all that a citation needs."""

    document: Document
    passage: Passage
    score: float  #: of the fusion; only its order means something
    ranks: Mapping[Leg, int]  #: its place in each leg that found it, from 1
    marks: tuple[tuple[int, int], ...] = ()  #: the words that matched: start and end in ``passage.text``

    @property
    def link(self) -> str:
        """Where to read on."""
        return f"{self.document.source}#{self.passage.anchor}" if self.passage.anchor else self.document.source


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of a store. No hits means that nothing matched; that a store failed is always an error."""

    hits: tuple[Hit, ...]
    missed: tuple[Leg, ...] = ()  #: legs that the time budget cut off


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store holds."""

    kind: str  #: sqlite, elasticsearch
    where: str
    embedder: str  #: id of the embedder that made its vectors
    dims: int
    documents: int
    passages: int
    bytes: int
