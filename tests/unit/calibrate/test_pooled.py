"""Shrinkage of what races show to what they share."""

import numpy as np
import pytest

from pitcall.calibrate.pooled import linear, one_number, rates

pytestmark = pytest.mark.unit

CIRCUITS = [f"c{i % 10}" for i in range(60)]
SEASONS = [2000 + i // 20 for i in range(60)]


def test_finds_mean_and_circuits_behind_noise():
    """Ten circuits with sd 2, six races each with noise 0.5: mean and circuits within three errors."""
    rng = np.random.default_rng(3)
    of = dict(zip(sorted(set(CIRCUITS)), rng.normal(0, 2, 10), strict=True))
    seen = np.array([7.0 + of[c] for c in CIRCUITS]) + rng.normal(0, 0.5, 60)
    pooled = one_number(seen, np.full(60, 0.5), CIRCUITS, SEASONS, (0.0, 50.0), (1.0, 0.3, 0.3))
    assert pooled.mean[0] == pytest.approx(7.0 + np.mean(list(of.values())), abs=3 * 2 / np.sqrt(10))
    for name, effect in of.items():
        whole = pooled.mean[0] + pooled.circuits[name][0]
        assert whole == pytest.approx(7.0 + effect, abs=0.8)
    assert pooled.sds[0, 0] == pytest.approx(np.std(list(of.values())), rel=0.3)


def test_a_measurement_without_weight_is_not_believed():
    """A circuit seen once with a huge error stays at the mean; one that was never measured too."""
    seen = np.array([1.0] * 20 + [50.0, np.nan])
    errors = np.array([0.1] * 20 + [100.0, np.nan])
    circuits = [f"c{i % 5}" for i in range(20)] + ["vague", "never"]
    pooled = one_number(seen, errors, circuits, [2020] * 22, (0.0, 10.0), (0.5, 0.1, 0.1))
    assert pooled.circuits["vague"][0] == pytest.approx(0.0, abs=0.05)
    assert pooled.circuits["never"][0] == pytest.approx(0.0, abs=1e-9)


def test_races_that_show_one_half_each_show_the_whole_together():
    """Two coefficients, of which each race measures only one: both are found."""
    precisions = np.array([np.diag([100.0, 0.0]), np.diag([0.0, 100.0])] * 10)
    pulls = np.array([[300.0, 0.0], [0.0, -200.0]] * 10)
    pooled = linear(precisions, pulls, ["a"] * 20, [1] * 20, (np.zeros(2), np.full(2, 100.0)), np.full((3, 2), 1e-3))
    assert pooled.mean == pytest.approx([3.0, -2.0], abs=0.05)


def test_rates_are_shrunk_by_how_much_was_seen():
    """Twice the rate over much exposure is nearly 2; over little it is nearly 1."""
    counts = np.array([200.0, 100.0, 100.0, 100.0, 2.0])
    exposures = np.array([100.0, 100.0, 100.0, 100.0, 1.0])
    multiples, shape = rates(counts, exposures)
    assert multiples[0] / multiples[1] == pytest.approx(2.0, rel=0.1)
    assert 1.0 < multiples[4] < 1.3
    assert shape > 0


def test_equal_rates_are_found_equal():
    """Poisson counts of one rate: no group stands out."""
    counts = np.random.default_rng(0).poisson(10.0, 30).astype(float)
    multiples, _ = rates(counts, np.full(30, 10.0))
    assert np.ptp(multiples) < 0.5 * np.ptp(counts / counts.mean())
