"""The race model lap by lap: cases whose times can be worked out by hand hold exactly."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pitcall.sim import twin
from pitcall.sim.messages import Candidate
from pitcall.sim.race import (
    GREEN,
    RED,
    SAFETY_CAR,
    STOP_FEATURES,
    VSC,
    YELLOW,
    Cautions,
    Reliability,
    Rules,
    Stops,
    Tyre,
    Weather,
    two_compound_rules,
)  # fmt: skip

from .conftest import NEVER, NO_WEAR, make_race, weights
from .story import STAY, alone, circuit, drive, laps, times

pytestmark = pytest.mark.unit


class TestStop:
    @pytest.mark.parametrize(
        ("regime", "behind_s", "loss_s"), [(GREEN, 5.0, 22.0), (VSC, 5.0, 14.0), (SAFETY_CAR, 64.0, 10.0)]
    )
    def test_costs_exactly_the_pit_loss_without_wear(self, regime, behind_s, loss_s):
        """22 s at racing speed; 20 s of pit road are 8 s cheaper at 1.4 times the lap and 12 s at 1.6 times."""
        cautions = Cautions(vsc_laps=(0.0,) * 7 + (1.0,), sc_laps=(1.0,))
        race = make_race(
            2, time_s=(900.0, 900.0 + behind_s), circuit=circuit(pit_road_s=20.0), cautions=cautions, regime=regime
        )
        stop, stay = drive(race, 1, Candidate(11, 2)), drive(race, 1, STAY)
        assert stop.loss_s[11, 1] == loss_s
        assert set((stop.time_s - stay.time_s)[11:, 1].tolist()) == {loss_s}
        assert set((stop.time_s - stay.time_s)[:, 0].tolist()) == {0.0}

    @pytest.mark.parametrize("car", [0, 2])
    def test_out_of_the_safety_car_queue_costs_the_places_of_those_who_pass_meanwhile(self, car):
        """10 s in the lane with cars 1 s apart behind: last, whoever stops."""
        cautions = Cautions(sc_laps=(0.0, 0.0, 0.0, 0.0, 1.0), queue_gap_s=1.0)
        race = make_race(circuit=circuit(pit_road_s=20.0), cautions=cautions, regime=SAFETY_CAR, regime_laps=2)
        assert drive(race, car, Candidate(12, 2)).rejoin[0] == 6

    def test_rejoin_is_the_place_at_the_line_after_it_with_the_gaps_there(self):
        """Second of six, 22 s: between the cars that were 21 s behind and 23 s behind."""
        race = make_race(time_s=(900.0, 901.0, 905.0, 922.0, 924.0, 960.0))
        story = drive(race, 1, Candidate(15, 2))
        assert (story.rejoin, story.gap_s) == ([4, 4, 5], [1.0, 1.0])
        assert drive(race, 1, STAY).rejoin == [0, 0, 0]

    def test_of_the_team_mate_waits_for_the_box(self):
        """The second car arrives 1 s later, stands behind for 2.5 + 2 - 1 s, and only when both come at once."""
        race = alone(2, time_s=(900.0, 901.0), boxing=(True, True), stops=Stops(stack_s=2.0), team=(4, 4))
        story = drive(race)
        assert story.loss_s[11].tolist() == [22.0, 22.0 + 3.5]
        assert drive(replace(race, grid=replace(race.grid, team=(4, 5)))).loss_s[11].tolist() == [22.0, 22.0]
        assert drive(replace(race, grid=replace(race.grid, time_s=(900.0, 904.5)))).loss_s[11].tolist() == [22.0, 22.0]

    def test_of_the_car_behind_makes_the_team_mate_ahead_wait_for_nothing(self):
        """Whoever is ahead on the road is served first, in whatever order the grid lists them."""
        race = alone(2, time_s=(901.0, 900.0), boxing=(True, True), stops=Stops(stack_s=2.0), team=(4, 4))
        assert laps(drive(race), 0)[0] == 25.5
        assert laps(drive(race), 1)[0] == 22.0

    def test_refuels_beside_the_tyres_or_before_them(self):
        """16 laps to go with 4 in the tank at 2 laps a second: 8.5 s beside 2.5 s, or 11 s in all."""
        stops = Stops(tank_laps=40.0, fuel_per_s=2.0)
        race = alone(boxing=(True,), lap=13, fuel_laps=(1.0,), stops=stops)
        assert drive(race).loss_s[14, 0] == 19.5 + 8.5
        assert drive(replace(race, stops=replace(stops, fuel_then_tyres=True))).loss_s[14, 0] == 19.5 + 11.0
        assert drive(replace(race, stops=replace(stops, tank_laps=10.0))).loss_s[14, 0] == 19.5 + 5.0

    def test_comes_before_the_tank_is_dry_and_before_the_driver_has_to_get_out(self):
        """A tank of 8 laps: every 8th lap. 500 s at the wheel: a change on the 5th lap, which takes 15 s."""
        race = alone(lap=0, fuel_laps=(8.0,), stops=Stops(tank_laps=8.0, fuel_per_s=4.0))
        assert np.flatnonzero(drive(race).pitted[:, 0]).tolist() == [8, 16, 24]
        race = alone(lap=0, stops=Stops(stint_s=500.0, driver_s=15.0))
        story = drive(race)
        assert np.flatnonzero(story.pitted[:, 0]).tolist() == [5, 10, 15, 20, 25]
        assert set(story.loss_s[story.pitted > 0].tolist()) == {19.5 + 15.0}

    def test_repairs_damage_and_serves_a_penalty(self):
        """Six and five seconds longer; the next laps are those of a sound car and nothing is owed at the flag."""
        race = alone(2, boxing=(True, False), damage_s=(1.5, 1.5), penalty_s=(5.0, 5.0), stops=Stops(repair_s=6.0))
        story = drive(race)
        assert laps(story)[:3].tolist() == [1.5 + 22.0 + 6.0 + 5.0, 0.0, 0.0]
        assert set(laps(story, 1).tolist()) == {1.5}

    def test_is_not_made_while_the_pit_lane_is_closed(self):
        """Neither by call nor by need."""
        race = alone(2, boxing=(True, False), rules=Rules(min_stops=1, pit_open=(13, 20)))
        assert not drive(race, 1, Candidate(12, 2)).pitted.any()

    @pytest.mark.parametrize(("call", "lap"), [(14, 12), (24, 12), (25, 13)])
    def test_is_taken_up_to_twelve_laps_early_when_a_safety_car_comes_out(self, call, lap):
        """With one beginning on every lap from the next on, the first that is near enough to the call is used."""
        cautions = Cautions(sc_hazard=1.0, sc_laps=(1.0,))
        race = make_race(cautions=cautions, regime=VSC, regime_laps=9)
        assert np.flatnonzero(drive(race, 0, Candidate(call, 2)).pitted[:, 0]).tolist() == [lap]

    def test_under_a_safety_car_that_is_out_is_made_on_the_lap_that_was_called(self):
        """On the lap of the question the calls differ by it."""
        race = make_race(cautions=Cautions(sc_laps=(0.0, 1.0)), regime=SAFETY_CAR)
        assert np.flatnonzero(drive(race, 0, Candidate(13, 2)).pitted[:, 0]).tolist() == [13]


class TestPace:
    def test_fuel_costs_the_arithmetic_series(self):
        """From the grid, 29 + 28 + ... + 0 laps of fuel; a VSC lap burns half, a safety-car lap a quarter."""
        race = alone(lap=0, circuit=circuit(fuel_s=0.0625))
        story = drive(race)
        assert story.time_s[30, 0] == 0.0625 * 29 * 30 / 2
        for regime, burnt in ((VSC, 0.5), (SAFETY_CAR, 0.25)):
            cautions = Cautions(vsc_laps=(1.0,), sc_laps=(1.0,))
            slow = drive(replace(race, regime=regime, cautions=cautions))
            assert laps(slow, 0, 1)[1] == 0.0625 * (30 - burnt - 1)

    def test_track_gets_faster_by_the_same_step_every_lap(self):
        """29 steps slower on the first lap than on the last."""
        assert laps(drive(alone(lap=0, circuit=circuit(track_s=0.125))), 0, 1).tolist() == [
            0.125 * k for k in range(29, -1, -1)
        ]

    def test_tyres_wear_as_their_formula_says(self):
        """Offset, wear by age and squared age, and a cliff that begins with half a parabola from 2 laps before it."""
        tyre = Tyre(offset_s=0.5, wear_s=0.0625, cliff_s=0.25, life_laps=20, cold_s=1.0, wear2_s=0.03125)
        race = alone(lap=10, tyres=(tyre,) * 5, wear=(2.0,))

        def lap_s(age: int) -> float:
            past = age - 20
            cliff = 0.0 if past <= -2 else (past + 2) ** 2 / 8 if past < 2 else past
            return 0.5 + 2 * (0.0625 * age + 0.03125 * age**2 + 0.25 * cliff)

        assert laps(drive(race)).tolist() == [lap_s(age) for age in range(10, 30)]
        new = laps(drive(race, 0, Candidate(12, 2))).tolist()
        assert new[2:5] == [lap_s(0) + 1.0, lap_s(1), lap_s(2)]

    def test_tyres_age_half_under_a_vsc_and_a_quarter_under_a_safety_car(self):
        """As they do in TUM's race simulation."""
        for regime, step in ((VSC, 0.5), (SAFETY_CAR, 0.25)):
            tyres = (Tyre(0.0, 1.0, 0.0, 400, 0.0),) * 5
            race = alone(tyres=tyres, regime=regime, cautions=Cautions(vsc_laps=(1.0,), sc_laps=(1.0,)))
            assert laps(drive(race))[1] == 10 + step

    def test_noise_has_the_sd_and_the_memory_that_are_given(self):
        """Over 4,000 laps: sd 0.5 s, correlation 0.6 with the lap before and 0.36 with the one before that."""
        race = alone(
            10,
            lap=0,
            circuit=circuit(noise_s=0.5, noise_memory=0.6, total_laps=40),
        )
        x = np.vstack([np.diff(time_s, axis=0).T for time_s in times(race, 10)])
        assert x.std() == pytest.approx(0.5, rel=0.05)
        assert np.mean(x[:, 1:] * x[:, :-1]) / x.var() == pytest.approx(0.6, abs=0.05)
        assert np.mean(x[:, 2:] * x[:, :-2]) / x.var() == pytest.approx(0.36, abs=0.07)

    def test_mistakes_come_at_their_rate_and_cost_their_mean(self):
        """Over 6,000 laps: one lap in ten, exponential with a mean of 2 s, on no other lap anything."""
        race = alone(
            10,
            lap=0,
            circuit=circuit(mistake_hazard=0.1, mistake_s=2.0),
        )
        lost = np.concatenate([np.diff(time_s, axis=0).ravel() for time_s in times(race, 20)])
        made = lost[lost > 0]
        assert len(made) / len(lost) == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / len(lost)))
        assert made.mean() == pytest.approx(2.0, abs=4 * 2.0 / math.sqrt(len(made)))
        assert (made > 2.0).mean() == pytest.approx(math.exp(-1), abs=4 * math.sqrt(0.23 / len(made)))


