"""What the learned forecast looks at."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from pitcall.domain.race import CarStatus, RaceState
from pitcall.form import Prior
from pitcall.learned.features import ODDS_FLOOR, OWN, SHARED, features

pytestmark = pytest.mark.unit

ORDER = ("PER", "VER", "HAM", "LEC")
RUNNING = ["VER", "HAM", "LEC", "PER"]


def places(paths: int = 100) -> np.ndarray:
    """HAM beats VER in a quarter of the paths; LEC and PER follow."""
    place = np.tile(np.array([4, 1, 2, 3], np.uint8), (paths, 1))
    place[: paths // 4, 1:3] = [2, 1]
    return place


def test_running_cars_in_running_order(state: RaceState) -> None:
    """One row per running car, the leader first, ranks counted over all starters."""
    f = features(state, RUNNING, {}, ORDER, places())
    assert f.cars == ("VER", "HAM", "LEC", "PER")
    assert f.own[:, OWN.index("position")].tolist() == [1, 2, 3, 4]
    assert f.own.shape == (4, len(OWN))
    assert f.shared.shape == (len(SHARED),)
    assert f.starters == 4


def test_a_car_that_is_out_is_no_rival(state: RaceState) -> None:
    """A retired car has no row, but keeps its rank among the starters."""
    f = features(state, ["VER", "LEC"], {}, ORDER, places())
    assert f.cars == ("VER", "LEC")
    assert f.starters == 4


def test_odds_come_from_the_paths(state: RaceState) -> None:
    """The log odds of each pair are those of the simulated races, bounded by the floor."""
    f = features(state, RUNNING, {}, ORDER, places())
    assert f.ahead[0, 1] == pytest.approx(np.log((0.75 + ODDS_FLOOR) / (0.25 + ODDS_FLOOR)))
    assert f.ahead == pytest.approx(-f.ahead.T)
    assert f.ahead[0, 3] == pytest.approx(np.log((1 + ODDS_FLOOR) / ODDS_FLOOR))
    assert f.own[0, OWN.index("simulated_rank")] == pytest.approx(0.25)


def test_gap_and_laps_down(state: RaceState) -> None:
    """PER, whose ninth lap is not over, is two laps down and 101 s behind the first car at its own last line."""
    f = features(state, RUNNING, {}, ORDER, places())
    gap, down = f.own[3, OWN.index("gap")], f.own[3, OWN.index("laps_down")]
    assert gap == pytest.approx(np.log1p(101.0))
    assert down == 2
    assert f.own[1, OWN.index("gap")] == pytest.approx(np.log1p(2.0))


def test_form_stands_in_for_pace_not_yet_seen(state: RaceState) -> None:
    """A car without green laps in this race has the pace that its form expects, and says that it has none."""
    f = features(state, RUNNING, {"VER": Prior(-0.8, 0.3, 0.9, 5)}, ORDER, places())
    row = dict(zip(OWN, f.own[0].tolist(), strict=True))
    assert row["race_pace"] == row["recent_pace"] == row["form_pace"] == pytest.approx(-0.8)
    assert row["form_sd"] == pytest.approx(0.3)
    assert row["reliability"] == pytest.approx(0.9)
    assert row["no_pace"] == 1


def test_nothing_of_a_later_moment_is_needed(state: RaceState) -> None:
    """A car in the pit lane is marked; finite numbers only."""
    cars = {**state.cars, "HAM": replace(state.cars["HAM"], status=CarStatus.IN_PIT)}
    f = features(replace(state, cars=MappingProxyType(cars)), RUNNING, {}, ORDER, places())
    assert f.own[:, OWN.index("in_pit")].tolist() == [0, 1, 0, 0]
    assert np.isfinite(f.own).all()
    assert np.isfinite(f.shared).all()


def test_team_mates(state: RaceState) -> None:
    """VER and PER drive for one team."""
    f = features(state, RUNNING, {}, ORDER, places())
    assert f.team_mates.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1]]
