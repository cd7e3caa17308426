"""The compiled kernel: closed-form cases, and its twin as oracle."""

from dataclasses import replace
from typing import Any

import pytest

from pitcall.forecast import DEFAULT_TYRES
from pitcall.sim import kernel, twin
from pitcall.sim.messages import SAFETY_CAR, VSC, Candidate, Tyre

from .conftest import NO_WEAR, QUIET, busy_race, make_race

pytestmark = pytest.mark.unit

STAY = Candidate()


def positions(engine, race, car=0, call=STAY, seed=1, paths=1):
    """Finishing positions [path, car] of one call."""
    return engine.play(race, seed, range(paths), car, [call]).positions[:, 0]


class TestStop:
    def test_costs_exactly_the_pit_loss_when_tyres_do_not_wear(self, engine):
        """A 20 s stop in a field one second apart without passing loss drops the leader behind all cars within 20 s."""
        circuit = replace(QUIET, pit_loss_s=2.5)
        assert positions(engine, make_race(circuit=circuit), call=Candidate(15, 2))[0].tolist() == [3, 1, 2, 4, 5, 6]

    def test_rejoin_is_the_position_right_after_the_stop(self, engine):
        """Even when the places are won back later, the position at that line is what is reported."""
        circuit = replace(QUIET, pit_loss_s=2.5)
        pace = (80.0, *(90.0,) * 5)
        played = engine.play(
            make_race(circuit=circuit, pace_s=pace, time_s=(900.0,) * 6), 1, range(1), 0, [Candidate(11, 2), STAY]
        )
        assert played.positions[0, 0, 0] == 1
        assert played.rejoin[0].tolist() == [1, 0]

    def test_on_new_tyres_pays_when_the_old_ones_are_slow_enough(self, engine):
        """19 laps at 2 s a lap beat a 20 s stop; staying out does not."""
        tyres = tuple(Tyre(0.0, 2.0 if i == 1 else 0.0, 0.0, 400, 0.0) for i in range(5))
        race = make_race(2, tyres=tyres, wear=(1.0, 0.0), time_s=(900.0, 901.0))
        assert positions(engine, race, call=Candidate(11, 2))[0, 0] == 2
        race = make_race(2, tyres=tyres, wear=(1.0, 0.5), tyre_age=(10, 10))
        assert positions(engine, race, call=Candidate(11, 2))[0, 0] == 1
        assert positions(engine, race, call=STAY)[0, 0] == 2

    def test_is_cheaper_behind_a_safety_car(self, engine):
        """The share under a safety car multiplies the loss; with none of it a stop is free."""
        circuit = replace(QUIET, pit_loss_s=500.0, pit_sc=0.0, sc_laps=(3, 3), queue_gap_s=0.1)
        race = make_race(circuit=circuit, regime=SAFETY_CAR, time_s=(900.0, *(950.0,) * 5))
        assert positions(engine, race, call=Candidate(11, 2))[0, 0] == 1
        assert positions(engine, replace(race, regime=0), call=Candidate(11, 2))[0, 0] == 6

    def test_behind_a_safety_car_that_is_out_differs_by_its_lap(self, engine):
        """On the lap of the question the calls are the choice: stopping now is free, two laps later it is not."""
        circuit = replace(QUIET, pit_loss_s=500.0, pit_sc=0.0, sc_laps=(1, 1), queue_gap_s=0.1)
        race = make_race(circuit=circuit, regime=SAFETY_CAR, time_s=(900.0, *(950.0,) * 5))
        assert positions(engine, race, call=Candidate(11, 2))[0, 0] == 1
        assert positions(engine, race, call=Candidate(13, 2))[0, 0] == 6

    @pytest.mark.parametrize(("call", "stop"), [(14, 12), (24, 12), (25, 13)])
    def test_is_taken_up_to_twelve_laps_early_when_a_safety_car_comes_out(self, call, stop):
        """With one beginning on every lap from the next on, the first that is near enough to the call is used."""
        circuit = replace(QUIET, sc_hazard=1.0, sc_laps=(1, 1))
        trace: list[twin.TraceLap] = []
        twin.play(make_race(circuit=circuit, regime=VSC, regime_laps=9), 1, 0, 0, Candidate(call, 2), trace)
        assert [lap.lap for lap in trace if lap.car == 0 and lap.pitted] == [stop]


