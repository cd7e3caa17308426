"""Races that nobody thought of: any state and any parameters that the constructors accept, up to absurd ones."""

from typing import Any

from hypothesis import strategies as st

from pitcall.sim.messages import Candidate
from pitcall.sim.race import (
    STOP_FEATURES,
    Cautions,
    Circuit,
    Grid,
    Policy,
    Race,
    Reliability,
    Rules,
    Stops,
    Tyre,
    Weather,
    two_compound_rules,
)  # fmt: skip

#: A number takes one byte of what hypothesis has to spend on an example: races have hundreds of them.
_STEPS = 250
MAX_LAPS = 24


def between(low: float, high: float) -> st.SearchStrategy[float]:
    """Evenly spread over both ends and what is between them; simplest is ``low``."""
    return st.integers(0, _STEPS).map(lambda k: low + (high - low) * k / _STEPS)


def often_zero(high: float) -> st.SearchStrategy[float]:
    """Nothing in every second case: most races lack most features."""
    return st.one_of(st.just(0.0), between(0.0, high))


def _shares(most: int) -> st.SearchStrategy[tuple[float, ...]]:
    weights = st.lists(st.integers(0, 9), min_size=1, max_size=most).filter(any)
    return weights.map(lambda ws: tuple(w / sum(ws) for w in ws))


def _four(total: float) -> st.SearchStrategy[tuple[float, ...]]:
    return st.tuples(*[st.integers(0, 9)] * 4).map(lambda ws: tuple(total * w / max(1, sum(ws)) for w in ws))


_TYRES = st.builds(
    Tyre, offset_s=between(-3, 9), wear_s=often_zero(1), cliff_s=often_zero(2), life_laps=st.integers(1, 60),
    cold_s=between(-1, 3), wear2_s=often_zero(0.1), cliff_sd=often_zero(2), wet_best=between(0, 1),
    wet_over_s=often_zero(40), wet_under_s=often_zero(40),
)  # fmt: skip
_STOPS = st.builds(
    Stops, station_s=between(0, 30), scale_s=often_zero(5), shape=between(0.5, 8), botch_p=often_zero(1),
    botch_s=often_zero(20), stack_s=often_zero(10), repair_s=often_zero(20), tank_laps=often_zero(12),
    fuel_per_s=between(0.1, 10), fuel_then_tyres=st.booleans(), stint_s=often_zero(2_000), driver_s=often_zero(60),
)  # fmt: skip
_RELIABILITY = st.builds(
    Reliability, failure_hazard=often_zero(0.1), accident_hazard=often_zero(0.1), first_lap=often_zero(30),
    restart=often_zero(10), wet=often_zero(10), close=often_zero(10), close_s=between(0, 3), out_p=between(0, 1),
    lost_s=often_zero(60), damage_s=often_zero(10), penalty_p=between(0, 1), penalty_s=often_zero(60),
)  # fmt: skip
_WEATHER = st.one_of(
    st.just(Weather()),
    st.builds(
        Weather, wetness=between(0, 1), raining=st.booleans(), rain_hazard=often_zero(1), stop_hazard=often_zero(1),
        wetting=between(0, 1), drying=between(0, 1), rain_lap=st.integers(0, MAX_LAPS + 5),
    ),
)  # fmt: skip
_POLICY = st.builds(
    Policy, stop=st.tuples(between(-20, 6), *[st.one_of(st.just(0.0), between(-20, 20))] * (len(STOP_FEATURES) - 1)),
    compound_s=often_zero(50), young_laps=st.integers(0, 20), last_laps=st.integers(0, 20), cover_gap_s=often_zero(30),
    crossover_s=often_zero(20),
)  # fmt: skip
_RULES = st.one_of(
    st.just(Rules()),
    st.just(two_compound_rules()),
    st.builds(
        Rules, legal=st.integers(1, 31), min_stops=st.integers(0, 4),
        finish=st.integers(0, 2**32 - 1).map(lambda bits: tuple(bool(bits >> k & 1) for k in range(32))),
        pit_open=st.tuples(st.integers(1, MAX_LAPS), st.integers(0, MAX_LAPS)).map(lambda at: (at[0], sum(at))),
    ),
)  # fmt: skip


