"""Vectors that were made beforehand, so that no machine computes those of our own documents again. Pure.

They are package data, and hold for one embedder and for texts in which no letter has changed; all else is embedded as
ever. A file is an ``.npz`` of ``embedder``, the id; ``keys`` u1[text, byte]; ``vectors`` f4[text, dim].
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final

import numpy as np

from pitcall.knowledge.chunk import embedded_text, split
from pitcall.knowledge.library import Draft
from pitcall.knowledge.messages import Vectors
from pitcall.knowledge.store import Embedder

#: Bytes of the SHA-256 of a text that are its key.
_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Prepared:
    """Vectors by the keys of their texts."""

    embedder: str  #: id of the one that made them
    vectors: dict[bytes, Vectors]  #: one row each

    def lacks(self, texts: Iterable[str]) -> list[str]:
        """Those that have no vector here."""
        return [text for text in texts if _key(text) not in self.vectors]

    def to_bytes(self) -> bytes:
        """As a file holds them. Equal vectors are equal bytes."""
        keys = sorted(self.vectors)
        rows = np.stack([self.vectors[key] for key in keys]).astype("<f4")
        file = BytesIO()
        np.savez(
            file,
            embedder=np.array(self.embedder),
            keys=np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), _KEY_BYTES),
            vectors=rows,
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Prepared":
        """What ``to_bytes`` gave."""
        with np.load(BytesIO(content), allow_pickle=False) as held:
            keys, rows = held["keys"], held["vectors"]
            return cls(str(held["embedder"]), {key.tobytes(): row for key, row in zip(keys, rows, strict=True)})


class PreparedEmbedder:
    """An embedder that looks a text up before it computes; by its id and its vectors nobody can tell it apart."""

    def __init__(self, embedder: Embedder, prepared: Prepared) -> None:
        if embedder.id != prepared.embedder:
            raise ValueError(f"vectors of {prepared.embedder} are not those of {embedder.id}")
        self._embedder = embedder
        self._prepared = prepared
        self.id, self.dims, self.semantic = embedder.id, embedder.dims, embedder.semantic

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text."""
        keys = [_key(text) for text in texts]
        known = self._prepared.vectors
        unknown = [number for number, key in enumerate(keys) if key not in known]
        if len(unknown) == len(texts):
            return self._embedder.embed(texts)
        rows = np.empty((len(texts), self.dims), np.float32)
        if unknown:
            rows[unknown] = self._embedder.embed([texts[number] for number in unknown])
        for number, key in enumerate(keys):
            if key in known:
                rows[number] = known[key]
        return rows


def texts_of(drafts: Iterable[Draft]) -> list[str]:
    """What is embedded of these documents, as ``Library.add`` does it."""
    return [
        embedded_text(draft.title, passage.heading, passage.text)
        for draft in drafts
        for passage in split(draft.sections)
    ]


def prepare(embedder: Embedder, drafts: Iterable[Draft]) -> Prepared:
    """The vectors of all passages of these documents."""
    texts = texts_of(drafts)
    return Prepared(embedder.id, dict(zip(map(_key, texts), embedder.embed(texts), strict=True)))


@cache
def shipped() -> Prepared:
    """The vectors that come with the package: of the pack that the shipped parameters give."""
    return Prepared.from_bytes(files("pitcall").joinpath("data", "knowledge", "vectors.npz").read_bytes())


def with_shipped(embedder: Embedder) -> Embedder:
    """The embedder, relieved of the texts that are shipped with its vectors."""
    return PreparedEmbedder(embedder, shipped()) if embedder.id == shipped().embedder else embedder


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_KEY_BYTES]
