"""Models in an object store: ``models/<name>/<version>/manifest.json`` and ``files/...``, ``aliases/<name>.json``.

A version is there when its manifest is, which is written last. No object of a version is ever replaced.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pitcall.adapters.objects import StorageSettings, download
from pitcall.adapters.objects.parallel import in_order
from pitcall.errors import Conflict, Corrupt, ModelRefused, NotFound
from pitcall.ports import ObjectInfo, ObjectStore, Progress
from pitcall.registry import alias as aliases
from pitcall.registry import manifest as manifests
from pitcall.registry.alias import Alias
from pitcall.registry.manifest import File, Manifest

_DAY_S: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Removable:
    """A version that nobody asks for."""

    version: str
    size: int  #: bytes
    spared: str = ""  #: why it stays all the same


class Shelf:
    """The models of one store. Each method raises, beside what it names, what ``ObjectStore`` raises."""

    def __init__(self, store: ObjectStore, settings: StorageSettings) -> None:
        self.store = store
        self._settings = settings

    @property
    def url(self) -> str:
        """For messages."""
        return self.store.url

    def names(self) -> list[str]:
        """Models that have a version or an alias."""
        kept = {prefix.split("/")[1] for prefix in self.store.folders("models/")}
        asked = {info.key.removeprefix("aliases/").removesuffix(".json") for info in self.store.list("aliases/")}
        return sorted(filter(manifests.is_name, kept | asked))

    def versions(self, name: str) -> list[Manifest]:
        """Complete versions, latest first.

        Raises:
            ModelRefused: a manifest is none.
        """

        def one(version: str) -> Manifest | None:
            try:
                return self.manifest(name, version)
            except NotFound:
                return None  # on its way up, or what a killed upload left

        with closing(in_order(one, self.folders(name), self._settings.threads)) as found:
            return sorted((one for one in found if one is not None), key=lambda one: (-one.created, one.version))

    def folders(self, name: str) -> list[str]:
        """Versions that have an object, also those on their way up."""
        found = (prefix.split("/")[2] for prefix in self.store.folders(f"models/{manifests.check_name(name)}/"))
        return list(filter(manifests.is_version, found))

    def manifest(self, name: str, version: str) -> Manifest:
        """What a version is.

        Raises:
            NotFound: no such version.
            ModelRefused: it is not its manifest.
        """
        key = f"{_folder(name, version)}manifest.json"
        try:
            return manifests.read(self._small(key, manifests.MAX_BYTES)[0], f"{key} in {self.url}", name, version)
        except NotFound as exc:
            raise NotFound(f"no model {name} {version} in {self.url}; `pitcall model list` has what there is") from exc

    def bring(self, manifest: Manifest, progress: Progress | None = None) -> Callable[[File, Path], None]:
        """What ``Cache.fetch`` asks for files, and then compares with their digests. ``progress`` counts over all.

        The call raises Corrupt if the object has another length than the file that the manifest names.
        """
        done = 0

        def bring(file: File, path: Path) -> None:
            nonlocal done
            key = f"{_folder(manifest.name, manifest.version)}files/{file.path}"
            info = self.store.head(key)
            if info.size != file.size:
                raise Corrupt(
                    f"{key} in {self.url} has {info.size:,} bytes in place of {file.size:,}: "
                    "it is cut off, or another file"
                )
            download(
                self.store,
                key,
                path,
                generation=info.generation,
                threads=self._settings.threads,
                part_bytes=self._settings.part_bytes,
                progress=_after(done, progress),
            )
            done += file.size

        return bring

    def publish(self, manifest: Manifest, folder: Path, progress: Progress | None = None) -> Manifest:
        """Store a version whose files are in a folder. One that is there already stays as it is and is returned.

        Raises:
            Conflict: other content is under its name.
        """
        with_files = f"{_folder(manifest.name, manifest.version)}files/"
        done = 0
        for file in manifest.files:
            self._put_file(with_files + file.path, folder / file.path, file, _after(done, progress))
            done += file.size
        key = f"{_folder(manifest.name, manifest.version)}manifest.json"
        try:
            self.store.put(key, manifest.to_json(), if_absent=True)
        except Conflict:
            there = self.manifest(manifest.name, manifest.version)
            if there.files != manifest.files:
                raise
            return there
        return manifest

    def alias(self, name: str) -> tuple[Alias, str | None]:
        """What is blessed, and the generation of that; an empty alias and None if nothing ever was.

        Raises:
            ModelRefused: the file is no alias.
        """
        key = _alias_key(name)
        try:
            text, info = self._small(key, aliases.MAX_BYTES)
        except NotFound:
            return Alias(), None
        return aliases.read(text, f"{key} in {self.url}"), info.generation

    def generation(self, name: str) -> str | None:
        """The generation of what is blessed, without reading it; None if nothing ever was."""
        try:
            return self.store.head(_alias_key(name)).generation
        except NotFound:
            return None

    def change(self, name: str, change: Callable[[Alias], Alias]) -> Alias:
        """Replace what is blessed by what ``change`` makes of it.

        Raises:
            Conflict: somebody else changed it meanwhile; nothing was written.
            ModelRefused: the file is no alias.
        """
        before, generation = self.alias(name)
        after = change(before)
        if after != before:
            try:
                self.store.put(
                    _alias_key(name), after.to_json(), if_absent=generation is None, if_generation=generation
                )
            except Conflict as exc:
                raise Conflict(
                    f"somebody else changed what is blessed for {name} a moment ago; "
                    "look (pitcall model status), then decide again"
                ) from exc
        return after

    def removable(self, name: str, keep: int) -> list[Removable]:
        """What ``remove`` may have: versions that the alias does not name, and what killed uploads left a day ago.

        Args:
            name: the model.
            keep: latest of those versions that stay.
        """
        alias, _ = self.alias(name)
        versions = self.versions(name)
        found = []
        for one in [one for one in versions if one.version not in alias.versions][keep:]:
            age = (time.time() - one.created) / _DAY_S
            least = self._settings.min_storage_days
            spared = f"{age:.0f} days old, is billed for {least:g}" if age < least else ""
            found.append(Removable(one.version, one.size, spared))
        complete = {one.version for one in versions}
        for version in self.folders(name):
            if version not in complete and version not in alias.versions:
                objects = list(self.store.list(_folder(name, version)))
                if objects and time.time() - max(info.modified for info in objects) > _DAY_S:
                    found.append(Removable(version, sum(info.size for info in objects)))
        return found

    def remove(self, name: str, versions: list[str]) -> Iterator[str]:
        """Remove versions, each as soon as it is asked for. From the first step on nobody can bless them.

        Raises:
            Conflict: somebody else changed the alias meanwhile; nothing was removed.
            InvalidRequest: one of them is blessed, was, or is on trial.
        """
        self.change(name, lambda alias: alias.leave(versions, time.time()))
        for version in versions:
            folder = _folder(name, version)
            for key in [f"{folder}manifest.json", *(info.key for info in self.store.list(f"{folder}files/"))]:
                try:
                    self.store.delete(key)  # the manifest first: what has none is not there
                except NotFound:
                    continue
            yield version
        self.change(name, lambda alias: alias.leave((), time.time()))

    def check_writable(self) -> None:
        """Find out if these credentials may write here, without writing: the condition of this write never holds.

        Raises:
            PermissionDenied: they may not.
        """
        with suppress(Conflict):
            self.store.put("aliases/probe.txt", b"probe", if_generation="1")

    def check_stored(self, manifest: Manifest) -> None:
        """Every file of a version is there and, as far as the store tells, the right one. Reads no content.

        Raises:
            Corrupt: one is missing, or another.
        """
        folder = f"{_folder(manifest.name, manifest.version)}files/"

        def one(file: File) -> None:
            try:
                info = self.store.head(folder + file.path)
            except NotFound as exc:
                raise Corrupt(f"{folder}{file.path} is missing in {self.url}; upload the version again") from exc
            if (info.size, info.sha256 or file.sha256) != (file.size, file.sha256):
                raise Corrupt(f"{info.key} in {self.url} is not the file that its manifest names; remove the version")

        with closing(in_order(one, manifest.files, self._settings.threads)) as found:
            for _ in found:
                pass

    def _put_file(self, key: str, path: Path, file: File, progress: Progress | None) -> None:
        try:
            there: ObjectInfo | None = self.store.head(key)
        except NotFound:
            there = None
        if there is None:
            try:
                there = self.store.put(key, path, if_absent=True, progress=progress)
            except Conflict:
                there = self.store.head(key)
        if (there.size, there.sha256 or file.sha256) != (file.size, file.sha256):
            raise Conflict(f"{key} in {self.url} is another file; somebody put it there by hand: remove it")
        if progress is not None:
            progress(file.size)

    def _small(self, key: str, limit: int) -> tuple[bytes, ObjectInfo]:
        with self.store.get(key) as found:
            if found.info.size > limit:
                raise ModelRefused(f"{key} in {self.url} has {found.info.size:,} bytes; at most {limit:,} are read")
            return found.read(), found.info


def _after(done: int, progress: Progress | None) -> Progress | None:
    """Count on from what was moved before."""
    return None if progress is None else lambda moved: progress(done + moved)


def _folder(name: str, version: str) -> str:
    return f"models/{manifests.check_name(name)}/{manifests.check_version(version)}/"


def _alias_key(name: str) -> str:
    return f"aliases/{manifests.check_name(name)}.json"
