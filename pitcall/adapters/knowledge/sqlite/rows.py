"""The statements of the SQLite knowledge store. Each function works within the transaction of its caller."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from typing import Any, Final

import numpy as np

from pitcall.errors import KnowledgeMismatch
from pitcall.knowledge.chunk import embedded_text
from pitcall.knowledge.fuse import Fused
from pitcall.knowledge.messages import Document, Entry, Filter, Hit, Labels, Passage, Query, Vectors
from pitcall.knowledge.words import marks

#: Number and score of a passage.
Scored = tuple[int, float]

#: Steps of SQLite's machine between two looks at the clock: far below a millisecond.
_STEPS: Final = 1_000
_DOCUMENT: Final = "name, source, title, series, season, circuit, kind, team, digest, passages, added"


def meta(db: sqlite3.Connection) -> dict[str, str]:
    """embedder, dims, era, generation, next."""
    return dict(db.execute("SELECT key, value FROM meta"))


def set_meta(db: sqlite3.Connection, **values: object) -> None:
    """Change some of them."""
    db.executemany("UPDATE meta SET value = ? WHERE key = ?", [(str(value), key) for key, value in values.items()])


def next_generation(db: sqlite3.Connection) -> None:
    """Tell readers that something is new."""
    db.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")


def check_embedder(stored: Mapping[str, str], embedder: str, dims: int) -> None:
    """Raise KnowledgeMismatch unless the store belongs to this embedder."""
    if (stored["embedder"], stored["dims"]) != (embedder, str(dims)):
        raise KnowledgeMismatch(
            f"the knowledge store has vectors of {stored['embedder'] or 'no embedder'} ({stored['dims']} numbers), "
            f"not of {embedder} ({dims}); make them anew: pitcall knowledge reindex"
        )


def condition(where: Filter) -> tuple[str, list[object]]:
    """The filter as SQL over ``document``, and the values to bind."""
    wanted = where.wanted()
    parts = [f"{name} IN ({', '.join('?' * len(values))})" for name, values in wanted.items()]
    return " AND ".join(parts) or "1", [value for values in wanted.values() for value in values]


def documents(db: sqlite3.Connection, restriction: str, values: Sequence[object]) -> list[Document]:
    """Documents by name. ``restriction`` is SQL of this package, never of a caller's text."""
    rows = db.execute(f"SELECT {_DOCUMENT} FROM document WHERE {restriction} ORDER BY name", values)  # noqa: S608  # as above
    return [_document(row) for row in rows]


def _document(row: Sequence[Any]) -> Document:
    name, source, title, series, season, circuit, kind, team, digest, passages, added = row
    return Document(name, source, title, Labels(series, season, circuit, kind, team), digest, passages, added)


def insert(db: sqlite3.Connection, entry: Entry, first: int) -> None:
    """Add a document whose passages get the numbers from ``first`` on."""
    document, labels = entry.document, entry.document.labels
    row = db.execute(
        f"INSERT INTO document ({_DOCUMENT}, first) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  # a constant
        (
            document.id, document.source, document.title, *astuple(labels), document.digest, len(entry.passages),
            document.added, first,
        ),
    ).lastrowid  # fmt: skip
    numbered = list(enumerate(entry.passages, start=first))
    db.executemany(
        "INSERT INTO passage VALUES (?, ?, ?, ?, ?, ?)",
        [(number, row, one.heading, one.location, one.anchor, one.text) for number, one in numbered],
    )
    db.executemany(
        "INSERT INTO words (rowid, title, heading, text) VALUES (?, ?, ?, ?)",
        [(number, document.title, one.heading, one.text) for number, one in numbered],
    )
    db.execute("INSERT INTO vector VALUES (?, ?)", (first, block(entry.vectors)))


def delete(db: sqlite3.Connection, name: str) -> bool:
    """Remove a document and all that belongs to it. False if there is none."""
    row = db.execute("SELECT id, first, passages FROM document WHERE name = ?", (name,)).fetchone()
    if row is None:
        return False
    document, first, passages = row
    # The index reads the words that it must forget from the tables, so it comes first.
    db.executemany("DELETE FROM words WHERE rowid = ?", [(first + n,) for n in range(passages)])
    db.execute("DELETE FROM passage WHERE document = ?", (document,))
    db.execute("DELETE FROM vector WHERE first = ?", (first,))
    db.execute("DELETE FROM document WHERE id = ?", (document,))
    return True


