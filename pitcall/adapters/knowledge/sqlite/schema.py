"""The file of the SQLite knowledge store: its tables, its connections, and what its errors mean.

Passages and documents are rows, the words of the passages an FTS5 index over them, the vectors one block of float32 a
document. Numbers of passages are never used twice, so a block that was read once need not be read again.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from pitcall.errors import Corrupt, KnowledgeReadOnly, KnowledgeUnavailable, PitcallError

#: Marks a file as ours; "PIT" and the year of the format's first version.
APPLICATION_ID: Final = 0x50495426
VERSION: Final = 1
#: Wait for another process that writes, ms.
BUSY_MS: Final = 5_000

SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE document (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  title TEXT NOT NULL,
  series TEXT NOT NULL,
  season INTEGER,
  circuit TEXT NOT NULL,
  kind TEXT NOT NULL,
  team TEXT NOT NULL,
  digest TEXT NOT NULL,
  added TEXT NOT NULL,
  first INTEGER NOT NULL UNIQUE,
  passages INTEGER NOT NULL
) STRICT;
CREATE TABLE passage (
  id INTEGER PRIMARY KEY,
  document INTEGER NOT NULL,
  heading TEXT NOT NULL,
  location TEXT NOT NULL,
  anchor TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX passage_document ON passage (document);
CREATE TABLE vector (first INTEGER PRIMARY KEY, block BLOB NOT NULL) STRICT;
CREATE VIEW passage_words AS
  SELECT passage.id AS id, title, heading, text FROM passage JOIN document ON document.id = passage.document;
CREATE VIRTUAL TABLE words USING fts5(
  title, heading, text, content='passage_words', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
);
INSERT INTO meta VALUES
  ('embedder', ''),      -- whose vectors these are
  ('dims', '0'),
  ('era', ''),           -- changes when vectors are made anew or a snapshot is restored
  ('generation', '0'),   -- counts writes
  ('next', '0')          -- number of the next passage
"""


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the file for reading and writing, or for reading only where nothing can be written.

    Raises:
        KnowledgeUnavailable: there is no such file and it cannot or shall not be made, or SQLite lacks FTS5.
        Corrupt: the file is not a knowledge store.
    """
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise KnowledgeReadOnly(f"cannot make the folder {path.parent}: {exc.strerror}") from exc
    elif not path.exists():
        raise KnowledgeUnavailable(f"there is no knowledge store {path}; make one: pitcall knowledge add PATH")
    with typed_errors(path):
        connection = _open(path, "rwc" if create else "rw")
        if connection is None:
            # A read-only disk: a reader of a WAL file wants to write too, unless it is told that nobody does.
            connection = _open(path, "ro") or _open(path, "ro&immutable=1")
        if connection is None:
            raise KnowledgeUnavailable(f"cannot open {path}: no permission to read it or its folder")
        return connection


def _open(path: Path, mode: str) -> sqlite3.Connection | None:
    """A connection that has been used once; None if this mode is not possible here."""
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if not mode.startswith("ro"):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # a crash may cost the last document, never the file
        _check_or_create(connection, path)
    except sqlite3.OperationalError as exc:
        if connection is not None:
            connection.close()
        if _kind(exc) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return None
        raise
    except (sqlite3.DatabaseError, PitcallError):
        if connection is not None:
            connection.close()
        raise
    return connection


def _check_or_create(connection: sqlite3.Connection, path: Path) -> None:
    if _is_empty(connection):
        if not connection.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()[0]:
            raise KnowledgeUnavailable(
                "this Python's SQLite has no full-text search (FTS5); use another build of Python"
            )
        with transaction(connection):
            if _is_empty(connection):  # nobody was faster
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute("UPDATE meta SET value = ? WHERE key = 'era'", (uuid4().hex,))
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
    application, version = _versions(connection)
    if application != APPLICATION_ID:
        raise Corrupt(f"{path} is a database, but not a knowledge store; move it away")
    if version != VERSION:
        raise Corrupt(f"{path} has format {version}, this version reads {VERSION}; use the Pitcall that wrote it")


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_schema").fetchone()[0])


def _versions(connection: sqlite3.Connection) -> tuple[int, int]:
    application, version = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
    )
    return application, version


def _kind(exc: sqlite3.Error) -> int:
    """The primary code: what is left of an extended one."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """All of the body or nothing. ``DEFERRED`` only reads, and sees one state however long it takes."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # some errors have rolled back already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def typed_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into what a person can act on.

    Raises:
        Corrupt: the file is damaged.
        KnowledgeReadOnly: it cannot be written to, or the disk is full.
        KnowledgeUnavailable: anything else.
    """
    try:
        yield
    except sqlite3.Error as exc:
        kind = _kind(exc)
        if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise Corrupt(f"{path} is damaged ({exc}); go back to a snapshot: pitcall knowledge restore NAME") from exc
        if kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL):
            raise KnowledgeReadOnly(f"cannot write to {path}: {exc}") from exc
        if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise KnowledgeUnavailable(f"another process has been writing to {path} for {BUSY_MS / 1000:g} s") from exc
        raise KnowledgeUnavailable(f"{path}: {exc}") from exc
