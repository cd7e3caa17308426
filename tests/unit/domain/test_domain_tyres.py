"""Names of tyres."""

import pytest

from pitcall.domain.tyres import COMPOUNDS, DRY, RAIN, Compound, parse_compound

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "compound"),
    [
        ("SOFT", Compound.SOFT),
        ("medium", Compound.MEDIUM),
        (" Hard ", Compound.HARD),
        ("i", Compound.INTERMEDIATE),
        ("W", Compound.WET),
        ("unknown", Compound.UNKNOWN),
        ("", Compound.UNKNOWN),
        (None, Compound.UNKNOWN),
        ("nan", Compound.UNKNOWN),
        ("HYPERSOFT", Compound.UNKNOWN),
    ],
)
def test_a_feeds_name_becomes_a_compound_or_unknown(text, compound):
    """Full name or first letter in any case; anything else is honestly unknown."""
    assert parse_compound(text) is compound


def test_every_compound_that_a_car_can_run_on_is_dry_or_has_a_tread():
    """The rows of a wear table are exactly the slicks and the treaded tyres, in order."""
    assert [*DRY, *RAIN] == list(Compound)[:COMPOUNDS]


def test_the_label_is_what_the_radio_says():
    """Lower case, one word, and it parses back."""
    assert [parse_compound(compound.label) for compound in Compound] == list(Compound)
    assert Compound.INTERMEDIATE.label == "intermediate"
