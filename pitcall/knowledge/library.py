"""What is done with a store and an embedder together: add a document, find passages."""

import asyncio
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from pitcall.knowledge.chunk import Section, embedded_text, split
from pitcall.knowledge.messages import Document, Entry, Filter, Found, Labels, Passage, Query, Vectors
from pitcall.knowledge.store import Embedder, KnowledgeStore, Progress, Reranker

#: Part of what makes a document's digest: raise it when passages are cut in another way.
CUT: Final = "1"
#: Passages embedded between two reports of progress.
SLICE: Final = 64
#: Hits that a reranker looks at for each one that is asked for.
RERANKED: Final = 4

_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Draft:
    """A document as it was read, before it is cut into passages."""

    source: str  #: where a person finds it, and its identity: the same source replaces the older version
    title: str
    sections: Sequence[Section]
    labels: Labels = field(default_factory=Labels)


def ignore(done: int, total: int) -> None:
    """For who does not want to know."""


def document_id(source: str) -> str:
    """A name that a person recognises and that no other source has: ``sporting-rules-3fa9c1d2``."""
    stem = source.rstrip("/").rpartition("/")[2].rpartition("#")[0] or source.rstrip("/").rpartition("/")[2]
    slug = _NOT_SLUG.sub("-", stem.rpartition(".")[0].lower() or stem.lower()).strip("-")[:48]
    return f"{slug or 'document'}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"


class Library:
    """A store with the embedder that its vectors come from, and perhaps a reranker."""

    def __init__(self, store: KnowledgeStore, embedder: Embedder, reranker: Reranker | None = None) -> None:
        self.store = store
        self._embedder = embedder
        self._reranker = reranker

    @property
    def embedder(self) -> str:
        """Id of the embedder, for the provenance of an answer."""
        return self._embedder.id

    async def reindex(self, progress: Progress = ignore) -> None:
        """Make every vector of the store anew with this embedder; see ``KnowledgeStore.reindex``."""
        await self.store.reindex(self._embedder, progress)

    async def add(self, draft: Draft, progress: Progress = ignore) -> tuple[Document, bool]:
        """Cut, embed and store a document. Returns it, and False if it was there already, unchanged.

        Args:
            draft: what was read.
            progress: told how many passages of how many are embedded.

        Raises:
            InvalidRequest: it has no text.
            KnowledgeMismatch, KnowledgeReadOnly, KnowledgeUnavailable: see ``KnowledgeStore.put``.
        """
        passages = split(draft.sections)
        name = document_id(draft.source)
        document = Document(
            name, draft.source, draft.title, draft.labels, _digest(draft, passages, self._embedder.id), len(passages)
        )
        there = await self.store.document(name)
        if there is not None and there.digest == document.digest:
            return there, False
        document = replace(document, added=datetime.now(UTC).isoformat(timespec="seconds"))
        vectors = np.empty((len(passages), self._embedder.dims), np.float32)
        for start in range(0, len(passages), SLICE):
            progress(start, len(passages))
            part = passages[start : start + SLICE]
            texts = [embedded_text(draft.title, one.heading, one.text) for one in part]
            vectors[start : start + SLICE] = await asyncio.to_thread(self._embedder.embed, texts)
        await self.store.put([Entry(document, passages, vectors)], self._embedder.id)
        progress(len(passages), len(passages))
        return document, True

    async def search(
        self, text: str, where: Filter | None = None, *, hits: int = 5, per_document: int = 1, budget_s: float = 2.0
    ) -> Found:
        """The passages that answer a question best. A leg that misses the budget is named in ``missed``.

        An embedder that knows no meaning has its turn only if no word is found: fused with the words it would make the
        answer worse (on SciFact nDCG@10 of 0.575 instead of 0.669, docs/bench-retrieval.md).

        Raises:
            InvalidRequest: the question is empty, too long or holds a null byte.
            KnowledgeMismatch: the store belongs to another embedder.
            DeadlineExceeded: no leg was done in time.
            KnowledgeUnavailable: the store cannot be reached.
        """
        end = time.monotonic() + budget_s
        wanted = hits * RERANKED if self._reranker is not None else hits
        query = Query(text, where=where or Filter(), hits=wanted, per_document=per_document, budget_s=budget_s)
        found = Found(()) if self._embedder.semantic else await self.store.search(query)
        if not found.hits:
            found = await self._with_meaning(query, end)
        if self._reranker is not None:
            best = await asyncio.to_thread(self._reranker.rerank, text, found.hits)
            found = replace(found, hits=tuple(best[:hits]))
        return found

    async def _with_meaning(self, query: Query, end: float) -> Found:
        vector = await self._embedded(query.text, end - time.monotonic())
        left_s = max(end - time.monotonic(), 0.0)
        found = await self.store.search(replace(query, vector=vector, embedder=self._embedder.id, budget_s=left_s))
        return found if vector is not None else replace(found, missed=("dense", *found.missed))

    async def _embedded(self, text: str, budget_s: float) -> Vectors | None:
        """The question's vector, or None if half the budget is over: the words alone shall have their turn."""
        working = asyncio.ensure_future(asyncio.to_thread(self._embedder.embed, [text]))
        done, _ = await asyncio.wait({working}, timeout=budget_s / 2)
        if not done:
            working.add_done_callback(lambda late: late.cancelled() or late.exception())  # nobody asks any more
            return None
        vectors: Vectors = working.result()[0]
        return vectors


def _digest(draft: Draft, passages: Sequence[Passage], embedder: str) -> str:
    seen = hashlib.sha256()
    for part in (CUT, embedder, draft.source, draft.title, repr(draft.labels)):
        seen.update(part.encode() + b"\0")
    for one in passages:
        seen.update("\0".join((one.heading, one.location, one.anchor, one.text)).encode() + b"\1")
    return seen.hexdigest()[:32]
