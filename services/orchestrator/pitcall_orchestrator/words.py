"""Reading a question as people type it: words, their misspellings, numbers, and where cars are named.

``read`` gives the text back in the planner's own words: lower case, typing mistakes corrected, number
words as digits, every named car as ``@KEY``. The planner's patterns look only at that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import OSA

from pitcall.errors import NotFound
from pitcall_orchestrator.names import Names, unaccented
from pitcall_orchestrator.vocabulary import (
    AFTER_NUMBER,
    ALIASES,
    ASKED_OF,
    BEFORE_NUMBER,
    COMMON,
    MEANING,
    NUMBERS,
    PLACES,
)

_TOKEN: Final = re.compile(r"#?[^\W_]+(?:'[^\W_]+)?")
_SUFFIX: Final = re.compile(r"'(s|m|ll|d|ve|re|t)$")
_COUPLE: Final = re.compile(r"\b(?:an? )?couple(?: of)?\b", re.IGNORECASE)
#: ``P3``, ``L24``, ``lap24``.
_SHORT: Final = re.compile(r"(p|l|lap)([0-9]{1,3})")
_SHORT_FOR: Final = {"p": "position", "l": "lap", "lap": "lap"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A question in the planner's words, and the cars that it names, in the order of the text."""

    text: str
    cars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    """One word of the question and what stands around it."""

    word: str  #: as typed
    before: str  #: the word before it, as read
    after: str  #: the word after it, as typed, lower case
    capital: bool  #: the capital letter says that it is a name
    shouting: bool  #: the text has no small letter, so capitals say nothing


def read(text: str, names: Names) -> Reading:
    """The question in the planner's own words.

    Raises:
        NotFound: it names a car that is not in the race.
        NotUnderstood: a name fits more than one car.
    """
    raw = [
        _SUFFIX.sub("", token) for token in _TOKEN.findall(_COUPLE.sub("2", unaccented(text).replace("\u2019", "'")))
    ]
    shouting = not any(word.islower() for word in raw)
    words: list[str] = []
    unknown: list[tuple[int, str]] = []
    for at, word in enumerate(raw):
        token = _Token(
            word,
            before=words[-1] if words else "",
            after=raw[at + 1].lower() if at + 1 < len(raw) else "",
            capital=word[0].isupper() and not shouting and at > 0,
            shouting=shouting,
        )
        found = list(_read_one(token, names))
        if not found:
            if (token.capital and token.before not in PLACES) or (token.before in ASKED_OF and len(word) > 3):
                unknown.append((len(words), word))
            found = [word.lower()]
        if not (words and found[0] == words[-1] and found[0].startswith("@")):  # "Lewis Hamilton" is one car
            words += found
    for at, word in unknown:  # a first name beside a car that was found is part of it
        if not any(near.startswith("@") for near in words[max(0, at - 1) : at + 2]):
            raise NotFound(f"no car or driver {word[:40]!r} in this race; cars: {names.listed}")
    cars = tuple(word[1:] for word in words if word.startswith("@"))
    return Reading(" ".join(words), tuple(dict.fromkeys(cars)))


def _read_one(token: _Token, names: Names) -> Iterator[str]:
    """What one token says; nothing if it is not known."""
    word = token.word.lower()
    beside = token.before.removeprefix("@") if token.before.startswith("@") else ""
    known = word in MEANING or word in COMMON or word in ALIASES
    if token.word in names.keys and token.word.isupper() and not (token.shouting and known):
        yield f"@{names.keys[token.word]}"
    elif number := _number(token, word):
        car = names.by_number(number) if _may_be_car(token, word) else None
        yield f"@{car}" if car else number
    elif short := _SHORT.fullmatch(word):
        yield from (_SHORT_FOR[short[1]], short[2])
    elif (token.capital or not known) and (car := names.exact(word, beside)):
        yield f"@{car}"
    elif known:
        yield from ALIASES.get(word, word).split()
    elif token.capital and (car := names.guess(word, beside)):
        yield f"@{car}"
    elif near := _nearest(word):
        yield near
    elif car := names.guess(word, beside):
        yield f"@{car}"


def _number(token: _Token, word: str) -> str:
    """Digits, or nothing if the word is no number."""
    if word.lstrip("#").isdecimal() and word.isascii():
        return word.lstrip("#")
    if word == "one" and token.after not in ("lap", "more"):
        return ""  # "which one"
    return NUMBERS.get(word, "")


def _may_be_car(token: _Token, word: str) -> bool:
    return word.startswith("#") or (
        word.isdecimal() and token.before in BEFORE_NUMBER and token.after not in AFTER_NUMBER
    )


def _nearest(word: str) -> str | None:
    """The word of meaning that was probably typed: one slip in a short word, two in a long one."""
    slips = 0 if len(word) < 3 else 1 if len(word) < 7 else 2
    near = [
        (OSA.distance(word, known), -len(known), known)
        for known in MEANING
        if abs(len(known) - len(word)) <= slips and (len(word) > 3 or known[0] == word[0])
    ]
    found = min((item for item in near if item[0] <= slips), default=None)
    return found[2] if found else None
