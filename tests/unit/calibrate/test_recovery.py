"""The whole pipeline finds the parameters of a season that was simulated with them."""

import numpy as np
import pytest

from pitcall.calibrate.assemble import assemble

pytestmark = [pytest.mark.unit, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def fitted(found):
    return assemble(found, "fitted")


def test_fuel_and_track_together(fitted, truth):
    """Seconds from the first lap to the last, within 0.5."""
    assert fitted.typical.full_fuel_s + fitted.typical.full_track_s == pytest.approx(3.9, abs=0.5)
    assert truth.typical.full_fuel_s + truth.typical.full_track_s == pytest.approx(3.9)


@pytest.mark.parametrize("compound", range(3))
def test_compounds(fitted, truth, compound):
    """Offset within 0.15 s of the medium's, wear within 15 %, cliff within 0.03 s a lap."""
    mine, its = fitted.kinds[compound], truth.kinds[compound]
    assert mine.offset_s == pytest.approx(its.offset_s, abs=0.15)
    wear = [
        p.kinds[compound].wear_s * np.mean([e.tyres[compound].wear for e in p.circuits.values()])
        for p in (fitted, truth)
    ]
    assert wear[0] == pytest.approx(wear[1], rel=0.15)
    assert mine.cliff_s == pytest.approx(its.cliff_s, abs=0.03)


@pytest.mark.parametrize("circuit", ["Alpha", "Bravo", "Charlie", "Delta"])
def test_circuits(fitted, truth, circuit):
    """Wear of mediums within 20 %, pit loss within 1 s, of each circuit."""
    mine, its = fitted.circuits[circuit], truth.circuits[circuit]
    wear = [p.kinds[1].wear_s * p.circuits[circuit].tyres[1].wear for p in (fitted, truth)]
    assert wear[0] == pytest.approx(wear[1], rel=0.20)
    assert mine.pit_loss_s == pytest.approx(its.pit_loss_s, abs=1.0)


def test_what_passing_at_one_circuit_is_against_another(fitted):
    """Differences of logits: 2.3 between the easiest and the hardest circuit in truth, of which some is shrunk away."""
    easy, hard = fitted.circuits["Charlie"].pass_logit, fitted.circuits["Bravo"].pass_logit
    assert 1.2 < easy - hard < 2.8
    assert hard < min(fitted.circuits[name].pass_logit for name in ("Alpha", "Delta"))
    assert fitted.typical.pass_per_s == pytest.approx(1.463, abs=0.3)


def test_noise(fitted, found):
    """Sd within 0.05 s, memory within 0.15, mistakes within a third; a circuit with 1.4 times the noise stands out."""
    typical = fitted.typical
    louder = fitted.circuits["Charlie"].noise / np.mean([fitted.circuits[c].noise for c in ("Alpha", "Bravo", "Delta")])
    quiet = typical.noise_s * fitted.circuits["Delta"].noise
    assert quiet == pytest.approx(0.3, abs=0.05)
    assert typical.noise_memory == pytest.approx(0.5, abs=0.15)
    assert found.noise.mistake_hazard * found.noise.mistake_s == pytest.approx(0.05 * 1.5, rel=0.33)
    assert louder == pytest.approx(1.4, abs=0.2)


def standing_s(stops):
    """Many stops' standing beyond the shortest, s."""
    rng = np.random.default_rng(1)
    u, botched, extra = rng.random(100_000), rng.random(100_000), rng.exponential(size=100_000)
    return stops.scale_s * (u / (1 - u)) ** (1 / stops.shape) + (botched < stops.botch_p) * stops.botch_s * extra


def test_stops_and_crews(fitted, truth):
    """What the field's speed scales of a stop, within 4 s; the slowest quarter of stops within 35 % of its cost."""
    assert fitted.typical.pit_road_s == pytest.approx(18.0, abs=4.0)
    assert fitted.typical.out_lap_share == pytest.approx(truth.typical.out_lap_share, abs=0.05)
    slow = [np.quantile(standing_s(p.stops), 0.75) - p.stops.scale_s for p in (fitted, truth)]
    assert slow[0] == pytest.approx(slow[1], rel=0.35)


def test_hazards(fitted, truth):
    """The second season's cars fail more often; how slow a safety car is, within 0.05 of a lap."""
    assert fitted.seasons["2032"].failure > 1.2 * fitted.seasons["2031"].failure
    assert fitted.cautions.sc_pace == pytest.approx(truth.cautions.sc_pace, abs=0.05)
    assert fitted.cautions.vsc_pace == pytest.approx(truth.cautions.vsc_pace, abs=0.05)


def test_dirty_air_is_found_but_for_what_looks_like_a_slow_car(found):
    """Between half and all of it: who falls back out of the air that he lost in is no longer in it."""
    assert 0.3 < found.wake.mean[0] < 0.6
