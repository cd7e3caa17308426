"""The numbered indexes behind the alias: make, find, fill and swap them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_bulk, async_scan

from pitcall.adapters.knowledge.elastic import schema
from pitcall.adapters.knowledge.elastic.client import IndexGone, ShardsClosed, of_status, typed_errors
from pitcall.adapters.knowledge.elastic.schema import Index, Record
from pitcall.errors import KnowledgeUnavailable
from pitcall.knowledge.messages import Passage

T = TypeVar("T")

#: How often an operation begins anew when its index went away under it.
_TRIES: Final = 5
#: Between two looks at an index none of whose shards answers, s, and how long it may take to open.
_LOOK_S: Final = 0.05
_OPENS_S: Final = 1.0
#: Operations in one bulk: some MB of passages with vectors.
_CHUNK: Final = 500
#: Ids in one request.
_PAGE: Final = 500


class Indexes:
    """The alias and what is behind it. ``where`` is the address without secrets."""

    def __init__(self, client: AsyncElasticsearch, where: str, alias: str, analyzer: str) -> None:
        self.client = client
        self.where = where
        self.alias = alias
        self._analyzer = analyzer
        self._component = f"{alias}-fields"

    async def current(self) -> Index:
        """The index behind the alias.

        Raises:
            IndexGone: there is none.
            KnowledgeUnavailable: there is more than one, or it was not made by Pitcall.
        """
        with typed_errors(self.where):
            found = await self.client.indices.get_mapping(index=self.alias, filter_path="*.mappings._meta")
        if len(found) != 1:
            raise KnowledgeUnavailable(
                f"{self.where}: the alias {self.alias} stands for {sorted(found) or 'no index of ours'}"
            )
        ((name, body),) = found.items()
        meta = body["mappings"]["_meta"]
        return Index(name, meta["embedder"], meta["dims"], meta["analyzer"])

    async def on_current(self, work: Callable[[Index], Awaitable[T]]) -> T:
        """Do something with the index behind the alias; anew with the next one if it goes away meanwhile.

        Raises:
            IndexGone: there is none, or it went away again and again.
            KnowledgeUnavailable: none of its shards answered for a second, or the server failed otherwise.
        """
        left, end = _TRIES, time.monotonic() + _OPENS_S
        while True:
            index = await self.current()
            try:
                return await work(index)
            except ShardsClosed:
                if time.monotonic() >= end:
                    raise
                await asyncio.sleep(_LOOK_S)
            except KnowledgeUnavailable as exc:
                left -= 1
                if not left:
                    raise
                # Whatever the error is called: an index that is removed under a request breaks it in several ways.
                if not isinstance(exc, IndexGone) and (await self.current()).name == index.name:
                    raise

    async def numbered(self) -> list[str]:
        """Every index of ours, oldest first, also those that no alias stands for."""
        with typed_errors(self.where):
            found = await self.client.indices.get(index=f"{self.alias}-*", filter_path="*.settings.index.provided_name")
        return sorted(name for name in found if name.removeprefix(f"{self.alias}-").isdecimal())

    async def next_name(self) -> str:
        """The name that comes after all there are."""
        names = await self.numbered()
        last = int(names[-1].rpartition("-")[2]) if names else 0
        return f"{self.alias}-{last + 1:06}"

    async def create(self, embedder: str, dims: int, *, serving: bool) -> Index:
        """Make the next index; ``serving`` also gives it the alias."""
        await self._put_templates()
        index = Index(await self.next_name(), embedder, dims, self._analyzer)
        with typed_errors(self.where):
            await self.client.indices.create(
                index=index.name, mappings=schema.own_mappings(index), aliases={self.alias: {}} if serving else {}
            )
        return index

    async def _put_templates(self) -> None:
        template = {"settings": schema.SETTINGS, "mappings": schema.mappings(self._analyzer)}
        with typed_errors(self.where):
            await self.client.cluster.put_component_template(name=self._component, template=template)
            await self.client.indices.put_index_template(
                name=self.alias,
                index_patterns=[f"{self.alias}-*"],
                composed_of=[self._component],
                priority=schema.PRIORITY,
                allow_auto_create=False,  # a write to an index that went away shall fail, not make a new one
            )

    async def swap(self, new: str) -> None:
        """Give the alias to another index, from one instant to the next. The older ones stay: see ``drop_before``."""
        taken = {"remove": {"index": f"{self.alias}-*", "alias": self.alias, "must_exist": False}}
        with typed_errors(self.where):
            await self.client.indices.update_aliases(actions=[taken, {"add": {"index": new, "alias": self.alias}}])

    async def drop_before(self, new: str) -> None:
        """Remove the older indexes, after the swap.

        Removed in one step with it, their shards would close while the server still shows them behind the alias, and a
        search would have nowhere to go.
        """
        older = [name for name in await self.numbered() if name < new]
        if older:
            await self.drop(older)

    async def block_writes(self, index: Index, *, blocked: bool) -> None:
        """Let nobody write to an index, or everybody again: while it is blocked, what is copied is all there is."""
        with typed_errors(self.where):
            await self.client.indices.put_settings(index=index.name, settings={"index.blocks.write": blocked})

    async def refresh(self, index: Index) -> None:
        """Make what was written visible to searches."""
        with typed_errors(self.where):
            await self.client.indices.refresh(index=index.name)

    async def bulk(self, actions: Iterable[Mapping[str, Any]]) -> list[str]:
        """Write many, in this order. Returns the ids of those whose condition did not hold.

        What the server is too busy for is tried again. Anything else that fails is raised.
        """
        with typed_errors(self.where):
            _, failed = await async_bulk(
                self.client,
                actions,  # type: ignore[arg-type]  # a Mapping is enough
                chunk_size=_CHUNK,
                max_retries=3,
                initial_backoff=0.5,
                raise_on_error=False,
            )
        refused = []
        for item in failed:  # type: ignore[union-attr]  # a list, because stats_only is off
            ((operation, outcome),) = item.items()
            if outcome["status"] == 409:
                refused.append(outcome["_id"])
            elif not (operation == "delete" and outcome.get("result") == "not_found"):
                raise of_status(outcome["status"], outcome, self.where)
        return refused

    async def write_records(
        self, index: Index, records: Iterable[Record], there: Mapping[str, tuple[Record, Mapping[str, int]]]
    ) -> set[str]:
        """Write records where there is still what was ``there``. Returns the documents of those that were refused."""
        actions = []
        for record in records:
            name = record.document.id
            condition = there[name][1] if name in there else {"_op_type": "create"}
            action = {"_index": index.name, "_id": schema.record_id(name), "_source": schema.record_source(record)}
            actions.append({**action, **condition})
        refused = await self.bulk(actions)
        return {name.removeprefix(schema.record_id("")) for name in refused}

    async def delete(self, index: Index, ids: Iterable[str]) -> None:
        """Remove what stands under these ids, in this order; what is gone already is fine."""
        await self.bulk({"_op_type": "delete", "_index": index.name, "_id": one} for one in ids)

    async def drop(self, names: Sequence[str]) -> None:
        """Remove whole indexes."""
        with typed_errors(self.where):
            await self.client.indices.delete(index=list(names), ignore_unavailable=True)

    async def records(self, index: Index, documents: Sequence[str]) -> dict[str, Record]:
        """The records of these documents, as they are at this instant, visible to searches or not."""
        return {name: record for name, (record, _) in (await self.records_with_place(index, documents)).items()}

    async def records_with_place(
        self, index: Index, documents: Sequence[str]
    ) -> dict[str, tuple[Record, Mapping[str, int]]]:
        """The same, each with the condition that it is still there."""
        found: dict[str, tuple[Record, Mapping[str, int]]] = {}
        for one in await self._get(index, [schema.record_id(name) for name in documents]):
            record = schema.as_record(one["_source"])
            place = {"if_seq_no": one["_seq_no"], "if_primary_term": one["_primary_term"]}
            found[record.document.id] = (record, place)
        return found

    async def passages(self, index: Index, ids: Sequence[str]) -> list[Passage]:
        """The passages of these ids, in this order; one that was replaced meanwhile is left out."""
        return [schema.as_passage(one["_source"]) for one in await self._get(index, ids)]

    async def _get(self, index: Index, ids: Sequence[str]) -> list[dict[str, Any]]:
        """What stands under these ids, without vectors; an id without anything is left out."""
        found = []
        for start in range(0, len(ids), _PAGE):
            page = list(ids[start : start + _PAGE])
            with typed_errors(self.where):
                answer = await self.client.mget(index=index.name, ids=page)
            for one in answer["docs"]:
                if "error" in one:
                    raise of_status(404, one, self.where)
                if one["found"]:
                    found.append(one)
        return found

    async def all_records(self, index: Index, filters: Sequence[Mapping[str, Any]] = ()) -> AsyncIterator[Record]:
        """The records of all documents, as they are at this instant."""
        await self.refresh(index)
        query = {"query": {"bool": {"filter": [{"term": {"part": "record"}}, *filters]}}}
        with typed_errors(self.where):
            async for hit in async_scan(self.client, index=index.name, query=query, size=_PAGE):
                yield schema.as_record(hit["_source"])

    async def destroy(self) -> None:
        """Remove every index of ours, the alias with them, and the templates."""
        names = await self.numbered()
        if names:
            await self.drop(names)
        with typed_errors(self.where):
            gone = self.client.options(ignore_status=404)
            await gone.indices.delete_index_template(name=self.alias)
            await gone.cluster.delete_component_template(name=self._component)
