"""The speed of a knowledge store: what a question costs, how fast documents come in, how exact the dense leg is."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pitcall.knowledge.chunk import Outline, split
from pitcall.knowledge.messages import Document, Entry, Passage, Query, Vectors
from pitcall.knowledge.store import KnowledgeStore

#: Passages that a question of the page asks for.
HITS: Final = 5
#: Passages of one document.
LENGTH: Final = 10
#: Documents in one call.
PART: Final = 100
#: Questions before the clock runs: connections, caches.
WARM: Final = 10
#: Length of the noise that makes different vectors of one abstract's: their cosine to it is about 0.8.
NOISE: Final = 0.75
SEED: Final = 7
#: Places that the recall of the vector search looks at.
RECALL: Final = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """Passages to search: real texts, cut as documents are, again and again until there are enough."""

    texts: Sequence[str]
    vectors: Vectors  #: one a text
    chunks: int

    def passages(self) -> tuple[list[str], Vectors]:
        """Text and vector of each. A text that comes again has another vector each time."""
        cut = [(passage.text, n) for n, text in enumerate(self.texts) for passage in split(_outline(text).sections())]
        chosen = [cut[n % len(cut)] for n in range(self.chunks)]
        noise = np.random.default_rng(SEED).standard_normal((self.chunks, self.vectors.shape[1]), dtype=np.float32)
        noise *= NOISE / math.sqrt(noise.shape[1])
        made = self.vectors[[n for _, n in chosen]] + noise
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return [text for text, _ in chosen], made


@dataclass(frozen=True, slots=True)
class Speed:
    """Without embedding."""

    chunks: int
    clients: int
    index_per_s: float  #: passages, in documents of ten
    p50_ms: float  #: both legs, five hits
    p99_ms: float
    per_s: float  #: questions answered
    recall10: float  #: share of the ten nearest vectors that the dense leg finds
    bytes: int
    open_ms: float  #: of a store that is full, by a process that has the code
    first_ms: float  #: of its first question


def _outline(text: str) -> Outline:
    outline = Outline()
    outline.text(text)
    return outline


def _entries(texts: Sequence[str], vectors: Vectors) -> Iterator[Entry]:
    for start in range(0, len(texts), LENGTH):
        part = texts[start : start + LENGTH]
        name = f"d{start // LENGTH:06}"
        document = Document(name, f"bench:{name}", f"Document {start // LENGTH}", passages=len(part))
        yield Entry(document, [Passage(n, text) for n, text in enumerate(part)], vectors[start : start + LENGTH])


async def measure(
    open_store: Callable[[], KnowledgeStore], sample: Sample, queries: Sequence[Query], clients: int
) -> Speed:
    """Fill the store, open it again, ask ``clients`` questions at a time, compare its nearest vectors to the exact."""
    texts, vectors = sample.passages()
    entries = list(_entries(texts, vectors))
    store = open_store()
    started = time.perf_counter()
    for start in range(0, len(entries), PART):
        await store.put(entries[start : start + PART], queries[0].embedder)
    indexed_s = time.perf_counter() - started
    await store.close()
    began = time.perf_counter()
    store = open_store()
    size = (await store.info()).bytes
    opened = time.perf_counter()
    await store.search(queries[0])
    answered = time.perf_counter()
    for query in queries[:WARM]:
        await store.search(query)
    times_s: list[float] = []
    waiting = iter(queries)

    async def ask() -> None:
        for query in waiting:
            began = time.perf_counter()
            await store.search(query)
            times_s.append(time.perf_counter() - began)

    asked = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(clients)))
    took_s = time.perf_counter() - asked
    times_s.sort()
    recall10 = await _recall(store, vectors, queries)
    await store.close()
    return Speed(
        chunks=len(texts),
        clients=clients,
        index_per_s=round(len(texts) / indexed_s, 1),
        p50_ms=_quantile_ms(times_s, 0.50),
        p99_ms=_quantile_ms(times_s, 0.99),
        per_s=round(len(times_s) / took_s, 1),
        recall10=round(recall10, 4),
        bytes=size,
        open_ms=round(1000 * (opened - began), 2),
        first_ms=round(1000 * (answered - opened), 2),
    )


def _quantile_ms(ranked_s: Sequence[float], share: float) -> float:
    return round(1000 * ranked_s[math.ceil(share * len(ranked_s)) - 1], 2)


async def _recall(store: KnowledgeStore, vectors: Vectors, queries: Sequence[Query]) -> float:
    found, wanted = 0, 0
    for query in queries:
        if query.vector is None:
            continue
        exact = np.argpartition(-(vectors @ query.vector), RECALL)[:RECALL]
        nearest = {f"d{row // LENGTH:06}:{row % LENGTH}" for row in exact}
        alone = replace(query, text="", hits=RECALL, per_document=LENGTH)
        hits = (await store.search(alone)).hits
        found += len(nearest & {f"{hit.document.id}:{hit.passage.number}" for hit in hits})
        wanted += RECALL
    return found / wanted
