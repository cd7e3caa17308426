"""Dataclasses as JSON values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from pitcall.errors import InvalidRequest
from pitcall.plain import from_plain, to_plain

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Wheel:
    size: float
    kind: str = "wet"

    def __post_init__(self) -> None:
        if self.size <= 0:
            raise ValueError("size must be positive")


@dataclass(frozen=True)
class Machine:
    wheels: tuple[Wheel, ...]
    gaps: tuple[float, float]
    by_name: Mapping[str, Wheel]
    count: int
    ready: bool


MACHINE = Machine((Wheel(1.5), Wheel(2.0, "dry")), (0.5, 1.0), {"b": Wheel(3.0), "a": Wheel(4.0)}, 2, ready=True)


def test_survives_the_journey():
    """What was written is read back equal; whole numbers are floats where floats belong."""
    plain = to_plain(MACHINE)
    assert list(plain["by_name"]) == ["a", "b"]
    plain["gaps"] = [1, 2]
    read = from_plain(Machine, "machine", plain)
    assert read.gaps == (1.0, 2.0)
    assert all(isinstance(gap, float) for gap in read.gaps)
    assert from_plain(Machine, "machine", to_plain(MACHINE)) == MACHINE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, r"machine: unknown colour"),
        ({"count": None}, r"machine\.count must be int, not None"),
        ({"count": 1.5}, r"machine\.count must be int, not 1\.5"),
        ({"count": True}, r"machine\.count must be int, not True"),
        ({"ready": 1}, r"machine\.ready must be bool, not 1"),
        ({"gaps": [1.0]}, r"machine\.gaps must be a list of 2, not \[1\.0\]"),
        ({"gaps": [1.0, math.nan]}, r"machine\.gaps\[1\] must be finite, not nan"),
        ({"gaps": [1.0, math.inf]}, r"machine\.gaps\[1\] must be finite, not inf"),
        ({"gaps": "ab"}, r"machine\.gaps must be a list of 2, not 'ab'"),
        ({"wheels": [{"size": 1.0}]}, r"machine\.wheels\[0\]: missing kind"),
        ({"wheels": [3]}, r"machine\.wheels\[0\] must be an object, not 3"),
        ({"wheels": {}}, r"machine\.wheels must be a list, not \{\}"),
        ({"by_name": []}, r"machine\.by_name must be an object, not \[\]"),
        ({"by_name": {"x": {"size": -1.0, "kind": "w"}}}, r"machine\.by_name\.x: size must be positive"),
    ],
)
def test_names_what_is_wrong_and_where(change, message):
    """One sentence with the path of the value."""
    with pytest.raises(InvalidRequest, match=message):
        from_plain(Machine, "machine", to_plain(MACHINE) | change)


def test_a_missing_field_is_not_its_default():
    """Today's default is not what was meant when it was written."""
    plain = to_plain(MACHINE)
    del plain["ready"]
    with pytest.raises(InvalidRequest, match="machine: missing ready"):
        from_plain(Machine, "machine", plain)
