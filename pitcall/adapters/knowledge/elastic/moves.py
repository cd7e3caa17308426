"""Reindex without downtime: fill the next index, catch up, move the alias."""

import asyncio
from contextlib import suppress

from pitcall.adapters.knowledge.elastic import schema
from pitcall.adapters.knowledge.elastic.indexes import Indexes
from pitcall.adapters.knowledge.elastic.schema import Index, Record
from pitcall.errors import PitcallError
from pitcall.knowledge.chunk import embedded_text
from pitcall.knowledge.messages import Entry
from pitcall.knowledge.store import Embedder, Progress


async def reindex(indexes: Indexes, embedder: Embedder, progress: Progress) -> None:
    """Copy every document into the next index with new vectors, then move the alias.

    Searches use the old index until then. So do writers until all is copied; then they are refused for the moment that
    it takes to copy what came last. What a broken-off reindex left behind is thrown away.

    Raises:
        IndexGone: there is nothing to reindex, or another reindex threw this one away.
        KnowledgeUnavailable: the connection broke. The old index still serves; or the new one does already, and the old
            one is thrown away by the next reindex.
    """
    old = await indexes.current()
    await _drop_leftovers(indexes, old)
    new = await indexes.create(embedder.id, embedder.dims, serving=False)
    done: dict[str, Record] = {}
    await _copy(indexes, old, new, done, embedder, progress)
    await indexes.block_writes(old, blocked=True)
    try:
        await _copy(indexes, old, new, done, embedder, progress)
        await indexes.refresh(new)
        await indexes.swap(new.name)
    except BaseException:
        with suppress(PitcallError):  # the first error says more
            await indexes.block_writes(old, blocked=False)
        raise
    await indexes.drop_before(new.name)


async def _drop_leftovers(indexes: Indexes, serving: Index) -> None:
    left = [name for name in await indexes.numbered() if name > serving.name]
    if left:
        await indexes.drop(left)


async def _copy(
    indexes: Indexes, old: Index, new: Index, done: dict[str, Record], embedder: Embedder, progress: Progress
) -> None:
    """Make the new index hold the documents of the old one; ``done`` is what it holds already."""
    there = {record.document.id: record async for record in indexes.all_records(old)}
    for gone in done.keys() - there.keys():
        await _forget(indexes, new, done.pop(gone))
    todo = [record for name, record in there.items() if done.get(name) != record]
    for number, record in enumerate(todo):
        progress(number, len(todo))
        if record.document.id in done:
            await _forget(indexes, new, done.pop(record.document.id))
        if await _copy_one(indexes, old, new, record, embedder):
            done[record.document.id] = record
    progress(len(todo), len(todo))


async def _copy_one(indexes: Indexes, old: Index, new: Index, record: Record, embedder: Embedder) -> bool:
    """False if the document was replaced meanwhile: its new version comes with the next round."""
    passages = await indexes.passages(old, record.passage_ids())
    if len(passages) != record.document.passages:
        return False
    texts = [embedded_text(record.document.title, one.heading, one.text) for one in passages]
    vectors = await asyncio.to_thread(embedder.embed, texts)
    await indexes.bulk(schema.passage_actions(new, record, Entry(record.document, passages, vectors)))
    await indexes.write_records(new, [record], {})
    return True


async def _forget(indexes: Indexes, index: Index, record: Record) -> None:
    await indexes.delete(index, [schema.record_id(record.document.id), *record.passage_ids()])
