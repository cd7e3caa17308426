"""The kernel on races that nobody thought of."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitcall.forecast import default_circuit, tyres_for
from pitcall.sim import twin
from pitcall.sim.engine import Engine
from pitcall.sim.messages import Candidate, Grid, Race

pytestmark = pytest.mark.property

ENGINE = Engine(1)


@st.composite
def races(draw: st.DrawFn) -> Race:
    """Any state that the messages allow, on a circuit of any size."""
    cars, total = draw(st.integers(1, 24)), draw(st.integers(2, 40))

    def column(values):
        return tuple(draw(st.lists(values, min_size=cars, max_size=cars)))

    def seconds(top):
        return st.floats(0, top, allow_nan=False, width=32)

    laps = column(st.integers(0, total - 1))
    circuit = replace(
        default_circuit(total, draw(st.floats(20, 200)), two_compounds=draw(st.booleans())),
        noise_s=draw(seconds(3)),
        pit_loss_s=draw(seconds(60)),
        sc_hazard=draw(st.floats(0, 0.5)),
        vsc_hazard=draw(st.floats(0, 0.5)),
        retire_hazard=draw(st.floats(0, 0.2)),
        stop_intercept=draw(st.floats(-20, 5)),
    )
    grid = Grid(
        cars=tuple(f"C{i}" for i in range(cars)),
        laps_done=laps,
        time_s=tuple(90.0 * lap + gap for lap, gap in zip(laps, column(seconds(120)), strict=True)),
        extra_s=column(seconds(30)),
        racing=(True, *column(st.booleans())[1:]),
        boxing=column(st.booleans()),
        compound=column(st.integers(0, 4)),
        tyre_age=column(st.integers(0, 60)),
        used=column(st.integers(0, 31)),
        pace_s=tuple(80.0 + v for v in column(seconds(10))),
        pace_sd_s=column(seconds(1)),
        wear=column(seconds(3)),
        wear_sd=column(seconds(1)),
    )
    return Race(
        circuit,
        tyres_for(total, circuit.base_lap_s),
        grid,
        draw(st.integers(0, 2)),
        draw(st.integers(0, 10)),
        draw(st.booleans()),
    )


def legal(race: Race, data: st.DataObject) -> Candidate:
    first, last = race.grid.laps_done[0] + 1, race.circuit.total_laps - 1
    if first > last or data.draw(st.booleans()):
        return Candidate()
    return Candidate(data.draw(st.integers(first, last)), data.draw(st.integers(0, 4)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(race=races(), seed=st.integers(0, 2**64 - 1), data=st.data())
def test_kernel_and_twin_play_the_same_race(race, seed, data):
    """Any state, any seed, any legal call: equal positions and rejoin, bit by bit."""
    call = legal(race, data)
    played = ENGINE.play(race, seed, range(2), 0, [call])
    for path in range(2):
        assert (played.positions[path, 0].tolist(), played.rejoin[path, 0]) == twin.play(race, seed, path, 0, call)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(race=races(), seed=st.integers(0, 2**64 - 1), data=st.data())
def test_every_race_ends_with_each_place_taken_once(race, seed, data):
    """Positions are a permutation, cars out of the race are behind all others, the rejoin is a place."""
    played = ENGINE.play(race, seed, range(8), 0, [legal(race, data)])
    n = len(race.grid.cars)
    assert (np.sort(played.positions[:, 0], axis=1) == np.arange(1, n + 1)).all()
    out = [i for i in range(n) if not race.grid.racing[i]]
    assert (played.positions[:, 0, out] > n - len(out)).all() or race.circuit.retire_hazard > 0
    assert played.rejoin.max() <= n
