"""Objects as files under one directory: the embedded default, nothing to sign up for.

An object is the file of its key, so a person can look, copy in and take out. What a file cannot hold lies beside, in
``.pitcall/``: ``tmp/`` for what is being written, ``info/`` for digests and metadata, ``lock`` for conditions.

The generation is the time of the file, which this store never sets twice to the same value, and its size. An info
file is named after key and generation and is there before its object: a write that is killed at any point leaves the
old object, or the new one with its digest.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import uuid4

from pitcall.adapters.objects.content import PIECE, ObjectContent, Pieces
from pitcall.adapters.objects.keys import (
    OWN,
    check_condition,
    check_folder,
    check_key,
    check_metadata,
    check_prefix,
    check_range,
    is_key,
)
from pitcall.adapters.objects.source import Source, opened
from pitcall.errors import Conflict, InvalidRequest, NotFound, PermissionDenied, PitcallError, StoreUnavailable
from pitcall.ports import ObjectInfo, Progress

#: Age after which a file of a killed write is swept away, s.
LEFT_OVER_S: Final = 24 * 3600.0

_Info = tuple[ObjectInfo, Path]


class DirectoryStore:
    """The port over a local file system. Safe for several processes on one machine."""

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().absolute()

    @property
    def url(self) -> str:
        """``file:///...``."""
        return self._root.as_uri()

    def head(self, key: str) -> ObjectInfo:
        """See ``ObjectStore.head``."""
        with self._errors(key), self._file(key).open("rb") as file:
            return self._info(key, file)

    def get(self, key: str, *, start: int = 0, end: int | None = None, generation: str | None = None) -> ObjectContent:
        """See ``ObjectStore.get``."""
        with self._errors(key):
            file = self._file(key).open("rb")  # stays this version, whoever replaces it meanwhile
        try:
            info = self._info(key, file)
            if generation is not None and info.generation != generation:
                raise Conflict(f"{key} in {self.url} was replaced: it is no longer at {generation}")
            stop = info.size if end is None else end
            check_range(key, start, end, info.size)
        except BaseException:
            file.close()
            raise

        def read(offset: int) -> Pieces:
            with self._errors(key), file:
                file.seek(offset)
                position = offset
                while position < stop and (piece := file.read(min(PIECE, stop - position))):
                    position += len(piece)
                    yield piece

        return ObjectContent(info, read, start=start, end=stop, where=f"{key} in {self.url}", release=file.close)

    def put(
        self,
        key: str,
        source: bytes | Path | BinaryIO,
        *,
        if_absent: bool = False,
        if_generation: str | None = None,
        metadata: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> ObjectInfo:
        """See ``ObjectStore.put``. A killed upload is a local copy that starts again."""
        check_condition(if_absent=if_absent, if_generation=if_generation)
        kept = check_metadata(metadata)
        target = self._file(key)
        with self._errors(key), opened(source) as content:
            self._sweep()
            part = self._own("tmp") / uuid4().hex
            try:
                digest = _copy(content, part, progress)
                with self._locked():
                    self._check(key, if_absent=if_absent, if_generation=if_generation)
                    return self._publish(key, part, target, {"sha256": digest, "metadata": kept})
            finally:
                part.unlink(missing_ok=True)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See ``ObjectStore.list``."""
        check_prefix(prefix)
        for key, path in self._walk(self._root / prefix.rpartition("/")[0], prefix):
            with suppress(FileNotFoundError):  # removed since
                stat = path.stat()
                yield ObjectInfo(key, stat.st_size, _generation(stat), stat.st_mtime)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """See ``ObjectStore.folders``."""
        folder = self._root / check_folder(prefix)
        for name in sorted(entry.name for entry in _entries(folder) if entry.is_dir()):
            inner = f"{prefix}{name}/"
            if name != OWN and any(self._walk(folder / name, inner)):
                yield inner

    def delete(self, key: str, *, if_generation: str | None = None) -> None:
        """See ``ObjectStore.delete``."""
        path = self._file(key)
        with self._errors(key), self._locked():
            self._check(key, if_generation=if_generation)
            path.unlink()
            self._forget(key)
            for folder in path.parents:
                if folder == self._root or any(folder.iterdir()):
                    break
                folder.rmdir()

    def close(self) -> None:
        """Nothing is open."""

    def _file(self, key: str) -> Path:
        path = self._root / check_key(key)
        if key.split("/", maxsplit=1)[0] == OWN:
            raise InvalidRequest(f"{key!r} cannot be the key of an object: {OWN}/ is this store's own folder")
        if not path.parent.resolve().is_relative_to(self._root.resolve()):
            raise InvalidRequest(f"{key!r} leads out of {self.url} by a symbolic link")
        return path

    def _own(self, name: str) -> Path:
        folder = self._root / OWN / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _info(self, key: str, file: BinaryIO) -> ObjectInfo:
        stat = os.fstat(file.fileno())
        generation = _generation(stat)
        beside: dict[str, Any] = {}
        with suppress(OSError, ValueError):  # a file that a person copied in, or a damaged note
            beside = json.loads(self._beside(key, generation).read_bytes())
        return ObjectInfo(
            key,
            stat.st_size,
            generation,
            stat.st_mtime,
            sha256=beside.get("sha256"),
            metadata=beside.get("metadata", {}),
        )

    def _beside(self, key: str, generation: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._root / OWN / "info" / name[:2] / f"{name}.{generation}.json"

    def _forget(self, key: str, keep: str = "") -> None:
        """Remove the notes on versions that are gone."""
        kept = self._beside(key, keep)
        for path in kept.parent.glob(f"{kept.name.partition('.')[0]}.*.json"):
            if path != kept:
                path.unlink(missing_ok=True)

    def _check(self, key: str, *, if_absent: bool = False, if_generation: str | None = None) -> None:
        """Whether a write may go on. Call it with the lock held."""
        if if_absent or if_generation is not None:
            try:
                now: str | None = self.head(key).generation
            except NotFound:
                now = None
            if if_absent and now is not None:
                raise Conflict(f"{key} is already in {self.url}")
            if if_generation is not None and now != if_generation:
                raise Conflict(f"{key} in {self.url} was replaced: it is no longer at {if_generation}")

    def _publish(self, key: str, part: Path, target: Path, beside: Mapping[str, object]) -> ObjectInfo:
        """Make a complete file the object. Call it with the lock held."""
        self._make_folder(key, target.parent)
        before = 0
        with suppress(FileNotFoundError):
            before = target.stat().st_mtime_ns
        stamp = max(time.time_ns(), before + 1)
        os.utime(part, ns=(stamp, stamp))
        generation = _generation(part.stat())
        note = self._beside(key, generation)
        note.parent.mkdir(parents=True, exist_ok=True)
        half = self._own("tmp") / uuid4().hex
        half.write_text(json.dumps(beside))
        half.replace(note)
        part.replace(target)
        _sync_folder(target.parent)
        self._forget(key, keep=generation)
        with target.open("rb") as file:
            return self._info(key, file)

    def _make_folder(self, key: str, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as exc:
            raise InvalidRequest(f"{key} cannot be under {self.url}: a part of its path is an object there") from exc
        if (self._root / key).is_dir():
            raise InvalidRequest(f"{key} cannot be under {self.url}: there are objects below it")

    def _walk(self, folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
        """Objects below a folder whose keys start with the prefix, in the order of the keys."""
        # A folder sorts as its objects do: "a.b" comes before "a/b", since "." comes before "/".
        entries = [(entry.name + "/" if entry.is_dir() else entry.name, entry) for entry in _entries(folder)]
        for name, entry in sorted(entries, key=lambda pair: pair[0].encode(errors="surrogateescape")):
            path = Path(entry.path)
            key = path.relative_to(self._root).as_posix()
            if not is_key(key):
                continue
            if name.endswith("/"):
                if f"{key}/".startswith(prefix) or prefix.startswith(f"{key}/"):
                    yield from self._walk(path, prefix)
            elif key.startswith(prefix) and entry.is_file():
                yield key, path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, over processes. The lock dies with its process."""
        with (self._own(".") / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _sweep(self) -> None:
        """Remove what killed writes left."""
        for path in self._own("tmp").iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > LEFT_OVER_S:
                    path.unlink()

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        where = f"{key} in {self.url}"
        try:
            yield
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as exc:
            raise NotFound(f"no object {where}") from exc
        except PermissionError as exc:
            raise PermissionDenied(f"not allowed: {where}: {exc.strerror}") from exc
        except BlockingIOError as exc:
            raise StoreUnavailable(f"{where}: {exc.strerror}") from exc
        except OSError as exc:
            raise PitcallError(f"{where}: {exc.strerror}") from exc


def _generation(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns}-{stat.st_size}"


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _copy(source: Source, part: Path, progress: Progress | None) -> str:
    """Write the content to disk and return its SHA-256."""
    digest = hashlib.sha256()
    with part.open("xb") as file:
        for block in source.blocks():
            digest.update(block)
            file.write(block)
            if progress is not None:
                progress(file.tell())
        file.flush()
        os.fsync(file.fileno())
    source.check_unchanged()
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """A rename lasts once its folder is on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