class TestRegimes:
    def test_red_flag_puts_all_on_the_lead_lap_and_gives_a_free_change(self):
        """In order, 1.5 s apart, on fresh tyres of the compound called, no time lost; the call is then done."""
        race = make_race(
            regime=RED,
            time_s=(900.0, 903.0, 915.0, 930.0, 1_000.0, 1_001.0),
            cautions=Cautions(red_gap_s=1.5),
            damage_s=(1.0,) * 6,
        )
        story = drive(race, 3, Candidate(20, 2))
        assert story.time_s[11].tolist() == [1.5 * i for i in range(6)]
        assert set(story.age[11].tolist()) == {1.0}
        assert story.compound[11, 3] == 2.0
        assert not story.pitted.any()
        assert story.place == [1, 2, 3, 4, 5, 6]

    def test_young_tyres_stay_on_under_a_red_flag(self):
        """Five laps are the policy's limit."""
        race = make_race(2, regime=RED, tyre_age=(4, 5))
        assert drive(race).age[11].tolist() == [5.0, 1.0]

    def test_yellow_costs_its_time_and_nobody_passes(self):
        """On the one lap on which it is shown."""
        race = make_race(2, regime=YELLOW, pace_s=(91.0, 90.0), cautions=Cautions(yellow_s=0.5), time_s=(900.0, 900.25))
        story = drive(race)
        assert story.time_s[11].tolist() == [1.5, 1.5]
        assert story.time_s[12].tolist() == [2.5, 1.5]

    def test_lengths_have_the_shares_that_are_given(self):
        """Half of 400 virtual safety cars last one lap, a third two, a sixth three."""
        race = alone(lap=25, regime=VSC, cautions=Cautions(vsc_laps=(1 / 2, 1 / 3, 1 / 6)))
        lasted = np.array([(drive(race, path=path).regime[26:, 0] == VSC).sum() for path in range(400)])
        for length, share in ((1, 1 / 2), (2, 1 / 3), (3, 1 / 6)):
            assert (lasted == length).mean() == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 400))

    @pytest.mark.parametrize(("hazard", "regime"), [("yellow", YELLOW), ("vsc", VSC), ("sc", SAFETY_CAR), ("red", RED)])
    def test_what_is_certain_happens_on_the_next_lap(self, hazard, regime):
        """Each cause calls for its own."""
        certain: dict[str, Any] = {f"{hazard}_hazard": 1.0}
        race = alone(2, cautions=Cautions(**certain))
        assert drive(race).regime[11].tolist() == [regime, regime]


