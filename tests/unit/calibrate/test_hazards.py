"""Retirements and neutralisations."""

import numpy as np
import pytest

from pitcall.calibrate import hazards
from pitcall.domain.events import Track
from pitcall.sim.race import SAFETY_CAR, VSC
from tests.unit.calibrate.conftest import field

pytestmark = pytest.mark.unit

LAPS = 20


def race(*, out=(), statuses=(), number=1, season=2031, circuit="Alpha", slow=()):
    """Six cars of 90 s; ``out``: (car, last lap); ``slow``: (laps, factor)."""
    laps = np.full((6, LAPS), 90.0)
    for car, last in out:
        laps[car, last:] = np.nan
    for numbers, factor in slow:
        for lap in numbers:
            laps[:, lap - 1] *= factor
    digits = {lap: "4" for numbers, _ in slow for lap in numbers}
    return field(
        laps, statuses=statuses, number=number, season=season, circuit=circuit, track=lambda lap: digits.get(lap, "1")
    )


def test_counts_retirements_per_lap_driven():
    """Two cars after 10 laps, one near the flag that may be a missing row, none on lap 1."""
    found = hazards.failures([race(out=[(1, 10), (2, 10), (3, 19)])])
    assert found.retired == 2
    assert found.starts == 6
    assert found.per_lap == pytest.approx(2 / (3 * 19 + 2 * 10 + 18), rel=0.02)
    assert found.first_lap == 0


def test_a_car_without_a_lap_retired_on_lap_1():
    """Also one that the table does not name: a team enters two."""
    found = hazards.failures([race(out=[(5, 0)])])
    assert found.first_lap == pytest.approx(1 / 6)


def test_seasons_and_teams_stand_out_as_far_as_they_were_seen():
    """Thrice as many retirements in one season, and one team that takes them all."""
    races = [race(out=[(0, 9), (1, 9)], number=n, season=2032) for n in range(1, 21)]
    races += [race(out=[(2, 9)] if n % 3 == 0 else [], number=n) for n in range(1, 21)]
    found = hazards.failures(races)
    assert found.seasons[2032] > 1.3
    assert found.seasons[2031] < 0.6
    assert found.teams[2032, "T0"][0] > 1.5
    assert found.teams[2032, "T1"][0] < 0.9
    assert found.teams[2032, "T0"][1] == 40


def test_measures_a_safety_car():
    """From lap 5 for four laps at 1.5 times the lap: counted, its whole laps, its pace."""
    statuses = [(4 * 90 + 20.0, Track.SAFETY_CAR), (4 * 90 + 4 * 135 + 5.0, Track.GREEN)]
    found = hazards.neutralisations([race(statuses=statuses, slow=[(range(5, 9), 1.5)])], [90.0])
    assert found.per_race[SAFETY_CAR] == 1
    assert found.per_race[VSC] == 0
    assert np.flatnonzero(found.sc_laps).tolist() == [2]  # three whole laps
    assert found.sc_pace == pytest.approx(1.5, abs=0.02)
    assert np.isnan(found.vsc_pace)


def test_a_yellow_that_becomes_a_safety_car_is_no_yellow():
    """Only flags that stayed yellow count as such."""
    upgraded = [(300.0, Track.YELLOW), (320.0, Track.SAFETY_CAR), (700.0, Track.GREEN)]
    alone = [(300.0, Track.YELLOW), (320.0, Track.GREEN)]
    found = hazards.neutralisations([race(statuses=upgraded), race(statuses=alone, number=2)], [90.0, 90.0])
    assert found.yellows_per_lap == pytest.approx(1 / (2 * LAPS))


def test_a_dangerous_circuit_stands_out():
    """Three neutralisations a race against none."""
    storm = [(100.0 + 200 * i, status) for i in range(3) for status in (Track.SAFETY_CAR,)]
    statuses = [pair for t, status in storm for pair in ((t, status), (t + 90, Track.GREEN))]
    races = [race(statuses=statuses, number=n) for n in range(1, 9)]
    races += [race(number=n, circuit="Bravo") for n in range(11, 19)]
    circuits = hazards.neutralisations(races, [90.0] * 16).circuits
    assert circuits["Alpha"] > 1.4
    assert circuits["Bravo"] < 0.6


def test_durations_move_from_the_prior_as_they_are_seen():
    """Counts beside a prior that is worth 20; the rest of a long one goes to the last lap."""
    assert hazards.duration((0.5, 0.5), np.zeros(1)) == pytest.approx((0.5, 0.5))
    assert hazards.duration((0.5, 0.5), np.array([0.0, 0.0, 20.0])) == pytest.approx((0.25, 0.25, 0.5))
    assert len(hazards.duration((1.0,), np.ones(12))) == 8
    assert sum(hazards.duration((1.0,), np.ones(12))) == pytest.approx(1)
