"""Outcomes there and back."""

import numpy as np
import pytest

from pitcall.sim import outcome_bytes
from pitcall.sim.outcome import Outcome

pytestmark = pytest.mark.unit


def some(paths=3, calls=2):
    rng = np.random.default_rng(7)
    gap = rng.standard_normal((paths, calls, 2)).astype(np.float32)
    gap[0, 0] = (1e-45, -0.0)  # the smallest there is, and a sign that == does not see
    return Outcome(
        rng.integers(1, 65, (paths, calls)).astype(np.uint8),
        rng.integers(0, 65, (paths, calls, 3)).astype(np.uint8),
        gap,
    )


def test_every_bit_comes_back():
    """Types, shapes and bytes, also of denormal numbers and of -0.0; also of rows that are not contiguous."""
    outcome = some()
    back = outcome_bytes.unpack(outcome_bytes.pack(outcome), 3, 2)
    for name in ("place", "rejoin", "gap_s"):
        was, now = getattr(outcome, name), getattr(back, name)
        assert (was.dtype, was.shape, was.tobytes()) == (now.dtype, now.shape, now.tobytes())
    turned = Outcome(outcome.place[::-1], outcome.rejoin[::-1], outcome.gap_s[::-1])
    assert outcome_bytes.unpack(outcome_bytes.pack(turned), 3, 2).gap_s.tobytes() == outcome.gap_s[::-1].tobytes()


def test_finishing_positions_come_back():
    """The other answer of the same endpoint."""
    places = np.arange(12, dtype=np.uint8).reshape(4, 3)
    assert np.array_equal(outcome_bytes.unpack_finish(outcome_bytes.pack_finish(places), 4, 3), places)


def test_the_layout_is_the_documented_one():
    """One line of JSON, then the arrays; other programs may rely on it."""
    assert outcome_bytes.pack(some()).startswith(
        b'{"place":["u1",[3,2]],"rejoin":["u1",[3,2,3]],"gap_s":["f4",[3,2,2]]}\n'
    )


GOOD = outcome_bytes.pack(some())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b"[" * 100_000 + b"\n",
        b'{"error":"PitcallError"}\n',
        GOOD[:-1],
        GOOD + b"x",
        GOOD.replace(b'"place"', b'"plane"'),
        GOOD.replace(b'["u1",[3,2]]', b'["O8",[3,2]]'),
        GOOD.replace(b'["u1",[3,2]]', b'["u1",[-3,2]]'),
        GOOD.replace(b'["u1",[3,2]]', b'["u1",[3000000000000,2]]'),
        GOOD.replace(b'["u1",[3,2]]', b'["u1",3]'),
        outcome_bytes.pack(some(paths=4)),
        outcome_bytes.pack(some(calls=1)),
        outcome_bytes.pack_finish(np.zeros((3, 2), np.uint8)),
    ],
)
def test_bytes_that_are_something_else_are_refused(raw):
    """Cut short, of another range or of another program: ValueError, never numbers that nobody played."""
    with pytest.raises(ValueError, match=r"\w+ "):
        outcome_bytes.unpack(raw, 3, 2)
    with pytest.raises(ValueError, match=r"\w+ "):
        outcome_bytes.unpack_finish(raw, 5, 2)
