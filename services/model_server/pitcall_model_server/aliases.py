"""Bless and roll back by RPC: checked and loaded here, changed in the store, followed at once."""

from collections.abc import Callable

from pitcall.registry.alias import Alias
from pitcall_model_server.serving.store import AliasStore
from pitcall_model_server.serving.watch import Host, Watcher


class Aliases:
    """Changes what is blessed, in the store and then here; other servers follow when they look.

    Each method raises, beside what it names:
        Conflict: somebody else changed it at the same moment; look, then decide again.
        InvalidRequest: there is no such change to make.
        StoreUnavailable: the store does not answer.
    """

    def __init__(self, store: AliasStore, host: Callable[[str], Host], watcher: Watcher) -> None:
        self._store, self._host, self._watcher = store, host, watcher

    async def bless(self, name: str, version: str, why: str, percent: float) -> Alias:
        """A version answers all races, or ``percent`` of them, if this server can serve it.

        Raises:
            NotFound: there is no such version.
            ModelRefused: it must not serve; what serves goes on.
            Corrupt: its bytes are not those that were stored.
        """
        await self._store.check_stored(name, version)
        await self._host(name).load(name, version)
        if percent >= 100.0:
            alias = await self._store.bless(name, version, why)
        else:
            alias = await self._store.try_out(name, version, percent)
        await self._watcher.look(name)
        return alias

    async def roll_back(self, name: str, version: str | None, why: str) -> Alias:
        """A previous version answers again; None: the latest of them."""
        alias = await self._store.roll_back(name, version, why)
        await self._watcher.look(name)
        return alias
