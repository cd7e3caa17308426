"""Race events to race state: a pure fold, one event at a time.

``reduce`` is the only place that builds a RaceState, so a live race, a replay and a backtest
cannot differ. It checks each event against the race so far; a feed adapter decides what to do
with an event that it refuses (skip and count it live, stop an import).
"""

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from pitcall.domain import events as ev
from pitcall.domain.race import KEPT_MESSAGES, CarState, CarStatus, LapRecord, PitStop, RaceState
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidEvent

#: Line-crossing times of a feed are rounded to milliseconds; a smaller step back is rounding.
CLOCK_SLACK_S = 0.002


def reduce(state: RaceState, event: ev.Event) -> RaceState:
    """The state after one more event.

    Raises:
        InvalidEvent: the event contradicts the race so far. The state is unchanged.
    """
    if not state.race and not isinstance(event, ev.Session):
        raise InvalidEvent(f"a race begins with a session event, not {event.type}")
    changed = _apply(state, event)
    return replace(changed, seq=state.seq + 1, t=max(state.t, event.t))


def reduce_all(events: Iterable[ev.Event], state: RaceState | None = None) -> RaceState:
    """Fold many events. Raises InvalidEvent at the first that is refused."""
    state = state or RaceState()
    for event in events:
        state = reduce(state, event)
    return state


def until_lap(events: Iterable[ev.Event], lap: int, car: str | None = None) -> list[ev.Event]:
    """The events up to the moment at which ``car`` (default: the first car to do so) completes ``lap``.

    A log is in the order of arrival, so this is exactly what was known live. Lap 0 is the grid: all
    events before the first lap. A lap that is never completed gives the whole log.
    """
    known: list[ev.Event] = []
    for event in events:
        is_lap = isinstance(event, ev.Lap)
        if is_lap and lap == 0:
            break
        known.append(event)
        # At least: a feed can lose the very lap that is asked for.
        if isinstance(event, ev.Lap) and event.lap >= lap and car in (None, event.car):
            break
    return known


def _apply(state: RaceState, event: ev.Event) -> RaceState:  # noqa: PLR0911  # one return per kind of event
    match event:
        case ev.Session():
            return _session(state, event)
        case ev.Car():
            return _entry(state, event)
        case ev.Lap():
            return _lap(state, event)
        case ev.PitIn():
            return _pit_in(state, event)
        case ev.PitOut():
            return _pit_out(state, event)
        case ev.TrackStatus():
            return _track(state, event)
        case ev.Weather():
            return replace(
                state,
                air_temp_c=event.air_temp_c if event.air_temp_c is not None else state.air_temp_c,
                track_temp_c=event.track_temp_c if event.track_temp_c is not None else state.track_temp_c,
                rain=event.rain if event.rain is not None else state.rain,
            )
        case ev.Retired():
            car = _known(state, event.car, event)
            if car.status is CarStatus.FINISHED:
                raise InvalidEvent(f"retired: {event.car} has taken the flag")
            return _with(state, replace(car, status=CarStatus.RETIRED, retired_reason=event.reason))
        case ev.Message():
            return replace(state, messages=(*state.messages, (event.t, event.text))[-KEPT_MESSAGES:])
        case ev.Finish():
            return replace(state, flag_s=event.t if state.flag_s is None else state.flag_s)
    raise InvalidEvent(f"no rule for event {event.type}")


def _session(state: RaceState, event: ev.Session) -> RaceState:
    if state.race and state.race != event.race:
        raise InvalidEvent(f"session of race {event.race} in the log of race {state.race}")
    return replace(
        state,
        race=event.race,
        name=event.name,
        series=event.series,
        season=event.season,
        round=event.round,
        circuit=event.circuit,
        total_laps=event.total_laps,
    )


def _entry(state: RaceState, event: ev.Car) -> RaceState:
    if not event.car:
        raise InvalidEvent("car: the key is empty")
    old = state.cars.get(event.car)
    if old is not None and old.laps:
        raise InvalidEvent(f"car {event.car} is entered again after {old.laps_done} laps")
    entry = CarState(
        car=event.car,
        number=event.number,
        driver=event.driver,
        team=event.team,
        grid=event.grid,
        compound=event.compound,
        tyre_age=event.tyre_age,
        compounds_used=_used(frozenset(), event.compound),
    )
    return _with(state, entry)


