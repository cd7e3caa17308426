"""Follows what is blessed: looks at the alias now and then, loads beside what serves, swaps, or says why not.

A look is one small question to the store, the generation; only a new alias is read. Servers look at different moments,
and more and more seldom while the store does not answer. A version that is refused, or was withdrawn here, is left
alone until somebody chooses it anew: a bad one is not fetched again every few seconds.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol
from weakref import WeakValueDictionary

from pitcall.errors import Corrupt, InvalidRequest, ModelRefused, NotFound, PitcallError
from pitcall.registry.alias import Alias
from pitcall_model_server.serving import events
from pitcall_model_server.serving.guard import PROBATION_S, Guard
from pitcall_model_server.serving.store import AliasStore
from pitcall_model_server.serving.versions import Pointer

#: Longest pause while the store does not answer, s.
LONGEST_S: Final = 60.0
#: Reasons to leave a version alone; any other error may be gone at the next look.
REFUSED: Final = (ModelRefused, Corrupt, NotFound, InvalidRequest)

_log = logging.getLogger(__name__)


class Host(Protocol):
    """Has versions in memory and lets one, or two, answer."""

    async def load(self, name: str, version: str | None = None) -> object:
        """Beside what serves."""

    async def serve(self, name: str, version: str | None = None) -> object:
        """Load if need be, then let it answer. On an error what answered goes on."""

    async def canary(self, name: str, version: str | None, percent: float = 0.0) -> None:
        """Let it answer a share of the races; None: none."""

    def pointer(self, name: str) -> Pointer | None:
        """Who answers."""


class Watcher:
    """Keeps hosts at what is blessed. Belongs to one event loop.

    Args:
        store: of the aliases.
        host: of a model's name.
        names: that are followed, asked at each look.
        every_s: time between two looks, give or take a fifth.
        chance: of the pauses, in [0, 1).
    """

    def __init__(
        self,
        store: AliasStore,
        host: Callable[[str], Host],
        names: Callable[[], Iterable[str]],
        every_s: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.guard = Guard(self._condemned)
        self._store, self._host, self._names = store, host, names
        self._every_s, self._chance = every_s, chance
        self._seen: dict[str, str | None] = {}
        #: (name, version) -> when it had been chosen; it is left alone until it is chosen again.
        self._left: dict[tuple[str, str], float] = {}
        self._looking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._withdrawing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look until cancelled."""
        failures = 0
        while True:
            await asyncio.sleep(self.pause_s(failures))
            failures = 0 if await self.round() else failures + 1

    def pause_s(self, failures: int) -> float:
        """Time to the next look after so many that failed in a row."""
        if not failures:
            return self._every_s * (0.8 + 0.4 * self._chance())
        return max(self._every_s, min(LONGEST_S, self._every_s * 2.0**failures)) * (0.5 + 0.5 * self._chance())

    async def round(self) -> bool:
        """Look at each model once; False if a look failed. Raises nothing: what serves goes on."""
        good = True
        for name in list(self._names()):
            try:
                await self.look(name)
            except PitcallError as exc:
                good = False
                _log.warning("%s: what is blessed cannot be followed: %s", name, exc.detail)
            except Exception:  # noqa: BLE001  # a defect here must not end the watch
                good = False
                _log.exception("%s: the look at what is blessed failed", name)
        return good

    async def look(self, name: str) -> None:
        """See what is blessed now, and follow.

        Raises:
            PitcallError: the store does not answer; nothing changed.
        """
        async with self._lock(name):
            if name in self._seen and await self._store.generation(name) == self._seen[name]:
                return
            alias, generation = await self._store.alias(name)
            await self._follow(name, alias)
            self._seen[name] = generation

    async def settled(self) -> None:
        """Wait for withdrawals that are on their way."""
        await asyncio.gather(*self._withdrawing)

    async def _follow(self, name: str, alias: Alias) -> None:
        host = self._host(name)
        await self._follow_blessed(name, alias, host)
        pointer = host.pointer(name)
        if pointer is None:
            return
        await self._follow_canary(name, alias, host, pointer)
        self.guard.keep(name, (host.pointer(name) or pointer).pinned)

    async def _follow_blessed(self, name: str, alias: Alias, host: Host) -> None:
        before, wanted = host.pointer(name), alias.blessed
        if wanted is None or (before and before.blessed == wanted) or self._is_left(name, wanted, alias):
            return
        serving = before.blessed if before else None
        if await self._let_in(name, wanted, alias, serving, host.serve(name, wanted)):
            events.swapped(name, wanted, serving)
            self.guard.clear(name, wanted)
            if serving is not None and _is_new(alias, wanted):
                self.guard.suspect(name, wanted, serving, PROBATION_S)

    async def _follow_canary(self, name: str, alias: Alias, host: Host, pointer: Pointer) -> None:
        trial = alias.canary
        if trial is None or trial.version == pointer.blessed or self._is_left(name, trial.version, alias):
            if pointer.canary is not None:
                self.guard.clear(name, pointer.canary)
                await host.canary(name, None)
            return
        if (pointer.canary, pointer.percent) == (trial.version, trial.percent):
            return
        if pointer.canary not in (None, trial.version):
            await host.canary(name, None)  # also if the new one is refused, the old trial is over
        trying = host.canary(name, trial.version, trial.percent)
        if await self._let_in(name, trial.version, alias, pointer.blessed, trying):
            _log.info("%s: %s is tried on %g %% of the races", name, trial.version, trial.percent)
            self.guard.suspect(name, trial.version, pointer.blessed, float("inf"))

    async def _let_in(
        self, name: str, version: str, alias: Alias, serving: str | None, coming: Awaitable[object]
    ) -> bool:
        """Whether it came in. One that is refused is left alone."""
        try:
            await coming
        except REFUSED as exc:
            self._left[name, version] = alias.put_at(version)
            events.refused(name, version, exc.detail, serving)
            return False
        self._left.pop((name, version), None)
        return True

    def _is_left(self, name: str, version: str, alias: Alias) -> bool:
        return (name, version) in self._left and alias.put_at(version) <= self._left[name, version]

    def _condemned(self, name: str, version: str, why: str) -> None:
        task = asyncio.get_running_loop().create_task(self._withdraw(name, version, why))
        self._withdrawing.add(task)
        task.add_done_callback(self._withdrawing.discard)

    async def _withdraw(self, name: str, version: str, why: str) -> None:
        """Here at once, then for all: the store may be slow, or closed to this server."""
        events.withdrawn(name, version, why)
        async with self._lock(name):
            host = self._host(name)
            pointer = host.pointer(name)
            try:
                if pointer is not None and pointer.canary == version:
                    await host.canary(name, None)
                elif pointer is not None and pointer.blessed == version and pointer.previous is not None:
                    await host.serve(name, pointer.previous)
                    self.guard.clear(name, pointer.previous)  # one step: no poisoned question undoes them all
                alias = await self._store.withdraw(name, version, f"by itself: {why}")
                self._left[name, version] = alias.put_at(version)
            except PitcallError as exc:
                self._left[name, version] = float("inf")  # whatever the store says: not here, until a restart
                _log.error("%s: %s does not answer here, but others cannot be told: %s", name, version, exc.detail)
        try:
            await self.look(name)
        except PitcallError as exc:
            _log.warning("%s: what is blessed cannot be followed: %s", name, exc.detail)

    def _lock(self, name: str) -> asyncio.Lock:
        """Of who follows, or withdraws, versions of a name."""
        return self._looking.setdefault(name, asyncio.Lock())


def _is_new(alias: Alias, version: str) -> bool:
    """Whether it was blessed, not gone back to: that is what was good before."""
    chosen = [one.what for one in alias.events if one.version == version and one.what in ("blessed", "rolled back")]
    return chosen[-1:] == ["blessed"]
