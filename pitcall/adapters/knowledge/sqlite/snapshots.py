"""Copies of the SQLite knowledge store: compact files beside it, taken and restored while it is in use."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import uuid4

from pitcall.adapters.knowledge.sqlite import rows, schema
from pitcall.errors import Corrupt, InvalidRequest, KnowledgeReadOnly, NotFound

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TABLES: Final = ("document", "passage", "vector")


def file_of(store: Path, name: str) -> Path:
    """Where a snapshot lies. Raises InvalidRequest for what cannot be a name."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r:.80} cannot be the name of a snapshot: up to 64 small letters, digits, '-', '_' and '.'"
        )
    return store.parent / "snapshots" / f"{name}.db"


def names(store: Path) -> list[str]:
    """Every snapshot, oldest first."""
    files = (store.parent / "snapshots").glob("*.db")
    return [path.stem for path in sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name))]


def take(db: sqlite3.Connection, store: Path, name: str) -> Path:
    """Copy the state of this instant. Raises InvalidRequest if there is one of that name."""
    target = file_of(store, name)
    if target.exists():
        raise InvalidRequest(f"there is a snapshot {name!r} already; choose another name")
    part = target.with_name(f".{uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            db.execute("VACUUM INTO ?", (str(part),))
            part.replace(target)  # atomic: a snapshot is whole or not there
        finally:
            part.unlink(missing_ok=True)
    except OSError as exc:
        raise KnowledgeReadOnly(f"cannot write {target}: {exc.strerror}") from exc
    return target


def checked(store: Path, name: str) -> Path:
    """A snapshot that can be restored.

    Raises:
        NotFound: there is none of that name.
        Corrupt: it is damaged.
    """
    path = file_of(store, name)
    if not path.is_file():
        raise NotFound(f"no snapshot {name!r}; there are: {', '.join(names(store)) or 'none'}")
    with closing(schema.connect(path, create=False)) as db, schema.typed_errors(path):
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Corrupt(f"the snapshot {path} is damaged ({verdict}); take an older one")
    return path


def take_over(db: sqlite3.Connection, snapshot: Path) -> None:
    """Replace all of the store by the snapshot, in one transaction. Readers see the old state until then."""
    db.execute("ATTACH ? AS snapshot", (str(snapshot),))
    try:
        with schema.transaction(db):
            # The generation goes on from where this store is, and the era is new: what readers keep is out of date.
            rows.set_meta(db, era=uuid4().hex)
            db.execute(
                "UPDATE meta SET value = (SELECT value FROM snapshot.meta AS old WHERE old.key = meta.key) "
                "WHERE key IN ('embedder', 'dims', 'next')"
            )
            for table in _TABLES:
                db.execute(f"DELETE FROM main.{table}")  # noqa: S608  # a constant
                db.execute(f"INSERT INTO main.{table} SELECT * FROM snapshot.{table}")  # noqa: S608  # a constant
            db.execute("INSERT INTO words (words) VALUES ('rebuild')")
    finally:
        db.execute("DETACH snapshot")


def move_aside(store: Path) -> Path:
    """Put a damaged store out of the way; it is kept for whoever wants to look."""
    aside = store.with_name(f"{store.name}.damaged-{uuid4().hex[:8]}")
    shutil.move(store, aside)
    for suffix in ("-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)  # theirs, not the next store's
    return aside
