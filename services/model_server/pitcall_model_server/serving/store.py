"""The store of models as the server's event loop sees it: opened once, asked in threads."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Final

from pitcall.adapters.objects import StorageSettings, open_store
from pitcall.adapters.registry import Shelf, open_cache, store_url
from pitcall.errors import Conflict
from pitcall.registry.alias import Alias

#: Times that a change is decided anew when somebody else was faster.
_TRIES: Final = 4


class AliasStore:
    """What is blessed. Each method raises what ``ObjectStore`` raises, and ModelRefused for an alias that is none."""

    def __init__(self, settings: StorageSettings) -> None:
        self._settings = settings
        self._shelf: Shelf | None = None
        self._opening = threading.Lock()

    async def generation(self, name: str) -> str | None:
        """Changes whenever the alias does; None: there is none."""
        return await asyncio.to_thread(lambda: self._open().generation(name))

    async def alias(self, name: str) -> tuple[Alias, str | None]:
        """The alias and its generation. This machine remembers it for when the store does not answer."""
        return await asyncio.to_thread(self._read, name)

    async def bless(self, name: str, version: str, why: str) -> Alias:
        """A version answers. Raises Conflict: somebody else changed it at the same moment."""
        return await self._change(name, lambda alias: alias.bless(version, time.time(), why))

    async def try_out(self, name: str, version: str, percent: float) -> Alias:
        """A version answers a share of the races. Raises Conflict."""
        return await self._change(name, lambda alias: alias.try_out(version, percent, time.time()))

    async def roll_back(self, name: str, version: str | None, why: str) -> Alias:
        """A version before answers again. Raises Conflict, and InvalidRequest: there is none."""
        return await self._change(name, lambda alias: alias.roll_back(time.time(), version, why))

    async def withdraw(self, name: str, version: str, why: str) -> Alias:
        """A version turned out bad. Whatever else is changed at the same moment, it does not go on answering.

        Raises:
            Conflict: it was changed again and again meanwhile.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self._change(name, lambda alias: alias.withdraw(version, time.time(), why))
            except Conflict:  # decided anew on what is there now: it may be gone already
                continue
        return await self._change(name, lambda alias: alias.withdraw(version, time.time(), why))

    async def check_stored(self, name: str, version: str) -> None:
        """A version is there, whole. Raises NotFound, Corrupt."""

        def check() -> None:
            shelf = self._open()
            shelf.check_stored(shelf.manifest(name, version))

        await asyncio.to_thread(check)

    def close(self) -> None:
        """Give the connections back."""
        if self._shelf is not None:
            self._shelf.store.close()

    def _open(self) -> Shelf:
        with self._opening:  # two models may be looked at for the first time at once
            if self._shelf is None:
                self._shelf = Shelf(open_store(store_url(self._settings), self._settings), self._settings)
            return self._shelf

    def _read(self, name: str) -> tuple[Alias, str | None]:
        alias, generation = self._open().alias(name)
        if generation is not None:
            open_cache(self._settings).remember(name, alias)
        return alias, generation

    async def _change(self, name: str, change: Callable[[Alias], Alias]) -> Alias:
        return await asyncio.to_thread(lambda: self._open().change(name, change))
