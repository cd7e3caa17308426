"""Dirty air and passing."""

import numpy as np
import pytest

from pitcall.calibrate import laptime, traffic
from pitcall.calibrate.laptime import Pace
from tests.unit.calibrate.conftest import field

pytestmark = pytest.mark.unit

LAPS = 60


def known(*races) -> Pace:
    """As if the lap times had told each lap exactly: free laps of 90 s."""
    pace = laptime.fit(races)
    free = tuple(np.full(len(race.car), 90.0) for race in races)
    return Pace(pace.pooled, pace.base_lap_s, pace.used, free)


def following(loss_s, number):
    """A leader on its own, and a car that loses ``loss_s * (1 - gap / 2)`` behind it; both else drive 90 s.

    Every third lap is yellow, and the car begins anew somewhere within two seconds.
    """
    rng = np.random.default_rng(number)
    gap, laps = 0.4, np.full((2, LAPS), 90.0)
    for lap in range(2, LAPS + 1):
        change = rng.uniform(0.3, 1.8) - gap if lap % 3 == 0 else loss_s * max(0.0, 1 - gap / 2) + rng.normal(0, 0.05)
        laps[1, lap - 1] += change
        gap += change
    return field(laps, start_s=[0.0, 0.4], number=number, track=lambda lap: "12" if lap % 3 == 0 else "1")


@pytest.mark.parametrize("truth", [0.6, 0.0, -0.3])
def test_the_air_behind_a_car_costs_what_it_costs(truth):
    """At zero gap, within 0.1 s; also where it helps."""
    races = [following(truth, n) for n in range(1, 7)]
    assert traffic.wake(races, known(*races)).races.mean() == pytest.approx(truth, abs=0.1)


def duels(intercept, per_s, number, circuit="Alpha", pairs=10):
    """Pairs of cars that begin each lap 0.8 s apart; the one behind is faster by chance and passes by the logit."""
    rng = np.random.default_rng(number)
    laps, free = np.full((2 * pairs, LAPS), 90.0), np.full((2 * pairs, LAPS), 90.0)
    for pair in range(pairs):
        ahead, behind = 2 * pair, 2 * pair + 1
        for lap in range(1, LAPS):
            faster = rng.normal(0, 0.8)
            free[behind, lap] = 90.0 - faster
            won = rng.random() < 1 / (1 + np.exp(-(intercept + per_s * faster)))
            laps[behind, lap] = 90.0 - (1.6 if won else 0.0)
            ahead, behind = (behind, ahead) if won else (ahead, behind)
    late = [8.0 * (c // 2) + 0.8 * (c % 2) for c in range(2 * pairs)]
    race = field(laps, start_s=late, number=number, circuit=circuit)
    return race, np.array([free[c, lap - 1] for c, lap in zip(race.car, race.lap, strict=True)])


def passing(*fields):
    races = [race for race, _ in fields]
    pace = laptime.fit(races)
    return traffic.passing(races, Pace(pace.pooled, pace.base_lap_s, pace.used, tuple(free for _, free in fields)))


def test_finds_who_passes_whom():
    """Slope and intercept of the logit within 0.2."""
    fitted = passing(*(duels(-1.5, 1.2, n) for n in range(1, 5)))
    assert fitted.attacks == pytest.approx(4 * 10 * (LAPS - 1), rel=0.01)
    assert fitted.intercept + fitted.circuits["Alpha"] + fitted.seasons[2031] == pytest.approx(-1.5, abs=0.2)
    assert fitted.per_s == pytest.approx(1.2, abs=0.2)


def test_a_narrow_circuit_is_found():
    """One circuit of three is harder by 2: within 0.5, and the others agree."""
    level = {"a": -1.0, "b": -1.0, "c": -3.0}
    circuits = passing(*(duels(level[c], 1.0, n, c) for n, c in enumerate("abcabc", start=1))).circuits
    assert circuits["a"] - circuits["c"] == pytest.approx(2.0, abs=0.5)
    assert circuits["a"] == pytest.approx(circuits["b"], abs=0.3)


def test_says_what_it_lacks():
    """Cars that never met."""
    lonely = field(np.full((4, LAPS), 90.0), start_s=[10.0 * c for c in range(4)])
    with pytest.raises(ValueError, match=r"no lap within 1\.2 s of another car"):
        traffic.passing([lonely], known(lonely))
