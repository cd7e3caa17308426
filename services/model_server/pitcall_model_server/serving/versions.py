"""Which versions of a network are in memory, and which one answers.

Load beside what serves, ask the golden rows, swap the pointer, let open answers end, unload: at no moment is there
nobody to ask, and each answer comes from the version that it began with.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol
from weakref import WeakValueDictionary

import numpy as np

from pitcall.adapters.registry import OpenModel, open_model
from pitcall.adapters.registry.lookup import Accept
from pitcall.errors import DeadlineExceeded, InvalidRequest, ModelRefused, NotFound, Overloaded, PitcallError
from pitcall.registry.manifest import Manifest
from pitcall_model_server.serving import network as networks
from pitcall_model_server.serving.batcher import Batcher
from pitcall_model_server.serving.executor import open_pool
from pitcall_model_server.serving.network import Network, Rows

#: Versions of a model in memory: the blessed one, the one before it, and one on trial or on its way.
LIMIT: Final = 3
#: Rows that may wait for one version.
QUEUE_ROWS: Final = 65_536

_log = logging.getLogger(__name__)


class Opener(Protocol):
    """``pitcall.adapters.registry.open_model``, or a test's."""

    def __call__(self, name: str, version: str | None = None, *, accept: Accept | None = None) -> OpenModel:
        """A version as a folder."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request that a version answered, or failed to by its own fault. For who watches versions."""

    name: str
    version: str
    race: str
    rows: int  #: of the passes that it was in, padding included
    seconds: float  #: what these passes took, without the wait; 0 if it failed
    error: PitcallError | None  #: of the version's own making, never of the caller's
    nan: bool  #: the error is that it answered NaN or infinity
    #: The seconds are the thread's own, which a busy machine hardly lengthens; else those of a clock on the wall.
    own_time: bool = False


