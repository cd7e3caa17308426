"""From what the fits found to a set; and the fits together."""

from dataclasses import replace

import numpy as np
import pytest

from pitcall.calibrate.assemble import FAMILIES, assemble
from pitcall.calibrate.fit import STEPS, look
from pitcall.errors import InvalidRequest
from pitcall.parameters import DEFAULT, Parameters
from tests.unit.calibrate.conftest import field

pytestmark = [pytest.mark.unit, pytest.mark.timeout(300)]


def test_the_steps_are_the_families():
    """What the progress bar names is what can be switched."""
    assert set(STEPS) == set(FAMILIES)


def test_without_a_family_the_set_is_the_base(found):
    """Only that circuits and seasons were raced on is known."""
    plain = assemble(found, "plain", families=[])
    assert replace(plain, version=DEFAULT.version, circuits={}, seasons={}) == replace(DEFAULT, circuits={}, seasons={})
    assert {name: e.races for name, e in plain.circuits.items()} == dict.fromkeys(
        ("Alpha", "Bravo", "Charlie", "Delta"), 8
    )
    here = plain.circuit("Alpha", 60, 88.0, 2031)
    assert here == DEFAULT.circuit(None, 60, 88.0)
    assert plain.tyres("Alpha", 2031, 60, 88.0) == DEFAULT.tyres(None, None, 60, 88.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_changes_its_own_part(found, family):
    """Each alone is a valid set that differs from the base, and survives its JSON form."""
    one = assemble(found, "one", families=[family])
    shown = family != "rain"  # the synthetic season is dry
    assert (one != assemble(found, "one", families=[])) == shown
    assert Parameters.from_dict(one.to_dict()) == one


def test_the_same_races_make_the_same_set(found):
    """Bit for bit."""
    again = look(found.races)
    assert assemble(again, "x") == assemble(found, "x")


def test_a_race_at_a_circuit_without_a_name_counts_for_the_typical_one(found):
    """It has no effect of its own."""
    races = [replace(race, circuit="") for race in found.races]
    assert assemble(look(races), "x").circuits == {}


def test_too_little_is_refused_with_what_to_do():
    """One short race cannot be fitted."""
    with pytest.raises(InvalidRequest, match=r"cannot be fitted: no stint of .* give whole races"):
        look([field(np.full((4, 6), 90.0))])


def test_progress_names_each_step_once(found):
    """In the order in which they begin."""
    seen: list[str] = []
    look(found.races[:8], seen.append)
    assert seen == list(STEPS)
