"""The vectors of a store in memory: exact cosine over all of them, which is fast enough for 200,000 passages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pitcall.knowledge.messages import Vectors

#: Reads the block of a document by the number of its first passage, f4[passage, dim].
ReadBlock: TypeAlias = Callable[[int], Vectors]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every vector of one state of the store. ``blocks``: number of a document's first passage -> its row here."""

    state: tuple[str, int]  #: era and generation; a block never changes within an era
    vectors: Vectors  #: f4[row, dim]
    passages: NDArray[np.int64]  #: [row], the number of the passage
    blocks: Mapping[int, int]

    @classmethod
    def empty(cls) -> "Matrix":
        """Of a store that has not been looked at."""
        return cls(("", -1), np.empty((0, 0), np.float32), np.empty(0, np.int64), {})

    def moved_to(self, state: tuple[str, int], dims: int, lengths: Mapping[int, int], read: ReadBlock) -> "Matrix":
        """The matrix of another state; only blocks that are not here yet are read.

        Args:
            state: era and generation.
            dims: length of its vectors.
            lengths: passages of each document, by the number of its first one.
            read: gives a block.
        """
        vectors = np.empty((sum(lengths.values()), dims), np.float32)
        passages = np.empty(len(vectors), np.int64)
        blocks: dict[int, int] = {}
        known = self.blocks if state[0] == self.state[0] else {}
        row = 0
        for first, length in lengths.items():
            end = row + length
            there = known.get(first)
            vectors[row:end] = read(first) if there is None else self.vectors[there : there + length]
            passages[row:end] = np.arange(first, first + length)
            blocks[first] = row
            row = end
        return Matrix(state, vectors, passages, blocks)

    def nearest(self, vector: Vectors, depth: int, lengths: Mapping[int, int] | None = None) -> list[tuple[int, float]]:
        """Number and cosine of the nearest passages, nearest first; ties in the order of their numbers.

        Args:
            vector: of unit length.
            depth: how many.
            lengths: only these documents: passages of each by the number of its first one.
        """
        scores, passages = self.vectors @ vector, self.passages
        if lengths is not None:
            parts = [np.arange(self.blocks[first], self.blocks[first] + length) for first, length in lengths.items()]
            rows = np.concatenate(parts) if parts else np.empty(0, np.int64)
            scores, passages = scores[rows], passages[rows]
        if len(scores) > depth:
            kept = np.argpartition(-scores, depth - 1)[:depth]
            scores, passages = scores[kept], passages[kept]
        order = np.lexsort((passages, -scores))
        return [(int(passages[n]), float(scores[n])) for n in order]