#: Called in the event loop, once per request and version; must not block and not raise.
Observer = Callable[[Answered], None]
#: Told of "name@version": in memory, or gone.
OnHealth = Callable[[str, bool], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Rows out, all by one version."""

    rows: Rows
    version: str
    queue_s: float
    compute_s: float


@dataclass(frozen=True, slots=True)
class Pointer:
    """Who answers for a name."""

    blessed: str
    previous: str | None = None
    canary: str | None = None
    percent: float = 0.0  #: of the races, of the canary

    @property
    def pinned(self) -> frozenset[str]:
        """What is not unloaded."""
        return frozenset(one for one in (self.blessed, self.previous, self.canary) if one)


class Served:
    """A version in memory."""

    def __init__(self, model: OpenModel, network: Network, batcher: Batcher) -> None:
        self.manifest: Manifest = model.manifest
        self.source = model.source  #: cache, store or package
        self.degraded = model.degraded  #: why this may not be the version that should serve
        self.network = network
        self.batcher = batcher
        self.answered = 0  #: requests
        self.failed = 0  #: of them by its own fault
        self.used = 0  #: the higher, the later it was asked or loaded
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def name(self) -> str:
        """Of the model."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """Of the model."""
        return self.manifest.version

    @contextmanager
    def lease(self) -> Iterator[None]:
        """It stays in memory meanwhile."""
        self._open += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    async def drained(self) -> None:
        """Wait until nobody holds a lease."""
        await self._idle.wait()


def tried_on(race: str, name: str, version: str, percent: float) -> bool:
    """Whether a race is in the share on which this version is tried: the same on every server, always."""
    digest = hashlib.blake2b(f"{name}\0{version}\0{race}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < percent / 100.0 * 2.0**64


class Versions:
    """The networks of one server, by name and version. Belongs to one event loop.

    Per name there is one pointer: the version that answers, the one before it, the one on trial. A request ends with
    the version that it began with. Who watches appends to ``observers``.

    Args:
        limit: versions of a name that stay in memory; the blessed one, the one before, the one on trial and the
            latest stay in any case.
        device: of torch.
        half: compute in float16.
        lanes: passes at once, on a GPU each in a stream of its own.
        queue_rows: rows that may wait for a version.
        on_health: told what is in memory and what is not.
        opener: finds versions.
    """

    def __init__(
        self,
        limit: int = LIMIT,
        *,
        device: str = "cpu",
        half: bool = False,
        lanes: int = 1,
        queue_rows: int = QUEUE_ROWS,
        on_health: OnHealth | None = None,
        opener: Opener = open_model,
    ) -> None:
        self.observers: list[Observer] = []
        self._limit, self._device, self._half = limit, device, half
        self._lanes, self._queue_rows = lanes, queue_rows
        self._on_health, self._opener = on_health, opener
        self._pool: Executor = open_pool(device, lanes)
        self._cpu = device == "cpu"
        self._loaded: dict[tuple[str, str], Served] = {}
        self._pointers: dict[str, Pointer] = {}
        self._changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._clock = count(1)

    async def load(self, name: str, version: str | None = None) -> Served:
        """Take a version into memory beside what serves: checked, asked its golden rows, warm. Moves no pointer.

        Without ``version`` the blessed one, or the best one before it (see ``open_model``). What is in memory already
        is returned as it is.

        Raises:
            ModelRefused: it is not what it must be, or holds what it must not; what serves goes on.
            Corrupt: as before, of its bytes.
            NotFound: there is no such version.
            StoreUnavailable: it is not here, and the store does not answer.
            InvalidRequest: no model has such a name or version.
        """
        async with self._lock(name):
            served = await self._load(name, version)
            await self._trim(served)
            return served

    async def serve(self, name: str, version: str | None = None) -> Served:
        """Load if need be, swap the pointer, then unload what is over the limit once its answers are out.

        What served before becomes ``previous`` and stays. Ends a trial.

        Raises:
            PitcallError: what ``load`` raises; the pointer then stays where it was.
        """
        async with self._lock(name):
            served = await self._load(name, version)
            before = self._pointers.get(name)
            if before is None:
                self._pointers[name] = Pointer(served.version)
            elif before.blessed == served.version:
                self._pointers[name] = replace(before, canary=None, percent=0.0)
            else:
                self._pointers[name] = Pointer(served.version, before.blessed)
                _log.info("%s: %s answers in place of %s", name, served.version, before.blessed)
            await self._trim(served)
            return served

    async def canary(self, name: str, version: str | None, percent: float = 0.0) -> None:
        """Try a version on a share of the races, loading it if need be; None ends the trial.

        Raises:
            NotFound: nothing is served under this name.
            InvalidRequest: no share, or this version answers all races already; and what ``load`` raises.
        """
        async with self._lock(name):
            before = self._served(name)
            if version is None:
                self._pointers[name] = replace(before, canary=None, percent=0.0)
                return
            if version == before.blessed or not 0.0 < percent <= 100.0:
                raise InvalidRequest(f"{name} {version} cannot be tried on {percent:g} % of the races")
            served = await self._load(name, version)
            takes, took = served.network.inputs, self._in_memory(name, before.blessed).network.inputs
            if takes != took:
                await self._trim(served)
                raise InvalidRequest(f"{name} {version} takes rows of {takes} numbers, {before.blessed} of {took}")
            previous = None if before.previous == version else before.previous
            self._pointers[name] = Pointer(before.blessed, previous, served.version, percent)
            await self._trim(served)

    async def unload(self, name: str, version: str) -> None:
        """No new request gets it; when the open ones have ended, its memory is given back.

        Raises:
            NotFound: it is not in memory.
            InvalidRequest: it is blessed, the one before, or on trial.
        """
        async with self._lock(name):
            served = self._loaded.get((name, version))
            if served is None:
                raise NotFound(f"{name} {version} is not in memory; List says what is")
            if version in self._pinned(name):
                raise InvalidRequest(f"{name} {version} answers, answered before, or is on trial: it stays in memory")
            await self._drop(served)
        await served.drained()

    async def predict(
        self, name: str, rows: Rows, *, version: str = "", race: str = "", deadline_s: float
    ) -> Prediction:
        """Ask a network. No race pays for a trial: where the canary fails, the blessed version answers.

        Args:
            name: of the model.
            rows: [row, input].
            version: only this one; else the blessed one, or the canary for its share of the races.
            race: decides that share.
            deadline_s: time for the answer.

        Raises:
            NotFound: it is not in memory.
            InvalidRequest: rows that it cannot be asked.
            Overloaded: the queue is full.
            DeadlineExceeded: it cannot end in time.
            ModelRefused: the network answers NaN or infinity.
            PitcallError: the network failed.
        """
        ends = perf_counter() + deadline_s
        pointer = None if version else self._served(name)
        served = self._in_memory(name, pointer.blessed if pointer else version)
        networks.check_rows(rows, served.network.inputs, f"{name} {served.version}")
        if pointer and pointer.canary and race and tried_on(race, name, pointer.canary, pointer.percent):
            try:
                return await self._ask(self._in_memory(name, pointer.canary), rows, race, deadline_s)
            except PitcallError as exc:
                _log.warning("%s %s, on trial, failed for race %.80r: %s", name, pointer.canary, race, exc.detail)
        return await self._ask(served, rows, race, ends - perf_counter())

    def pointer(self, name: str) -> Pointer | None:
        """Who answers for a name; None if nobody does."""
        return self._pointers.get(name)

    def listed(self, name: str = "") -> list[Served]:
        """What is in memory, by name, in the order in which it was loaded."""
        return sorted((one for one in self._loaded.values() if name in ("", one.name)), key=lambda one: one.name)

    async def close(self) -> None:
        """Unload all. Nothing may be asked any more."""
        self._pointers.clear()
        for served in list(self._loaded.values()):
            await self._drop(served)
            await served.drained()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, served: Served, rows: Rows, race: str, deadline_s: float) -> Prediction:
        """The answer of one version, told to who watches."""
        served.used = next(self._clock)
        with served.lease():
            try:
                done = await served.batcher.submit(rows, deadline_s)
            except (Overloaded, DeadlineExceeded):
                raise
            except PitcallError as exc:
                self._tell(served, race, len(rows), error=exc)
                raise
        if not np.isfinite(done.rows).all():
            error = ModelRefused(f"{served.name} {served.version} answers NaN or infinity to these rows")
            self._tell(served, race, len(rows), error=error, nan=True)
            raise error
        self._tell(served, race, done.padded, done.busy_s)
        return Prediction(done.rows, served.version, done.queue_s, done.compute_s)

    def _tell(
        self,
        served: Served,
        race: str,
        rows: int,
        seconds: float = 0.0,
        *,
        error: PitcallError | None = None,
        nan: bool = False,
    ) -> None:
        served.answered += 1
        served.failed += error is not None
        told = Answered(served.name, served.version, race, rows, seconds, error, nan, own_time=self._cpu)
        for observer in self.observers:
            observer(told)

    async def _load(self, name: str, version: str | None) -> Served:
        """As ``load``, by who holds the lock and trims."""
        if version is not None and (known := self._loaded.get((name, version))):
            return known
        made: dict[str, Network] = {}

        def accept(folder: Path, manifest: Manifest) -> None:
            made[manifest.version] = networks.load(folder, manifest, self._device, half=self._half)

        with await asyncio.to_thread(self._opener, name, version, accept=accept) as model:
            found = model.manifest.version
            if known := self._loaded.get((name, found)):
                return known
            network = made[found]
            batcher = Batcher(network, self._pool, lanes=self._lanes, queue_rows=self._queue_rows, cpu=self._cpu)
            served = Served(model, network, batcher)
        served.used = next(self._clock)
        self._loaded[name, found] = served
        _log.info("%s %s is in memory, from the %s", name, found, served.source)
        await self._say(served, alive=True)
        return served

    async def _trim(self, new: Served) -> None:
        """Unload what is neither pinned nor new, least recently used first, until no more than the limit are left."""
        there, stay = self.listed(new.name), {*self._pinned(new.name), new.version}
        spare = sorted((one for one in there if one.version not in stay), key=lambda one: one.used)
        for served in spare[: max(0, len(there) - self._limit)]:
            await self._drop(served)

    async def _drop(self, served: Served) -> None:
        """Who asks it still has it; when the last of them has its answer, the memory is free."""
        self._loaded.pop((served.name, served.version), None)
        await self._say(served, alive=False)
        _log.info("%s %s is unloaded", served.name, served.version)

    async def _say(self, served: Served, *, alive: bool) -> None:
        if self._on_health is not None:
            await self._on_health(f"{served.name}@{served.version}", alive)

    def _lock(self, name: str) -> asyncio.Lock:
        """Of who changes what there is of a name."""
        return self._changing.setdefault(name, asyncio.Lock())

    def _served(self, name: str) -> Pointer:
        pointer = self._pointers.get(name)
        if pointer is None:
            raise NotFound(f"no version of {name!r:.80} answers here; load one, or name it in PITCALL_MODEL_SERVE")
        return pointer

    def _in_memory(self, name: str, version: str) -> Served:
        served = self._loaded.get((name, version))
        if served is None:
            raise NotFound(f"{name!r:.80} {version!r:.80} is not in memory; List says what is, Load brings it")
        return served

    def _pinned(self, name: str) -> frozenset[str]:
        pointer = self._pointers.get(name)
        return pointer.pinned if pointer else frozenset()
