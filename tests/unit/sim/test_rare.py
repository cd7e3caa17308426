"""The rules that twin and kernel share: cautions, compounds, standing in the box, the policy's logit."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from pitcall.sim import chance, model, rare
from pitcall.sim.race import (
    GREEN,
    RED,
    SAFETY_CAR,
    STOP_FEATURES,
    VSC,
    YELLOW,
    Cautions,
    Rules,
    Stops,
    Tyre,
    Weather,
    two_compound_rules,
)  # fmt: skip

from .conftest import NEVER, QUIET, make_race, weights

pytestmark = pytest.mark.unit

f4 = np.float32
KEY = chance.path_key(1, 0)


def keys(paths: int):
    return [chance.path_key(11, path) for path in range(paths)]


def numbers(**cautions: Any) -> Any:
    return model.pack(make_race(cautions=Cautions(**cautions))).n


class TestRegimes:
    CERTAIN: ClassVar[dict[str, Any]] = {"sc_laps": (0.0, 0.0, 1.0), "vsc_laps": (0.0, 1.0)}

    def next(self, n, regime, left, called=GREEN, lap=15):
        return rare.next_regime(n, KEY, lap, regime, left, called)

    def test_last_as_long_as_they_last(self):
        """The lap after a safety car's last one is green, and the race was just released; after a VSC it is not."""
        n = numbers(**self.CERTAIN)
        assert self.next(n, SAFETY_CAR, 2) == (SAFETY_CAR, 1, False, False)
        assert self.next(n, SAFETY_CAR, 1) == (GREEN, 0, False, True)
        assert self.next(n, VSC, 1) == (GREEN, 0, False, False)
        assert self.next(n, YELLOW, 1) == self.next(n, RED, 1) == (GREEN, 0, False, False)

    def test_worse_overrules_and_is_new(self):
        """An incident on a VSC lap brings the safety car; a red flag ends whatever was shown."""
        n = numbers(**self.CERTAIN)
        assert self.next(n, GREEN, 0, VSC) == (VSC, 2, True, False)
        assert self.next(n, GREEN, 0, YELLOW) == (YELLOW, 1, False, False)
        assert self.next(n, VSC, 2, SAFETY_CAR) == (SAFETY_CAR, 3, True, False)
        for regime in (GREEN, VSC, SAFETY_CAR):
            assert self.next(n, regime, 2, RED) == (RED, 1, False, True)

    def test_another_incident_keeps_the_safety_car_out(self):
        """At least one lap more; something lesser does not."""
        n = numbers(**self.CERTAIN)
        assert self.next(n, SAFETY_CAR, 1, SAFETY_CAR) == (SAFETY_CAR, 2, False, False)
        assert self.next(n, SAFETY_CAR, 1, YELLOW)[0] == YELLOW
        assert self.next(n, VSC, 2, VSC) == (VSC, 1, False, False)

    def test_a_vsc_can_become_a_safety_car(self):
        """Certain, it does so on its next lap."""
        n = numbers(vsc_to_sc=1.0, **self.CERTAIN)
        assert self.next(n, VSC, 2) == (SAFETY_CAR, 3, True, False)

    def test_causes_share_one_number(self):
        """Each has the share of laps that its hazard says; what is left is green."""
        n = numbers(yellow_hazard=0.1, vsc_hazard=0.2, sc_hazard=0.3, red_hazard=0.15)
        seen = [rare.next_regime(n, key, 15, GREEN, 0, GREEN)[0] for key in keys(4_000)]
        for regime, p in ((GREEN, 0.25), (YELLOW, 0.1), (VSC, 0.2), (SAFETY_CAR, 0.3), (RED, 0.15)):
            assert np.mean([r == regime for r in seen]) == pytest.approx(p, abs=4 * (p * (1 - p) / 4_000) ** 0.5)

    def test_at_the_question_go_on(self):
        """What has lasted is over sooner, at least one lap is left, and only what is new is fresh."""
        race = make_race(cautions=Cautions(**self.CERTAIN), regime=SAFETY_CAR)
        for lasted, left, fresh in ((0, 3, True), (1, 2, False), (2, 1, False), (9, 1, False)):
            n = model.pack(replace(race, regime_laps=lasted)).n
            assert rare.first_regime(n, KEY) == (SAFETY_CAR, left, fresh, False)
        assert rare.first_regime(model.pack(replace(race, regime=RED)).n, KEY) == (RED, 1, False, True)

    def test_an_incident_calls_for_what_its_number_says(self):
        """Worst first: red up to 0.1, safety car up to 0.3, VSC up to 0.6, yellow up to 1."""
        n = numbers(after_accident=(0.4, 0.3, 0.2, 0.1), after_failure=(0.1, 0.0, 0.0, 0.0))
        called = [rare.incident_calls(n, f4(u), True) for u in (0.05, 0.15, 0.35, 0.65, 0.99)]
        assert called == [RED, SAFETY_CAR, VSC, YELLOW, YELLOW]
        assert [rare.incident_calls(n, f4(u), False) for u in (0.05, 0.15)] == [YELLOW, GREEN]


