"""docs/reference/parameters.md says what the shipped set holds. On a mismatch the message holds the lines to paste."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from pitcall.adapters.model import manifest, shipped

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "parameters.md"
SET = shipped().parameters


def rows(heading):
    """The table rows under a heading."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"docs/reference/parameters.md has no heading '## {heading}'"
    return [line for line in found[1].splitlines() if line.startswith("| `")]


def cell(value):
    return ", ".join(f"{v:.4g}" for v in value) if isinstance(value, tuple) else f"{value:.5g}"


def test_typical_values_are_those_of_the_set():
    """Every field of the groups that are fitted, in the order of the class; unit and source are written by hand."""
    groups = ("typical", "unseen", "rain")
    named = {
        f"{group}.{f.name}": getattr(getattr(SET, group), f.name)
        for group in groups
        for f in fields(getattr(SET, group))
    }
    there = [line.split(" | ")[:2] for line in rows("Typical")]
    values = {name.strip("| `"): value for name, value in there}
    assert {name: values.get(name) for name in named} == {name: cell(value) for name, value in named.items()}
    for name in values.keys() - named.keys():
        group, *path = name.split(".")
        if group == "kinds":
            kind = SET.kinds[("soft", "medium", "hard").index(path[0])]
            assert values[name] == cell(getattr(kind, path[1])), name
        else:
            assert values[name] == cell(getattr(getattr(SET, group), path[0])), name


def test_what_was_set_on_the_score_is_that_of_the_set():
    """Every number of ``tuned``, in the order of the class."""
    there = [line.split(" | ")[:2] for line in rows("Set on the score")]
    assert there == [[f"| `tuned.{f.name}`", cell(getattr(SET.tuned, f.name))] for f in fields(SET.tuned)]


def circuit_row(name, e):
    wear = " / ".join(f"{t.wear:.2f}" for t in e.tyres[:3])
    return (
        f"| `{name}` | {e.races} | {e.base_lap_s:.1f} | {e.pit_loss_s:.1f} | {e.stops} | {wear} "
        f"| {e.tyres[0].life:.2f} | {e.noise:.2f} | {e.dirty_air:.2f} | {e.pass_logit:+.2f} | {e.caution:.2f} |"
    )


def season_row(name, e):
    soft, medium, hard, *_ = e.tyres
    return (
        f"| `{name}` | {e.races} | {soft.offset_s:+.2f} / {hard.offset_s:+.2f} "
        f"| {soft.wear:.2f} / {medium.wear:.2f} / {hard.wear:.2f} | {soft.life:.2f} "
        f"| {e.pass_logit:+.2f} | {e.failure:.2f} |"
    )


def team_row(name, e):
    return f"| `{name}` | {e.failure:.2f} | {e.scale_s:.2f} | {e.starts} | {e.stops} |"


@pytest.mark.parametrize(
    ("heading", "there"),
    [
        ("By circuit", [circuit_row(name, e) for name, e in SET.circuits.items()]),
        ("By season", [season_row(name, e) for name, e in SET.seasons.items()]),
        ("By team and season", [team_row(name, e) for name, e in SET.teams.items()]),
    ],
)
def test_effects_are_those_of_the_set(heading, there):
    """One row each."""
    assert rows(heading) == there, f"docs/reference/parameters.md, '## {heading}' should hold:\n" + "\n".join(there)


def test_the_command_is_the_one_in_the_manifest():
    """It makes the set again."""
    assert manifest().command.removesuffix("DIR") in PAGE.read_text()