def _lap(state: RaceState, event: ev.Lap) -> RaceState:
    car = _known(state, event.car, event)
    if event.lap <= car.laps_done and any(
        r.lap == event.lap and abs(r.time_s - event.t) <= CLOCK_SLACK_S for r in reversed(car.laps)
    ):
        return state  # the feed sent the lap twice
    if car.status in (CarStatus.RETIRED, CarStatus.FINISHED):
        raise InvalidEvent(f"lap {event.lap} of {event.car}: the car is {car.status.value}")
    if event.lap <= car.laps_done:
        raise InvalidEvent(f"lap {event.lap} of {event.car} comes after its lap {car.laps_done}")
    if car.laps and event.t <= car.time_s:
        raise InvalidEvent(
            f"lap {event.lap} of {event.car} ends at {event.t} s, before its lap {car.laps_done} at {car.time_s} s"
        )
    # A feed that does not know the tyres now may have known them when the car left the pits.
    compound = event.compound if event.compound is not Compound.UNKNOWN else car.compound
    age = event.tyre_age if event.tyre_age is not None else None if car.tyre_age is None else car.tyre_age + 1
    began = car.time_s if car.laps else 0.0
    green = set(event.track) <= {"1"} if event.track else state.green_since_s <= began and state.track is ev.Track.GREEN
    record = LapRecord(event.lap, event.t, event.lap_time_s, compound, age, event.pit_in, event.pit_out, green)
    over = state.flag_s is not None and event.t >= state.flag_s - CLOCK_SLACK_S
    left_pits = car.status is CarStatus.IN_PIT and event.lap > car.stops[-1].lap  # the feed lost its pit_out
    home = over or event.lap >= state.total_laps
    status = CarStatus.FINISHED if home else CarStatus.RUNNING if left_pits else car.status
    return _with(
        state,
        replace(
            car,
            compound=compound,
            tyre_age=age,
            compounds_used=_used(car.compounds_used, compound),
            laps=(*car.laps, record),
            status=status,
        ),
    )


def _pit_in(state: RaceState, event: ev.PitIn) -> RaceState:
    car = _known(state, event.car, event)
    if car.stops and car.stops[-1].lap == event.lap:
        return state  # the feed sent it twice
    if car.stops and event.t < car.stops[-1].in_s:
        raise InvalidEvent(f"pit_in of {event.car} at {event.t} s comes after its stop at {car.stops[-1].in_s} s")
    stop = PitStop(event.lap, event.t, None)
    status = CarStatus.IN_PIT if car.racing else car.status
    return _with(state, replace(car, stops=(*car.stops, stop), status=status))


def _pit_out(state: RaceState, event: ev.PitOut) -> RaceState:
    car = _known(state, event.car, event)
    stops = car.stops
    if stops and stops[-1].out_s is None:
        if event.t < stops[-1].in_s:
            raise InvalidEvent(f"pit_out of {event.car} at {event.t} s, before it came in at {stops[-1].in_s} s")
        stops = (*stops[:-1], replace(stops[-1], out_s=event.t))
    return _with(
        state,
        replace(
            car,
            stops=stops,
            status=CarStatus.RUNNING if car.racing else car.status,
            compound=event.compound,  # not named: it has other tyres now, nobody knows which
            tyre_age=event.tyre_age,
            compounds_used=_used(car.compounds_used, event.compound),
        ),
    )


def _track(state: RaceState, event: ev.TrackStatus) -> RaceState:
    if event.status is state.track:
        return state
    green_since = event.t if event.status is ev.Track.GREEN else state.green_since_s
    return replace(state, track=event.status, track_since_s=event.t, green_since_s=green_since)


def _known(state: RaceState, key: str, event: ev.Event) -> CarState:
    if key not in state.cars:
        raise InvalidEvent(f"{event.type}: unknown car {key!r}; a car event must come first")
    return state.cars[key]


def _with(state: RaceState, car: CarState) -> RaceState:
    return replace(state, cars=MappingProxyType({**state.cars, car.car: car}))


def _used(used: frozenset[Compound], compound: Compound) -> frozenset[Compound]:
    return used if compound is Compound.UNKNOWN else used | {compound}