class TestRules:
    def test_a_car_that_breaks_the_two_compound_rule_is_last(self, engine):
        """Staying out on one dry compound ranks behind every finisher."""
        circuit = replace(QUIET, two_compounds=True)
        race = make_race(circuit=circuit, used=(2, *(3,) * 5))
        assert positions(engine, race, call=STAY)[0, 0] == 6

    def test_the_rule_is_waived_after_a_wet_tyre(self, engine):
        """Bit 3 (intermediate) in ``used`` is enough."""
        circuit = replace(QUIET, two_compounds=True)
        race = make_race(circuit=circuit, used=(2 | 8, *(3,) * 5))
        assert positions(engine, race, call=STAY)[0, 0] == 1

    def test_rivals_meet_the_rule_in_time(self, engine):
        """A rival policy that never wants to stop still changes compound once: nobody is disqualified twice over."""
        circuit = replace(QUIET, two_compounds=True, pit_loss_s=0.0)
        race = make_race(circuit=circuit, used=(3, *(2,) * 5))
        assert positions(engine, race, call=STAY)[0].tolist() == [1, 2, 3, 4, 5, 6]


class TestOrder:
    def test_is_kept_where_passing_is_impossible(self, engine):
        """Pass probability 0 and a much faster car behind: the order at the flag is the order now."""
        circuit = replace(QUIET, pass_intercept=-1e9, pass_per_s=0.0, hold_gap_s=0.3)
        race = make_race(circuit=circuit, pace_s=tuple(90.0 - 0.5 * i for i in range(6)))
        assert positions(engine, race)[0].tolist() == [1, 2, 3, 4, 5, 6]

    def test_is_reversed_where_passing_is_certain(self, engine):
        """Pass probability 1: enough laps turn the field round."""
        race = make_race(pace_s=tuple(90.0 - 0.5 * i for i in range(6)))
        assert positions(engine, race)[0].tolist() == [6, 5, 4, 3, 2, 1]

    def test_is_kept_under_a_virtual_safety_car(self, engine):
        """All laps are equal under a VSC, so gaps and order stay."""
        circuit = replace(QUIET, vsc_laps=(400, 400))
        race = make_race(circuit=circuit, regime=VSC, pace_s=tuple(95.0 - i for i in range(6)))
        assert positions(engine, race)[0].tolist() == [1, 2, 3, 4, 5, 6]

    def test_a_safety_car_closes_the_field_up(self, engine):
        """A minute's lead is gone after it: the faster car behind wins, which it cannot without."""
        circuit = replace(QUIET, sc_laps=(4, 4), queue_gap_s=1.0)
        slow_leader: dict[str, Any] = {"time_s": (900.0, 960.0), "pace_s": (90.0, 89.0)}
        assert positions(engine, make_race(2, circuit=circuit, **slow_leader))[0, 0] == 1
        assert positions(engine, make_race(2, circuit=circuit, regime=SAFETY_CAR, **slow_leader))[0, 0] == 2

    def test_retired_cars_are_behind_and_the_later_one_is_ahead(self, engine):
        """Who covered more laps ranks higher."""
        race = make_race(4, racing=(False, True, False, True), laps_done=(4, 10, 9, 10))
        assert positions(engine, race, car=1)[0].tolist() == [4, 1, 3, 2]

    def test_a_car_that_is_sure_to_break_down_finishes_behind_the_others(self, engine):
        """Retirement probability 1 takes all cars out on the same lap."""
        circuit = replace(QUIET, retire_hazard=1.0)
        assert sorted(positions(engine, make_race(circuit=circuit))[0].tolist()) == [1, 2, 3, 4, 5, 6]

    def test_a_lapped_car_stays_behind_whatever_its_clock_says(self, engine):
        """Fewer laps at an earlier line time is not a better place."""
        race = make_race(3, laps_done=(10, 10, 8), time_s=(900.0, 901.0, 880.0))
        assert positions(engine, race)[0].tolist() == [1, 2, 3]

    def test_a_stop_under_way_is_still_paid_for(self, engine):
        """``extra_s`` of a car on its out-lap comes on top of its next lap, once."""
        race = make_race(3, extra_s=(1.5, 0.0, 0.0))
        assert positions(engine, race)[0].tolist() == [2, 1, 3]


