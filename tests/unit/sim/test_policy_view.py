"""The features that a policy is trained on are those that the simulation plays with."""

from dataclasses import replace

import numpy as np
import pytest

from pitcall.sim import twin_stops
from pitcall.sim.policy_view import Seen, look
from pitcall.sim.race import GREEN, SAFETY_CAR, STOP_FEATURES, VSC, Cautions, two_compound_rules

from .conftest import NEVER, busy_race, make_race, weights
from .scenarios import REACTING
from .story import drive

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]  # compiles the twin
CARS = 6


def seen(regime=GREEN, *, cars=CARS, fresh=False, before=None, stopped=()):
    return Seen(
        regime=np.full(cars, regime, np.int32),
        fresh=np.full(cars, fresh),
        before_s=np.full(cars, np.nan) if before is None else np.array(before),
        stopped=np.isin(np.arange(cars), stopped),
    )


def feature(name, race, what=None):
    return look(race, what or seen())[0][:, STOP_FEATURES.index(name)].tolist()


@pytest.mark.parametrize("regime", [GREEN, VSC, SAFETY_CAR])
def test_features_times_weights_are_the_odds_of_the_simulation(regime, monkeypatch):
    """The interpreted twin plays a lap and is overheard: equal log-odds for every car, with every feature at work."""
    busy = busy_race(12, 12, wear_sd=(0.0,) * 12, pace_sd_s=(0.0,) * 12, stops=tuple(i % 2 for i in range(12)))
    race = replace(
        busy, tyres=tuple(replace(tyre, cliff_sd=0.0) for tyre in busy.tyres),
        policy=REACTING, regime=regime, stops_lately=0.2, cautions=Cautions(sc_laps=(1.0,), vsc_laps=(1.0,)),
    )  # fmt: skip
    heard: dict[tuple[int, int], float] = {}
    logit = twin_stops.logit

    def overheard(p, now, c, *costs):
        z = logit(p, now, c, *costs)
        heard.setdefault((now.lap, c), float(z))
        return z

    monkeypatch.setattr(twin_stops, "logit", overheard)
    drive(race)
    features, _ = look(race, seen(regime, cars=12, fresh=regime != GREEN))
    expected = [heard[13, c] for c in range(12)]
    np.testing.assert_allclose(features @ np.array(REACTING.stop), expected, atol=1e-4)


def test_what_a_stop_tells_the_cars_around_is_seen_a_lap_later():
    """Car 1 stopped: car 0 ahead of it is undercut, car 2 behind may cover, car 5 is its team-mate."""
    race = make_race(team=(0, 1, 2, 3, 4, 1))
    what = seen(before=810.0 + np.arange(CARS), stopped=[1])
    assert feature("undercut", race, what) == [1, 0, 0, 0, 0, 0]
    assert feature("cover", race, what) == [0, 0, 1, 0, 0, 0]
    assert feature("team_mate", race, what) == [0, 0, 0, 0, 0, 1]


def test_a_car_that_was_not_seen_is_next_to_nobody():
    """Its stop tells its team-mate only."""
    race = make_race(team=(0, 1, 2, 3, 4, 1))
    assert feature("undercut", race, seen(stopped=[1])) == [0] * CARS
    assert feature("team_mate", race, seen(stopped=[1])) == [0, 0, 0, 0, 0, 1]


def test_each_car_is_under_what_it_met_itself():
    """A safety car that is new to one car, known to another, and not met by the rest."""
    what = replace(
        seen(), regime=np.array([3, 3, 0, 0, 0, 0], np.int32), fresh=np.array([True, False, False, False, False, False])
    )
    assert feature("safety_car", make_race(), what) == [1, 1, 0, 0, 0, 0]
    assert feature("new_safety_car", make_race(), what) == [1, 0, 0, 0, 0, 0]


def test_a_car_that_is_out_sees_nothing():
    """Zeros, and no tyres."""
    features, costs = look(make_race(racing=(False,) + (True,) * 5), seen())
    assert not features[0].any()
    assert np.isinf(costs[0]).all()
    assert features[1:, STOP_FEATURES.index("bias")].all()


def test_tyres_that_may_be_fitted_have_a_price():
    """Those that close the rule first; the rain tyres not where it cannot rain."""
    race = replace(busy_race(), rules=two_compound_rules(), policy=replace(NEVER, stop=weights()))
    _, costs = look(race, seen(cars=12))
    assert np.isfinite(costs[0]).tolist() == [False, True, True, False, False]  # has used softs
    assert np.isfinite(costs[1]).tolist() == [True, False, True, False, False]
