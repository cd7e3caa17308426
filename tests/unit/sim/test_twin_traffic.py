"""How cars meet, lap by lap: dirty air, passing, queues, lapping; cases that can be worked out by hand hold exactly."""

import math

import numpy as np
import pytest

from pitcall.sim.messages import Candidate
from pitcall.sim.race import GREEN, SAFETY_CAR, VSC, Cautions, Tyre

from .conftest import make_race
from .story import circuit, drive, laps, laps_of

pytestmark = pytest.mark.unit


class TestDirtyAir:
    def test_is_the_sum_over_three_cars_ahead(self):
        """Linear in the gap and nothing beyond 4 s; the fifth car is 3, 4 and 5 s behind the next three."""
        air = circuit(dirty_air_s=(1.0, 0.5, 0.25), dirty_air_gap_s=4.0)
        story = drive(make_race(5, time_s=(900.0, 901.0, 902.0, 903.0, 906.0), circuit=air))
        assert laps_of(story, 11).tolist() == [0.0, 0.75, 0.75 + 0.25, 0.75 + 0.25 + 0.0625, 0.25]

    def test_ages_the_tyres(self):
        """Half a lap more per second lost, felt from the lap after next on."""
        air = circuit(dirty_air_s=(1.0, 0.0, 0.0), dirty_air_gap_s=4.0, wake_wear=0.5)
        wearing = (Tyre(0.0, 1.0, 0.0, 400, 0.0),) * 5
        story = drive(make_race(2, time_s=(900.0, 902.0), circuit=air, tyres=wearing, tyre_age=(0, 0)))
        assert laps(story, 0)[:3].tolist() == [0.0, 1.0, 2.0]
        assert laps(story, 1)[:3].tolist() == [0.5, 1.0 + 0.375, 2.0 + 0.25 + 0.28125]

    def test_a_tow_makes_no_tyre_younger(self):
        """It gains time and leaves the wear as it is: a lap a lap, not 1 - 0.75 of one."""
        air = circuit(dirty_air_s=(-1.0, 0.0, 0.0), dirty_air_gap_s=4.0, wake_wear=1.5)
        wearing = (Tyre(0.0, 1.0, 0.0, 400, 0.0),) * 5
        story = drive(make_race(2, time_s=(900.0, 902.0), circuit=air, tyres=wearing, tyre_age=(0, 0)))
        assert laps(story, 1)[:3].tolist() == [-0.5, 1.0 - 0.625, 2.0 - 0.78125]


class TestNeutralised:
    def test_virtual_safety_car_keeps_gaps_exactly(self):
        """All laps are 1.4 times as long, whatever cars are worth; at its end the race goes on from there."""
        pace, gaps = tuple(95.0 - i for i in range(6)), (900.0, 901.5, 902.0, 907.25, 910.0, 970.0)
        race = make_race(
            regime=VSC,
            pace_s=pace,
            time_s=gaps,
            cautions=Cautions(vsc_laps=(0.0, 0.0, 1.0)),
            circuit=circuit(pass_intercept=-1e9),
        )
        story = drive(race)
        assert [int(r) for r in story.regime[11:15, 0]] == [VSC, VSC, VSC, GREEN]
        for lap in (11, 12, 13):
            assert (story.time_s[lap] - story.time_s[lap][0]).tolist() == [g - 900.0 for g in gaps]
        assert story.time_s[13, 0] == 3 * 36.0

    def test_the_safety_car_leads_whoever_is_first_when_the_leader_stops(self):
        """The next car crosses the line where the leader would have; the one that stopped loses its 10 s, not more."""
        cautions = Cautions(sc_laps=(0.0, 0.0, 0.0, 0.0, 1.0), queue_gap_s=1.0)
        race = make_race(circuit=circuit(pit_road_s=20.0), cautions=cautions, regime=SAFETY_CAR, regime_laps=2)
        story = drive(race, 0, Candidate(12, 2))
        assert story.time_s[12].tolist() == [2 * 54.0 + 10.0, *(2 * 54.0 + k for k in range(5))]

    def test_safety_car_brings_the_queue_gap(self):
        """Cars within a minute close up to 1.25 s each, the leader laps at 1.6 times the lap, nobody passes."""
        race = make_race(
            regime=SAFETY_CAR, cautions=Cautions(sc_laps=(0.0, 0.0, 0.0, 1.0), queue_gap_s=1.25),
            time_s=(900.0, 902.0, 915.0, 930.0, 945.0, 960.0), pace_s=tuple(90.0 - i for i in range(6)),
        )  # fmt: skip
        story = drive(race)
        assert (story.time_s[14] - story.time_s[14, 0]).tolist() == [1.25 * i for i in range(6)]
        assert story.time_s[14, 0] == 4 * 54.0

    @pytest.mark.parametrize(("unlap", "laps_down"), [(True, 0), (False, 1)])
    def test_a_lapped_car_gets_its_lap_back_behind_the_safety_car(self, unlap, laps_down):
        """It ends behind the queue on the lead lap, or a lap and its place in the queue behind."""
        race = make_race(
            3, laps_done=(10, 10, 9), time_s=(900.0, 903.0, 906.0), regime=SAFETY_CAR,
            cautions=Cautions(sc_laps=(0.0, 0.0, 0.0, 1.0), queue_gap_s=1.0, unlap=unlap),
        )  # fmt: skip
        story = drive(race)
        behind = story.time_s[14] - story.time_s[14, 0]
        assert math.floor(behind[2] / 90.0) == laps_down


class TestPassing:
    def test_is_impossible_where_its_probability_is_0(self):
        """However fast those behind are: the order of the grid, and the smallest gap between all."""
        race = make_race(
            circuit=circuit(pass_intercept=-1e9, hold_gap_s=0.25), pace_s=tuple(90.0 - 0.5 * i for i in range(6))
        )
        story = drive(race)
        assert story.place == [1, 2, 3, 4, 5, 6]
        assert np.diff(story.time_s[30]).tolist() == [0.25] * 5

    def test_is_done_at_once_where_it_is_certain(self):
        """The car passed loses the smallest gap and what the duel costs."""
        race = make_race(2, circuit=circuit(hold_gap_s=0.25, duel_s=0.5), pace_s=(90.0, 88.5))
        assert drive(race).time_s[11].tolist() == [-0.5 + 0.25 + 0.5, -0.5]

    def test_equal_cars_keep_the_grid(self):
        """Nobody is faster, nobody passes, no gap changes."""
        story = drive(make_race(8))
        assert story.place == list(range(1, 9))
        assert set(np.diff(story.time_s[30]).tolist()) == {1.0}

    def test_a_car_that_stops_neither_holds_up_nor_is_held_up(self):
        """Where nobody can pass, the car in the pit lane is passed all the same."""
        race = make_race(3, circuit=circuit(pass_intercept=-1e9, hold_gap_s=0.25))
        assert drive(race, 0, Candidate(11, 2)).time_s[11].tolist() == [22.0, 1.0, 2.0]

    def test_lapping_costs_both_cars_once(self):
        """The slow one 0.5 s, the fast one 0.25 s, on the lap on which it comes by."""
        race = make_race(2, time_s=(900.0, 985.0), pace_s=(90.0, 93.0), circuit=circuit(blue_s=0.5, lapping_s=0.25))
        story = drive(race)
        assert laps(story, 0)[:4].tolist() == [0.0, 0.25, 0.0, 0.0]
        assert laps(story, 1)[:4].tolist() == [3.0, 3.5, 3.0, 3.0]
