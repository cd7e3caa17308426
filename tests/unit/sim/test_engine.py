"""The engine: threads and ranges never change a bit."""

import numpy as np
import pytest

from pitcall.sim.engine import Engine
from pitcall.sim.messages import Candidate

from .conftest import busy_race

pytestmark = pytest.mark.unit

CALLS = [Candidate(), Candidate(14, 2), Candidate(20, 0)]


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_any_number_of_threads_gives_the_same_bits(engine, threads):
    """1 thread or 64: the same races."""
    expected = engine.play(busy_race(), 5, range(33), 2, CALLS)
    other = Engine(threads)
    got = other.play(busy_race(), 5, range(33), 2, CALLS)
    other.close()
    assert np.array_equal(got.positions, expected.positions)
    assert np.array_equal(got.rejoin, expected.rejoin)


def test_any_split_into_ranges_gives_the_same_bits(engine):
    """A path is named by its number, not by when it is played."""
    whole = engine.play(busy_race(), 5, range(30), 2, CALLS).positions
    parts = [engine.play(busy_race(), 5, part, 2, CALLS).positions for part in (range(7), range(7, 8), range(8, 30))]
    assert np.array_equal(np.concatenate(parts), whole)


def test_another_seed_gives_other_races(engine):
    """The seed matters."""
    a = engine.play(busy_race(), 5, range(20), 2, CALLS).positions
    b = engine.play(busy_race(), 6, range(20), 2, CALLS).positions
    assert not np.array_equal(a, b)


def test_a_call_is_played_on_the_same_races_whatever_it_is_compared_with(engine):
    """Common random numbers: alone or among others, first or last, a call gives the same bits."""
    together = engine.play(busy_race(), 5, range(40), 2, CALLS).positions
    for k, call in enumerate(CALLS):
        assert np.array_equal(engine.play(busy_race(), 5, range(40), 2, [call]).positions[:, 0], together[:, k])


def test_no_threads_is_refused():
    """A pool of nothing would wait for ever."""
    with pytest.raises(ValueError, match="threads"):
        Engine(0)
