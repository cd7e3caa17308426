"""What was set on the score of forecasts, applied to a race."""

import json
from dataclasses import fields, replace

import pytest

from pitcall.errors import InvalidRequest
from pitcall.forecast import read
from pitcall.model import HAND_SET
from pitcall.parameters import DEFAULT, Parameters
from pitcall.sim.race import Race
from pitcall.synth import before_the_start
from pitcall.tuned import UNTUNED, Tuned

pytestmark = pytest.mark.unit


@pytest.fixture
def race() -> Race:
    return before_the_start(1, laps=30)


def test_untuned_is_the_race_itself(race):
    """Not a bit differs."""
    assert UNTUNED.race(race) is race


class TestEachNumber:
    @pytest.mark.parametrize(
        ("name", "of"),
        [
            ("pace_sd", lambda r: r.grid.pace_sd_s[0]),
            ("wear_sd", lambda r: r.grid.wear_sd[0]),
            ("noise", lambda r: r.circuit.noise_s),
        ],
    )
    def test_multiplies_its_own(self, race, name, of):
        """By half again; all others stay."""
        tuned = Tuned(**{name: 1.5}).race(race)
        assert of(tuned) == pytest.approx(1.5 * of(race))
        back = Tuned(**{name: 1 / 1.5}).race(tuned)
        assert changed(race, back) == set()

    def test_pace_is_about_the_middle_of_the_field(self, race):
        """Who is quick becomes quicker, who is slow slower; the order stays. Cars that are out do not count."""
        some = race.grid.pace_s[:3]
        grid = replace(race.grid, racing=(*(True,) * 3, *(False,) * (len(race.grid.cars) - 3)))
        tuned = Tuned(pace=2.0).race(replace(race, grid=grid)).grid.pace_s[:3]
        middle = sorted(some)[1]
        assert tuned == pytest.approx([middle + 2 * (pace - middle) for pace in some])

    def test_passing_is_added(self, race):
        """To the log-odds."""
        assert Tuned(pass_logit=-0.5).race(race).circuit.pass_intercept == race.circuit.pass_intercept - 0.5


def changed(one, other):
    """Names of the parts of two races that differ by more than rounding."""
    found = set()
    for part in ("grid", "circuit"):
        a, b = getattr(one, part), getattr(other, part)
        for f in fields(a):
            if getattr(a, f.name) != getattr(b, f.name) and getattr(a, f.name) != pytest.approx(getattr(b, f.name)):
                found.add(f.name)
    return found


def test_a_negative_multiple_is_refused():
    """With its name."""
    with pytest.raises(ValueError, match="noise: a multiple cannot be negative"):
        Tuned(noise=-0.1)


class TestInASet:
    def test_a_set_that_was_not_tuned_says_nothing_of_it(self):
        """So its file and its name are those from before there was a search, and such a file is read."""
        assert "tuned" not in DEFAULT.to_dict()
        assert Parameters.from_dict(DEFAULT.to_dict()) == DEFAULT

    def test_survives_the_journey(self):
        """Through text and back, equal."""
        tuned = replace(DEFAULT, tuned=Tuned(pace_sd=0.8))
        assert Parameters.from_dict(json.loads(json.dumps(tuned.to_dict()))) == tuned

    def test_half_of_it_is_refused(self):
        """A number that is missing is not 1."""
        raw = replace(DEFAULT, tuned=Tuned(pace_sd=0.8)).to_dict()
        del raw["tuned"]["noise"]
        with pytest.raises(InvalidRequest, match=r"parameters\.tuned: missing noise"):
            Parameters.from_dict(raw)

    def test_is_what_a_reading_ends_with(self, state):
        """The shipped path plays what was tuned."""
        tuned = Tuned(noise=0.5, pace_sd=0.8)
        model = replace(HAND_SET, parameters=replace(DEFAULT, tuned=tuned))
        assert read(state, model=model).race == tuned.race(read(state).race)
