"""A folder and a prefix of a store made equal: planned first, then done, step by step.

What is equal is told by content, not by clock: size first, then SHA-256. Every step names the version that it was
planned on, so what changed since is a Conflict, not a loss.
"""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Final

from pitcall.adapters.objects.keys import check_key, is_key
from pitcall.adapters.objects.packed import (
    download_file,
    file_key,
    raw_sha256,
    raw_size,
    stored_key,
    upload_file,
)
from pitcall.adapters.objects.parallel import in_order
from pitcall.adapters.objects.settings import StorageSettings
from pitcall.adapters.objects.source import BLOCK
from pitcall.errors import Cancelled, Conflict, InvalidRequest, NotFound, PitcallError
from pitcall.ports import ObjectInfo, ObjectStore

#: Files that move at the same time; a large one has connections of its own.
FILES: Final = 4
_DAY_S: Final = 24 * 3600.0

_log = logging.getLogger(__name__)


class Direction(StrEnum):
    """Which side follows which."""

    UP = "up"  #: the store follows the folder
    DOWN = "down"  #: the folder follows the store
    BOTH = "both"  #: each gets what it lacks; what differs is left alone


class Action(StrEnum):
    """What a step does."""

    UPLOAD = "upload"
    DOWNLOAD = "download"
    DELETE_OBJECT = "delete object"
    DELETE_FILE = "delete file"
    LEAVE = "leave"  #: nothing, and ``why`` says why not


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a plan."""

    action: Action
    key: str  #: in the store
    file: str  #: below the folder
    size: int  #: bytes of what moves
    why: str
    generation: str | None = None  #: of the object as it was planned on; None if there was none


@dataclass(frozen=True, slots=True)
class _Side:
    """What there is under one name."""

    path: Path | None = None
    object: ObjectInfo | None = None


#: Called with a step and its bytes moved so far.
StepProgress = Callable[[Step, int], None]


def plan(
    store: ObjectStore, folder: Path, prefix: str, direction: Direction, settings: StorageSettings, *, delete: bool
) -> list[Step]:
    """What ``carry_out`` would do, in the order of the names. Equal files have no step.

    Raises:
        InvalidRequest: a file has a name that no object can have, or two objects are one file.
        PitcallError: a file cannot be read; and what ``ObjectStore.list`` and ``head`` raise.
    """
    if delete and direction is Direction.BOTH:
        raise InvalidRequest("--delete needs to know which side is right: add --up or --down")
    if prefix and not prefix.endswith("/"):
        raise InvalidRequest(f"a prefix to sync with is a folder: --prefix {prefix}/")
    sides = _sides(store, folder, prefix)

    def step(name: str) -> Step | None:
        return _step(store, prefix, name, sides[name], direction, settings, delete=delete)

    with closing(in_order(step, sorted(sides), settings.threads)) as steps:
        return [found for found in steps if found is not None]


def carry_out(
    store: ObjectStore, folder: Path, steps: Sequence[Step], settings: StorageSettings, progress: StepProgress
) -> Generator[Step, None, None]:
    """Do the steps, several at a time; yields each when it is done. Leaving early stops what runs at its next part.

    Raises:
        Conflict: an object changed since it was planned on.
        PitcallError: what the step's transfer raises; steps that were not begun are not.
    """
    stop = Event()

    def run(step: Step) -> Step:
        def tell(moved: int) -> None:
            if stop.is_set():
                raise Cancelled(f"stopped at {step.file}; the same command goes on")
            progress(step, moved)

        _run(store, folder, step, settings, tell)
        return step

    wanted = [step for step in steps if step.action is not Action.LEAVE]
    with closing(in_order(run, wanted, FILES, stop)) as done:
        yield from done


def _sides(store: ObjectStore, folder: Path, prefix: str) -> Mapping[str, _Side]:
    """File name below the folder -> what there is of it here and there."""
    sides = {name: _Side(path=path) for name, path in _files(folder)}
    for info in store.list(prefix):
        name = file_key(info.key).removeprefix(prefix)
        if not is_key(info.key) or any(part.startswith(".") for part in name.split("/")):
            _log.warning("%s in %s is left out: no file of Pitcall has such a name", info.key, store.url)
            continue
        side = sides.get(name, _Side())
        if side.object is not None:
            raise InvalidRequest(f"{side.object.key} and {info.key} in {store.url} would be the same file: remove one")
        sides[name] = _Side(side.path, info)
    return sides


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files below a folder; hidden ones and links are not followed."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(root, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                inside = path.relative_to(folder).as_posix()
                yield check_key(inside), path


def _step(  # noqa: PLR0911 - a table of cases
    store: ObjectStore,
    prefix: str,
    name: str,
    side: _Side,
    direction: Direction,
    settings: StorageSettings,
    *,
    delete: bool,
) -> Step | None:
    there, here = side.object, side.path
    key = there.key if there else stored_key(prefix + name)
    generation = there.generation if there else None
    if there is None and here is not None:
        if direction is not Direction.DOWN:
            return Step(Action.UPLOAD, key, name, here.stat().st_size, "only here")
        return Step(Action.DELETE_FILE, key, name, here.stat().st_size, "not in the store") if delete else None
    if here is None and there is not None:
        if direction is not Direction.UP:
            return Step(Action.DOWNLOAD, key, name, there.size, "only in the store", generation)
        if not delete:
            return None
        if (age := (time.time() - there.modified) / _DAY_S) < settings.min_storage_days:
            why = f"{age:.0f} days old, is billed for {settings.min_storage_days:g}"
            return Step(Action.LEAVE, key, name, there.size, why, generation)
        return Step(Action.DELETE_OBJECT, key, name, there.size, "not here", generation)
    if there is None or here is None or _equal(store, there, here):
        return None
    if direction is Direction.UP:
        return Step(Action.UPLOAD, key, name, here.stat().st_size, "differs", generation)
    if direction is Direction.DOWN:
        return Step(Action.DOWNLOAD, key, name, there.size, "differs", generation)
    return Step(Action.LEAVE, key, name, there.size, "differs on both sides; --up or --down decides", generation)


def _equal(store: ObjectStore, there: ObjectInfo, here: Path) -> bool:
    """Whether an object holds what a file holds."""
    size = here.stat().st_size
    if raw_size(there) not in (None, size):
        return False
    if raw_sha256(there) is None:  # a list of S3 has no metadata
        try:
            there = store.head(there.key)
        except NotFound:
            return False
    if raw_size(there) != size:
        return False
    known, kind = raw_sha256(there), "sha256"
    if known is None and file_key(there.key) == there.key:
        known, kind = there.md5, "md5"
    return known is not None and known == _digest(here, kind)


def _digest(path: Path, kind: str) -> str:
    digest = hashlib.new(kind, usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as exc:
        raise PitcallError(f"cannot read {path}: {exc.strerror}") from exc
    return digest.hexdigest()


def _run(
    store: ObjectStore, folder: Path, step: Step, settings: StorageSettings, progress: Callable[[int], None]
) -> None:
    path = folder / step.file
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise InvalidRequest(f"{path} leads out of {folder} by a symbolic link")
    if step.action is Action.UPLOAD:
        fresh = step.generation is None
        if stored_key(file_key(step.key)) == step.key:
            upload_file(
                store, file_key(step.key), path, if_absent=fresh, if_generation=step.generation, progress=progress
            )
        else:  # a log that somebody stored as it is
            store.put(step.key, path, if_generation=step.generation, progress=progress)
    elif step.action is Action.DOWNLOAD:
        if step.why == "only in the store" and path.exists():
            raise Conflict(f"{path} appeared since the plan was made; plan again")
        download_file(
            store,
            step.key,
            path,
            generation=step.generation,
            threads=settings.threads,
            part_bytes=settings.part_bytes,
            progress=progress,
        )
    elif step.action is Action.DELETE_OBJECT:
        store.delete(step.key, if_generation=step.generation)
    elif step.action is Action.DELETE_FILE:
        path.unlink(missing_ok=True)
