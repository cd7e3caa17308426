"""Markdown, HTML, tables and plain text as outlines. PDF is in ``pitcall.adapters.knowledge.pdf``.

Plain text and PDF have no markup for headings; there the numbers of articles (``30``, ``30.5``, ``Article 55``) are the
headings, as rule books write them.
"""

import csv
import io
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Final

from pitcall.errors import InvalidRequest
from pitcall.knowledge.chunk import Outline, Place

#: A rule's heading has at most this many words, and no full stop; more is the rule itself.
_TITLE_WORDS: Final = 9

_FRONT_MATTER: Final = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_PAIR: Final = re.compile(r"^(\w+)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_HASHES: Final = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_UNDERLINE: Final = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE: Final = re.compile(r"^ {0,3}(```+|~~~+)")
_NOT_SLUG: Final = re.compile(r"[^\w\- ]")
_TAG: Final = re.compile(r"<[^>]*>")

_NAMED: Final = re.compile(
    r"^(?:(?P<kind>article|art\.?|section|rule|appendix|chapter|§)\s*)(?P<number>[A-Z]?\d+(?:\.\d+)*|[A-Z])\b[.):]?\s*[-–:]?\s*(?P<rest>.*)$",  # noqa: RUF001  # the dash of rule books
    re.IGNORECASE,
)
_DOTTED: Final = re.compile(r"^(?P<number>\d{1,3}(?:\.\d{1,3})+)[.)]?\s+(?P<rest>\S.*)$")
_CAPITALS: Final = re.compile(r"^(?P<number>\d{1,3})[.)]?\s+(?P<rest>[^a-z]{4,})$")
_CLAUSE: Final = re.compile(r"^(?:[a-z]{1,4}[.)]|\([a-z0-9]{1,4}\)|[•*\u2013-])\s")
_CONTENTS: Final = re.compile(r"(?:\.\s?){4,}\s*\d+\s*$")
#: Articles may be missing from a book, but not many in a row: "200.5 kg" at the beginning of a line is no article.
_MISSING: Final = 5


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """The ``key: value`` lines between two ``---`` at the top, and the text with those lines blank."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return {}, text
    pairs = {key.lower(): value.strip("\"'") for key, value in _PAIR.findall(found[1])}
    return pairs, "\n" * found[0].count("\n") + text[found.end() :]


def markdown(text: str) -> Outline:
    """Headings of both kinds, with the anchors that GitHub gives them; fenced code is text."""
    outline, lines = Outline(), text.splitlines()
    anchors: dict[str, int] = {}
    block: list[str] = []
    fence = ""

    def flush(end: int) -> None:
        outline.text("\n".join(block), Place("line", end - len(block), end - 1))
        block.clear()

    def heading(level: int, title: str, number: int) -> None:
        title = _TAG.sub("", title)
        slug = _NOT_SLUG.sub("", title.lower()).strip().replace(" ", "-")
        again = anchors[slug] = anchors.get(slug, -1) + 1
        outline.heading(level, title, Place("line", number, number), f"{slug}-{again}" if again else slug)

    for number, line in enumerate(lines, start=1):
        opening = _FENCE.match(line)
        if fence or opening:
            block.append(line)
            if opening and (not fence or opening[1].startswith(fence)):
                fence = "" if fence else opening[1]
        elif title := _HASHES.match(line):
            flush(number)
            heading(len(title[1]), title[2], number)
        elif len(block) == 1 and (under := _UNDERLINE.match(line)) and not _CLAUSE.match(block[0]):
            heading(1 if under[1][0] == "=" else 2, block.pop(), number - 1)
        elif line.strip():
            block.append(line)
        else:
            flush(number)
    flush(len(lines) + 1)
    return outline


class Articles:
    """Recognises the headings of a text without markup by the numbers of its articles, which only grow."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._last: tuple[int, ...] = ()
        self._open: list[tuple[int, ...]] = []  # the numbers that the next one may stand under
        self._block: list[str] = []
        self._place = Place()

    def line(self, line: str, place: Place) -> None:
        """One line of the text; an empty one ends a paragraph."""
        line = line.strip()
        if not line or _CONTENTS.search(line):
            self.end()
            return
        if not self._article(line, place):
            if _CLAUSE.match(line):
                self.end()  # a), b) and bullets stay whole
            self._add(line, place)

    def end(self) -> None:
        """The paragraph is over."""
        self._outline.text(" ".join(self._block), self._place)
        self._block.clear()

    def _add(self, line: str, place: Place) -> None:
        if self._block and self._block[-1].endswith("-") and self._block[-1][-2:-1].islower() and line[0].islower():
            self._block[-1] = self._block[-1][:-1] + line  # a word that was divided at the end of the line
        else:
            self._block.append(line)
        self._place = self._place.until(place) if len(self._block) > 1 else place

    def _article(self, line: str, place: Place) -> bool:
        named = _NAMED.match(line)
        found = named or _DOTTED.match(line) or _CAPITALS.match(line)
        if found is None:
            return False
        number, rest = found["number"], found["rest"]
        if named is not None and (_is_sentence(rest) or rest[:1].islower()):
            return False  # "Article 30 applies to …" at the beginning of a line
        parts = tuple(int(part) for part in number.split(".") if part.isdecimal())
        if named is not None and named["kind"].lower() in ("appendix", "chapter"):
            self._last, self._open = (), [()]  # within it they count anew
        elif not self._follows(parts):
            return False
        else:
            self._last = parts
            self._open = [*(above for above in self._open if above == parts[: len(above)] and above != parts), parts]
        self.end()
        label = f"{named['kind']} {number}" if named is not None else number
        title = label if _is_sentence(rest) else f"{label} {rest}".strip()
        self._outline.heading(len(self._open), title, place, _page(place))
        if _is_sentence(rest):
            self._add(rest, place)
        return True

    def _follows(self, parts: tuple[int, ...]) -> bool:
        if not self._last:
            return bool(parts)
        return parts > self._last and parts[0] - self._last[0] <= _MISSING


def _is_sentence(text: str) -> bool:
    return len(text.split()) > _TITLE_WORDS or text.endswith((".", ";", ":", ","))


def _page(place: Place) -> str:
    return f"page={place.first}" if place.unit == "page" else ""


def plain_text(lines: Iterable[tuple[str, Place]]) -> Outline:
    """Text without markup: each line with its place."""
    outline = Outline()
    articles = Articles(outline)
    for line, place in lines:
        articles.line(line, place)
    articles.end()
    return outline


def numbered(text: str) -> Iterable[tuple[str, Place]]:
    """The lines of a text with their numbers."""
    return ((line, Place("line", number, number)) for number, line in enumerate(text.splitlines(), start=1))


def table(text: str, what: str) -> Outline:
    """A table with a row of names: each row as ``name: value; …``, so that a row makes sense alone.

    Raises:
        InvalidRequest: there are no rows below the names, or a row has more cells than there are names.
    """
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:10_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    outline = Outline()
    try:
        rows = csv.reader(io.StringIO(text, newline=""), dialect, strict=True)
        names = [name.strip() for name in next(rows, [])]
        for number, row in enumerate(rows, start=2):
            if len(row) > len(names):
                raise InvalidRequest(f"{what}: row {number} has {len(row)} cells, the first row {len(names)} names")
            cells = (f"{name}: {cell.strip()}" for name, cell in zip(names, row, strict=False) if cell.strip())
            outline.text("; ".join(cells), Place("row", number, number))
    except csv.Error as exc:
        raise InvalidRequest(f"{what} is no table: {exc}") from exc
    return outline


class _Html(HTMLParser):
    """Collects the visible text of a page."""

    _SKIPPED: Final = frozenset({"script", "style", "template", "noscript", "svg", "nav", "header", "footer", "aside"})
    # fmt: off
    _BLOCKS: Final = frozenset({
        "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "form", "hr", "li", "main",
        "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul",
    })
    # fmt: on

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.outline = Outline()
        self.title = ""
        self._text: list[str] = []
        self._heading: tuple[int, str] | None = None
        self._anchor = ""
        self._skipped = 0
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SKIPPED:
            self._skipped += 1
        if self._skipped:
            return
        self._anchor = dict(attrs).get("id") or self._anchor
        if tag == "title":
            self._in_title = True
        elif re.fullmatch("h[1-6]", tag):
            self._flush()
            self._heading = (int(tag[1]), dict(attrs).get("id") or "")
        elif tag in ("td", "th"):
            self._text.append(" ")
        elif tag in self._BLOCKS:
            self._flush()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SKIPPED:
            self._skipped = max(0, self._skipped - 1)
        elif tag == "title":
            self._in_title = False
        elif self._heading is not None and re.fullmatch("h[1-6]", tag):
            level, anchor = self._heading
            self.outline.heading(level, self._take(), anchor=anchor or self._anchor)
            self._heading = None
        elif tag in self._BLOCKS - {"td", "th"}:
            self._flush()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._skipped:
            self._text.append(data)

    def close(self) -> None:
        super().close()
        self._flush()

    def _flush(self) -> None:
        if self._heading is None:
            self.outline.text(self._take())

    def _take(self) -> str:
        text = " ".join("".join(self._text).split())
        self._text.clear()
        return text


def html(text: str) -> tuple[str, Outline]:
    """Title and visible text of a page; menus, headers and footers are left out."""
    parser = _Html()
    parser.feed(text)
    parser.close()
    return " ".join(parser.title.split()), parser.outline
