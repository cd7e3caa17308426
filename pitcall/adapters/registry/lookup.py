"""The look-up: cache, store, package, or one error that names all three."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from pitcall.adapters.home import home
from pitcall.adapters.objects import StorageSettings, bucket_url, open_store, read_settings
from pitcall.adapters.registry import content, package
from pitcall.adapters.registry.cache import Cache, Held
from pitcall.adapters.registry.shelf import Shelf
from pitcall.errors import Corrupt, InvalidRequest, ModelRefused, NotFound, PitcallError
from pitcall.ports import Progress
from pitcall.registry.alias import Alias
from pitcall.registry.manifest import Manifest, check_name, check_version

_log = logging.getLogger(__name__)

#: Looks at a version before it is used; raises ModelRefused if it must not be.
Accept = Callable[[Path, Manifest], None]


@dataclass
class OpenModel:
    """A version that can be read until this is closed, or the ``with`` block is left."""

    folder: Path  #: with the files of the version
    manifest: Manifest
    source: str  #: cache, store or package
    degraded: tuple[str, ...] = ()  #: why this may not be the version that should serve; empty if it is
    held: Held | None = field(default=None, repr=False)

    def close(self) -> None:
        """Let go of the files."""
        if self.held is not None:
            self.held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_cache(settings: StorageSettings) -> Cache:
    """The cache of this machine."""
    return Cache(home() / "models", settings.cache_bytes)


def store_url(settings: StorageSettings) -> str:
    """Where models are shared: the configured bucket, else a folder in the home."""
    return bucket_url(settings) if settings.bucket else str(home() / "objects")


@contextmanager
def open_shelf(settings: StorageSettings) -> Iterator[Shelf]:
    """The models of ``store_url``. Raises what ``open_store`` raises."""
    store = open_store(store_url(settings), settings)
    try:
        yield Shelf(store, settings)
    finally:
        store.close()


def open_model(
    name: str,
    version: str | None = None,
    *,
    settings: StorageSettings | None = None,
    accept: Accept | None = None,
    progress: Progress | None = None,
) -> OpenModel:
    """A version of a model as a folder: from the cache, the store, or the package, in this order.

    Without ``version`` the blessed one; if that is refused, the latest one before it that is not.

    Args:
        name: such as ``race-model``.
        version: only this one will do.
        settings: of the store and the cache; by default those of this process.
        accept: has the last word, such as a run of the golden rows.
        progress: bytes that were downloaded.

    Raises:
        NotFound: there is none; the message says what cache, store and package had.
        ModelRefused: all there is was refused.
        StoreUnavailable: the store does not answer, and neither cache nor package has it.
        InvalidRequest: no model has such a name or version, or a setting is wrong.
    """
    check_name(name)
    if version is not None:
        check_version(version)
    return _Search(name, version, settings or read_settings(), accept, progress).run()


class _Search:
    """One look-up, and what it found out on the way."""

    def __init__(
        self,
        name: str,
        version: str | None,
        settings: StorageSettings,
        accept: Accept | None,
        progress: Progress | None,
    ) -> None:
        self._name = name
        self._version = version
        self._settings = settings
        self._accept = accept
        self._progress = progress
        self._cache = open_cache(settings)
        self._degraded: list[str] = []
        self._refused = False  #: something that is there may not be used
        self._tried: set[str] = set()
        self._trouble: PitcallError | None = None  #: of the store
        self._why: dict[str, str] = {}  #: place -> what it had

    def run(self) -> OpenModel:
        known = self._cache.alias(self._name)
        if known is not None and not self._settings.sync_on_startup:
            found = self._first(known[0])
            if found is not None:
                return found
        found = self._first(self._asked(known[0] if known else Alias())) or self._packaged()
        if found is None:
            raise self._nothing()
        return found

    def _asked(self, known: Alias) -> Alias:
        """What the store says is blessed; what it said last if it does not answer."""
        if self._version is not None:
            return known
        try:
            with open_shelf(self._settings) as shelf:
                alias, _ = shelf.alias(self._name)
            self._cache.remember(self._name, alias)
        except InvalidRequest:
            raise  # a setting is wrong, and will be until a person mends it
        except PitcallError as exc:
            self._note(exc)
            return known
        return alias

    def _first(self, alias: Alias) -> OpenModel | None:
        wanted = [self._version] if self._version else [alias.blessed, *alias.previous]
        for version in wanted:
            if version is not None and version not in self._tried:
                self._tried.add(version)
                if found := self._get(version):
                    return found
        return None

    def _get(self, version: str) -> OpenModel | None:
        """One version, from the cache or else the store."""
        try:
            held, source = self._cache.hold(self._name, version), "cache"
            if held is None:
                held, source = self._fetch(version), "store"
        except PitcallError as exc:
            self._note(exc)
            return None
        return self._accepted(OpenModel(held.folder, held.manifest, source, held=held))

    def _fetch(self, version: str) -> Held:
        with open_shelf(self._settings) as shelf:
            manifest = shelf.manifest(self._name, version)
            return self._cache.fetch(manifest, shelf.bring(manifest, self._progress))

    def _packaged(self) -> OpenModel | None:
        shipped = package.DEFAULTS.get(self._name)
        if shipped is None:
            self._why["package"] = "brings no model of this name"
            return None
        try:
            folder = package.folder(shipped.package)
            manifest = content.describe(self._name, folder, shipped.origin)
        except (NotFound, InvalidRequest) as exc:
            self._why["package"] = exc.detail
            return None
        except (Corrupt, ModelRefused) as exc:
            self._note(exc)
            return None
        if self._version not in (None, manifest.version):
            self._why["package"] = f"has {manifest.version}"
            return None
        return self._accepted(OpenModel(folder, manifest, "package"))

    def _accepted(self, model: OpenModel) -> OpenModel | None:
        try:
            if self._accept is not None:
                self._accept(model.folder, model.manifest)
        except (Corrupt, ModelRefused) as exc:
            model.close()
            self._note(exc)
            return None
        except BaseException:
            model.close()
            raise
        model.degraded = tuple(self._degraded)
        return model

    def _note(self, why: PitcallError) -> None:
        """Something is not as it should be. The search goes on, and whoever uses what it finds is told."""
        _log.warning("%s: the next best version is looked for: %s", self._name, why.detail)
        self._degraded.append(why.detail)
        if isinstance(why, Corrupt | ModelRefused):
            self._refused = True
        else:
            self._trouble = why

    def _nothing(self) -> PitcallError:
        wanted = f"{self._name} {self._version}" if self._version else self._name
        store = "; ".join(self._degraded) or "nothing is blessed"
        told = (
            f"no model {wanted} can be used. Cache {self._cache.root}: does not have it. "
            f"Store {_shown(self._settings)}: {store}. Package: {self._why.get('package', 'refused')}."
        )
        if self._refused:
            return ModelRefused(told)
        return (type(self._trouble) if self._trouble is not None and self._trouble.retryable else NotFound)(told)


def _shown(settings: StorageSettings) -> str:
    return settings.bucket.partition("?")[0].rpartition("@")[2] or store_url(settings)
