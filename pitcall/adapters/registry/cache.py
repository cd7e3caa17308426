"""Versions on this machine: downloaded once, shared by all processes, bounded in bytes.

::

    blobs/<sha256>                   a file's content, once for all versions that have it
    versions/<name>/<version>/       manifest.json, files/ (hard links to blobs), and an empty file ``local`` while
                                     the version is nowhere else
    aliases/<name>.json              what was blessed when the store was last asked
    lock                             held by the one process that adds or removes

A version is complete or not there: it is put together in ``tmp/`` and renamed. Who uses one holds a shared lock on its
folder, which dies with the process; the least recently used one that nobody holds goes first.
"""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from pitcall.adapters.registry import content
from pitcall.errors import Corrupt, InvalidRequest, ModelRefused, PitcallError
from pitcall.registry import alias as aliases
from pitcall.registry import manifest as manifests
from pitcall.registry.alias import Alias
from pitcall.registry.manifest import File, Manifest

MANIFEST: Final = "manifest.json"
FILES: Final = "files"
LOCAL: Final = "local"

#: Age from which a small file was left by a process that is gone, s.
_LEFT_OVER_S: Final = 3600.0

_log = logging.getLogger(__name__)

#: Brings the content of a file to a path.
Bring = Callable[[File, Path], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A version in the cache."""

    name: str
    version: str
    size: int  #: bytes
    used: float  #: seconds since 1970
    local: bool  #: nowhere else


class Held:
    """A version in use: its files stay until this is closed or the process ends."""

    def __init__(self, folder: Path, manifest: Manifest, handle: int) -> None:
        self.folder = folder / FILES
        self.manifest = manifest
        self._handle = handle

    def close(self) -> None:
        """Let go of it; the files may be removed any time after."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class Cache:
    """The versions under one folder. Safe for several processes and threads.

    Args:
        root: made when something is written.
        limit: bytes that are kept.
    """

    def __init__(self, root: Path, limit: int) -> None:
        self.root = root
        self.limit = limit

    def hold(self, name: str, version: str) -> Held | None:
        """A version that is here, or None. One whose bytes do not have their digests any more is not.

        Raises:
            InvalidRequest: no model has such a name or version.
            PitcallError: the folder cannot be read.
        """
        with self._errors():
            return self._hold(name, version)

    def fetch(self, manifest: Manifest, bring: Bring, *, local: bool = False) -> Held:
        """Make a version be here: content that is missing is brought, looked into, and only then shown.

        Raises:
            Corrupt: what was brought is not what the manifest names.
            ModelRefused: a file holds what a model must not.
            InvalidRequest: the version does not fit into the cache.
            PitcallError: the folder cannot be written; and what ``bring`` raises.
        """
        with self._errors(), self._locked():
            held = self._hold(manifest.name, manifest.version)
            if held is None:
                self._make_room(manifest)
                self._assemble(manifest, bring, local=local)
                held = self._hold(manifest.name, manifest.version, fresh=True)
            if held is None:
                raise Corrupt(
                    f"{manifest.name} {manifest.version} was removed from {self.root} while it was stored there"
                )
            return held

    def entries(self) -> list[Entry]:
        """All versions, by name, latest used first.

        Raises:
            PitcallError: the folder cannot be read.
        """
        with self._errors():
            return sorted(self._entries(), key=lambda entry: (entry.name, -entry.used))

    def size(self) -> int:
        """Bytes of all content; what versions share counts once."""
        with self._errors():
            stats = {(stat.st_dev, stat.st_ino): stat.st_size for stat in self._stats()}
            return sum(stats.values())

    def uploaded(self, name: str, version: str) -> None:
        """The version is elsewhere too, so it may be removed here."""
        with self._errors():
            (self._folder(name, version) / LOCAL).unlink(missing_ok=True)

    def shrink(self, limit: int | None = None) -> list[Entry]:
        """Remove versions until no more than ``limit`` bytes are left, and what killed processes left. Returns them.

        Versions in use, and those that are nowhere else, stay.
        """
        with self._errors(), self._locked():
            return self._shrink(self.limit if limit is None else limit)

    def alias(self, name: str) -> tuple[Alias, float] | None:
        """What was blessed when the store was last asked, and when that was, seconds since 1970."""
        path = self.root / "aliases" / f"{manifests.check_name(name)}.json"
        try:
            return aliases.read(path.read_bytes(), str(path)), path.stat().st_mtime
        except (OSError, ModelRefused):
            return None

    def remember(self, name: str, alias: Alias) -> None:
        """Keep an alias for when the store cannot be asked."""
        with self._errors():
            path = self.root / "aliases" / f"{manifests.check_name(name)}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            part = self._new()
            part.write_bytes(alias.to_json())
            part.replace(path)

    def _folder(self, name: str, version: str) -> Path:
        return self.root / "versions" / manifests.check_name(name) / manifests.check_version(version)

    def _new(self) -> Path:
        folder = self.root / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid4().hex

    def _hold(self, name: str, version: str, *, fresh: bool = False) -> Held | None:
        folder = self._folder(name, version)
        handle = _lock_folder(folder, fcntl.LOCK_SH)
        if handle is None:
            return None
        try:
            manifest = manifests.read((folder / MANIFEST).read_bytes(), str(folder / MANIFEST), name, version)
            if not fresh:
                content.check_digests(folder / FILES, manifest)
            with suppress(OSError):  # a read-only cache, as in an image, is never shrunk
                os.utime(folder)
        except (FileNotFoundError, Corrupt, ModelRefused) as exc:
            os.close(handle)
            _log.warning("%s in the cache is damaged, it will be fetched again: %s", folder, exc)
            return None
        except BaseException:
            os.close(handle)
            raise
        return Held(folder, manifest, handle)

    def _assemble(self, manifest: Manifest, bring: Bring, *, local: bool) -> None:
        part = self._new()
        try:
            for file in manifest.files:
                blob = self._blob(file, bring)
                target = part / FILES / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(blob, target)
            try:
                content.check(part / FILES, manifest)
            except (Corrupt, ModelRefused):
                for file in manifest.files:
                    (self.root / "blobs" / file.sha256).unlink(missing_ok=True)
                raise
            (part / MANIFEST).write_bytes(manifest.to_json())
            if local:
                (part / LOCAL).touch()
            folder = self._folder(manifest.name, manifest.version)
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._remove(folder)
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _blob(self, file: File, bring: Bring) -> Path:
        """The content of a file, brought if it is not here or not what it was."""
        blob = self.root / "blobs" / file.sha256
        if blob.is_file() and content.sha256(blob) == file.sha256:
            return blob
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.unlink(missing_ok=True)
        bring(file, blob)
        blob.chmod(0o444)  # versions share it
        return blob

    def _make_room(self, manifest: Manifest) -> None:
        blobs = self.root / "blobs"
        missing = sum(file.size for file in manifest.files if not (blobs / file.sha256).exists())
        if missing > self.limit:
            raise InvalidRequest(
                f"{manifest.name} {manifest.version} has {manifest.size:,} bytes, the cache {self.limit:,}: "
                "set PITCALL_STORAGE_CACHE_BYTES"
            )
        self._shrink(self.limit - missing, keep={file.sha256 for file in manifest.files})
        if (size := self.size()) > self.limit - missing:
            raise PitcallError(
                f"no room for {manifest.name} {manifest.version}: of the cache's {self.limit:,} bytes {size:,} are in "
                "use or nowhere else; upload (pitcall model upload), or set PITCALL_STORAGE_CACHE_BYTES"
            )

    def _shrink(self, limit: int, keep: set[str] | frozenset[str] = frozenset()) -> list[Entry]:
        removed = []
        self._sweep(keep)
        for entry in sorted(self._entries(), key=lambda entry: entry.used):
            if self.size() <= limit:
                break
            folder = self._folder(entry.name, entry.version)
            if not entry.local and (handle := _lock_folder(folder, fcntl.LOCK_EX)) is not None:
                self._remove(folder)
                os.close(handle)
                self._sweep(keep)
                removed.append(entry)
        return removed

    def _sweep(self, keep: set[str] | frozenset[str]) -> None:
        """Remove content that no version has, and half versions. Call it with the lock held."""
        for path in _inside(self.root / "tmp"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif time.time() - path.stat().st_mtime > _LEFT_OVER_S:  # a younger one is somebody's alias on its way
                path.unlink(missing_ok=True)
        for blob in _inside(self.root / "blobs"):
            # A hidden file is a download that may go on.
            if blob.name not in keep and blob.stat().st_nlink == 1 and not blob.name.startswith("."):
                blob.unlink(missing_ok=True)

    def _remove(self, folder: Path) -> None:
        """Out of sight in one step, then gone."""
        gone = self._new()
        with suppress(FileNotFoundError):
            folder.replace(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _entries(self) -> Iterator[Entry]:
        for name in filter(lambda path: manifests.is_name(path.name), _inside(self.root / "versions")):
            for folder in filter(lambda path: manifests.is_version(path.name), _inside(name)):
                with suppress(FileNotFoundError):
                    size = sum(path.stat().st_size for path in (folder / FILES).rglob("*") if path.is_file())
                    yield Entry(name.name, folder.name, size, folder.stat().st_mtime, (folder / LOCAL).exists())

    def _stats(self) -> Iterator[os.stat_result]:
        for top in ("blobs", "versions"):
            for path in (self.root / top).rglob("*"):
                with suppress(FileNotFoundError):
                    if path.is_file():
                        yield path.stat()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process adds or removes at a time; the lock dies with it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise PitcallError(f"the cache of models, {self.root}: {exc.strerror}") from exc


def _lock_folder(folder: Path, how: int) -> int | None:
    """A handle that holds the lock; None if there is no such folder, or it is being removed or used."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
        if folder.stat().st_ino == os.fstat(handle).st_ino:  # else it was replaced before the lock was ours
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def _link(blob: Path, target: Path) -> None:
    try:
        target.hardlink_to(blob)
    except OSError:  # a file system without hard links
        shutil.copyfile(blob, target)


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