TWELVE = range(12)
SCENARIOS = {
    "from the grid": busy_race(lap=0),
    "half distance": busy_race(),
    "near the flag": busy_race(lap=27),
    "cars on different laps": busy_race(
        laps_done=(13, 13, *(12,) * 8, 11, 9), time_s=(1075.0, 1077.0, *(1020.0 + i for i in range(10)))
    ),
    "retired cars": busy_race(
        racing=tuple(i not in (3, 7) for i in TWELVE), laps_done=tuple(i if i in (3, 7) else 12 for i in TWELVE)
    ),
    "stops under way": busy_race(
        extra_s=tuple(18.0 if i == 2 else 0.0 for i in TWELVE), boxing=tuple(i in (4, 5) for i in TWELVE)
    ),
    "behind the safety car": replace(busy_race(), regime=SAFETY_CAR, regime_laps=1),
    "virtual safety car, new": replace(busy_race(), regime=VSC),
    "wet": replace(busy_race(compound=(3,) * 12, used=(8,) * 12), wet=True),
    "two cars": busy_race(2),
    "one car": busy_race(1),
    "old tyres": busy_race(tyre_age=(40,) * 12),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_kernel_agrees_with_its_twin_path_by_path(engine, name):
    """Same positions and same rejoin on every path, for stopping, staying out, and with no asking car."""
    race = SCENARIOS[name]
    car = min(4, len(race.grid.cars) - 1)
    after = race.grid.laps_done[car]
    calls = [STAY, Candidate(after + 1, 2), Candidate(29, 0), Candidate(min(29, after + 9), 1)]
    played = engine.play(race, 99, range(40, 60), car, list(dict.fromkeys(calls)))
    for row, path in enumerate(range(40, 60)):
        for k, call in enumerate(dict.fromkeys(calls)):
            expected, rejoin = twin.play(race, 99, path, car, call)
            assert played.positions[row, k].tolist() == expected, (path, call)
            assert played.rejoin[row, k] == rejoin, (path, call)
    free = engine.play(race, 99, range(40, 60), None, [])
    assert [row.tolist() for row in free.positions[:, 0]] == [twin.play(race, 99, path)[0] for path in range(40, 60)]


def test_scenarios_are_worth_comparing(engine):
    """The busy race really has stops and different outcomes; else the oracle would prove nothing."""
    race = SCENARIOS["half distance"]
    trace: list[twin.TraceLap] = []
    for path in range(20):
        twin.play(race, 99, path, trace=trace)
    assert any(lap.pitted for lap in trace)
    assert any(lap.retired for lap in trace)
    assert {lap.regime for lap in trace} == {0, VSC, SAFETY_CAR}
    assert len({tuple(row.tolist()) for row in positions(engine, race, paths=20)}) > 10


def test_there_is_one_compilation_whatever_the_request(engine):
    """A second memory layout or type would compile for seconds inside somebody's race."""
    positions(engine, make_race(tyres=NO_WEAR), paths=7)
    engine.play(busy_race(), 2**64 - 1, range(5, 9), None, [])
    assert len(kernel.play_paths.signatures) == 1


def test_a_softer_tyre_is_faster_by_its_offset(engine):
    """Equal cars without wear: the one on the softer compound comes past, the one on the harder does not."""
    even: dict[str, Any] = {"time_s": (900.0, 900.5), "wear": (0.0, 0.0), "tyres": DEFAULT_TYRES}
    assert positions(engine, make_race(2, compound=(1, 0), **even))[0].tolist() == [2, 1]
    assert positions(engine, make_race(2, compound=(1, 2), **even))[0].tolist() == [1, 2]