class TestWeather:
    def test_rain_of_which_the_lap_is_known_begins_there(self):
        """Not a lap before; from then on slicks cost 10 s per unit of wetness."""
        tyres = (*(Tyre(0.0, 0.0, 0.0, 400, 0.0, wet_over_s=8.0),) * 3, *NO_WEAR[:2])
        race = alone(tyres=tyres, weather=Weather(rain_lap=14, wetting=0.125), policy=replace(NEVER, crossover_s=1e6))
        assert laps(drive(race))[:5].tolist() == [0.0, 0.0, 0.0, 1.0, 2.0]

    def test_a_dry_line_comes_back_step_by_step(self):
        """It dries by its rate and not below 0."""
        tyres = (Tyre(0.0, 0.0, 0.0, 400, 0.0, wet_over_s=8.0),) * 5
        race = alone(tyres=tyres, weather=Weather(wetness=0.5, drying=0.1875))
        assert laps(drive(race))[:4].tolist() == [2.5, 1.0, 0.0, 0.0]

    def test_the_asking_car_leaves_its_call_when_its_tyres_are_wrong(self):
        """3 s a lap are too much: in when it comes to that, and not for the slicks that were called."""
        slick = Tyre(0.0, 0.0, 0.0, 400, 0.0, wet_over_s=30.0)
        tyres = (slick, slick, slick, Tyre(1.0, 0.0, 0.0, 400, 0.0, wet_best=0.4, wet_under_s=10.0), slick)
        race = alone(tyres=tyres, weather=Weather(rain_lap=14, wetting=0.125))
        for call in (Candidate(20, 2), STAY):
            story = drive(race, 0, call)
            assert np.flatnonzero(story.pitted[:, 0])[0] == 15
            assert story.new[15, 0] == 3


