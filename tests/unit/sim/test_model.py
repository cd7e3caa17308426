"""What twin and kernel read of a race."""

from dataclasses import replace

import numpy as np
import pytest

from pitcall.sim import model, rare
from pitcall.sim.race import COMPOUNDS, GREEN, SAFETY_CAR, VSC, Rules, Stops, Tyre, Weather

from .conftest import QUIET, busy_race, make_race

pytestmark = pytest.mark.unit


class TestPack:
    def test_times_are_relative_to_the_leaders_last_line(self):
        """A car a lap and 5 s behind is 95 s behind, one that is a lap ahead of the grid's slowest is the leader."""
        race = make_race(3, laps_done=(10, 11, 10), time_s=(905.0, 990.0, 901.0))
        packed = model.pack(race)
        assert packed.cars_f[model.TIME].tolist() == [5.0, 0.0, 1.0]
        assert (packed.n.now, packed.n.first_lap_played) == (11, 11)

    def test_the_retired_say_nothing_about_where_the_race_is(self):
        """Neither the lap nor the clock."""
        packed = model.pack(make_race(3, laps_done=(3, 10, 9), racing=(False, True, True)))
        assert (packed.n.now, packed.n.first_lap_played) == (10, 10)

    def test_all_is_float32_int32_and_contiguous(self):
        """One compilation fits all."""
        packed = model.pack(busy_race())
        for part in (packed.tyres, packed.plans, packed.cars_f):
            assert (str(part.dtype), part.flags.c_contiguous) == ("float32", True)
        assert (str(packed.cars_i.dtype), packed.cars_i.flags.c_contiguous) == ("int32", True)
        assert not any(np.isnan(part).any() for part in packed[1:])

    def test_columns_left_out_mean_nothing_special(self):
        """No team, one class, no stops, fuel to the flag, tyres as many as it takes, as reliable as any."""
        packed = model.pack(make_race(2))
        cars_i, cars_f = packed.cars_i, packed.cars_f
        assert cars_i[model.MATE].tolist() == [-1, -1]
        assert cars_i[model.SETS].tolist() == [0o77777, 0o77777]
        assert [cars_i[row].tolist() for row in (model.STOPS, model.KLASS)] == [[0, 0], [0, 0]]
        assert cars_f[model.FUEL].tolist() == [20.0, 20.0]

    def test_sets_take_three_bits_each(self):
        """Compound 0 lowest."""
        packed = model.pack(make_race(1, sets=((1, 2, 3, 4, 7),)))
        assert packed.cars_i[model.SETS].tolist() == [0o74321]

    def test_a_team_mate_is_one_that_still_races(self):
        """Of three cars of a team the retired one is nobody's mate."""
        packed = model.pack(make_race(4, team=(5, 5, 5, 6), racing=(True, False, True, True)))
        assert packed.cars_i[model.MATE].tolist() == [2, 0, 0, -1]

    def test_pace_and_wear_are_made_of_two_independent_numbers(self):
        """The factors give back sd and correlation."""
        packed = model.pack(make_race(1, wear_sd=(0.5,), pace_wear=(-0.6,)))
        factors = packed.cars_f[[model.WEAR_Z1, model.WEAR_Z2], 0].tolist()
        assert factors == pytest.approx([-0.3, 0.4])

    @pytest.mark.parametrize("regime", [GREEN, VSC, SAFETY_CAR])
    def test_the_loss_on_the_road_and_in_the_box_are_what_the_race_says_a_stop_costs(self, regime):
        """``Race.pit_loss_s`` is what answers show; it must be what is simulated."""
        race = make_race(
            circuit=replace(QUIET, pit_road_s=20.0), stops=Stops(station_s=2.0, scale_s=0.5), regime=regime
        )
        n = model.pack(race).n
        assert float(rare.road_loss(n, regime) + n.station_s + n.scale_s) == pytest.approx(race.pit_loss_s)

    def test_plans_are_what_a_set_costs_to_the_flag(self):
        """Offset and cliff, and beside them what goes with the car's wear: integrals of the lap's formula."""
        tyre = Tyre(offset_s=0.5, wear_s=0.1, cliff_s=0.4, life_laps=10, cold_s=1.0, wear2_s=0.03)
        plans = model.pack(make_race(tyres=(tyre,) * 5)).plans
        assert plans[14, 0] == pytest.approx(14 * 0.5 + 0.4 * 4**2 / 2)
        assert plans[14, COMPOUNDS] == pytest.approx(0.1 * 14**2 / 2 + 0.03 * 14**3 / 3, rel=1e-6)
        assert len(plans) == QUIET.total_laps + 2

    def test_rain_tyres_are_no_choice_where_it_cannot_rain(self):
        """Unless the rules leave nothing else."""
        assert model.pack(busy_race()).n.legal == 0b111
        assert model.pack(replace(busy_race(), weather=Weather(rain_hazard=0.01))).n.legal == 0b11111
        assert model.pack(replace(busy_race(), rules=Rules(legal=0b11000))).n.legal == 0b11000

    def test_nothing_is_wet_that_cannot_be(self):
        """One scalar tells the kernel to skip the weather."""
        assert not model.pack(busy_race()).n.wet_race
        for weather in (Weather(wetness=0.1), Weather(raining=True), Weather(rain_hazard=0.1), Weather(rain_lap=5)):
            assert model.pack(replace(busy_race(), weather=weather)).n.wet_race
