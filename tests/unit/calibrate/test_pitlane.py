"""What a stop costs."""

import numpy as np
import pytest

from pitcall.calibrate import laptime, pitlane
from pitcall.calibrate.laptime import Pace
from tests.unit.calibrate.conftest import Stop, field

pytestmark = pytest.mark.unit

COLD_S = np.array([0.8, 0.9, 1.1])
LAPS = 40
CARS = 12
SLOW = range(20, 26)  #: laps under VSC


def race(loss_s, *, slow_loss_s=None, vsc=1.4, circuit="Alpha", number=1, stand_s=None):
    """Laps of 90 s; each car stops once for ``loss_s``, half on each side of the line, or in the VSC for less."""
    laps, stops = np.full((CARS, LAPS), 90.0), []
    laps[:, SLOW.start - 1 : SLOW.stop - 1] *= vsc
    for c in range(CARS):
        quiet = slow_loss_s is not None and c % 2 == 1
        at = 21 + c // 4 if quiet else 6 + c
        standing = 0.0 if stand_s is None else stand_s[c]
        stops.append(Stop(c, at, lane_s=24.0 + standing))
        cost = slow_loss_s if quiet else loss_s
        laps[c, at - 1] += 0.3 * cost
        laps[c, at] += 0.7 * cost + (0.0 if quiet else COLD_S[2])  # nobody feels cold tyres at VSC speed
    track = (lambda lap: "6" if lap in SLOW else "1") if slow_loss_s is not None else (lambda lap: "1")
    if slow_loss_s is None:
        laps[:, SLOW.start - 1 : SLOW.stop - 1] /= vsc
    return field(laps, stops=stops, track=track, circuit=circuit, number=number, start_s=[6.0 * c for c in range(CARS)])


def lane(*races):
    pace = laptime.fit(races)
    free = tuple(np.full(len(race.car), 90.0) for race in races)
    return pitlane.lane(races, Pace(pace.pooled, pace.base_lap_s, pace.used, free), COLD_S, (1.4, 1.6))


def test_a_stop_costs_what_its_two_laps_cost_more():
    """By circuit, without the cold tyres; the share that falls on the out-lap."""
    races = [
        race(20.0, number=1),
        race(20.0, number=2),
        race(24.0, number=3, circuit="Bravo"),
        race(24.0, number=4, circuit="Bravo"),
    ]
    found = lane(*races)
    loss = {name: found.loss_s.mean[0] + effect[0] for name, effect in found.loss_s.circuits.items()}
    assert loss == pytest.approx({"Alpha": 20.0, "Bravo": 24.0}, abs=0.3)
    assert found.out_lap_share == pytest.approx(0.7, abs=0.01)
    assert found.stops == {"Alpha": 2 * CARS, "Bravo": 2 * CARS}


def test_a_stop_under_vsc_costs_less_by_the_road():
    """22 s, and 14 s when the field drives at 1.4: the road is 8 / 0.4 = 20 s."""
    found = lane(race(22.0, slow_loss_s=14.0))
    assert found.slow_stops == CARS // 2
    assert found.pit_road_s == pytest.approx(20.0, abs=1.0)


def test_no_stop_is_no_figure():
    """The prior stays for the loss; the rest is not a number."""
    found = lane(field(np.full((4, LAPS), 90.0), start_s=[6.0 * c for c in range(4)]))
    assert found.loss_s.mean[0] == pytest.approx(22.0, abs=0.1)
    assert np.isnan(found.pit_road_s)
    assert np.isnan(found.out_lap_share)


def crews(seed, slow_team_s=0.0, botch=0.0):
    """Standing of each car, s: log-logistic of median 1 and shape 3; the first team is slower."""
    rng = np.random.default_rng(seed)
    u = rng.random(CARS)
    stand = (u / (1 - u)) ** (1 / 3) + (rng.random(CARS) < botch) * rng.exponential(8.0, CARS)
    stand[:2] += slow_team_s
    return race(22.0, stand_s=stand, number=seed)


def test_finds_how_crews_differ_from_stop_to_stop():
    """Shape within a third; a tenth of botched stops is found within a half."""
    clean = pitlane.standing([crews(n) for n in range(1, 41)], 1.0)
    assert clean.shape == pytest.approx(3.0, rel=0.33)
    assert clean.botch_p < 0.05
    rough = pitlane.standing([crews(n, botch=0.1) for n in range(1, 41)], 1.0)
    assert rough.botch_p == pytest.approx(0.1, rel=0.5)


def test_a_slow_crew_is_found():
    """0.5 s slower than the others in every stop of a season: within 0.25 s; the others stay where they are."""
    found = pitlane.standing([crews(n, slow_team_s=0.5) for n in range(1, 21)], 1.0)
    slow, stops = found.crews_s[2031, "T0"]
    assert stops == 40
    assert slow - np.median([t for (_, team), (t, _) in found.crews_s.items() if team != "T0"]) == pytest.approx(
        0.5, abs=0.25
    )
