"""Circuit pages."""

from dataclasses import replace

import pytest

from pitcall.adapters.model import shipped
from pitcall.knowledge.chunk import MAX_CHARACTERS
from pitcall.knowledge.circuits import LAPS, circuit_pages, figures
from pitcall.parameters import CircuitEffect, Parameters, TyreShift
from pitcall.sim.race import SAFETY_CAR, VSC, Grid

pytestmark = pytest.mark.unit

WORN, KEPT = (TyreShift(wear=2.0, life=0.8),) * 5, (TyreShift(wear=0.5),) * 5
CIRCUITS = {
    "Cheap": CircuitEffect(4, 90.0, 20.0, 14.0, stops=80, tyres=WORN, pass_logit=1.0, caution=1.2),
    "Median": CircuitEffect(3, 90.0, 22.0, 14.0, stops=60, caution=1.0),
    "Dear": CircuitEffect(2, 90.0, 25.0, 14.0, stops=5, tyres=KEPT, pass_logit=-2.0, caution=0.8, dirty_air=1.5),
}
PARAMETERS = Parameters(version="fit@test", circuits=CIRCUITS)
PAGES = circuit_pages(PARAMETERS, {"Cheap": ("Cheap Grand Prix", "Thrifty Grand Prix")})


def section(name, heading):
    return PAGES[name].partition(f"## {heading}\n\n")[2].partition("\n\n## ")[0]


def race(name):
    grid = Grid(("A",), (0,), (0.0,), (0.0,), (True,), (False,), (0,), (0,), (1,), (90.0,), (0.0,), (1.0,), (0.0,))
    return PARAMETERS.race(PARAMETERS.circuit(name, LAPS), grid, name, two_compounds=False)


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_stop_costs_what_the_simulator_takes_it_to_cost(name):
    """Under green, under a virtual safety car and behind the real one."""
    mine, played = figures(PARAMETERS, name), race(name)
    assert mine.pit_loss_s == pytest.approx(played.pit_loss_s)
    assert mine.pit_loss_vsc_s == pytest.approx(replace(played, regime=VSC).pit_loss_s)
    assert mine.pit_loss_sc_s == pytest.approx(replace(played, regime=SAFETY_CAR).pit_loss_s)


@pytest.mark.parametrize("name", CIRCUITS)
def test_safety_cars_come_as_often_as_in_the_simulator(name):
    """By its own hazards, and by what failures and accidents of twenty cars ask for."""
    played = race(name)
    failure = played.reliability.failure_hazard * played.cautions.after_failure[2]
    accident = played.reliability.accident_hazard * played.cautions.after_accident[2]
    none = (1 - played.cautions.sc_hazard) * ((1 - failure) * (1 - accident)) ** 20
    assert figures(PARAMETERS, name).sc_p == pytest.approx(1 - none)


def test_wear_and_life_are_those_of_the_tyres_that_are_raced():
    """Seconds per lap of age on a lap of this length; life as a share of the race."""
    mine, tyres = figures(PARAMETERS, "Cheap"), PARAMETERS.tyres("Cheap", None, 100, 90.0)
    assert mine.wear_s == tuple(tyre.wear_s for tyre in tyres[:3])
    assert [round(100 * share) for share in mine.life] == [tyre.life_laps for tyre in tyres[:3]]


def test_the_opening_says_what_the_circuit_asks_for():
    """With the races that it is known by; each page in its own words."""
    assert PAGES["Cheap"].startswith(
        "# Cheap (Cheap Grand Prix)\n\nCheap, known for the Cheap Grand Prix and Thrifty Grand Prix, as Pitcall takes "
        "it to be: a green lap takes the field 90.0 s. A pit stop is cheap here, passing is easy, and tyres wear fast. "
        "Together that speaks for fresh tyres over the place on the road, and for a further pit stop. Fitted on "
        "4 races."
    )
    assert "few pit stops" in PAGES["Dear"].split("\n\n")[1]
    assert "neither for many pit stops nor for few" in PAGES["Median"].split("\n\n")[1]
    assert PAGES["Median"].startswith("# Median\n")


def test_figures_stand_beside_the_median_circuits():
    """With unit and rank; percentages differ by points."""
    assert section("Cheap", "Pit loss").startswith(
        "At Cheap a pit stop under green costs 20.0 s against driving by, 2.0 s less than at the median circuit "
        "(22.0 s), the lowest of 3. Fitted on 80 pit stops under green."
    )
    assert "as at the median circuit (22.0 s)." in section("Median", "Pit loss")
    assert "26 points less than at the median circuit (32 %), the lowest of 3." in section("Dear", "Overtaking")
    assert "costs 0.90 s a lap in its dirty air (median circuit 0.60 s)" in section("Dear", "Overtaking")
    assert "- soft: 0.216 s a lap of age, 100 % more than at the median circuit; after 15 laps 3.2 s a lap slower" in (
        section("Cheap", "Tyre wear")
    )
    assert "1.20 times as often as at a typical circuit (the highest of 3, which reach from 0.80 to 1.20)" in (
        section("Cheap", "Safety cars")
    )


def test_what_was_hardly_seen_is_said_to_be_so():
    """Few stops, no stops, no dry race."""
    assert "Fitted on 5 pit stops under green only: it is mostly a typical circuit's." in section("Dear", "Pit loss")
    wet = replace(PARAMETERS, circuits={**CIRCUITS, "Wet": CircuitEffect(1, 95.0, 22.0, 14.0)})
    page = circuit_pages(wet)["Wet"]
    assert "No dry race of it was fitted" in page
    assert "No pit stop under green was seen here" in page


def test_a_set_without_circuits_has_no_pages():
    """The hand-set parameters know none."""
    assert circuit_pages(Parameters(version="none")) == {}


def test_every_section_of_a_shipped_page_is_one_passage():
    """So that it is cited whole, and names its circuit."""
    for name, page in circuit_pages(shipped().parameters).items():
        sections = page.split("\n\n## ")
        assert len(sections) == 6
        assert all(len(text) <= MAX_CHARACTERS and name in text for text in sections)
