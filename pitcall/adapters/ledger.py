"""The ledger of calls in one SQLite file. A connection lives for one transaction, so nothing is open in between.

Seeds have 64 bits without a sign, which SQLite's integers do not: they are text. So is a distribution, as JSON.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from pitcall.adapters.home import home
from pitcall.domain.tyres import parse_compound
from pitcall.errors import Corrupt, LedgerUnavailable
from pitcall.ledger import Call, Grade, Outcome, Tally

#: Marks a file as ours; "PIT" and an L.
APPLICATION_ID: Final = 0x5049544C
VERSION: Final = 1
#: Wait for another process that writes, s.
BUSY_S: Final = 5.0

_SCHEMA: Final = """
CREATE TABLE call (
  id INTEGER PRIMARY KEY,
  race TEXT NOT NULL,
  car TEXT NOT NULL,
  lap INTEGER NOT NULL,
  t_s REAL NOT NULL,
  model TEXT NOT NULL,
  seed TEXT NOT NULL,
  in_lap INTEGER NOT NULL,   -- 0 = stay out
  compound TEXT NOT NULL,    -- '' = stay out
  p_position TEXT NOT NULL,
  draws INTEGER NOT NULL,
  goal TEXT NOT NULL,
  live INTEGER NOT NULL,
  asked_at REAL NOT NULL,
  UNIQUE (race, car, lap, t_s, model, seed, in_lap, compound)
) STRICT;
CREATE TABLE grade (
  call INTEGER PRIMARY KEY REFERENCES call (id),
  outcome TEXT NOT NULL,
  position INTEGER,
  rps REAL,                  -- from here on NULL unless the call was scored
  log_loss REAL,
  held_50 INTEGER, held_80 INTEGER, held_90 INTEGER,
  expected_50 REAL, expected_80 REAL, expected_90 REAL
) STRICT;
"""
_CALL: Final = "race, car, lap, t_s, model, seed, in_lap, compound, p_position, draws, goal, live, asked_at"
_TALLY: Final = """
SELECT model, live, race, car, in_lap = 0, outcome, count(*), total(rps), total(log_loss),
  total(held_50), total(held_80), total(held_90), total(expected_50), total(expected_80), total(expected_90)
FROM call LEFT JOIN grade ON grade.call = call.id
WHERE race = ? OR ? IS NULL
GROUP BY model, live, race, car, in_lap = 0, outcome
"""


class SqliteLedger:
    """``pitcall.ledger.Ledger`` in a file; nothing is made before the first call is stored."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path if path is not None else home() / "ledger.db"

    def record(self, call: Call) -> bool:
        """Store a call unless the same claim is there."""
        row = (*_claim(call), json.dumps(call.p_position), call.draws, call.goal, call.live, call.asked_at)
        with self._open(create=True) as db:
            added = db.execute(
                f"INSERT INTO call ({_CALL}) VALUES ({_holes(13)}) ON CONFLICT DO NOTHING",  # noqa: S608  # constants
                row,
            )
            return added.rowcount == 1

    def calls(self, race: str) -> list[Call]:
        """The calls of one race, in the order in which they were made."""
        if not self._path.exists():
            return []
        with self._open() as db:
            rows = db.execute(f"SELECT {_CALL} FROM call WHERE race = ? ORDER BY asked_at, id", (race,))  # noqa: S608  # a constant
            return [_call(row) for row in rows]

    def grade(self, graded: Iterable[tuple[Call, Grade]]) -> None:
        """Store grades, all or none."""
        rows = [(*_grade_row(grade), *_claim(call)) for call, grade in graded]
        with self._open(create=True) as db:
            db.executemany(
                f"INSERT OR REPLACE INTO grade SELECT id, {_holes(10)} FROM call "  # noqa: S608  # constants
                f"WHERE (race, car, lap, t_s, model, seed, in_lap, compound) = ({_holes(8)})",
                rows,
            )

    def tallies(self, race: str | None = None) -> list[Tally]:
        """What is stored, by model, race, car, kind of call and outcome."""
        if not self._path.exists():
            return []
        with self._open() as db:
            return [_tally(row) for row in db.execute(_TALLY, (race, race))]

    @contextmanager
    def _open(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the body or nothing.

        Raises:
            LedgerUnavailable: it cannot be opened, read or written.
            Corrupt: the file is damaged, not a ledger, or of another version.
        """
        try:
            if create:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(_connect(self._path, create=create)) as db:  # what is not committed is rolled back
                _begin(db, self._path, write=create)
                yield db
                db.execute("COMMIT")
        except sqlite3.Error as exc:
            raise _typed(exc, self._path) from exc
        except OSError as exc:
            raise LedgerUnavailable(f"cannot make the folder {self._path.parent}: {exc.strerror}") from exc


def _connect(path: Path, *, create: bool) -> sqlite3.Connection:
    mode = "rwc" if create else "rw"  # a reader of a WAL file writes beside it
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None)


def _begin(db: sqlite3.Connection, path: Path, *, write: bool) -> None:
    """Begin a transaction in a ledger of this version; in an empty file, make one first."""
    if write:
        db.execute("PRAGMA journal_mode = WAL")
    # A writer takes its lock first: one that reads before it writes can be refused without a wait.
    empty = _is_empty(db)
    db.execute("BEGIN IMMEDIATE" if write or empty else "BEGIN")
    if empty and _is_empty(db):  # nobody was faster
        for statement in filter(str.strip, _SCHEMA.split(";")):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")
    application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application != APPLICATION_ID:
        raise Corrupt(f"{path} is a database, but not a ledger of calls; move it away")
    if version != VERSION:
        raise Corrupt(f"{path} has format {version}, this version reads {VERSION}; use the Pitcall that wrote it")


def _is_empty(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT count(*) = 0 FROM sqlite_schema").fetchone()[0])


def _typed(exc: sqlite3.Error, path: Path) -> Corrupt | LedgerUnavailable:
    kind = getattr(exc, "sqlite_errorcode", 0) & 0xFF  # the primary code: what is left of an extended one
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Corrupt(f"{path} is damaged ({exc}); move it away and a new ledger begins")
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerUnavailable(f"another process has been writing to {path} for {BUSY_S:g} s; try again")
    return LedgerUnavailable(f"cannot use the ledger of calls {path}: {exc}")


def _holes(count: int) -> str:
    return ", ".join("?" * count)


def _claim(call: Call) -> tuple[object, ...]:
    """What makes two calls the same."""
    compound = "" if call.compound is None else call.compound.label
    return call.race, call.car, call.lap, call.t_s, call.model, str(call.seed), call.in_lap or 0, compound


def _call(row: tuple[Any, ...]) -> Call:
    race, car, lap, t_s, model, seed, in_lap, compound, p_position, draws, goal, live, asked_at = row
    tyres = parse_compound(compound) if in_lap else None
    p = tuple(json.loads(p_position))
    return Call(race, car, lap, t_s, model, int(seed), in_lap or None, tyres, p, draws, goal, bool(live), asked_at)


def _grade_row(grade: Grade) -> tuple[object, ...]:
    score = grade.score
    if score is None:
        return grade.outcome, grade.position, *(None,) * 8
    return grade.outcome, grade.position, score.rps, score.log_loss, *score.held, *score.expected


def _tally(row: tuple[Any, ...]) -> Tally:
    model, live, race, car, stays, outcome, calls, rps, log_loss, *sums = row
    held = tuple(int(each) for each in sums[:3])
    ended = None if outcome is None else Outcome(outcome)
    return Tally(model, bool(live), race, car, bool(stays), ended, calls, rps, log_loss, held, tuple(sums[3:]))
