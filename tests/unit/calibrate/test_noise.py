"""Noise, its memory, mistakes."""

import numpy as np
import pytest

from pitcall.calibrate import laptime, noise
from tests.unit.calibrate.conftest import Stop, field

pytestmark = pytest.mark.unit


def race(sd, memory, hazard=0.0, mean=1.5, number=1, circuit="Alpha"):
    """Twenty cars far apart, 60 laps of 90 s with AR(1) noise and mistakes, one stop."""
    rng = np.random.default_rng(number)
    e = np.zeros((20, 60))
    e[:, 0] = rng.normal(0, sd, 20)
    for lap in range(1, 60):
        e[:, lap] = memory * e[:, lap - 1] + np.sqrt(1 - memory**2) * rng.normal(0, sd, 20)
    mistakes = (rng.random(e.shape) < hazard) * rng.exponential(mean, e.shape)
    stops = [Stop(c, 20 + c) for c in range(20)]
    return field(90 + e + mistakes, stops=stops, start_s=[8.0 * c for c in range(20)], number=number, circuit=circuit)


def found(*races):
    return noise.fit(races, laptime.fit(races))


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6])
def test_finds_sd_and_memory(memory):
    """Four races: sd within 12 %, memory within 0.1."""
    fitted = found(*(race(0.3, memory, number=n) for n in range(1, 5)))
    assert fitted.noise_s == pytest.approx(0.3, rel=0.12)
    assert fitted.memory == pytest.approx(memory, abs=0.1)


def test_mistakes_are_told_from_noise():
    """Chance within a third, cost within a quarter; the noise is not larger for them."""
    fitted = found(*(race(0.3, 0.3, hazard=0.05, number=n) for n in range(1, 5)))
    assert fitted.mistake_hazard == pytest.approx(0.05, rel=0.33)
    assert fitted.mistake_s == pytest.approx(1.5, rel=0.25)
    assert fitted.noise_s == pytest.approx(0.3, rel=0.12)


def test_a_loud_circuit_is_loud():
    """Twice the noise at one of two circuits: a ratio within a fifth, a little shrunk."""
    races = [race(sd, 0.3, number=n, circuit=c) for n, (c, sd) in enumerate([("a", 0.25), ("b", 0.5)] * 3, start=1)]
    circuits = found(*races).log_sd.circuits
    assert np.exp(circuits["b"][0] - circuits["a"][0]) == pytest.approx(1.9, rel=0.2)


def test_says_what_it_lacks():
    """A race too short for a stint."""
    short = field(np.full((4, 6), 90.0))
    with pytest.raises(ValueError, match="no stint of 8 laps in clean air"):
        found(short)
