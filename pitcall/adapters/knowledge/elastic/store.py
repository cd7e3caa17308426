"""Elasticsearch as knowledge store: both legs in one request, fused here, so that a Basic licence is enough.

Every operation looks up the index behind the alias first and then works on that index alone, so no answer mixes two; if
it goes away meanwhile, the operation begins anew. See ``schema`` for how a document is visible whole or not at all.
"""

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from pitcall.adapters.knowledge.elastic import moves, schema, snapshots
from pitcall.adapters.knowledge.elastic.client import IndexGone, connect, of_status, typed_errors
from pitcall.adapters.knowledge.elastic.indexes import Indexes
from pitcall.adapters.knowledge.elastic.schema import Index, Record
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.errors import Conflict, DeadlineExceeded, KnowledgeMismatch, KnowledgeUnavailable, NotFound
from pitcall.knowledge.fuse import Fused, fuse
from pitcall.knowledge.messages import (
    Candidate,
    Document,
    Entry,
    Filter,
    Found,
    Hit,
    Leg,
    Query,
    StoreInfo,
)
from pitcall.knowledge.store import Embedder, Progress
from pitcall.knowledge.words import marks, words

P = ParamSpec("P")
T = TypeVar("T")

#: Other writers of the same document that may be faster before this one gives up.
_TRIES: Final = 5


