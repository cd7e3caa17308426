"""The embedder that needs nothing: words and their parts, hashed into 384 numbers. No meaning, but typos and endings.

It serves where the weights of a real one are missing; every answer names it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pitcall.knowledge.messages import Vectors
from pitcall.knowledge.words import STOP_WORDS

DIMS: Final = 384
#: Lengths of the parts of words, with a mark at both ends.
_PARTS: Final = (3, 4, 5)

_WORD: Final = re.compile(r"[^\W_]+")


class HashingEmbedder:
    """Character n-grams by the hashing trick (Weinberger et al. 2009), counts damped by a logarithm, unit length."""

    id: Final = "hashing-384@1"
    dims: Final = DIMS
    semantic: Final = False

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text; the same text gives the same bits on every machine."""
        rows = np.zeros((len(texts), DIMS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            counts = Counter(word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS)
            for word, count in counts.items():
                places, signs = _features(word)
                np.add.at(row, places, signs * np.float32(1.0 + np.log(count)))
            row[0] += not counts  # a text without words is near nothing in particular
        vectors: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return vectors


@lru_cache(maxsize=50_000)
def _features(word: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Where a word counts, and with which sign. A long word counts as much as a short one."""
    hashes = np.array([crc32(part.encode()) for part in _parts(word)], np.int64)
    signs = np.where(hashes >> 31, 1.0, -1.0) / np.sqrt(len(hashes))
    return hashes % DIMS, signs.astype(np.float32)


def _parts(word: str) -> Iterator[str]:
    marked = f"<{word}>"
    yield marked
    for size in _PARTS:
        yield from (marked[at : at + size] for at in range(len(marked) - size + 1))
