"""A track that dries."""

import numpy as np
import pytest

from pitcall.calibrate import rain
from pitcall.domain.tyres import Compound
from tests.unit.calibrate.conftest import Stop, field

pytestmark = pytest.mark.unit

LAPS = 30


def drying(slope_s, *, rows=12):
    """On intermediates from the start; one car a lap changes to slicks, which gain ``slope_s`` a lap on them."""
    laps, stops = np.full((rows, LAPS), 100.0), []
    for c in range(rows):
        at = 10 + c
        stops.append(Stop(c, at, fitted=Compound.MEDIUM))
        for lap in range(at + 1, LAPS + 1):
            laps[c, lap - 1] = 100.0 + 6.0 - slope_s * (lap - 10)
    return field(laps, stops=stops, compound=Compound.INTERMEDIATE, start_s=[6.0 * c for c in range(rows)])


def test_finds_how_fast_it_dries():
    """Two seconds a lap at a lap of 90 s, among priors that count as three."""
    found = rain.fit([drying(2.0)] * 9, [90.0] * 9, (0.02, 0.06), (1.0, 3.0))
    assert found.drying_seen == 9
    assert found.drying_s == pytest.approx((9 * 2.0 + 3 * 1.0) / 12, abs=0.1)
    assert found.wetting_s == 3.0


def test_counts_how_often_the_field_changes():
    """A dry race says nothing; a race that dries moves both chances: no rain came back, and it ended."""
    prior = (0.02, 0.06)
    dry = rain.fit([field(np.full((4, LAPS), 90.0))] * 20, [90.0] * 20, prior, (1.0, 3.0))
    assert (dry.rain_hazard, dry.stop_hazard) == pytest.approx(prior)
    found = rain.fit([drying(2.0)] * 20, [90.0] * 20, prior, (1.0, 3.0))
    assert found.rain_hazard < 0.02
    wet = 20 * (15 - rain.DRY_OUT_LAPS)  # half of the field is on slicks from lap 16 on
    assert found.stop_hazard == pytest.approx((20 + 0.06 * 200) / (wet + 200))