class TestPolicy:
    @pytest.mark.parametrize("z", [-2.0, 0.0, 1.5])
    def test_stops_with_the_probability_of_its_logit(self, z):
        """4,800 cars in the same state, none near another: the share that stops is the sigmoid."""
        race = alone(12, lap=8, circuit=circuit(total_laps=10), tyres=(Tyre(0.0, 0.0, 0.0, 16, 0.0),) * 5,
                     policy=replace(NEVER, stop=weights(bias=z - 1.0, life_used=2.0)), tyre_age=(7,) * 12)  # fmt: skip
        stopped = np.mean([drive(race, path=path).pitted[9] for path in range(400)])
        p = 1 / (1 + math.exp(-z))
        assert stopped == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 4_800))

    def test_takes_compounds_by_the_softmax_of_their_cost(self):
        """3,600 stops with 2 laps to go, offsets of 0, 1.25 and 2.5 s, at a temperature of 5 s."""
        tyres = tuple(Tyre(1.25 * i, 0.0, 0.0, 400, 0.0) for i in range(5))
        race = alone(
            12, lap=9, tyres=tyres, boxing=(True,) * 12, policy=replace(NEVER, compound_s=5.0),
            rules=Rules(legal=0b111), circuit=circuit(total_laps=12),
        )  # fmt: skip
        taken = np.concatenate([drive(race, path=path).new[10] for path in range(300)])
        share = np.exp(-np.array([0.0, 2.5, 5.0]) / 5.0)
        for compound, p in enumerate(share / share.sum()):
            assert (taken == compound).mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 3_600))

    def test_takes_a_compound_that_is_left_and_closes_the_rule(self):
        """The quickest has no set left, the next would leave the rule open: the third it is."""
        tyres = tuple(Tyre(0.125 * i, 0.0, 0.0, 400, 0.0) for i in range(5))
        race = alone(tyres=tyres, boxing=(True,), sets=((0, 3, 1, 0, 0),), rules=two_compound_rules())
        assert drive(race).new[11, 0] == 2

    @pytest.mark.parametrize(("left", "stops"), [(0, 0), (2, 2), (6, 6), (7, 29)])
    def test_stops_as_long_as_there_are_tyres(self, left, stops):
        """A car that would stop on every lap does so until its sets are gone; 7 stands for as many as it takes."""
        race = alone(lap=0, sets=((0, left, 0, 0, 0),), policy=replace(NEVER, stop=weights(bias=1e6)))
        assert drive(race).pitted.sum() == stops

    def test_stops_in_time_when_a_rule_asks_for_it(self):
        """One lap before the last; without a rule never."""
        assert np.flatnonzero(drive(alone(rules=two_compound_rules())).pitted[:, 0]).tolist() == [29]
        assert np.flatnonzero(drive(alone(rules=Rules(min_stops=2))).pitted[:, 0]).tolist() == [29]
        assert not drive(alone()).pitted.any()

    @pytest.mark.parametrize(
        ("feature", "changes", "stops"),
        [
            ("beyond_life", {"tyre_age": (300, 300)}, [11]),
            ("rule_open", {"rules": Rules(min_stops=1)}, [11]),
            ("rule_closing", {"rules": Rules(min_stops=1), "lap": 25}, [26]),
            ("race_left", {}, list(range(11, 30))),
            ("vsc", {"regime": VSC}, [11]),
            ("new_vsc", {"regime": VSC}, [11]),
            ("safety_car", {"regime": SAFETY_CAR}, [11]),
            ("new_safety_car", {"regime": SAFETY_CAR}, [11]),
            ("damage_s", {"damage_s": (1.0, 1.0)}, [11]),
            ("wear_s", {"tyres": (Tyre(0.0, 1.0, 0.0, 200, 0.0),) * 5, "tyre_age": (5, 5)}, list(range(11, 30, 2))),
        ],
    )
    def test_reacts_to_what_the_car_itself_knows(self, feature, changes, stops):
        """With that weight alone the car stops exactly when the feature says so."""
        stop = weights(bias=-1e3, **{feature: 1e6})
        tyres = {"tyres": (Tyre(0.0, 0.0, 0.0, 200, 0.0),) * 5}
        race = alone(
            2,
            **(
                tyres
                | {"cautions": Cautions(vsc_laps=(1.0,), sc_laps=(1.0,)), "policy": replace(NEVER, stop=stop)}
                | changes
            ),
        )
        assert np.flatnonzero(drive(race).pitted[:, 0]).tolist() == stops

    @pytest.mark.parametrize(("feature", "stops"), [("undercut", [0]), ("cover", [2]), ("team_mate", [5])])
    def test_reacts_to_a_stop_of_a_car_near_it_a_lap_later(self, feature, stops):
        """The car ahead answers the undercut, the one behind covers, the team-mate has its own weight."""
        race = make_race(
            time_s=(900.0, 902.0, 904.0, 1_000.0, 1_100.0, 1_200.0), boxing=(False, True, *(False,) * 4),
            team=(0, 1, 2, 3, 4, 1),
            policy=replace(NEVER, stop=weights(bias=-1e3, **{feature: 1e6})),
        )  # fmt: skip
        assert np.flatnonzero(drive(race).pitted[12]).tolist() == stops

    def test_weighs_who_presses_and_where_it_would_come_out(self):
        """``pressed``: a car within 3 s behind. ``places``: of the cars that it would come out behind, 6 at most."""
        near = make_race(2, time_s=(900.0, 902.0), policy=replace(NEVER, stop=weights(bias=-1e3, pressed=1e6)))
        assert drive(near).pitted[11].tolist() == [1.0, 0.0]
        for cars, gap, stops in ((6, 4.0, 1.0), (5, 4.0, 0.0), (8, 2.0, 1.0), (6, 5.0, 0.0), (6, 30.0, 0.0)):
            race = make_race(
                cars,
                time_s=tuple(900.0 + gap * i for i in range(cars)),
                policy=replace(NEVER, stop=weights(bias=-800.0, places=1e3)),
            )
            assert drive(race).pitted[11, 0] == stops

    def test_does_not_count_places_of_cars_that_are_out(self):
        """Five running cars within the cost of a stop, or four and one that is not."""
        policy = replace(NEVER, stop=weights(bias=-800.0, places=1e3))
        for out in (False, True):
            race = make_race(6, racing=(True,) * 5 + (not out,), policy=policy)
            assert drive(race).pitted[11, 0] == (not out)

    def test_follows_the_field(self):
        """``behind_field``: stops of the running cars, on average, less its own; what the retired did is forgotten."""
        policy = replace(NEVER, stop=weights(bias=-700.0, behind_field=1e3))
        for stops, racing, stopping in (
            ((0, 1, 1, 1), (True,) * 4, [0]),  # 0.75 behind
            ((0, 0, 1, 1), (True,) * 4, []),  # 0.5
            ((0, 0, 1, 1), (True, False, True, True), []),  # 0.67
            ((0, 1, 1, 9), (True, True, True, False), []),  # 0.67
            ((0, 0, 3, 0), (True,) * 4, [0, 1, 3]),  # 0.75, all but one
        ):
            story = drive(make_race(4, stops=stops, racing=racing, policy=policy))
            assert np.flatnonzero(story.pitted[11]).tolist() == stopping

    def test_remembers_the_stops_of_late(self):
        """``stops_lately``: given at first, then 0.85 of it a lap, plus the share of the field that just stopped."""
        policy = replace(NEVER, stop=weights(bias=-26e3, stops_lately=1e5))
        assert drive(make_race(4, stops_lately=0.27, policy=policy)).pitted[11].all()
        assert not drive(make_race(4, stops_lately=0.25, policy=policy)).pitted.any()
        one: dict[str, Any] = {"boxing": (True, False, False, False), "policy": policy}
        assert drive(make_race(4, stops_lately=0.02, **one)).pitted[12].all()  # 0.017 + 0.25
        assert not drive(make_race(4, stops_lately=0.01, **one)).pitted[12:].any()

    def test_names_of_features_are_those_of_the_weights(self):
        """A weight nobody tests would be a weight nobody knows."""
        assert len(STOP_FEATURES) == len(set(STOP_FEATURES)) == 22


