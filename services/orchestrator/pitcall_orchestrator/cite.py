"""Answers that cite. Pure templates: what a document says is quoted word for word, or only its title is named.

A passage supports an answer if it holds the words that were asked about. One that does not is shown as the nearest that
there is, and nothing is claimed from it. A quotation is data: its own brackets become round and its own quotation marks
straight, so that it can neither cite nor end before its end.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pitcall.wire.knowledge import Grounding, Source
from pitcall_orchestrator.lookup import Lookup
from pitcall_orchestrator.report import Said

#: Least share of the words of a question that a source holds.
SUPPORTS: Final = 0.7
#: Most sources of one answer, and so most quotations.
MOST: Final = 3
#: Most lines under an answer, quotations included: the five reasons of a call and one quotation, or three and three.
_LINES: Final = 6
#: Label of documents that hold rules.
RULES: Final = "rules"

_NO_RULES: Final = "This is no rule's wording: no regulations are among the documents. " + (
    "Add them with: pitcall knowledge add FILE --label kind=rules"
)
_NO_DOCUMENT: Final = "Documents are added with: pitcall knowledge add PATH"


def cited(said: Said, grounding: Grounding | None, most: int = 1) -> Said:
    """The words of a call with the quotations that belong to it, the last of its reasons making room for them."""
    sources = grounding.sources if grounding else ()
    lines = [_line(source, number) for number, source in enumerate(sources[:most], start=1) if source.quote]
    return replace(said, why=(*said.why[: _LINES - len(lines)], *lines))


def ranked(asked: Lookup, found: Sequence[Source]) -> tuple[Source, ...]:
    """The sources of an answer: those that support it, rules first where rules are asked for; else the nearest."""
    supporting = [source for source in found if supports(source)]
    # Stable, so that else the best stays first: rules before what explains them, then what says what something is.
    supporting.sort(key=lambda source: (asked.rules and source.kind != RULES, not _defines(source, asked.words)))
    by_document: dict[str, Source] = {}
    for source in supporting or found:
        by_document.setdefault(source.document, source)
    return tuple(by_document.values())[:MOST]


def supports(source: Source) -> bool:
    """True for a passage that may be quoted in answer to its question."""
    return source.covered >= SUPPORTS and bool(source.quote)


def answer(asked: Lookup, sources: Sequence[Source]) -> Said:
    """The words for a question to documents; ``sources`` as ``ranked`` gives them."""
    if not sources:
        return Said("The documents say nothing about that.", (_NO_DOCUMENT,))
    if not supports(sources[0]):
        nearest = ", ".join(f"{_named(source)} [{number}]" for number, source in enumerate(sources, start=1))
        return Said(f"No document answers that in so many words. Nearest: {nearest}.")
    first, *others = (_line(source, number) for number, source in enumerate(sources, start=1))
    note = (_NO_RULES,) if asked.rules and sources[0].kind != RULES else ()
    return Said(first, (*others, *note))


def _defines(source: Source, words: str) -> bool:
    """True for "An undercut is ..." and "Undercut: ...", and for the beginning of a page of that name."""
    word = words.rstrip("s")
    said = re.search(rf"^(?:(?:an?|the) )?{re.escape(word)}\w*(?: is| are| means|:)", source.quote.lower())
    return said is not None or (not source.heading and word in source.title.lower().replace("-", " "))


def _line(source: Source, number: int) -> str:
    return f"{_named(source)}: “{_quoted(source.quote)}” [{number}]"


def _named(source: Source) -> str:
    return _quoted(source.title)


def _quoted(text: str) -> str:
    return text.translate(_TAME).replace("\n", " ")


_TAME: Final = str.maketrans("[]“”", '()""')
