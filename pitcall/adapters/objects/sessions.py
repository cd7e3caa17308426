"""What is known of unfinished uploads, so that a killed one goes on where it stopped.

One small file an upload in ``<home>/uploads/``. It is readable by its owner only: the address of an upload to GCS is
a key to it. A session belongs to one content, one key and one condition; whoever asks for a session that another
process holds gets a fresh one that is not kept.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pitcall.adapters.home import home

#: Vendors forget an unfinished upload after about a week.
KEPT_S: Final = 6 * 24 * 3600.0


class Session:
    """State of one upload; empty at first. ``path`` is None if it is not kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.state: dict[str, str] = {}
        if path is not None:
            with suppress(OSError, ValueError):
                found = json.loads(path.read_bytes())
                self.state = found if isinstance(found, dict) else {}

    def save(self, state: Mapping[str, str]) -> None:
        """Keep what the next process needs."""
        self.state = dict(state)
        if self._path is not None:
            with self._path.open("r+") as file:  # in place: the lock is on this file
                file.write(json.dumps(self.state))
                file.truncate()

    def clear(self) -> None:
        """Forget: it ended, or the vendor forgot it."""
        self.state = {}
        if self._path is not None:
            with self._path.open("r+") as file:
                file.truncate()


@contextmanager
def session(*identity: str) -> Iterator[Session]:
    """The session of an upload that ``identity`` names completely. Its file goes when the state is cleared."""
    folder = home() / "uploads"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        name = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:32]
        path = folder / f"{name}.json"
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # a home that cannot be written to costs the resumption, not the upload
        yield Session(None)
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield Session(None)
            return
        kept = Session(path)
        yield kept
        if not kept.state:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)


def _sweep(folder: Path) -> None:
    for path in folder.glob("*.json"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink()
