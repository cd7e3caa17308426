"""An object into a file: in parallel, checked, and never half there.

The bytes gather in a hidden file beside the target, in order, so its length is all that a killed download has to
remember. Its name holds the version: when the object was replaced meanwhile, nothing old is gone on with. The target
appears by a rename when the digest is right.
"""

import fcntl
import glob
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from pitcall.adapters.objects.content import PIECE, Checked
from pitcall.adapters.objects.parallel import in_order
from pitcall.errors import Conflict, Corrupt, NotFound, PitcallError
from pitcall.ports import Content, ObjectInfo, ObjectStore, Progress

#: Bytes that one request brings. Threads times this is what a download holds in memory.
PART_BYTES: Final = 8 * 1024 * 1024
THREADS: Final = 4
#: Bytes a second of one connection from which more of them only cost processor time: a disk, a server next door. With
#: four connections a download from a server on the same two cores took twice the processor time of one.
FAST: Final = 100 * 1024 * 1024
#: Characters of the target's name in that of the hidden file: a name may be as long as the system allows.
_NAME: Final = 100


def download(
    store: ObjectStore,
    key: str,
    path: Path,
    *,
    generation: str | None = None,
    threads: int = THREADS,
    part_bytes: int = PART_BYTES,
    progress: Progress | None = None,
) -> ObjectInfo:
    """Bring one version of an object into a file; an older file is replaced when the new one is complete.

    A killed download goes on where it stopped. Two processes that want the same wait for each other.

    Raises:
        NotFound: no such object.
        Conflict: it is not at ``generation``, or was replaced during the download; what was read is dropped.
        Corrupt: the bytes are not those that were stored; the file is not touched.
        PitcallError: the folder cannot be written to; and what ``ObjectStore.get`` raises.
    """
    info = store.head(key)
    if generation not in (None, info.generation):
        raise Conflict(f"{key} in {store.url} was replaced: it is no longer at {generation}")
    stem = f".{path.name[:_NAME]}."
    tag = hashlib.sha256(f"{store.url}\0{key}\0{info.generation}".encode()).hexdigest()[:16]
    part = path.with_name(f"{stem}{tag}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _claimed(part) as file:
            try:
                _fill(store, info, file, threads=threads, part_bytes=part_bytes, progress=progress)
            except (Corrupt, Conflict, NotFound):
                part.unlink(missing_ok=True)
                raise
            os.fsync(file.fileno())
            part.replace(path)
            _sync(path.parent)
        for other in path.parent.glob(f"{glob.escape(stem)}*.part"):
            _remove_left_over(other)
    except OSError as exc:
        raise PitcallError(f"cannot write {path}: {exc.strerror}") from exc
    return info


def _fill(
    store: ObjectStore, info: ObjectInfo, file: BinaryIO, *, threads: int, part_bytes: int, progress: Progress | None
) -> None:
    """Bring what is missing. What an earlier process left is read back, not believed."""
    checked = Checked(info)
    there = _read_back(file, info.size, checked)

    def take(pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            file.write(piece)
            checked.update(piece)
            if progress is not None:
                progress(file.tell())

    def open_part(start: int, end: int) -> Content:
        return store.get(info.key, start=start, end=min(end, info.size), generation=info.generation)

    if progress is not None:
        progress(there)
    if there < info.size:
        began = time.monotonic()
        with open_part(there, there + part_bytes) as first:
            take(first)
        fast = (file.tell() - there) / max(time.monotonic() - began, 1e-9) >= FAST
        if file.tell() < info.size and (fast or threads == 1):
            with open_part(file.tell(), info.size) as rest:
                take(rest)
        starts = range(file.tell(), info.size, part_bytes)
        # Lists of pieces: joining them would cost a copy.
        with closing(in_order(lambda start: list(open_part(start, start + part_bytes)), starts, threads)) as parts:
            for part in parts:
                take(part)
    file.flush()
    if file.tell() != info.size or not checked.good:
        file.seek(0)
        file.truncate()
        if not there:
            raise Corrupt(f"{info.key} in {store.url} does not have the digest that it was stored with; store it again")
        _fill(store, info, file, threads=threads, part_bytes=part_bytes, progress=progress)  # from the beginning


def _read_back(file: BinaryIO, size: int, checked: Checked) -> int:
    """Count in what is there; the file then stands where the rest goes."""
    if os.fstat(file.fileno()).st_size > size:
        file.truncate(0)
    while piece := file.read(PIECE):
        checked.update(piece)
    return file.tell()


@contextmanager
def _claimed(part: Path) -> Iterator[BinaryIO]:
    """The hidden file, for this process alone. The claim dies with its process."""
    while True:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file, part):
                yield file
                return
            # Another process finished while we waited: this file is its target now.


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _remove_left_over(part: Path) -> None:
    """Remove what an older version left, unless a process is at it."""
    with suppress(OSError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink()


def _sync(folder: Path) -> None:
    """A rename lasts once its folder is on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
