"""All models of a server: networks and race models in memory, kept at what is blessed in the store."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from pitcall.adapters.objects import read_settings
from pitcall.errors import InvalidRequest, PitcallError
from pitcall.model import Model
from pitcall_model_server import race_models
from pitcall_model_server.advisor import Advisor
from pitcall_model_server.aliases import Aliases
from pitcall_model_server.race_models import RaceModels, Serving
from pitcall_model_server.serving.store import AliasStore
from pitcall_model_server.serving.versions import OnHealth, Versions
from pitcall_model_server.serving.watch import Host, Watcher
from pitcall_model_server.settings import Settings

_log = logging.getLogger(__name__)


class Models:
    """Assembled once by the server, in its event loop.

    Args:
        settings: of the server.
        advise: makes the Advisor of a race model.
        device: of torch.
        on_health: told what is in memory and what is not.

    Raises:
        InvalidRequest: a setting of the store is wrong.
    """

    def __init__(
        self, settings: Settings, advise: Callable[[Model], Advisor], device: str, on_health: OnHealth | None = None
    ) -> None:
        self._settings = settings
        storage = read_settings()
        self.races = RaceModels(advise, storage, on_health)
        self.networks = Versions(
            settings.cache_size,
            device=device,
            half=settings.half,
            lanes=settings.lanes,
            queue_rows=settings.queue_rows,
            on_health=on_health,
        )
        self._store = AliasStore(storage)
        self.watcher = Watcher(self._store, self._host, self._names, settings.watch_s)
        self.aliases = Aliases(self._store, self._host, self.watcher)
        self.races.observers.append(self.watcher.guard.saw)
        self.networks.observers.append(self.watcher.guard.saw)
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> Serving:
        """Serve a race model, the networks that the settings name, and from then on what is blessed.

        Raises:
            PitcallError: there is no race model to serve, see ``RaceModels.start``. A network that cannot be loaded is
                missing; the others, and advice, are there.
        """
        served = await self.races.start(self._settings.model)
        for name in self._settings.served:
            try:
                await self.networks.serve(name)
            except PitcallError as exc:
                _log.error("%s cannot be served: %s", name, exc.detail)
        if self._settings.watch_s:
            self._watching = asyncio.create_task(self.watcher.run())
        return served

    async def close(self) -> None:
        """Stop following, unload all. Nothing may be asked any more."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        await self.watcher.settled()
        await self.networks.close()
        self._store.close()

    def _host(self, name: str) -> Host:
        """Who has the versions of a model. Raises InvalidRequest: nobody may change them."""
        if name != race_models.NAME:
            return self.networks
        if self._settings.model is not None:
            raise InvalidRequest(
                "this server answers with the folder in PITCALL_MODEL_MODEL, whatever is blessed: unset it first"
            )
        return self.races

    def _names(self) -> set[str]:
        """What is followed: the race model, and the networks that are served or should be."""
        followed = {*self._settings.served, *(one.name for one in self.networks.listed())}
        return followed if self._settings.model is not None else {race_models.NAME, *followed}
