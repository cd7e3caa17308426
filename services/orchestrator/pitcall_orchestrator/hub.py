"""The races that can be asked about, in memory: event logs, and the state of a race after any event of them.

A state is always a pure fold of the log (``pitcall.domain.reducer``); checkpoints only save folding
again from the start. States are immutable and share their parts, so keeping some costs little.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate
from typing import Final, Generic, TypeVar

from pitcall.adapters.races import RaceStore, RaceSummary
from pitcall.domain.events import Event, Lap
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce, reduce_all

#: Events between two checkpoints: folding so many takes about 0.1 ms, and checkpoints share what did not change.
_STEP: Final = 16
#: States kept per race beside the checkpoints.
_KEPT_STATES: Final = 32

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The values used last, at most ``size`` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of ``key``, made now if it is not kept. Raises what ``make`` raises."""
        if key not in self._values:
            self.put(key, make())
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: K, value: V) -> None:
        """Keep a value, and drop the one that was not used for longest."""
        self._values[key] = value
        if len(self._values) > self._size:
            self._values.popitem(last=False)

    def find(self, key: K) -> V | None:
        """The value of ``key`` if it is kept."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)


class RaceLog:
    """The event log of one race and its state after any number of events."""

    def __init__(self, events: Sequence[Event]) -> None:
        """Fold the whole log once. Raises InvalidEvent if it contradicts itself."""
        self._events = events
        #: When event i was known, s: a log is in the order of arrival, event times may step back a little.
        self.times: Sequence[float] = tuple(accumulate((event.t for event in events), max))
        self._checkpoints = [RaceState()]
        for start in range(0, len(events), _STEP):
            self._checkpoints.append(reduce_all(events[start : start + _STEP], self._checkpoints[-1]))
        self.last: RaceState = self._checkpoints[-1]
        self._recent: Recent[int, RaceState] = Recent(_KEPT_STATES)
        laps = [(at, event) for at, event in enumerate(events) if isinstance(event, Lap)]
        self._grid = laps[0][0] if laps else len(events)
        self._lap_ends: dict[tuple[str | None, int], int] = {}
        done: dict[str | None, int] = {}
        for at, event in laps:
            for car in (None, event.car):
                # A range: a feed can lose the very lap that is asked for.
                for lap in range(done.get(car, 0) + 1, event.lap + 1):
                    self._lap_ends[car, lap] = at + 1
                done[car] = max(done.get(car, 0), event.lap)
        first = laps[0][1] if laps else None
        #: Race clock at lights out, s: the first lap's end less its time where that is known.
        self.start_s = max(0.0, first.t - first.lap_time_s) if first and first.lap_time_s else self.time_s(self._grid)

    def __len__(self) -> int:
        return len(self._events)

    def time_s(self, seq: int) -> float:
        """When the newest of the first ``seq`` events was known, s; 0 before the first."""
        return self.times[seq - 1] if seq else 0.0

    def seq_of(self, lap: int, car: str | None = None) -> int:
        """How many events were known when ``car`` (None: the first to do so) completed ``lap``; as ``until_lap``."""
        return self._grid if lap == 0 else self._lap_ends.get((car, lap), len(self._events))

    def at(self, seq: int) -> RaceState:
        """The state after the first ``seq`` events."""
        if seq == len(self._events):
            return self.last
        return self._recent.get(seq, lambda: self._fold(seq))

    def forward(self, state: RaceState, seq: int) -> RaceState:
        """The state after ``seq`` events, folded on from ``state``, which must be an earlier one of this log."""
        if seq - state.seq > _STEP:
            return self.at(seq)
        for event in self._events[state.seq : seq]:
            state = reduce(state, event)
        return state

    def _fold(self, seq: int) -> RaceState:
        return reduce_all(self._events[seq - seq % _STEP : seq], self._checkpoints[seq // _STEP])


class Hub:
    """Opens recorded races and keeps the logs used last; a log that changed on disk is read again."""

    def __init__(self, store: RaceStore, races: int = 8) -> None:
        self._store = store
        self._logs: Recent[str, tuple[RaceSummary, RaceLog]] = Recent(races)
        self._opening = asyncio.Lock()  # one log is read at a time: two askers of one race share the work

    async def races(self) -> list[dict[str, object]]:
        """``RaceInfo`` of every race. Raises PitcallError if the store cannot be read."""
        return [
            {
                "id": race.id,
                "name": race.name,
                "series": race.series,
                "total_laps": race.total_laps,
                "cars": race.cars,
                "live": False,
            }
            for race in await asyncio.to_thread(self._store.list)
        ]

    async def open(self, race: str) -> RaceLog:
        """The log of one race.

        Raises:
            NotFound: no such race; the message names those there are.
            InvalidRequest: it cannot be the id of a race, or its log is damaged.
        """
        log = self._fresh(race)
        if log is None:
            async with self._opening:
                log = self._fresh(race) or await self._read(race)
        return log

    def _fresh(self, race: str) -> RaceLog | None:
        kept = self._logs.find(race)
        return kept[1] if kept is not None and self._store.summary(race) is kept[0] else None

    async def _read(self, race: str) -> RaceLog:
        summary = await asyncio.to_thread(self._store.summary, race)
        log = await asyncio.to_thread(lambda: RaceLog(self._store.events(race)))
        self._logs.put(race, (summary, log))
        return log
