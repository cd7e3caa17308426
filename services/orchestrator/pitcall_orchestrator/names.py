"""Which car a word means: key, number, name of driver or team, or a misspelling of one."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz import fuzz, process

from pitcall.domain.race import CarState
from pitcall.errors import NotFound, NotUnderstood

#: Least similarity, per cent, at which a word is a misspelled name: one slip in five letters.
_SIMILAR: Final = 80.0
#: Shorter words are not taken for misspelled names.
_SHORTEST: Final = 4


class Entry(NamedTuple):
    """What a car may be called."""

    car: str
    number: str
    driver: str
    team: str


def names_of(cars: Iterable[CarState]) -> "Names":
    """The names of a race's cars; the same for every state of the race, so the last ones are kept."""
    return _names(tuple(Entry(car.car, car.number, car.driver, car.team) for car in cars))


@lru_cache(maxsize=32)
def _names(entries: tuple[Entry, ...]) -> "Names":
    return Names(entries)


class Names:
    """The cars of one race by everything that they may be called."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.keys = {car.car.upper(): car.car for car in entries}
        self.listed = ", ".join(sorted(car.car for car in entries))
        self._numbers = {car.number: car.car for car in entries if car.number}
        self._words: dict[str, set[str]] = defaultdict(set)
        for car in entries:
            self._words[car.car.lower()].add(car.car)
            for word in re.findall(r"[^\W\d_]{3,}", unaccented(f"{car.driver} {car.team}").lower()):
                self._words[word].add(car.car)

    def by_number(self, number: str) -> str | None:
        """The car with a start number."""
        return self._numbers.get(number)

    def exact(self, word: str, beside: str = "") -> str | None:
        """The car whose key or name a lower-case word is.

        Args:
            word: one word of a text.
            beside: the car that the word before it named; a surname of several cars is then that car's.

        Raises:
            NotUnderstood: it is the name of several cars.
        """
        return self._one(word, self._words.get(word, set()), beside)

    def guess(self, word: str, beside: str = "") -> str | None:
        """The car that a lower-case word probably means: a misspelled name, or a surname that begins with the key.

        Args:
            word: one word of a text.
            beside: as for ``exact``.

        Raises:
            NotUnderstood: it fits several cars equally well.
        """
        if len(word) < _SHORTEST:
            return None
        long = [name for name in self._words if len(name) >= _SHORTEST]
        near = process.extract(word, long, scorer=fuzz.ratio, score_cutoff=_SIMILAR)
        if near:
            best = near[0][1]
            return self._one(
                word, {car for name, score, _ in near if score == best for car in self._words[name]}, beside
            )
        return self.keys.get(word[:3].upper())

    def resolve(self, given: str) -> str:
        """The key of a car that a client named by key, in any letter case, or by number.

        Raises:
            NotFound: no such car; the message names those there are.
        """
        found = self.keys.get(given.upper()) or self.by_number(given.lstrip("#"))
        if found is None:
            raise NotFound(f"no car {given!r:.40} in this race; cars: {self.listed}")
        return found

    @staticmethod
    def _one(word: str, cars: set[str], beside: str) -> str | None:
        if beside in cars:
            return beside
        if len(cars) > 1:
            raise NotUnderstood(f"{word!r} can be {' or '.join(sorted(cars))}: name one of them")
        return next(iter(cars), None)


def unaccented(text: str) -> str:
    """Pérez and Perez are one driver."""
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
