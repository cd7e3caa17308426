"""What the pit wall knows at one instant. No I/O, no clock, no randomness.

Units in this package: seconds, kilograms, completed laps. A field that breaks
the rule carries its unit in its name (``air_temp_c``).
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from pitcall.domain.events import Track
from pitcall.domain.tyres import DRY, RAIN, Compound
from pitcall.errors import NotFound

#: A visit to the pit lane longer than this is a red flag, s. Longest other one of 2018-2022: 154 s, but for a repair
#: of 396 s.
STOPPAGE_S: Final = 300.0
#: Race-control messages that a state keeps; older ones stay in the log.
KEPT_MESSAGES: Final = 5


class CarStatus(StrEnum):
    """Where a car is in its race."""

    RUNNING = "running"
    IN_PIT = "in_pit"
    RETIRED = "retired"
    FINISHED = "finished"


class LapRecord(NamedTuple):
    """One completed lap of one car. A tuple: a race has thousands, and each question rebuilds them from the wire."""

    lap: int
    time_s: float  #: session time at the line
    lap_time_s: float | None
    compound: Compound
    tyre_age: int | None  #: laps on the set, this one included
    pit_in: bool
    pit_out: bool
    green: bool  #: no yellow, VSC, safety car or red was shown during any part of it


@dataclass(frozen=True, slots=True)
class PitStop:
    """One visit to the pit lane."""

    lap: int  #: the lap on which the car came in
    in_s: float
    out_s: float | None  #: None while the car is in the lane, or when the feed lost it


@dataclass(frozen=True, slots=True)
class CarState:
    """One car and all that it has done. Position and gaps are derived: ``RaceState.order``, ``gap_s``."""

    car: str
    number: str = ""
    driver: str = ""
    team: str = ""
    grid: int | None = None
    compound: Compound = Compound.UNKNOWN
    tyre_age: int | None = None
    compounds_used: frozenset[Compound] = frozenset()
    laps: tuple[LapRecord, ...] = ()
    stops: tuple[PitStop, ...] = ()
    status: CarStatus = CarStatus.RUNNING
    retired_reason: str = ""

    @property
    def laps_done(self) -> int:
        """Completed laps."""
        return self.laps[-1].lap if self.laps else 0

    @property
    def time_s(self) -> float:
        """Session time at its last line crossing; 0 before the first."""
        return self.laps[-1].time_s if self.laps else 0.0

    @property
    def tyre_stops(self) -> tuple[PitStop, ...]:
        """Visits to change tyres, as far as the laps tell: no drive-through, no wait behind a red flag."""
        laps = {record.lap: record for record in self.laps}
        return tuple(stop for stop in self.stops if not _goes_on(stop, laps))

    @property
    def racing(self) -> bool:
        """True while the car can still gain or lose places."""
        return self.status in (CarStatus.RUNNING, CarStatus.IN_PIT)


def _goes_on(stop: PitStop, laps: dict[int, LapRecord]) -> bool:
    """The car waited behind a red flag, or left on the set on which it came."""
    if stop.out_s is not None and stop.out_s - stop.in_s > STOPPAGE_S:
        return True
    came, left = laps.get(stop.lap), laps.get(stop.lap + 1)
    if came is None or left is None or not came.tyre_age or not left.tyre_age:
        return False
    return came.compound is left.compound and left.tyre_age > came.tyre_age


@dataclass(frozen=True, slots=True)
class RaceState:
    """The race after ``seq`` events. Built only by ``pitcall.domain.reducer``."""

    race: str = ""
    name: str = ""
    series: str = ""
    season: int | None = None
    round: int | None = None
    circuit: str | None = None
    total_laps: int = 0
    seq: int = 0  #: events reduced so far
    t: float = 0.0  #: latest event time, s
    cars: MappingProxyType[str, CarState] = field(default_factory=lambda: MappingProxyType({}))
    track: Track = Track.GREEN
    track_since_s: float = 0.0
    green_since_s: float = 0.0  #: start of the last uninterrupted green period
    air_temp_c: float | None = None
    track_temp_c: float | None = None
    rain: bool | None = None
    messages: tuple[tuple[float, str], ...] = ()
    flag_s: float | None = None  #: time of the chequered flag, None before it

    @property
    def laps_done(self) -> int:
        """Laps that the leader has completed."""
        return max((car.laps_done for car in self.cars.values()), default=0)

    @property
    def finished(self) -> bool:
        """True when the flag is out."""
        return self.flag_s is not None

    def car(self, key: str) -> CarState:
        """One car by its key.

        Raises:
            NotFound: no such car; the message names those there are.
        """
        if key not in self.cars:
            raise NotFound(f"no car {key!r} in race {self.race}; cars: {', '.join(sorted(self.cars))}")
        return self.cars[key]

    def order(self) -> list[CarState]:
        """Running order: laps completed, then who crossed the line first; retired cars behind, grid before lap 1."""
        return sorted(
            self.cars.values(),
            key=lambda car: (
                car.status is CarStatus.RETIRED,
                -car.laps_done,
                car.time_s,
                car.grid or len(self.cars) + 1,
                car.car,
            ),
        )

    @property
    def wet(self) -> bool:
        """True when more than half of the racing cars whose tyres are known run on tyres with a tread."""
        known = [car.compound for car in self.cars.values() if car.racing and car.compound is not Compound.UNKNOWN]
        return sum(compound in RAIN for compound in known) * 2 > len(known)


def gap_s(behind: CarState, ahead: CarState) -> float | None:
    """Seconds between two cars at the last line that the one behind crossed; None if the other did not cross it.

    Never negative: two cars at one line are in the order of the log.
    """
    if not behind.laps:
        return None
    at = bisect_left(ahead.laps, behind.laps_done, key=attrgetter("lap"))
    if at == len(ahead.laps) or ahead.laps[at].lap != behind.laps_done:
        return None
    return max(0.0, behind.time_s - ahead.laps[at].time_s)


def laps_down(car: CarState, leader: CarState) -> int:
    """Laps that the leader was ahead when the car last crossed the line."""
    if not car.laps:
        return 0
    seen = bisect_right(leader.laps, car.time_s, key=attrgetter("time_s"))
    return max(0, leader.laps[seen - 1].lap - car.laps_done) if seen else 0


def must_change_compound(car: CarState) -> bool:
    """True while the two-compound rule is not met: one dry compound used and none with a tread.

    Formula 1 sporting regulations: two different dry specifications in a dry race, waived once
    intermediates or wets were used. A car whose tyres are not known is taken to need the change.
    """
    used = car.compounds_used
    return not used & set(RAIN) and len(used & set(DRY)) < 2
