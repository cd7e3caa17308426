"""How long sets are kept."""

import numpy as np
import pytest

from pitcall.calibrate import stints
from pitcall.domain.tyres import Compound
from tests.unit.calibrate.conftest import Stop, field

pytestmark = pytest.mark.unit

LAPS = 60


def race(share, *, number=1, circuit="Alpha", slow=()):
    """Twenty cars on mediums whose lives are log-normal about ``share`` of the distance; who lives longer goes on."""
    rng = np.random.default_rng(number)
    ages = np.round(share * LAPS * np.exp(0.3 * rng.normal(size=20))).astype(int)
    stops = [Stop(c, int(age)) for c, age in enumerate(ages) if stints.YOUNG <= age < LAPS]
    lap_s = np.full((20, LAPS), 90.0)
    digits = dict.fromkeys(slow, "4")
    return field(lap_s, stops=stops, number=number, circuit=circuit, track=lambda lap: digits.get(lap, "1"))


def test_sets_that_saw_the_flag_would_have_lasted_longer():
    """A third of the sets is censored by the flag; the median is found within 7 % all the same."""
    found = stints.fit([race(0.85, number=n) for n in range(1, 7)])
    assert found.censored > 40
    assert found.share[Compound.MEDIUM] == pytest.approx(0.85, rel=0.07)
    assert found.sd == pytest.approx(0.3, rel=0.15)


def test_a_stop_behind_the_safety_car_is_no_end_of_a_life():
    """Sets changed under it count as censored."""
    quiet, slow = stints.fit([race(0.5)]), stints.fit([race(0.5, slow=range(20, 31))])
    assert slow.ended < quiet.ended
    assert slow.share[Compound.MEDIUM] > quiet.share[Compound.MEDIUM]


def test_a_gentle_circuit_is_found():
    """Lives 1.3 times as long at one of two circuits, a little shrunk."""
    level = {"a": 0.4, "b": 0.52}
    circuits = stints.fit([race(level[c], number=n, circuit=c) for n, c in enumerate("abababab", start=1)]).circuits
    assert circuits["b"] / circuits["a"] == pytest.approx(1.27, rel=0.1)


def test_says_what_it_lacks():
    """A race in which nobody stopped."""
    with pytest.raises(ValueError, match="no set of tyres was changed under green"):
        stints.fit([field(np.full((4, LAPS), 90.0))])