class TestCompounds:
    TYRES = tuple(
        Tyre(0.125 * i, 0.0, 0.0, 400, 0.0, wet_best=0.25 * i, wet_over_s=8.0, wet_under_s=4.0) for i in range(5)
    )

    def choose(self, used=0, sets=0o77777, remaining=20.0, wetness=0.0, **changes: Any) -> int:
        packed = model.pack(make_race(tyres=self.TYRES, **({"weather": Weather(rain_hazard=0.1)} | changes)))
        return rare.choose_compound(packed, KEY, 15, 0, f4(1.0), used, sets, f4(remaining), f4(wetness))

    def test_the_quickest_to_the_flag(self):
        """Offset against the wrong tread: in the dry the first, in the wet one that likes it."""
        assert self.choose() == 0
        assert self.choose(wetness=0.75) == 3
        assert self.choose(remaining=2.0, wetness=0.5) == 2

    def test_one_that_is_left_and_legal(self):
        """None: no stop."""
        assert self.choose(sets=0o77770) == 1
        assert self.choose(rules=Rules(legal=0b01100)) == 2
        assert self.choose(sets=0) == -1
        assert self.choose(sets=0o77770, rules=Rules(legal=0b00001)) == -1

    def test_one_that_closes_the_rule_first(self):
        """And any other when that is not possible."""
        rules = two_compound_rules()
        assert self.choose(used=0b001, rules=rules) == 1
        assert self.choose(used=0b001, rules=replace(rules, legal=0b001)) == 0

    def test_wet_cost_is_linear_on_both_sides(self):
        """Nothing at its best, 8 s a unit above, 4 s a unit below."""
        tyres = model.pack(make_race(tyres=self.TYRES)).tyres
        assert [float(rare.wet_cost(tyres, 2, f4(w))) for w in (0.5, 1.0, 0.25)] == [0.0, 4.0, 1.0]

    def test_a_called_compound_is_fitted_unless_it_is_badly_wrong(self):
        """3 s a lap against the best for the wetness."""
        packed = model.pack(make_race(tyres=self.TYRES))
        assert [bool(rare.fits(packed.n, packed.tyres, 0, f4(w))) for w in (0.25, 0.5)] == [True, False]


def test_laps_left_are_by_distance_or_by_the_clock():
    """Leader on lap 11 of 30 at 900 s, 90 s a lap: with a limit of 1,300 s laps 12 to 15 follow."""
    for limit, left in ((0.0, 19), (1_300.0, 4), (1_350.0, 4), (1_351.0, 5), (950.0, 0), (9_000.0, 19)):
        n = model.pack(make_race(circuit=replace(QUIET, time_limit_s=limit))).n
        assert rare.laps_left(n, f4(0.0), 11) == left
    n = model.pack(make_race(circuit=replace(QUIET, time_limit_s=1_300.0))).n
    assert rare.laps_left(n, f4(45.0), 11) == 3  # he is later than the reference lap says


