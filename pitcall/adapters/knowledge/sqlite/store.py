"""The embedded knowledge store: one SQLite file, FTS5 for words, exact cosine for vectors. No server, no account.

Writers take turns across processes; readers never wait for them, and see one state of the file from the first leg to
the last passage. A document is one transaction. Good for about 200,000 passages; above that, Elasticsearch.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from pitcall.adapters.knowledge.sqlite import rows, schema, snapshots
from pitcall.adapters.knowledge.sqlite.matrix import Matrix
from pitcall.errors import Corrupt, DeadlineExceeded, InvalidRequest, NotFound
from pitcall.knowledge.fuse import fuse
from pitcall.knowledge.messages import Candidate, Document, Entry, Filter, Found, Leg, Query, StoreInfo
from pitcall.knowledge.store import Embedder, Progress
from pitcall.knowledge.words import words


class SqliteKnowledge:
    """The store in one file. Nothing is opened or made before it is used.

    Args:
        path: of the file; snapshots lie in the folder ``snapshots`` beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[tuple[int, sqlite3.Connection]] = queue.LifoQueue()
        self._matrix = Matrix.empty()
        self._loading = threading.Lock()

    async def info(self) -> StoreInfo:
        """What it holds; nothing if there is no file yet."""
        return await asyncio.to_thread(self._info)

    async def put(self, entries: Sequence[Entry], embedder: str) -> None:
        """Store each document in a transaction of its own."""
        await asyncio.to_thread(self._put, entries, embedder)

    async def remove(self, document: str) -> None:
        """Remove a document in one transaction."""
        await asyncio.to_thread(self._remove, document)

    async def document(self, document: str) -> Document | None:
        """One document, None if there is no such."""
        found = await asyncio.to_thread(self._documents, "name = ?", [document]) if self._path.exists() else []
        return found[0] if found else None

    async def documents(self, where: Filter | None = None) -> list[Document]:
        """Every document that passes the filter, by id."""
        return await asyncio.to_thread(self._documents, *rows.condition(where or Filter()))

    async def search(self, query: Query) -> Found:
        """Rank, fuse and read within one read transaction."""
        return await asyncio.to_thread(self._search, query)

    async def reindex(self, embedder: Embedder, progress: Progress) -> None:
        """Make every vector anew, then switch in one transaction."""
        await asyncio.to_thread(self._reindex, embedder, progress)

    async def snapshot(self, name: str) -> str:
        """Write a compact copy of the file beside it and return its path."""
        return str(await asyncio.to_thread(self._snapshot, name))

    async def snapshots(self) -> list[str]:
        """Names, oldest first."""
        return await asyncio.to_thread(snapshots.names, self._path)

    async def restore(self, name: str) -> None:
        """Take over all of a snapshot in one transaction. A damaged store is moved aside first."""
        await asyncio.to_thread(self._restore, name)

    async def schedule(self) -> str:
        """There is no server that could. Raises InvalidRequest."""
        raise InvalidRequest(
            "the SQLite store has no server that takes snapshots; let cron call: pitcall knowledge snapshot"
        )

    async def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        self._drop_idle()

    @contextmanager
    def _connection(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection to the file of this moment that no other thread uses meanwhile."""
        inode, db = self._take(create=create)
        try:
            with schema.typed_errors(self._path):
                yield db
        finally:
            self._idle.put((inode, db))

    def _take(self, *, create: bool) -> tuple[int, sqlite3.Connection]:
        with suppress(queue.Empty, FileNotFoundError):
            inode = self._path.stat().st_ino
            while True:
                kept = self._idle.get_nowait()
                if kept[0] == inode:
                    return kept
                kept[1].close()  # of a file that was moved away
        db = schema.connect(self._path, create=create)
        return self._path.stat().st_ino, db

    def _drop_idle(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait()[1].close()

    @contextmanager
    def _writing(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction that writes; readers learn of it by the generation."""
        with self._connection(create=create) as db, schema.transaction(db):
            yield db
            rows.next_generation(db)

    def _info(self) -> StoreInfo:
        if not self._path.exists():
            return StoreInfo("sqlite", str(self._path), "", 0, 0, 0, 0)
        with self._connection() as db, schema.transaction(db, "DEFERRED"):
            meta, lengths = rows.meta(db), rows.lengths(db)
            (size,) = db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
        passages = sum(lengths.values())
        return StoreInfo("sqlite", str(self._path), meta["embedder"], int(meta["dims"]), len(lengths), passages, size)

    def _put(self, entries: Sequence[Entry], embedder: str) -> None:
        for entry in entries:
            dims = entry.vectors.shape[1]
            with self._writing(create=True) as db:
                meta = rows.meta(db)
                if meta["embedder"]:
                    rows.check_embedder(meta, embedder, dims)
                rows.delete(db, entry.document.id)
                first = int(meta["next"])
                rows.insert(db, entry, first)
                rows.set_meta(db, embedder=embedder, dims=dims, next=first + len(entry.passages))

    def _remove(self, document: str) -> None:
        with self._writing() as db:
            if not rows.delete(db, document):
                raise NotFound(f"no document {document!r}; see: pitcall knowledge list")

    def _documents(self, restriction: str, values: Sequence[object]) -> list[Document]:
        with self._connection() as db:
            return rows.documents(db, restriction, values)

    def _search(self, query: Query) -> Found:
        end = time.monotonic() + query.budget_s
        with self._connection() as db, schema.transaction(db, "DEFERRED"):
            ranked: dict[Leg, list[rows.Scored]] = {}
            meta = rows.meta(db)
            if query.vector is not None and meta["embedder"]:  # none before the first document
                rows.check_embedder(meta, query.embedder, len(query.vector))
                within = rows.lengths(db, query.where) if query.where.wanted() else None
                ranked["dense"] = self._matrix_of(db, meta).nearest(query.vector, query.depth, within)
            missed: tuple[Leg, ...] = ()
            wanted = words(query.text)
            if wanted:
                try:
                    ranked["bm25"] = rows.by_words(db, rows.match(wanted), query, end)
                except TimeoutError:
                    missed = ("bm25",)
            if missed and not ranked:
                raise DeadlineExceeded("the search was not done in time; give it more")
            owners = rows.owners(db, sorted({number for leg in ranked.values() for number, _ in leg}))
            legs: dict[Leg, list[Candidate]] = {
                leg: [Candidate(str(number), owners[number], score) for number, score in found]
                for leg, found in ranked.items()
            }
            best = fuse(legs, per_document=query.per_document)[: query.hits]
            return Found(tuple(rows.hits(db, best, wanted)), missed)

    def _matrix_of(self, db: sqlite3.Connection, meta: Mapping[str, str]) -> Matrix:
        """The vectors of the state that the transaction sees."""
        state = (meta["era"], int(meta["generation"]))
        with self._loading:  # one thread loads, the others find it loaded
            matrix = self._matrix
            if matrix.state != state:
                dims = int(meta["dims"])
                matrix = matrix.moved_to(state, dims, rows.lengths(db), lambda first: rows.read_block(db, first, dims))
                self._matrix = matrix
        return matrix

    def _reindex(self, embedder: Embedder, progress: Progress) -> None:
        made: dict[int, bytes] = {}
        with self._connection() as db:
            while True:
                todo = [first for first in rows.lengths(db) if first not in made]
                for done, first in enumerate(todo):
                    progress(done, len(todo))
                    made[first] = rows.block(embedder.embed(rows.texts(db, first)))
                with schema.transaction(db):
                    # Documents that came meanwhile are embedded without holding up who writes.
                    if made.keys() >= rows.lengths(db).keys():
                        rows.replace_vectors(db, made)
                        rows.set_meta(db, embedder=embedder.id, dims=embedder.dims, era=uuid4().hex)
                        rows.next_generation(db)
                        progress(len(made), len(made))
                        return

    def _snapshot(self, name: str) -> Path:
        with self._connection() as db:
            return snapshots.take(db, self._path, name)

    def _restore(self, name: str) -> None:
        snapshot = snapshots.checked(self._path, name)
        try:
            self._take_over(snapshot)
        except Corrupt:
            self._drop_idle()
            snapshots.move_aside(self._path)
            self._take_over(snapshot)

    def _take_over(self, snapshot: Path) -> None:
        with self._connection(create=True) as db:
            snapshots.take_over(db, snapshot)
