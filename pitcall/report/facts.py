"""Facts of a race: stints, stops, neutralisations, places won by stopping, laps. All counted from the log. Pure.

The place of a car on a lap is that of the lap chart: how many had completed this lap before it. Seconds; laps count
from 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from types import MappingProxyType
from typing import Final, TypeAlias

from pitcall.domain.events import Event, Track, TrackStatus
from pitcall.domain.race import CarState, CarStatus, LapRecord, PitStop, RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.domain.tyres import RAIN, Compound
from pitcall.ledger import over

#: Laps on either side of a stop that say how fast the car was without it, and how few of them are enough.
AROUND: Final = 5
FEWEST: Final = 3
#: Two cars fight for a place by their stops if they are this close before them, s, and stop within so many laps.
CLOSE_S: Final = 5.0
ANSWER_LAPS: Final = 5
#: Green laps at both ends of a stint that are compared.
ENDS: Final = 3

NEUTRAL: Final = (Track.VSC, Track.SAFETY_CAR, Track.RED)


@dataclass(frozen=True, slots=True)
class Stint:
    """Laps on one set."""

    car: str
    compound: Compound
    laps: tuple[LapRecord, ...]

    @property
    def flying(self) -> list[LapRecord]:
        """Timed green laps that neither begin nor end in the pit lane, and not the first of the race."""
        return [one for one in self.laps if one.lap > 1 and _flying(one)]

    @property
    def ends_s(self) -> tuple[float, float] | None:
        """Median of its first and of its last flying laps; None: too few that do not overlap."""
        times = [one.lap_time_s for one in self.flying if one.lap_time_s is not None]
        return (median(times[:ENDS]), median(times[-ENDS:])) if len(times) >= 2 * ENDS else None


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit to the pit lane."""

    car: str
    lap: int  #: the in-lap
    track: Track  #: what was shown when the car came in
    before: Compound
    after: Compound | None  #: None: it went on on the same set, or did not go on
    lane_s: float | None  #: from entry to exit
    loss_s: float | None  #: in-lap and out-lap against two of its green laps around them; None: that cannot be told
    places: tuple[int, int] | None  #: a lap before, and at the end of the out-lap


@dataclass(frozen=True, slots=True)
class Neutral:
    """A safety car, virtual safety car or red flag. Behind a red flag everybody may change tyres; nobody is named."""

    kind: Track
    laps: tuple[int, int]  #: the leader's: on which it began, and ended or is
    duration_s: float
    over: bool
    stopped: frozenset[str]  #: cars that changed tyres meanwhile
    places: Mapping[str, tuple[int, int]]  #: on the lap before it and after the first lap behind it, of who drove both


@dataclass(frozen=True, slots=True)
class Duel:
    """Two cars that were close, and stopped under green within a few laps of each other."""

    first: str  #: stopped first
    second: str
    laps: tuple[int, int]  #: their in-laps
    ahead: str  #: before the stops
    gap_s: float  #: then
    winner: str  #: ahead after them
    after_s: float  #: gap then

    @property
    def undercut(self) -> bool:
        """Who stopped first won the place by it."""
        return self.winner == self.first != self.ahead

    @property
    def overcut(self) -> bool:
        """Who stopped last won the place by it."""
        return self.winner == self.second != self.ahead


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    state: RaceState
    stints: Mapping[str, tuple[Stint, ...]]
    stops: tuple[Stop, ...]  #: in the order in which they were made; waits behind a red flag are none
    neutrals: tuple[Neutral, ...]
    duels: tuple[Duel, ...]
    best: tuple[tuple[str, LapRecord], ...]  #: each car's fastest lap, fastest first

    @property
    def over(self) -> bool:
        """The flag is out, or a log without one has its last lap."""
        return over(self.state)