class TestStanding:
    def standing(self, *, extra=0.0, penalty=0.0, damage=0.0, refuel=0.0, change=False, **stops: Any) -> float:
        n = model.pack(make_race(stops=Stops(**stops))).n
        return float(rare.standing_s(n, KEY, f4(extra), 0, 0, f4(penalty), f4(damage), f4(refuel), change))

    def test_is_what_has_to_be_done(self):
        """Tyres and repair one after the other, a driver change beside them, a penalty on top."""
        assert self.standing() == 2.5
        assert self.standing(extra=1.5, damage=0.5, repair_s=6.0) == 10.0
        assert self.standing(change=True, driver_s=20.0, penalty=5.0) == 25.0
        assert self.standing(extra=30.0, change=True, driver_s=20.0) == 32.5
        assert self.standing(refuel=20.0, tank_laps=30.0, fuel_per_s=2.0) == 10.0
        assert self.standing(refuel=2.0, tank_laps=30.0, fuel_per_s=2.0) == 2.5
        assert self.standing(refuel=20.0, tank_laps=30.0, fuel_per_s=2.0, fuel_then_tyres=True) == 12.5

    def test_a_tail_has_an_end(self):
        """A minute: a log-logistic tail has no mean."""
        assert self.standing(extra=1e6) == 2.5 + 60.0


def test_a_stop_weighs_every_feature_once():
    """Each weight times its feature, by hand."""
    values = {name: 2.0**-k for k, name in enumerate(STOP_FEATURES)}
    race = make_race(policy=replace(NEVER, stop=weights(**values), last_laps=6))
    n = model.pack(race).n

    def logit(age=30.0, must=False, remaining=5.0, shown=0.0, wear=0.0, wet=0.0, damage=0.0):
        args = (f4(20.0), f4(1 / 20), f4(age), must, f4(remaining), f4(shown), f4(wear), f4(wet), f4(damage))
        return float(rare.stop_logit(n, *args))

    v = values
    base = v["bias"] + 1.5 * v["life_used"] + 0.5 * v["beyond_life"] + v["race_left"] * 5 / 30
    assert logit() == pytest.approx(base + v["last_laps"] / 6)
    assert logit(must=True) == pytest.approx(base + v["rule_open"] + 0.5 * v["rule_closing"])
    assert logit(shown=0.5) == pytest.approx(base + v["last_laps"] / 6 + 0.5)
    extra = 0.5 * v["wear_s"] + 0.25 * v["wet_s"] + 2.0 * v["damage_s"]
    assert logit(wear=0.5, wet=0.25, damage=2.0) - logit() == pytest.approx(extra, abs=1e-6)
    assert logit(wear=9.0) == logit(wear=2.0)  # as much as counts
    young = v["bias"] + 0.1 * v["life_used"]
    assert logit(age=2.0, remaining=15.0) == pytest.approx(young + v["race_left"] * 0.5 + v["lasts"])


def test_what_is_shown_counts_by_its_kind_and_more_on_its_first_lap():
    """Safety car and VSC have a weight each, and one more when new, for tyres that are not; else nothing."""
    named = {"safety_car": 1.0, "new_safety_car": 2.0, "vsc": 4.0, "new_vsc": 8.0}
    n = model.pack(make_race(policy=replace(NEVER, stop=weights(**named)))).n
    seen = [
        [
            float(rare.neutral_logit(n, regime, fresh, old))
            for fresh, old in ((False, True), (True, False), (True, True))
        ]
        for regime in (GREEN, YELLOW, VSC, SAFETY_CAR, RED)
    ]
    assert seen == [[0.0] * 3, [0.0] * 3, [4.0, 4.0, 12.0], [1.0, 1.0, 3.0], [0.0] * 3]


def test_the_fields_stops_count_on_average_and_of_late():
    """Seven stops of four cars; half of the field on the lap before, 0.4 earlier; nobody left: no division."""
    n = model.pack(make_race(policy=replace(NEVER, stop=weights(behind_field=2.0, stops_lately=10.0)))).n
    now = rare.lately(f4(0.4), f4(2.0), f4(4.0))
    assert float(now) == pytest.approx(0.85 * 0.4 + 0.5)
    assert float(rare.crowd(n, f4(7.0), f4(4.0), now)) == pytest.approx(2.0 * 7 / 4 + 10.0 * 0.3)  # 0.3: enough
    assert float(rare.crowd(n, f4(7.0), f4(4.0), f4(0.2))) == pytest.approx(2.0 * 7 / 4 + 10.0 * 0.2)
    assert float(rare.crowd(n, f4(0.0), f4(0.0), rare.lately(f4(0.0), f4(0.0), f4(0.0)))) == 0.0