@st.composite
def _cautions(draw: st.DrawFn) -> Cautions:
    hazards = draw(_four(draw(often_zero(1))))
    named: dict[str, Any] = dict(zip(("yellow_hazard", "vsc_hazard", "sc_hazard", "red_hazard"), hazards, strict=True))
    return Cautions(
        **named, after_failure=draw(_four(1)), after_accident=draw(_four(1)), sc_laps=draw(_shares(8)),  # type: ignore[arg-type]  # four
        vsc_laps=draw(_shares(8)), vsc_to_sc=draw(often_zero(1)), sc_pace=draw(between(1, 2)),
        catch_pace=draw(between(1, 2)), vsc_pace=draw(between(1, 2)), queue_gap_s=draw(often_zero(5)),
        red_gap_s=draw(often_zero(5)), yellow_s=draw(often_zero(5)), unlap=draw(st.booleans()),
        restart_pass=draw(between(-5, 5)),
    )  # fmt: skip


@st.composite
def _circuits(draw: st.DrawFn, laps: int) -> Circuit:
    base = draw(between(20, 500))
    return Circuit(
        total_laps=laps, base_lap_s=base, fuel_s=draw(often_zero(0.5)), noise_s=draw(often_zero(5)),
        pit_loss_s=draw(between(0, 90)), dirty_air_s=(draw(between(-1, 2)), draw(between(-1, 2)), draw(often_zero(1))),
        dirty_air_gap_s=draw(between(0.1, 5)), hold_gap_s=draw(often_zero(3)), pass_intercept=draw(between(-20, 20)),
        pass_per_s=draw(between(-3, 9)), time_limit_s=draw(often_zero(1.2 * laps * base)),
        track_s=draw(between(-0.1, 0.1)),
        noise_memory=draw(between(-0.99, 0.99)), mistake_hazard=draw(often_zero(1)), mistake_s=draw(often_zero(10)),
        pit_road_s=draw(often_zero(60)), wake_wear=draw(often_zero(3)), pass_aid=draw(between(-2, 5)),
        aid_gap_s=draw(between(-1, 3)), pass_bite=draw(st.one_of(st.just(0.0), between(-2, 2))),
        duel_s=draw(often_zero(3)), blue_s=draw(often_zero(5)), lapping_s=draw(often_zero(5)),
    )  # fmt: skip


@st.composite
def races(draw: st.DrawFn) -> Race:
    """A race of at most 20 cars and ``MAX_LAPS`` laps; car 0 is still racing."""
    cars, total = draw(st.integers(1, 20)), draw(st.integers(1, MAX_LAPS))
    circuit = draw(_circuits(total))
    most = total if draw(st.booleans()) else 0  # from the grid, or anywhere

    def column(values: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.lists(values, min_size=cars, max_size=cars)))

    def maybe(values: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return column(values) if draw(st.booleans()) else ()

    done = column(st.integers(max(0, most - 3), most)) if draw(st.booleans()) else column(st.integers(0, most))
    gaps = column(between(0, 3 * circuit.base_lap_s if draw(st.booleans()) else 5))
    grid = Grid(
        cars=tuple(f"C{i}" for i in range(cars)),
        laps_done=done,
        time_s=tuple(circuit.base_lap_s * lap + gap for lap, gap in zip(done, gaps, strict=True)),
        extra_s=column(often_zero(40)),
        racing=(True, *column(st.sampled_from((True, True, True, False)))[1:]),
        boxing=column(st.sampled_from((False, False, False, True))),
        compound=column(st.integers(0, 4)),
        tyre_age=column(st.integers(0, 60)),
        used=column(st.integers(0, 31)),
        pace_s=tuple(circuit.base_lap_s + p for p in column(between(-2, 10))),
        pace_sd_s=column(often_zero(2)),
        wear=column(between(0, 4)),
        wear_sd=column(often_zero(2)),
        pace_wear=maybe(between(-1, 1)),
        stops=maybe(st.integers(0, 9)),
        sets=maybe(st.tuples(*[st.integers(0, 7)] * 5)),
        fuel_laps=maybe(between(0, 30)),
        penalty_s=maybe(often_zero(60)),
        damage_s=maybe(often_zero(10)),
        team=maybe(st.integers(0, 9)),
        klass=maybe(st.integers(0, 2)),
        reliability=maybe(between(0, 5)),
        stint_s=maybe(between(0, 3_000)),
    )
    return Race(
        circuit, draw(st.tuples(*[_TYRES] * 5)), grid, draw(_POLICY), draw(_STOPS), draw(_cautions()),
        draw(_RELIABILITY), draw(_WEATHER), draw(_RULES), draw(st.integers(0, 4)), draw(st.integers(0, 5)),
        draw(often_zero(3)),
    )  # fmt: skip


def calls(race: Race) -> st.SearchStrategy[Candidate]:
    """Any call that car 0 can still make."""
    first, last = race.grid.laps_done[0] + 1, race.circuit.total_laps
    if first > last:
        return st.just(Candidate())
    return st.one_of(st.just(Candidate()), st.builds(Candidate, st.integers(first, last), st.integers(0, 4)))
