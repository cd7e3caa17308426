"""The kernel on races that nobody thought of."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitcall.sim import twin, twin_state
from pitcall.sim.engine import Engine
from pitcall.sim.messages import Candidate
from pitcall.sim.model import pack
from pitcall.sim.race import Race

from .races import calls, races

pytestmark = pytest.mark.property

ENGINE = Engine(1)
SLOW = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SEEDS = st.integers(0, 2**64 - 1)


@SLOW
@given(race=races(), seed=SEEDS, data=st.data())
def test_kernel_and_twin_play_the_same_race(race, seed, data):
    """Any state, any parameters, any seed, any call: equal place, rejoin and gaps, bit by bit."""
    check_twin(race, ENGINE, seed, range(40), data.draw(calls(race)))


@SLOW
@given(race=races(), seed=SEEDS, data=st.data())
def test_every_race_ends_as_races_end(race, seed, data):
    """Each place of a class is taken once, the retired are last, the rejoin is a place between two other cars."""
    check_outcomes(race, ENGINE, seed, range(64), data.draw(calls(race)))


@SLOW
@given(race=races(), seed=SEEDS, data=st.data())
def test_nothing_is_made_of_nothing(race, seed, data):
    """Lap by lap in the twin: tyres, fuel and damage stay within bounds, cars in order, the retired out."""
    with pytest.MonkeyPatch.context() as patch:
        watch(patch, race)
        play_interpreted(race, seed, data.draw(calls(race)))


def check_twin(race: Race, engine: Engine, seed: int, paths: range, call: Candidate) -> None:
    """The compiled twin plays the same races as the kernel: as car 0 with its call, and with nobody asking."""
    packed, played = pack(race), engine.play(race, seed, paths, 0, [call])
    for car in (0, -1):
        place = np.zeros((len(paths), 1, len(race.grid.cars)), np.uint8)
        rejoin, gap_s = np.zeros((len(paths), 1, 3), np.uint8), np.zeros((len(paths), 1, 2), np.float32)
        table = np.array([[call.lap or 0, call.compound or 0]], np.int32)
        twin.play_compiled(packed, table, car, np.uint64(seed), paths.start, place, rejoin, gap_s)
        if car == 0:
            assert np.array_equal(played.place, place[:, :, 0])
            assert np.array_equal(played.rejoin, rejoin)
            assert np.array_equal(played.gap_s, gap_s)
        else:
            assert np.array_equal(engine.finish(race, seed, paths), place[:, 0])


def play_interpreted(race: Race, seed: int, call: Candidate) -> None:
    """One race of the interpreted twin."""
    place, rejoin, gap_s = np.zeros(len(race.grid.cars), np.uint8), np.zeros(3, np.uint8), np.zeros(2, np.float32)
    none = np.zeros((0, 0, 0), np.float32)
    twin.play(pack(race), (0, call.lap or 0, call.compound or 0), seed, 0, place, rejoin, gap_s, none)


def check_outcomes(race: Race, engine: Engine, seed: int, paths: range, call: Candidate) -> None:
    """What holds for every race, of the asking car and of all."""
    grid, n = race.grid, len(race.grid.cars)
    places, played = engine.finish(race, seed, paths), engine.play(race, seed, paths, 0, [call])
    klass, racing = np.array(grid.klass or (0,) * n), np.array(grid.racing)
    for k in set(klass.tolist()):
        mine = places[:, klass == k]
        assert (np.sort(mine, axis=1) == np.arange(1, mine.shape[1] + 1)).all()
        out = ~racing[klass == k]
        assert (mine[:, out] > 0).all()
        if race.reliability.failure_hazard == race.reliability.accident_hazard == 0 and out.any() and not out.all():
            assert mine[:, ~out].max() < mine[:, out].min()
    rejoin, gap_s = played.rejoin[:, 0], played.gap_s[:, 0]
    assert ((played.place >= 1) & (played.place <= (klass == klass[0]).sum())).all()
    assert rejoin.max(initial=0) <= n
    assert np.isfinite(gap_s).all()
    assert (gap_s >= 0).all()
    assert (rejoin[:, 1:] != 1).all()  # its neighbours are others
    stopped = rejoin[:, 0] > 0
    assert ((rejoin[:, 1] > 0) == (rejoin[:, 0] > 1)).all()
    assert not rejoin[~stopped].any()
    assert not gap_s[rejoin[:, 1:] == 0].any()


def watch(patch: pytest.MonkeyPatch, race: Race) -> None:
    """Look at the state of the interpreted twin after every lap."""
    played: list[Any] = []
    sort = twin_state.sort
    tank = max(race.stops.tank_laps, *(race.grid.fuel_laps or (float(race.circuit.total_laps),)))

    def looking(p: Any) -> None:
        sort(p)
        f, s = p.f, p.s
        assert np.isfinite(f).all()
        assert sorted(p.order.tolist()) == list(range(len(p.order)))
        assert (np.diff(f[twin_state.T][p.order]) >= 0).all()
        assert ((f[twin_state.TANK] >= 0) & (f[twin_state.TANK] <= np.float32(tank) + 1e-3)).all()
        assert (f[[twin_state.WORN, twin_state.HURT, twin_state.OWED]] >= 0).all()
        assert ((s[twin_state.LEFT] >= 0) & (s[twin_state.LEFT] <= 0o77777)).all()
        assert ((s[twin_state.ON] >= 0) & (s[twin_state.ON] < 5)).all()
        if played:
            before = played[-1]
            assert (s[twin_state.RUNNING] <= before[twin_state.RUNNING]).all()  # nobody comes back
            assert (s[twin_state.HAD] & before[twin_state.HAD] == before[twin_state.HAD]).all()
            assert (s[twin_state.STOPPED] - before[twin_state.STOPPED] <= 1).all()
            for k in range(5):
                assert ((s[twin_state.LEFT] >> 3 * k & 7) <= (before[twin_state.LEFT] >> 3 * k & 7)).all()
        played.append(s.copy())

    patch.setattr(twin, "sort", looking)
