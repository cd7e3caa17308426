"""``pitcall bench retrieval``: how well and how fast the right document is found, by words, by meaning, and by both.

Quality is measured on a test collection in BEIR's sense: documents, questions, and judgements of which document answers
which question. Each document is one passage there, as in the published figures. Speed is in ``retrieval_speed``.
"""

import asyncio
import gzip
import hashlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias
from uuid import uuid4

import typer

from pitcall.adapters.home import home
from pitcall.cli.bench.figures import cores
from pitcall.cli.bench.relevance import ndcg, recall
from pitcall.cli.options import Json
from pitcall.cli.output import exits, print_json, progress, stdout
from pitcall.errors import InvalidRequest

if TYPE_CHECKING:
    from pitcall.adapters.knowledge.settings import KnowledgeSettings
    from pitcall.knowledge.messages import Query, Vectors
    from pitcall.knowledge.store import Embedder, KnowledgeStore

#: Documents that recall looks at.
DEPTH: Final = 100
#: Documents between two lines of progress while they are embedded, and in one call while they are stored.
PART: Final = 500

#: A place for a store of a backend, empty, and what opens it; what it holds is gone at the end.
Place: TypeAlias = AbstractAsyncContextManager["Callable[[], KnowledgeStore]"]


@dataclass(frozen=True, slots=True)
class Collection:
    """A test collection. Texts as an embedder reads them."""

    name: str
    documents: Sequence[tuple[str, str, str]]  #: id, title, text
    questions: Sequence[tuple[str, str]]  #: id, text
    judged: Mapping[str, Mapping[str, int]]  #: question -> document -> how relevant


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the questions."""

    ndcg10: float
    r100: float


def retrieval(
    ir: Annotated[Path, typer.Option("--ir", help="Folder with NAME.corpus, .queries and .qrels, each .jsonl.gz.")],
    chunks: Annotated[
        int, typer.Option(min=0, help="Passages for the measurement of speed; 0 leaves it out.")
    ] = 10_000,
    clients: Annotated[int, typer.Option(min=1, help="Questions at the same time, there.")] = 1,
    as_json: Json = False,
) -> None:
    """Rank a test collection with each leg and with both; Elasticsearch too, if ELASTICSEARCH_URL is set.

    Vectors are kept in the home: the first run embeds every document, ten a second on one core.
    """
    with exits(as_json=as_json):
        found = asyncio.run(_measure(load(ir), chunks, clients))
        if as_json:
            print_json(found)
        else:
            _print(found)


def load(folder: Path) -> Collection:
    """Read a collection.

    Raises:
        InvalidRequest: the folder does not hold exactly one, or a line of it is wrong.
    """
    corpora = sorted(folder.glob("*.corpus.jsonl.gz"))
    if len(corpora) != 1:
        raise InvalidRequest(f"{folder} has {len(corpora)} files *.corpus.jsonl.gz; one is needed")
    name = corpora[0].name.removesuffix(".corpus.jsonl.gz")
    try:
        documents = [(str(row["id"]), row["title"], row["text"]) for row in _rows(corpora[0])]
        judged = {str(row["q"]): row["rel"] for row in _rows(folder / f"{name}.qrels.jsonl.gz")}
        questions = [(str(row["id"]), row["text"]) for row in _rows(folder / f"{name}.queries.jsonl.gz")]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as exc:
        raise InvalidRequest(f"{folder} is no test collection: {type(exc).__name__}: {exc}") from exc
    return Collection(name, documents, [one for one in questions if one[0] in judged], judged)


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


async def _measure(collection: Collection, chunks: int, clients: int) -> dict[str, Any]:
    from pitcall.adapters.knowledge.open import open_embedder  # noqa: PLC0415  # torch: seconds
    from pitcall.adapters.knowledge.settings import KnowledgeSettings  # noqa: PLC0415  # as above
    from pitcall.cli.bench import retrieval_speed  # noqa: PLC0415  # numpy
    from pitcall.knowledge.chunk import embedded_text  # noqa: PLC0415  # numpy

    settings = await _servable(KnowledgeSettings())
    embedder = open_embedder(settings)
    texts = [embedded_text(title, "", text) for _, title, text in collection.documents]
    vectors = _embedded(embedder, f"{len(texts)} documents", texts)
    asked = _embedded(embedder, f"{len(collection.questions)} questions", [text for _, text in collection.questions])
    found: dict[str, Any] = {}
    speed: dict[str, Any] = {}
    for kind, opener in _backends(settings).items():
        async with opener as open_store:
            progress(f"{kind}: {len(texts)} documents, {len(collection.questions)} questions")
            store = open_store()
            await _fill(store, collection, vectors, embedder.id)
            found[kind] = {
                leg: asdict(await _rank(store, collection, queries))
                for leg, queries in _queries(collection, asked, embedder.id).items()
            }
            await store.close()
    if chunks:
        sample = retrieval_speed.Sample([text for _, _, text in collection.documents], vectors, chunks)
        queries = [replace(query, hits=retrieval_speed.HITS) for query in _hybrid(collection, asked, embedder.id)]
        for kind, opener in _backends(settings).items():
            async with opener as open_store:
                progress(f"{kind}: {chunks} passages, {clients} at a time")
                speed[kind] = asdict(await retrieval_speed.measure(open_store, sample, queries, clients))
    about = {"name": collection.name, "documents": len(texts), "questions": len(collection.questions)}
    if "elasticsearch" in found:
        about["analyzer"] = settings.analyzer
    return {**found, "speed": speed, "collection": about, "embedder": embedder.id, "cores": cores()}


async def _fill(store: "KnowledgeStore", collection: Collection, vectors: "Vectors", embedder: str) -> None:
    from pitcall.knowledge.messages import Document, Entry, Passage  # noqa: PLC0415  # numpy

    entries = [
        Entry(Document(name, f"{collection.name}:{name}", title, passages=1), [Passage(0, text)], vectors[n : n + 1])
        for n, (name, title, text) in enumerate(collection.documents)
    ]
    for start in range(0, len(entries), PART):
        await store.put(entries[start : start + PART], embedder)


def _hybrid(collection: Collection, asked: "Vectors", embedder: str) -> "Iterator[Query]":
    from pitcall.knowledge.messages import Query  # noqa: PLC0415  # numpy

    for (_, text), vector in zip(collection.questions, asked, strict=True):
        yield Query(text, vector, embedder, hits=DEPTH, depth=DEPTH, budget_s=60.0)  # quality: no leg may be cut off


def _queries(collection: Collection, asked: "Vectors", embedder: str) -> "dict[str, list[Query]]":
    """The questions for each leg alone and for both."""
    both = list(_hybrid(collection, asked, embedder))
    return {
        "bm25": [replace(query, vector=None) for query in both],
        "dense": [replace(query, text="") for query in both],
        "hybrid": both,
    }


async def _rank(store: "KnowledgeStore", collection: Collection, queries: "Sequence[Query]") -> Quality:
    gains, recalls = [], []
    for (name, _), query in zip(collection.questions, queries, strict=True):
        ranking = [hit.document.id for hit in (await store.search(query)).hits]
        gains.append(ndcg(ranking, collection.judged[name]))
        recalls.append(recall(ranking, collection.judged[name], DEPTH))
    return Quality(round(sum(gains) / len(gains), 4), round(sum(recalls) / len(recalls), 4))


def _embedded(embedder: "Embedder", what: str, texts: Sequence[str]) -> "Vectors":
    """The vectors of these texts; kept in the home, because a core embeds about ten abstracts a second."""
    import numpy as np  # noqa: PLC0415  # only here

    seen = hashlib.sha256(embedder.id.encode())
    for text in texts:
        seen.update(text.encode() + b"\0")
    path = home() / "cache" / "bench" / f"vectors-{seen.hexdigest()[:16]}.npy"
    if path.is_file():
        kept: Vectors = np.load(path)
        return kept
    made = np.empty((len(texts), embedder.dims), np.float32)
    for start in range(0, len(texts), PART):
        progress(f"embedding {what}: {start} done")
        made[start : start + PART] = embedder.embed(texts[start : start + PART])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid4().hex}.npy")
    np.save(part, made)
    part.replace(path)
    return made


async def _servable(settings: "KnowledgeSettings") -> "KnowledgeSettings":
    """With the analyzer ``standard`` if Elasticsearch lacks the one that is set: a slim server can be measured too."""
    if not settings.url.get_secret_value():
        return settings
    import numpy as np  # noqa: PLC0415  # only here

    from pitcall.knowledge.messages import Document, Entry, Passage  # noqa: PLC0415  # numpy

    one = Entry(Document("a", "bench:a", "A", passages=1), [Passage(0, "a")], np.ones((1, 1), np.float32))
    async with _elasticsearch(settings) as open_store:
        store = open_store()
        try:
            await store.put([one], "bench")
        except InvalidRequest as exc:
            progress(exc.detail)
            return settings.model_copy(update={"analyzer": "standard"})
        finally:
            await store.close()
    return settings


def _backends(settings: "KnowledgeSettings") -> dict[str, Place]:
    """SQLite, and Elasticsearch if there is an address."""
    found: dict[str, Place] = {"sqlite": _sqlite()}
    if settings.url.get_secret_value():
        found["elasticsearch"] = _elasticsearch(settings)
    return found


@asynccontextmanager
async def _sqlite() -> "AsyncIterator[Callable[[], KnowledgeStore]]":
    from pitcall.adapters.knowledge.sqlite import SqliteKnowledge  # noqa: PLC0415  # numpy

    with tempfile.TemporaryDirectory() as folder:
        yield partial(SqliteKnowledge, Path(folder) / "knowledge.db")


@asynccontextmanager
async def _elasticsearch(settings: "KnowledgeSettings") -> "AsyncIterator[Callable[[], KnowledgeStore]]":
    from pitcall.adapters.knowledge.elastic import ElasticKnowledge  # noqa: PLC0415  # a second to import

    open_store = partial(ElasticKnowledge, settings.model_copy(update={"index": f"pitcall-bench-{uuid4().hex[:8]}"}))
    try:
        yield open_store
    finally:
        store = open_store()
        await store.destroy()
        await store.close()


def _print(found: Mapping[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415  # not needed for --json

    table = Table("", "nDCG@10", "recall@100", box=None)
    kinds = [kind for kind in ("sqlite", "elasticsearch") if kind in found]
    for kind in kinds:
        for leg, quality in found[kind].items():
            table.add_row(f"{kind} {leg}", f"{quality['ndcg10']:.4f}", f"{quality['r100']:.4f}")
    stdout.print(table)
    for kind, speed in found["speed"].items():
        stdout.print(
            f"{kind}: {speed['chunks']} passages, {speed['clients']} at a time: p50 {speed['p50_ms']:.1f} ms, "
            f"p99 {speed['p99_ms']:.1f} ms; {speed['index_per_s']:.0f}/s indexed, {speed['bytes'] / 1e6:.0f} MB; "
            f"recall@10 of the vectors {speed['recall10']:.3f}; open in {speed['open_ms']:.1f} ms, "
            f"first answer {speed['first_ms']:.1f} ms after that"
        )
    about = found["collection"]
    stdout.print(
        f"{about['name']}: {about['documents']} documents, {about['questions']} questions; {found['embedder']}; "
        f"{found['cores']} cores"
    )
