"""JSON from outside, read strictly."""

import pytest

from pitcall.errors import ModelRefused
from pitcall.registry import fields

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[1e999]", "1e999 is no number"),
        (b"[" * 100_000, "nested too deep"),
        (b"9" * 5_000, "no JSON"),  # Python refuses to turn such a number into an int
    ],
)
def test_what_is_no_plain_json_is_refused(text, why):
    """Each with its reason, and the place it was found in."""
    with pytest.raises(ModelRefused, match=f"config.json.*{why}"):
        fields.parse(text, "config.json")


def test_a_table_has_exactly_its_names():
    """A name with a slip is pointed at."""
    assert fields.table({"a": 1}, ("a",), "it") == {"a": 1}
    wrong: tuple[object, ...] = ({}, {"a": 1, "b": 2}, [], None)
    for value in wrong:
        with pytest.raises(ModelRefused, match="it must hold a"):
            fields.table(value, ("a",), "it")


@pytest.mark.parametrize("value", [True, "1", None, 1 << 60])
def test_only_numbers_are_numbers(value):
    """True is none, and an int that no float can hold is none."""
    with pytest.raises(ModelRefused, match="it must be float"):
        fields.number(value, "it")
    assert fields.number(3, "it") == 3.0
