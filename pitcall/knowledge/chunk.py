"""From a document's outline to passages: pieces that fit into one embedding and keep heading and place.

A reader of some format feeds an ``Outline`` with headings and paragraphs; ``split`` packs the paragraphs of one section
into passages. Nothing is written twice: passages do not overlap.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from pitcall.errors import InvalidRequest
from pitcall.knowledge.messages import Passage

#: Longest passage in characters: with title and heading within the 256 word pieces that MiniLM reads.
MAX_CHARACTERS: Final = 900
MAX_PASSAGES: Final = 50_000
MAX_HEADING: Final = 200
#: Between the levels of a heading.
WITHIN: Final = " > "

_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_BLANKS: Final = re.compile(r"[ \t\xa0]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a source: such as page 12, lines 3-9."""

    unit: str = ""  #: page, line, row
    first: int = 0
    last: int = 0

    def __str__(self) -> str:
        """For a person."""
        if not self.unit:
            return ""
        return f"{self.unit} {self.first}" if self.first == self.last else f"{self.unit}s {self.first}-{self.last}"

    def until(self, other: "Place") -> "Place":
        """From the beginning of this one to the end of the other."""
        return Place(self.unit, self.first, max(self.last, other.last))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text that stays together if it can."""

    text: str
    place: Place = Place()
    anchor: str = ""


@dataclass(slots=True)
class Section:
    """The paragraphs directly under a heading."""

    level: int
    heading: str  #: with those that it stands under
    title: str
    place: Place
    anchor: str
    paragraphs: list[Paragraph] = field(default_factory=list)


class Outline:
    """Collects headings and paragraphs in reading order."""

    def __init__(self) -> None:
        self._sections = [Section(0, "", "", Place(), "")]
        self._above: list[tuple[int, str]] = []

    @property
    def title(self) -> str:
        """The first heading; empty if there is none."""
        return next((section.title for section in self._sections if section.title), "")

    def heading(self, level: int, title: str, place: Place = Place(), anchor: str = "") -> None:
        """Begin a section. It ends every open one of the same or a deeper level."""
        title = clean(title)[:MAX_HEADING]
        if not title:
            return
        self._above = [*((depth, name) for depth, name in self._above if depth < level), (level, title)]
        self._close(level)
        path = WITHIN.join(name for _, name in self._above)
        self._sections.append(Section(level, path, title, place, anchor))

    def text(self, text: str, place: Place = Place(), anchor: str = "") -> None:
        """Add a paragraph to the open section; ``anchor`` is the section's unless it has one of its own."""
        text = clean(text)
        if text:
            open_ = self._sections[-1]
            open_.paragraphs.append(Paragraph(text, place, anchor or open_.anchor))

    def sections(self, above: str = "") -> list[Section]:
        """Those with text, in reading order. ``above``, such as the document's title, is left out of their headings."""
        self._close(0)
        for section in self._sections:
            if section.heading == above or section.heading.startswith(above + WITHIN):
                section.heading = section.heading[len(above + WITHIN) :]
        return [section for section in self._sections if section.paragraphs]

    def _close(self, level: int) -> None:
        """A heading without text and without a deeper one says something itself, such as a rule of one line."""
        last = self._sections[-1]
        if last.title and not last.paragraphs and level <= last.level:
            last.paragraphs.append(Paragraph(last.title, last.place, last.anchor))


def clean(text: str) -> str:
    """Without control characters, runs of blanks and blank ends; lines stay lines."""
    lines = (_BLANKS.sub(" ", line).strip() for line in _CONTROL.sub(" ", text).splitlines())
    return "\n".join(line for line in lines if line)


def embedded_text(title: str, heading: str, text: str) -> str:
    """What an embedder reads of a passage: text alone rarely says what it is about."""
    return "\n".join(part for part in (title, heading, text) if part)


def split(sections: Iterable[Section]) -> list[Passage]:
    """Passages in reading order. The same sections give the same passages.

    Raises:
        InvalidRequest: there is no text, or too much of it.
    """
    passages: list[Passage] = []
    for section in sections:
        for packed in _pack(section.paragraphs):
            text = "\n".join(piece.text for piece in packed)
            place = packed[0].place.until(packed[-1].place)
            passages.append(Passage(len(passages), text, section.heading, str(place), packed[0].anchor))
            if len(passages) > MAX_PASSAGES:
                raise InvalidRequest(f"the document has more than {MAX_PASSAGES:,} passages; split it")
    if not passages:
        raise InvalidRequest("the document has no text; a scanned PDF needs text recognition first")
    return passages


def _pack(paragraphs: Sequence[Paragraph]) -> Iterator[list[Paragraph]]:
    """As many whole paragraphs in a passage as fit."""
    packed: list[Paragraph] = []
    size = 0
    for paragraph in paragraphs:
        for piece in _pieces(paragraph.text):
            if packed and size + 1 + len(piece) > MAX_CHARACTERS:
                yield packed
                packed, size = [], 0
            packed.append(Paragraph(piece, paragraph.place, paragraph.anchor))
            size += len(piece) + (size > 0)
    if packed:
        yield packed


def _pieces(text: str) -> Iterator[str]:
    """The paragraph, or whole sentences of one that is too long, or words of such a sentence."""
    if len(text) <= MAX_CHARACTERS:
        yield text
        return
    piece = ""
    for part in _SENTENCE_END.split(text):
        for bit in _bits(part):
            if piece and len(piece) + 1 + len(bit) > MAX_CHARACTERS:
                yield piece
                piece = bit
            else:
                piece = f"{piece} {bit}" if piece else bit
    yield piece


def _bits(sentence: str) -> Iterator[str]:
    while len(sentence) > MAX_CHARACTERS:
        cut = sentence.rfind(" ", 0, MAX_CHARACTERS + 1)
        cut = cut if cut > 0 else MAX_CHARACTERS
        yield sentence[:cut].rstrip()
        sentence = sentence[cut:].lstrip()
    if sentence:
        yield sentence