class TestFlag:
    def test_a_time_limit_ends_the_race_at_the_leaders_next_line(self):
        """Laps of 90 s from 900 s on: 1,300 s are over on the fifth; 1,350 s to the line exactly as well."""
        for limit, last in ((1_300.0, 15), (1_350.0, 15), (1_351.0, 16)):
            story = drive(make_race(2, circuit=circuit(time_limit_s=limit)))
            assert np.flatnonzero(story.played[:, 0])[-1] == last

    def test_a_penalty_is_added(self):
        """Five seconds drop the leader behind those within 5 s; the order on the road was another one."""
        story = drive(make_race(penalty_s=(2.5, *(0.0,) * 5)))
        assert story.place == [3, 1, 2, 4, 5, 6]

    def test_a_car_that_breaks_a_rule_is_behind_all_finishers_and_before_the_retired(self):
        """Staying out on one dry compound; a rain tyre waives the rule."""
        race = make_race(rules=two_compound_rules(), used=(2, *(3,) * 5), racing=(True,) * 5 + (False,))
        assert drive(race, 0, STAY).place == [5, 1, 2, 3, 4, 6]
        assert drive(replace(race, grid=replace(race.grid, used=(2 | 8, *(3,) * 5))), 0, STAY).place[0] == 1

    def test_places_count_within_a_class(self):
        """Each class has its own winner."""
        assert drive(make_race(klass=(0, 1, 0, 2, 1, 2))).place == [1, 1, 2, 1, 2, 2]

    def test_the_retired_are_behind_and_the_later_one_is_ahead(self):
        """Who covered more laps ranks higher, before the question and after it."""
        race = make_race(4, racing=(False, True, False, True), laps_done=(4, 10, 9, 10))
        assert drive(race).place == [4, 1, 3, 2]
        race = make_race(3, reliability=(1.0, 0.0, 0.1))
        story = drive(replace(race, reliability=Reliability(failure_hazard=1.0)))
        assert (story.out[11, 0], story.out[:, 2].argmax() > 11) == (1.0, True)
        assert story.place == [3, 1, 2]

    def test_an_accident_costs_time_damage_and_a_penalty_or_the_race(self):
        """Certain on every lap: 9 s, then 0.5 s a lap more each time; or out at once."""
        hurt = Reliability(accident_hazard=1.0, out_p=0.0, lost_s=9.0, damage_s=0.5, penalty_p=1.0, penalty_s=5.0)
        story = drive(alone(2, reliability=hurt))
        assert laps(story)[:3].tolist() == [9.0, 9.5, 10.0]
        assert drive(alone(2, reliability=Reliability(accident_hazard=1.0, out_p=1.0))).out[11].tolist() == [1.0, 1.0]

    def test_a_stop_under_way_is_paid_for_once(self):
        """``extra_s`` comes on top of the next lap."""
        assert laps(drive(alone(extra_s=(17.0,))))[:2].tolist() == [17.0, 0.0]

    def test_cars_on_other_laps_play_the_laps_they_have_left(self):
        """A car ahead on the road keeps its time; one behind drives the lap that it is on."""
        race = make_race(3, laps_done=(11, 10, 9), time_s=(990.0, 905.0, 850.0))
        story = drive(race)
        assert story.played[10:13].tolist() == [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
        assert story.place == [1, 2, 3]


class TestTraced:
    def test_tells_the_race_on_the_clock_of_the_grid(self):
        """One entry per car and lap, at the times that the grid's own clock shows."""
        told = twin.traced(make_race(2, boxing=(True, False)), 1, 0)
        assert [(lap.lap, lap.car) for lap in told] == [(lap, car) for lap in range(11, 31) for car in (0, 1)]
        first, other = told[0], told[1]
        assert (first.time_s, first.pitted, first.pit_loss_s, first.tyre_age) == (990.0 + 22.0, True, 22.0, 11)
        assert (other.time_s, other.pitted, other.retired, other.regime) == (991.0, False, False, GREEN)
        assert (told[2].tyre_age, told[2].compound) == (1, first.new_compound)
