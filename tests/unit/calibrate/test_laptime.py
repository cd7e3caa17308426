"""Fuel, compounds and wear from lap times."""

import numpy as np
import pytest

from pitcall.calibrate import laptime
from pitcall.domain.tyres import Compound
from tests.unit.calibrate.conftest import Stop, field

pytestmark = pytest.mark.unit

LAPS = 50
FULL, OFFSET, WEAR = 3.0, -0.4, {0: 0.10, 1: 0.05, 2: 0.03}


def race(*, circuit="Alpha", number=1, wear=1.0, noise=0.1, seed=0):
    """Ten cars that stop once, on different laps for different tyres; the truth is above."""
    rng = np.random.default_rng(seed)
    lap_s = np.zeros((10, LAPS))
    stops = []
    for c in range(10):
        at, fitted = 12 + 2 * c, (Compound.HARD, Compound.SOFT)[c % 2]
        stops.append(Stop(c, at, fitted=fitted))
        for lap in range(1, LAPS + 1):
            on, age = (Compound.MEDIUM, lap) if lap <= at else (fitted, lap - at)
            offset = OFFSET if on is Compound.SOFT else 0.6 if on is Compound.HARD else 0.0
            cliff = 0.05 * max(0, age - 1 - round({0: 0.40, 1: 0.46, 2: 0.66}[int(on)] * LAPS))
            pace = 88.0 + 0.1 * c + FULL * (LAPS - lap) / LAPS + offset + wear * WEAR[int(on)] * (age - 1) + cliff
            lap_s[c, lap - 1] = pace + rng.normal(0, noise) + (20 if lap == at else 0)
    late = [8.0 * c for c in range(10)]
    return field(lap_s, stops=stops, start_s=late, circuit=circuit, number=number)


def test_finds_what_the_laps_were_made_of():
    """Two races of ten cars with 0.1 s of noise: fuel within 0.3 s, offsets within 0.15 s, wear within 0.01 s a lap."""
    pace = laptime.fit([race(), race(number=2, seed=1)])
    full, soft, hard, *wear, _ = pace.pooled.mean * pace.base_lap_s[0] / 90.0
    assert full == pytest.approx(FULL, abs=0.3)
    assert [soft, hard] == pytest.approx([OFFSET, 0.6], abs=0.15)
    assert wear == pytest.approx(list(WEAR.values()), abs=0.01)


def test_a_circuit_that_wears_tyres_is_told_from_one_that_does_not():
    """Double wear at one of two circuits."""
    races = [race(circuit=c, number=n, wear=w, seed=n) for n, (c, w) in enumerate([("a", 1.0), ("b", 2.0)] * 3)]
    pooled = laptime.fit(races).pooled
    gentle, harsh = (pooled.mean[4] + pooled.circuits[c][4] for c in ("a", "b"))
    assert harsh / gentle == pytest.approx(2.0, rel=0.25)


def test_a_free_lap_is_the_lap_without_its_noise():
    """Within 0.15 s of what the lap was made of, stops and noise apart."""
    exact = race(noise=1e-6)
    pace = laptime.fit([race(), race(number=2, seed=1)])
    rows = exact.clean
    assert np.abs(pace.free_s[0] - exact.lap_s)[rows].max() < 0.15


def test_only_laps_with_nobody_near_at_either_end_count():
    """There are clean laps that began far from a car and ended near one: they are left out."""
    mixed = race()
    rows = laptime.in_clean_air(mixed)
    far, near = mixed.gaps_s[:, 0] > laptime.CLEAN_GAP_S, mixed.end_gap_s <= laptime.CLEAN_GAP_S
    assert (mixed.clean & far & near).any()
    assert not (rows & near).any()
    assert not (rows & ~far).any()


def test_laps_near_a_car_say_nothing():
    """A field nose to tail has too few laps in clean air: the prior stays, no lap is free."""
    train = field(np.full((10, LAPS), 90.0), start_s=[0.8 * c for c in range(10)])
    pace = laptime.fit([train])
    assert pace.used[0].sum() == 0
    assert np.isnan(pace.free_s[0]).all()
    assert pace.pooled.mean == pytest.approx(laptime.PRIOR)
