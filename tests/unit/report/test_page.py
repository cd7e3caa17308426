"""Race reports as Markdown."""

import re

import pytest

from pitcall.adapters.knowledge.files import draft
from pitcall.adapters.laps import events_from_laps
from pitcall.domain.events import Message, Track
from pitcall.domain.tyres import Compound
from pitcall.knowledge.chunk import split
from pitcall.knowledge.messages import Labels
from pitcall.report.page import report
from pitcall.synth import synthesise
from tests.unit.report.races import log

pytestmark = pytest.mark.unit

HARD, SOFT = Compound.HARD, Compound.SOFT
STOPS = [("BBB", 5, HARD), ("AAA", 6, HARD), ("CCC", 9, SOFT)]
SHOWN = [(760.0, Track.SAFETY_CAR), (930.0, Track.GREEN)]
RACE = log({"AAA": 90.0, "BBB": 90.0, "CCC": 91.0, "DDD": 92.0}, STOPS, SHOWN, [("DDD", 4)], slow={("AAA", 6): 3.0})
PAGE = report(RACE)


def section(page, heading):
    return page.partition(f"\n## {heading}\n\n")[2].partition("\n\n## ")[0]


def test_the_top_says_what_the_race_was():
    """Labels for the knowledge store, title, winner, podium, and how eventful it was."""
    assert PAGE.startswith(
        "---\nkind: report\nseries: f1\nseason: 2026\ncircuit: Small Ring\n---\n\n# Small Prix: race report\n\n"
        "Driver BBB (BBB) won from slot 2 of the grid, ahead of Driver AAA (AAA) +2.0 s and Driver CCC (CCC) +13.0 s. "
        "3 tyre changes, 1 safety car, 1 retirement.\n"
    )


def test_result_stints_and_stops():
    """Every car is in the result; stops in the order in which they were made, with what they cost and the places."""
    assert section(PAGE, "Result").splitlines() == [
        "- P1 Driver BBB (BBB), Team BBB, grid 2, 12 laps, 1 stop.",
        "- P2 Driver AAA (AAA), Team AAA, grid 1, +2.0 s, 1 stop.",
        "- P3 Driver CCC (CCC), Team CCC, grid 3, +13.0 s, 1 stop.",
        "- Out: Driver DDD (DDD), Team DDD, grid 4, retired after 4 laps (gearbox), 0 stops.",
    ]
    assert "- AAA: medium 1-6, hard 7-12.\n" in section(PAGE, "Stints")
    assert section(PAGE, "Pit stops").splitlines() == [
        "In the lane a tyre change took 22.0 s (median of 3), the shortest 22.0 s (BBB, lap 5). A stop under green "
        "cost 21.5 s against driving by (median of 2).",
        "",
        "- Lap 5: BBB, medium to hard, 22.0 s in the lane, cost 20.0 s, P2 to P3.",
        "- Lap 6: AAA, medium to hard, 22.0 s in the lane, cost 23.0 s, P1 to P3.",
        "- Lap 9: CCC, medium to soft, under the safety car, 22.0 s in the lane, P1 to P3.",
    ]


def test_safety_cars_and_undercuts():
    """Who stopped, who gained and lost; who won a place by stopping first."""
    assert section(PAGE, "Safety cars") == (
        "- Safety car, laps 9-11 (2.8 min). Tyres changed meanwhile: CCC. Lost: CCC (P1 to P3, stopped)."
    )
    assert section(PAGE, "Places won by a pit stop") == (
        "- BBB passed AAA by an undercut: 1.0 s behind before, in on lap 5 against lap 6, 2.0 s ahead after both stops."
    )


def test_laps_and_tyres():
    """The fastest laps with the age of the set; what lap times did over a stint, as driven."""
    assert section(PAGE, "Fastest laps").splitlines()[0] == "- AAA: 1:30.000, lap 1, mediums 1 lap old."
    assert "- Medium: 4 sets, 24 laps, the longest stint 9 laps (CCC)." in section(PAGE, "Tyres")


def test_a_race_that_runs_says_so():
    """Order instead of result, and a safety car that is still out."""
    running = [event for event in RACE if event.t <= 800.0]
    page = report(running)
    assert "# Small Prix: race report, race running\n\nDriver CCC (CCC) leads after lap 8 of 12" in page
    assert "\n## Order after lap 8\n" in page
    assert "- Safety car, from lap 9 on (" in section(page, "Safety cars")
    assert "so far)" in section(page, "Safety cars")


def test_a_race_that_has_not_begun():
    """The grid, and nothing that was not seen."""
    page = report([event for event in RACE if event.t == 0.0])
    assert "No lap is completed yet. 4 cars, 12 laps." in page
    assert "## Pit stops" not in page
    assert "## Safety cars" not in page


def test_a_real_race(data):
    """Hungary 2019: the winner's extra stop, and one of the undercuts of the midfield."""
    page = report(events_from_laps(data / "f1" / "laps_2019.parquet", 2019, 12))
    assert "HAM won, ahead of VER +17.8 s and VET +61.4 s. 24 tyre changes, no neutralisation, 1 retirement." in page
    assert "\n- Lap 48: HAM, hard to medium, " in section(page, "Pit stops")
    assert "- GAS passed RAI by an undercut: " in section(page, "Places won by a pit stop")


def test_the_same_log_gives_the_same_page():
    """To the letter."""
    race = synthesise(7, cars=10, laps=20, race="r", name="R")
    assert report(race) == report(race)


def test_a_feed_cannot_write_headings_or_labels():
    """What stands in a name stays one line of text."""
    race = log({"AAA\n## Rules": 90.0}, laps=5)
    hostile = [*race[:1], Message(t=0.0, text="# Not me"), *race[1:]]
    page = report(hostile)
    assert next(line for line in page.splitlines() if line.startswith("#")) == "# Small Prix: race report"
    assert "\n## Rules" not in page


def test_it_is_cut_into_whole_lines():
    """As a document of the knowledge store: labelled, and no line of it in two passages."""
    page = report(synthesise(3, cars=20, laps=40, race="r", name="Long Prix"))
    document = draft(page.encode(), "markdown", "report.md", "report", {"source": "file:///report.md"})
    assert (document.title, document.labels) == ("Long Prix: race report", Labels(series="f1", kind="report"))
    cut = "\n".join(passage.text for passage in split(document.sections))
    told = [line for line in page.splitlines() if re.match(r"- |[A-Z0-9]", line)]
    assert told == cut.splitlines()