def _without_details(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Callers know one error for a store that cannot be searched; which index is gone matters only in here."""

    @wraps(method)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except IndexGone as exc:
            raise KnowledgeUnavailable(exc.detail) from exc

    return wrapper


class ElasticKnowledge:
    """The store behind ``settings.url``. Nothing is connected before it is used.

    Raises:
        InvalidRequest: the address is none.
    """

    def __init__(self, settings: KnowledgeSettings) -> None:
        self._client, self._where = connect(settings)
        self._settings = settings
        self._rescores = True  # until the server says that it cannot: 8.18 was the first
        self._indexes = Indexes(self._client, self._where, settings.index, settings.analyzer)

    async def info(self) -> StoreInfo:
        """What it holds; nothing if there is no index yet."""
        try:
            return await self._indexes.on_current(self._info)
        except IndexGone:
            return StoreInfo("elasticsearch", f"{self._where}/{self._settings.index}", "", 0, 0, 0, 0)

    @_without_details
    async def put(self, entries: Sequence[Entry], embedder: str) -> None:
        """Store the passages of the new versions, then the records that make them visible, then remove the old ones."""
        if not entries:
            return
        lengths = {int(entry.vectors.shape[1]) for entry in entries}

        async def work(index: Index) -> None:
            for dims in lengths:
                _check_embedder(index, embedder, dims)
            await self._write(index, entries)

        try:
            await self._indexes.current()
        except IndexGone:
            await self._indexes.create(embedder, max(lengths), serving=True)
        await self._indexes.on_current(work)

    @_without_details
    async def remove(self, document: str) -> None:
        """Remove the record, which hides the document at once, then its passages."""

        async def work(index: Index) -> None:
            record = (await self._indexes.records(index, [document])).get(document)
            if record is None:
                raise NotFound(f"no document {document!r}; see: pitcall knowledge list")
            await self._indexes.delete(index, [schema.record_id(document), *record.passage_ids()])

        await self._indexes.on_current(work)

    async def document(self, document: str) -> Document | None:
        """One document, None if there is no such."""

        async def work(index: Index) -> Document | None:
            record = (await self._indexes.records(index, [document])).get(document)
            return None if record is None else record.document

        try:
            return await self._indexes.on_current(work)
        except IndexGone:
            return None

    @_without_details
    async def documents(self, where: Filter | None = None) -> list[Document]:
        """Every document that passes the filter, by id."""

        async def work(index: Index) -> list[Document]:
            filters = schema.conditions(where or Filter())
            found = [record.document async for record in self._indexes.all_records(index, filters)]
            return sorted(found, key=lambda one: one.id)

        return await self._indexes.on_current(work)

    @_without_details
    async def search(self, query: Query) -> Found:
        """Both legs in one request, then the records that say which candidates count, then the passages."""
        end = time.monotonic() + query.budget_s

        async def work(index: Index) -> Found:
            if query.vector is not None:
                _check_embedder(index, query.embedder, len(query.vector))
            visible, records, missed = await self._visible(index, query, end)
            best = fuse(visible, per_document=query.per_document)[: query.hits]
            return Found(await self._hits(index, best, records, query), missed)

        return await self._indexes.on_current(work)

    @_without_details
    async def reindex(self, embedder: Embedder, progress: Progress) -> None:
        """Fill the next index, then move the alias to it."""
        await moves.reindex(self._indexes, embedder, progress)

    @_without_details
    async def snapshot(self, name: str) -> str:
        """Copy the index into the snapshot repository."""
        return await snapshots.take(self._indexes, self._settings, name)

    @_without_details
    async def snapshots(self) -> list[str]:
        """Names, oldest first; also those that the schedule made."""
        return await snapshots.names(self._indexes, self._settings)

    @_without_details
    async def restore(self, name: str) -> None:
        """Restore into the next index, then move the alias to it."""
        await snapshots.restore(self._indexes, self._settings, name)

    @_without_details
    async def schedule(self) -> str:
        """Let the server take a snapshot every 6 h and keep each for 7 days."""
        return await snapshots.schedule(self._indexes, self._settings)

    async def destroy(self) -> None:
        """Remove every index of this alias and what they were made from; snapshots stay."""
        await self._indexes.destroy()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _info(self, index: Index) -> StoreInfo:
        with typed_errors(self._where):
            stats = await self._client.indices.stats(index=index.name, metric="store")
        records = [one async for one in self._indexes.all_records(index)]
        return StoreInfo(
            kind="elasticsearch",
            where=f"{self._where}/{self._settings.index}",
            embedder=index.embedder,
            dims=index.dims,
            documents=len(records),
            passages=sum(one.document.passages for one in records),
            bytes=stats["_all"]["primaries"]["store"]["size_in_bytes"],
        )

    async def _write(self, index: Index, entries: Sequence[Entry]) -> None:
        new = {entry.document.id: Record(entry.document, schema.version_of(entry)) for entry in entries}
        await self._indexes.bulk(
            action for entry in entries for action in schema.passage_actions(index, new[entry.document.id], entry)
        )
        await self._indexes.refresh(index)  # searches find them now, and leave them out until the records name them
        replaced = await self._commit(index, new)
        gone = [old for old in replaced if old.version != new[old.document.id].version]
        # Not refreshed: nothing names them any more, and each refresh makes a segment that searches pay for.
        await self._indexes.delete(index, [name for old in gone for name in old.passage_ids()])

    async def _commit(self, index: Index, new: Mapping[str, Record]) -> list[Record]:
        """Write the records and return those that they replaced. Of several writers each replaces the one before it.

        Raises:
            Conflict: others write the same document all the time.
        """
        replaced: list[Record] = []
        todo = list(new.values())
        for _ in range(_TRIES):
            there = await self._indexes.records_with_place(index, [record.document.id for record in todo])
            refused = await self._indexes.write_records(index, todo, there)
            replaced += [old for name, (old, _) in there.items() if name not in refused]
            todo = [record for record in todo if record.document.id in refused]
            if not todo:
                return replaced
        raise Conflict(f"{todo[0].document.id} is being written by others all the time; try again")

    async def _visible(
        self, index: Index, query: Query, end: float
    ) -> tuple[dict[Leg, list[Candidate]], dict[str, Record], tuple[Leg, ...]]:
        """The candidates of each leg that a record names, the records, and the legs that ran out of time.

        A candidate that no record names is left over from an ingest that died, or its document was replaced since the
        legs looked. So they look again without its version, until the records name all, and still say what they said.
        """
        hidden: dict[tuple[str, str], str | None] = {}  # document and version -> the version that its record named
        while True:
            without = sorted(version for _, version in hidden)
            legs, missed = await self._legs(index, query, end, without)
            every = {(one.document, _version(one)) for leg in legs.values() for one in leg}
            records = await self._indexes.records(index, sorted({document for document, _ in every | hidden.keys()}))
            named = {document: record.version for document, record in records.items()}
            if any(named.get(document) != then for (document, _), then in hidden.items()):
                hidden.clear()
                continue
            unnamed = {(document, version) for document, version in every if named.get(document) != version}
            if not unnamed:
                return legs, records, missed
            hidden |= {(document, version): named.get(document) for document, version in unnamed}

    async def _legs(
        self, index: Index, query: Query, end: float, without: Sequence[str]
    ) -> tuple[dict[Leg, list[Candidate]], tuple[Leg, ...]]:
        left_s = end - time.monotonic()
        if left_s <= 0:
            raise DeadlineExceeded("no time is left for the search; give it more")
        rescores = self._rescores
        bodies = _bodies(index, query, left_s, without, rescores=rescores)
        searches = [part for body in bodies.values() for part in ({"index": index.name}, body)]
        if not searches:
            return {}, ()
        with typed_errors(self._where):
            answer = await self._client.options(request_timeout=left_s, max_retries=0).msearch(searches=searches)
        legs: dict[Leg, list[Candidate]] = {}
        missed: list[Leg] = []
        for leg, response in zip(bodies, answer["responses"], strict=True):
            if "error" in response:
                if rescores and "rescore_vector" in str(response["error"]):
                    self._rescores = False
                    return await self._legs(index, query, end, without)
                raise of_status(response["status"], response, self._where)
            if response["timed_out"]:
                missed.append(leg)
            else:
                # Equal scores come in any order, which changes from one search to the next.
                hits = sorted(response["hits"]["hits"], key=lambda hit: (-hit["_score"], hit["_id"]))
                legs[leg] = [Candidate(hit["_id"], hit["_id"].split("@")[0], hit["_score"]) for hit in hits]
        if not legs:
            raise DeadlineExceeded("the search was not done in time; give it more")
        return legs, tuple(missed)

    async def _hits(
        self, index: Index, best: Sequence[Fused], records: Mapping[str, Record], query: Query
    ) -> tuple[Hit, ...]:
        if not best:
            return ()
        passages = await self._indexes.passages(index, [one.key for one in best])
        if len(passages) != len(best):
            raise IndexGone(f"{self._where}: a document was replaced during the search; try again")
        wanted = words(query.text)
        return tuple(
            Hit(
                records[one.document].document,
                passage,
                one.score,
                one.ranks,
                marks(passage.text, wanted if "bm25" in one.ranks else ()),
            )
            for one, passage in zip(best, passages, strict=True)
        )


def _bodies(
    index: Index, query: Query, left_s: float, without: Sequence[str], *, rescores: bool
) -> dict[Leg, dict[str, Any]]:
    filters = schema.conditions(query.where)
    if without:
        filters.append({"bool": {"must_not": {"terms": {"version": list(without)}}}})
    common = {"size": query.depth, "_source": False, "timeout": f"{max(1, int(left_s * 1000))}ms"}
    bodies: dict[Leg, dict[str, Any]] = {}
    wanted = words(query.text)
    if wanted:
        # A match knows no operators, whatever the words are.
        match = {"match": {"words": schema.searched(index.analyzer, *wanted)}}
        bodies["bm25"] = {**common, "query": {"bool": {"must": match, "filter": filters}}}
    if query.vector is not None:
        knn = {
            "field": "vector",
            "query_vector": schema.numbers(query.vector[None])[0],
            "k": query.depth,
            "num_candidates": query.depth * schema.WIDER,
            "filter": filters,  # within the search of the graph: after it, few would be left
            **({"rescore_vector": {"oversample": schema.OVERSAMPLE}} if rescores else {}),
        }
        bodies["dense"] = {**common, "knn": knn}
    return bodies


def _version(one: Candidate) -> str:
    return one.key.split("@")[1]


def _check_embedder(index: Index, embedder: str, dims: int) -> None:
    if (index.embedder, index.dims) != (embedder, dims):
        raise KnowledgeMismatch(
            f"the knowledge index has vectors of {index.embedder} ({index.dims} numbers), not of {embedder} ({dims}); "
            "make them anew: pitcall knowledge reindex"
        )
