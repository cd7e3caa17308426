"""Words: which of a question are worth looking for, their stems, and where they stand in a passage."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import snowballstemmer

#: Most different words of one question; the first ones count.
MAX_WORDS: Final = 64

#: English words that stand in most passages: they cost time and rank nothing. Longest posting lists first in any text.
# fmt: off
STOP_WORDS: Final = frozenset({
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been",
    "before", "being", "both", "but", "by", "can", "could", "did", "do", "does", "doing", "down", "each", "few",
    "for", "from", "further", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i",
    "if", "in", "into", "is", "it", "its", "itself", "just", "may", "me", "might", "more", "most", "must", "my", "no",
    "nor", "not", "now", "of", "off", "on", "once", "only", "or", "other", "our", "out", "over", "own", "s", "same",
    "shall", "she", "should", "so", "some", "such", "t", "than", "that", "the", "their", "theirs", "them", "then",
    "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "us", "very", "was",
    "we", "were", "what", "when", "where", "which", "while", "who", "whom", "why", "will", "with", "would", "you",
    "your",
})
# fmt: on

_WORD: Final = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """The different words of a text in lower case, without stop words; all of them if there is nothing else.

    A word is letters and digits only: whatever a query language would read as an operator is gone.
    """
    every = list(dict.fromkeys(_WORD.findall(text.lower())))
    return ([word for word in every if word not in STOP_WORDS] or every)[:MAX_WORDS]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The stem of a word (Porter 1980) without accents, as SQLite's FTS5 makes it: ``pits``, ``pitting``: ``pit``."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(letter)
    )
    found: str = snowballstemmer.stemmer("porter").stemWord(plain)  # a new one each time: it is no good for two threads
    return found


def stems(text: str) -> list[str]:
    """The stem of every word, in order."""
    return [stem(word) for word in _WORD.findall(text)]


def marks(text: str, wanted: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Start and end of each word of a text that has the stem of a wanted one."""
    looked_for = {stem(word) for word in wanted}
    return tuple(found.span() for found in _WORD.finditer(text) if stem(found[0]) in looked_for)
