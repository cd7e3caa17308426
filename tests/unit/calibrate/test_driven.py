"""A log as columns."""

import numpy as np
import pytest

from pitcall.calibrate.driven import FAR_S, driven
from pitcall.domain.events import Track
from pitcall.domain.tyres import Compound
from pitcall.sim.race import GREEN, SAFETY_CAR, VSC
from pitcall.synth import synthesise
from tests.unit.calibrate.conftest import Stop, field

pytestmark = pytest.mark.unit


def test_gaps_are_those_at_the_line_where_the_lap_began():
    """To up to three cars ahead; nobody ahead is far; on lap 1 there is no line yet."""
    race = field(np.full((4, 3), 90.0), start_s=[0.0, 1.0, 2.5, 4.5])
    last = race.row(3, 2)
    assert race.gaps_s[last].tolist() == pytest.approx([2.0, 3.5, 4.5])
    assert race.gaps_s[race.row(0, 2)].tolist() == [FAR_S] * 3
    assert race.gaps_s[race.row(3, 1)].tolist() == [FAR_S] * 3
    assert race.ahead[last] == race.row(2, 2)
    assert race.place[last] == 3


def test_a_pass_shows_in_the_times():
    """Who was ahead at the start of the lap and behind at its end."""
    race = field(np.array([[90.0, 90.0, 92.0], [90.0, 90.0, 90.0]]), start_s=[0.0, 1.0])
    me = race.row(1, 3)
    assert race.ahead[me] == race.row(0, 3)
    assert race.time_s[me] < race.time_s[race.ahead[me]]
    assert race.end_gap_s[me] == FAR_S


def test_only_laps_that_tell_of_pace_are_clean():
    """Not the first, no in-lap, no out-lap, no lap with a flag."""
    race = field(np.full((2, 8), 90.0), stops=[Stop(0, 4)], track=lambda lap: "12" if lap == 7 else "1")
    assert race.lap[race.clean & (race.car == 0)].tolist() == [2, 3, 6, 8]
    assert race.lap[race.clean & (race.car == 1)].tolist() == [2, 3, 4, 5, 6, 8]


def test_a_lap_is_as_bad_as_the_worst_that_was_shown():
    """The digits mix all that happened; 7 is a VSC that ends."""
    digits = {2: "1264", 3: "47", 4: "71"}
    race = field(np.full((2, 5), 90.0), track=lambda lap: digits.get(lap, "1"))
    assert race.regime[race.car == 0].tolist() == [GREEN, SAFETY_CAR, SAFETY_CAR, VSC, GREEN]


def test_laps_with_treads_about_are_wet_for_all():
    """One car on intermediates is enough: the track is not dry."""
    race = field(np.full((2, 6), 90.0), stops=[Stop(0, 3, fitted=Compound.INTERMEDIATE)])
    assert race.lap[race.wet & (race.car == 1)].tolist() == [4, 5, 6]
    assert not race.clean[race.wet].any()


def test_a_stop_has_its_time_in_the_lane():
    """On the row of the in-lap, nowhere else."""
    race = field(np.full((2, 6), 90.0), stops=[Stop(1, 3, lane_s=23.5)])
    assert race.lane_s[race.row(1, 3)] == pytest.approx(23.5)
    assert np.isfinite(race.lane_s).sum() == 1


def test_who_does_not_see_the_flag_is_out():
    """With the laps that the car had done; a car a lap down that crosses the line after the flag is not."""
    laps = np.full((3, 6), 90.0)
    laps[1, 4:] = np.nan
    laps[2] = 105.0
    race = field(laps)
    assert race.retired.tolist() == [-1, 4, -1]


def test_statuses_keep_their_times():
    """What the marshals showed, as regimes of the simulator."""
    race = field(np.full((2, 5), 90.0), statuses=[(100.0, Track.SAFETY_CAR), (290.0, Track.GREEN)])
    assert race.statuses == ((100.0, SAFETY_CAR), (290.0, GREEN))


def test_every_completed_lap_of_a_log_is_a_row():
    """A synthetic race: rows by car, then lap, without gaps."""
    race = driven(synthesise(5, cars=6, laps=20))
    for c in range(len(race.cars)):
        laps = race.lap[race.car == c].tolist()
        assert laps == list(range(1, len(laps) + 1))
    assert race.row(0, 999) == -1