def block(vectors: Vectors) -> bytes:
    """Vectors as they are stored: float32, little endian, row by row."""
    return vectors.astype("<f4", copy=False).tobytes()


def read_block(db: sqlite3.Connection, first: int, dims: int) -> Vectors:
    """The vectors of the document whose passages begin with this number."""
    (data,) = db.execute("SELECT block FROM vector WHERE first = ?", (first,)).fetchone()
    return np.frombuffer(data, "<f4").reshape(-1, dims)


def replace_vectors(db: sqlite3.Connection, blocks: Mapping[int, bytes]) -> None:
    """New vectors for every document that is there."""
    for first in lengths(db):
        db.execute("UPDATE vector SET block = ? WHERE first = ?", (blocks[first], first))


def lengths(db: sqlite3.Connection, where: Filter | None = None) -> dict[int, int]:
    """Passages of each document that passes the filter, by the number of its first one, in that order."""
    restriction, values = condition(where or Filter())
    return dict(db.execute(f"SELECT first, passages FROM document WHERE {restriction} ORDER BY first", values))  # noqa: S608  # values are bound


def texts(db: sqlite3.Connection, first: int) -> list[str]:
    """What an embedder reads of the document whose passages begin with this number; nothing if it is gone."""
    found = db.execute(
        "SELECT title, heading, text FROM document JOIN passage ON passage.document = document.id "
        "WHERE first = ? ORDER BY passage.id",
        (first,),
    )
    return [embedded_text(*row) for row in found]


def match(wanted: Sequence[str]) -> str:
    """Any of these words in the language of FTS5: each quoted, so that none is an operator."""
    return " OR ".join(f'"{word}"' for word in wanted)


def by_words(db: sqlite3.Connection, expression: str, query: Query, end: float) -> list[Scored]:
    """Passages by BM25, best first.

    Raises:
        TimeoutError: ``time.monotonic()`` reached ``end``.
    """
    restriction, values = condition(query.where)
    # The + keeps SQLite from asking the index once for each passage of the filter.
    within = (
        f"AND +rowid IN (SELECT id FROM passage WHERE document IN (SELECT id FROM document WHERE {restriction}))"  # noqa: S608  # values are bound
        if values
        else ""
    )
    sql = f"SELECT rowid, -rank FROM words WHERE words MATCH ? {within} ORDER BY rank, rowid LIMIT ?"  # noqa: S608  # as above
    if time.monotonic() >= end:
        raise TimeoutError
    db.set_progress_handler(lambda: time.monotonic() >= end, _STEPS)
    try:
        return db.execute(sql, (expression, *values, query.depth)).fetchall()
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise TimeoutError from exc
        raise
    finally:
        db.set_progress_handler(None, 0)


def owners(db: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, str]:
    """The document of each passage."""
    holes = ", ".join("?" * len(numbers))
    sql = f"SELECT p.id, name FROM passage p JOIN document d ON d.id = p.document WHERE p.id IN ({holes})"  # noqa: S608  # numbers are bound
    return dict(db.execute(sql, numbers))


def hits(db: sqlite3.Connection, best: Sequence[Fused], wanted: Sequence[str]) -> Iterator[Hit]:
    """Read what was found, and mark the wanted words in what was found by words."""
    for one in best:
        number = int(one.key)
        row = db.execute(
            f"SELECT {_DOCUMENT}, first, heading, location, anchor, text "  # noqa: S608  # a constant
            "FROM passage JOIN document ON document.id = document WHERE passage.id = ?",
            (number,),
        ).fetchone()
        *document, first, heading, location, anchor, text = row
        passage = Passage(number - first, text, heading, location, anchor)
        yield Hit(
            _document(document), passage, one.score, one.ranks, marks(text, wanted if "bm25" in one.ranks else ())
        )