def facts(events: Sequence[Event]) -> Facts:
    """Read a log.

    Raises:
        InvalidEvent: it does not reduce to a race.
    """
    state = reduce_all(events)
    shown = list(_shown(events, state.t))
    chart = _chart(state)
    stops = sorted(
        (stop for car in state.cars.values() for stop in _stops(car, chart, shown)),
        key=lambda stop: (stop.lap, stop.car),
    )
    best = [(car.car, lap) for car in state.cars.values() if (lap := _fastest(car)) is not None]
    return Facts(
        state,
        MappingProxyType({car.car: tuple(_stints(car)) for car in state.cars.values()}),
        tuple(stops),
        tuple(_neutrals(state, chart, shown)),
        tuple(_duels(state, stops)),
        tuple(sorted(best, key=lambda each: (each[1].lap_time_s or 0.0, each[0]))),
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the marshals showed from one moment to another."""

    status: Track
    from_s: float
    to_s: float
    over: bool = True

    def holds(self, t: float) -> bool:
        return self.from_s <= t < self.to_s or (t >= self.from_s and not self.over)


def _shown(events: Iterable[Event], now_s: float) -> Iterable[_Shown]:
    changes = [(one.t, one.status) for one in events if isinstance(one, TrackStatus)]
    for (start, status), (end, _) in pairwise([*changes, (now_s, Track.GREEN)]):
        last = (start, status) == changes[-1]
        yield _Shown(status, start, end, over=not last)


#: Lap -> when it was completed by whom, in this order.
_Chart: TypeAlias = dict[int, list[tuple[float, str]]]


def _chart(state: RaceState) -> _Chart:
    crossings = sorted((one.time_s, car.car, one.lap) for car in state.cars.values() for one in car.laps)
    chart: _Chart = {}
    for time_s, car, lap in crossings:
        chart.setdefault(lap, []).append((time_s, car))
    return chart


def _places(chart: _Chart, car: str, before: int, after: int) -> tuple[int, int] | None:
    """A car's places on two laps; None if it did not complete both."""
    there = [[name for _, name in chart.get(lap, [])] for lap in (before, after)]
    if not all(car in names for names in there):
        return None
    return there[0].index(car) + 1, there[1].index(car) + 1


def _stints(car: CarState) -> Iterable[Stint]:
    laps: list[LapRecord] = []
    for one in car.laps:
        if laps and _new_set(laps[-1], one):
            yield Stint(car.car, laps[-1].compound, tuple(laps))
            laps = []
        laps.append(one)
    if laps:
        yield Stint(car.car, laps[-1].compound, tuple(laps))


def _new_set(last: LapRecord, one: LapRecord) -> bool:
    if last.compound is not one.compound:
        return True
    if last.tyre_age is None or one.tyre_age is None:
        return one.pit_out
    return one.tyre_age <= last.tyre_age


def _flying(one: LapRecord) -> bool:
    return one.green and not one.pit_in and not one.pit_out and one.lap_time_s is not None


def _stops(car: CarState, chart: _Chart, shown: Sequence[_Shown]) -> Iterable[Stop]:
    laps = {one.lap: one for one in car.laps}
    begun = {stint.laps[0].lap: stint.compound for stint in _stints(car)}
    for stop in car.stops:
        status = next((each.status for each in shown if each.holds(stop.in_s)), Track.GREEN)
        came, left = laps.get(stop.lap), laps.get(stop.lap + 1)
        if came is None or status is Track.RED:
            continue  # it retired on its way in, or waits for the restart
        lane_s = None if stop.out_s is None else stop.out_s - stop.in_s
        # Some feeds notice the new set a lap late.
        after = begun.get(stop.lap + 1, begun.get(stop.lap + 2)) if left is not None else None
        yield Stop(
            car=car.car,
            lap=stop.lap,
            track=status,
            before=came.compound,
            after=after,
            lane_s=lane_s,
            loss_s=_loss_s(laps, stop) if status is Track.GREEN and _alike(came.compound, after) else None,
            places=_places(chart, car.car, stop.lap - 1, stop.lap + 1),
        )


def _alike(before: Compound, after: Compound | None) -> bool:
    """Not from slicks to treads or back: on a track that changes, laps on either side of the stop tell nothing."""
    return after is None or (before in RAIN) == (after in RAIN)


def _loss_s(laps: Mapping[int, LapRecord], stop: PitStop) -> float | None:
    before, came, left = (laps.get(stop.lap + step) for step in (-1, 0, 1))
    if before is None or came is None or left is None or not (came.green and left.green):
        return None
    near = [laps[lap] for lap in range(stop.lap - AROUND, stop.lap + AROUND + 2) if lap in laps and lap > 1]
    times = [one.lap_time_s for one in near if _flying(one) and one.lap_time_s is not None]
    return left.time_s - before.time_s - 2 * median(times) if len(times) >= FEWEST else None


def _neutrals(state: RaceState, chart: _Chart, shown: Sequence[_Shown]) -> Iterable[Neutral]:
    leads = [(crossings[0][0], lap) for lap, crossings in chart.items()]
    for each in shown:
        if each.status not in NEUTRAL:
            continue
        began = max((lap for t, lap in leads if t <= each.from_s), default=0)
        ended = max((lap for t, lap in leads if t <= each.to_s), default=0)
        named = each.status is not Track.RED
        stopped = {
            car.car for car in state.cars.values() if named and any(each.holds(stop.in_s) for stop in car.tyre_stops)
        }
        moved = {
            car: places
            for car in state.cars
            if each.over and (places := _places(chart, car, began, min(ended + 2, state.laps_done))) is not None
        }
        laps = (began + 1, min(ended + 1, state.total_laps))
        yield Neutral(
            each.status, laps, each.to_s - each.from_s, each.over, frozenset(stopped), MappingProxyType(moved)
        )


def _duels(state: RaceState, stops: Sequence[Stop]) -> Iterable[Duel]:
    lines = {car.car: {one.lap: one for one in car.laps} for car in state.cars.values()}
    changes = [stop for stop in stops if stop.after is not None]
    for n, one in enumerate(changes):
        for other in changes[n + 1 :]:
            if other.lap - one.lap > ANSWER_LAPS:
                break  # they are in the order of their laps
            if other.car != one.car and other.lap > one.lap:
                duel = _duel(lines[one.car], lines[other.car], one, other, stops)
                if duel is not None:
                    yield duel


def _duel(
    mine: Mapping[int, LapRecord], theirs: Mapping[int, LapRecord], one: Stop, other: Stop, stops: Sequence[Stop]
) -> Duel | None:
    before, after = one.lap - 1, other.lap + 1
    if not (_green(mine, before, after) and _green(theirs, before, after)):
        return None
    gap_s = mine[before].time_s - theirs[before].time_s  # above 0: the other is ahead
    then_s = mine[after].time_s - theirs[after].time_s
    between = sum(stop.car in (one.car, other.car) and before <= stop.lap <= after for stop in stops)
    if abs(gap_s) > CLOSE_S or between > 2:
        return None
    ahead, winner = (other.car if seconds > 0 else one.car for seconds in (gap_s, then_s))
    return Duel(one.car, other.car, (one.lap, other.lap), ahead, abs(gap_s), winner, abs(then_s))


def _green(laps: Mapping[int, LapRecord], first: int, last: int) -> bool:
    return all(lap in laps and laps[lap].green for lap in range(max(first, 1), last + 1)) and first in laps


def _fastest(car: CarState) -> LapRecord | None:
    timed = [one for one in car.laps if one.lap_time_s is not None and not one.pit_in and not one.pit_out]
    return min(timed, key=lambda one: one.lap_time_s or 0.0, default=None)


def retired(car: CarState) -> bool:
    """The car's race is over before the flag."""
    return car.status is CarStatus.RETIRED
