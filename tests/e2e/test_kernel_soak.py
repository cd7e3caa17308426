"""Long checks of the kernel: ``make soak``. Distributions against the naive twin, and a million random races."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pitcall.sim.engine import Engine
from tests.property.races import calls, races
from tests.property.test_kernel import check_outcomes, check_twin, play_interpreted, watch
from tests.unit.sim.scenarios import SCENARIOS, STAY, by_compiled_twin

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1_800)]

#: Races of each side of a comparison, and how many the naive twin plays at a time.
RACES, AT_ONCE = 100_000, 10_000
#: Chance that the whole comparison fails although both sides play the same model.
LEVEL = 0.01
#: Places expected less often than this are counted together: chi-square is an approximation for many.
EXPECTED = 10
#: Random races: so many examples of so many paths, twice each (with an asking car and without).
EXAMPLES, PATHS = 1_000, 512

Ints = npt.NDArray[np.int64]


@pytest.fixture(scope="module")
def both_cores():
    engine = Engine(2)
    yield engine
    engine.close()


def test_positions_are_distributed_as_the_naive_twin_says(both_cores):
    """Independent seeds: over all cars and scenarios no chi-square of finishing positions is significant after Holm."""
    p: dict[tuple[str, int], float] = {}
    for number, (name, scenario) in enumerate(SCENARIOS.items()):
        race, cars = scenario.race, len(scenario.race.grid.cars)
        ours, theirs = np.zeros((2, cars, cars + 1), np.int64)
        for start in range(0, RACES, AT_ONCE):
            paths = range(start, start + AT_ONCE)
            played = both_cores.finish(race, 1_000 + number, paths)
            naive = by_compiled_twin(race, 2_000 + number, paths, -1, (STAY,))[0][:, 0]
            for car in range(cars):
                ours[car] += np.bincount(played[:, car], minlength=cars + 1)
                theirs[car] += np.bincount(naive[:, car], minlength=cars + 1)
        p |= {(name, car): p_same(ours[car], theirs[car]) for car in range(cars)}
    for rank, (where, value) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        assert value * (len(p) - rank) > LEVEL, (where, value)


def p_same(a: Ints, b: Ints) -> float:
    """P-value of chi-square for two samples of equal size being of one distribution; 1 where there is one place."""
    order = np.argsort(-(a + b))
    a, b = a[order], b[order]
    many = (a + b) / 2 >= EXPECTED
    a, b = np.append(a[many], a[~many].sum()), np.append(b[many], b[~many].sum())
    seen = a + b > 0
    a, b = a[seen], b[seen]
    return p_chi2(float(((a - b) ** 2 / (a + b)).sum()), len(a) - 1)


def p_chi2(x: float, freedom: int) -> float:
    """P(chi-square > x): the finite sums for even and odd degrees of freedom."""
    if freedom <= 0:
        return 1.0
    if freedom % 2 == 0:
        return math.exp(-x / 2) * math.fsum((x / 2) ** k / math.factorial(k) for k in range(freedom // 2))
    tail = math.fsum((x / 2) ** (k - 0.5) / math.gamma(k + 0.5) for k in range(1, (freedom + 1) // 2))
    return math.erfc(math.sqrt(x / 2)) + math.exp(-x / 2) * tail


@pytest.mark.parametrize(
    ("x", "freedom", "p"), [(3.8415, 1, 0.05), (5.9915, 2, 0.05), (7.8147, 3, 0.05), (23.209, 10, 0.01)]
)
def test_the_p_value_is_that_of_the_tables(x, freedom, p):
    """Else the comparison above means nothing."""
    assert p_chi2(x, freedom) == pytest.approx(p, rel=1e-3)


def test_a_small_difference_would_be_seen():
    """A hundredth of the races that end one place lower is significant by far."""
    places: Ints = np.full(10, RACES // 10, np.int64)
    moved = places + np.array([-RACES // 100, RACES // 100, *[0] * 8])
    assert p_same(places, moved) < LEVEL / 1_000


def test_a_million_random_races_keep_every_invariant(both_cores):
    """Any valid race: no crash, no NaN, places and rejoins that make sense, the twin's bits, bounded state."""
    count = 0

    @seed(4)  # the same races every time
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(race=races(), key=st.integers(0, 2**64 - 1), data=st.data())
    def one(race: Any, key: int, data: st.DataObject) -> None:
        nonlocal count
        call = data.draw(calls(race))
        check_outcomes(race, both_cores, key, range(PATHS), call)
        count += 2 * PATHS
        check_twin(race, both_cores, key, range(2**50, 2**50 + 33), call)
        if count % (20 * PATHS) == 0:  # one in ten: the interpreted twin is slow
            with pytest.MonkeyPatch.context() as patch:
                watch(patch, race)
                play_interpreted(race, key, call)

    one()
    assert count >= 1_000_000
