"""What laps say about cars."""

import random
from dataclasses import replace

import numpy as np
import pytest

from pitcall import priors
from pitcall.calibrate import filter as filters
from pitcall.calibrate.filter import DEFAULT, Filter, Prior, explained, posterior
from pitcall.domain.race import LapRecord
from pitcall.domain.tyres import Compound

pytestmark = pytest.mark.unit

TOTAL = 60
CIRCUIT = priors.default_circuit(TOTAL)
TYRES = priors.tyres_for(TOTAL, CIRCUIT.base_lap_s)
#: Cars start so far apart that they never meet.
APART_S = 10.0


def drive(pace, laps, *, wear=1.0, compound=Compound.MEDIUM, extra=None, noise=0.0, stop=None, seed=0, first_s=0.0):
    """Laps of one car by the model that the filter inverts; ``extra``: lap -> s; ``stop``: in-lap before a new set."""
    rng = np.random.default_rng(seed)
    clock, age, found = first_s, 0, []
    for lap in range(1, laps + 1):
        cost, x = explained(CIRCUIT, TYRES[compound], lap, age)
        time = pace + cost + wear * x + (extra or {}).get(lap, 0.0) + noise * rng.standard_normal()
        comes, goes = lap == stop, stop is not None and lap == stop + 1
        clock += time + 22.0 * comes
        age = 0 if comes else age + 1
        found.append(LapRecord(lap, clock, time, compound, age or 1, pit_in=comes, pit_out=goes, green=True))
    return found


def field(laps, *, cars=8, **kwargs):
    """Cars 0.1 s a lap apart."""
    return [drive(85.0 + 0.1 * i, laps, first_s=APART_S * i, seed=i, **kwargs) for i in range(cars)]


def fit(laps, *, prior=None, tuning=DEFAULT, left=0, circuit=CIRCUIT):
    return posterior(laps, circuit, TYRES, prior or Prior.flat(len(laps)), tuning).fit(left)


class TestPace:
    def test_is_that_of_the_laps(self):
        """Differences between cars come back, shrunk a little towards the field."""
        differences = np.diff(fit(field(30)).pace_s)
        assert np.all((differences > 0.07) & (differences < 0.105))

    def test_is_the_prior_where_nothing_was_driven(self):
        """A prior moves a car that has no laps by all of it, and one with many by little."""
        prior = replace(Prior.flat(8), pace_s=np.array([0.0] * 7 + [1.0]))
        unseen = fit([[] for _ in range(8)], prior=prior).pace_s
        seen = fit(field(30), prior=prior).pace_s
        assert unseen[7] - unseen[0] == pytest.approx(1.0)
        assert 0.65 < seen[7] - seen[0] < 1.0

    def test_is_surer_with_more_laps_and_less_sure_with_more_to_come(self):
        """What laps teach, the rest of the race may undo: pace wanders."""
        assert fit(field(5)).pace_sd_s[0] > fit(field(20)).pace_sd_s[0]
        assert fit(field(20), left=40).pace_sd_s[0] > 1.2 * fit(field(20)).pace_sd_s[0]

    def test_does_not_see_what_slows_all_cars(self):
        """A track that is 3 s slower from one lap on is another level, not eight slow cars."""
        rain = dict.fromkeys(range(16, 31), 3.0)
        before, after = fit(field(30)), fit(field(30, extra=rain))
        np.testing.assert_allclose(np.diff(after.pace_s), np.diff(before.pace_s), atol=0.02)
        assert after.pace_s[0] - before.pace_s[0] == pytest.approx(3.0, abs=0.3)

    def test_is_not_moved_far_by_one_lost_lap(self):
        """One lap of 12 s more is a mistake."""
        laps = field(20)
        laps[3] = drive(85.3, 20, extra={12: 12.0}, first_s=3 * APART_S)
        assert abs(fit(laps).pace_s[3] - fit(field(20)).pace_s[3]) < 0.3

    def test_is_little_moved_by_laps_right_behind_another_car(self):
        """A slow lap that ends 0.5 s behind another car is that car's; the same lap in free air is a slow car's."""
        slower = dict.fromkeys(range(13, 17), 0.8)
        laps = [*field(16), drive(85.4, 16, extra=slower, first_s=300.0)]
        ahead = [r._replace(time_s=r.time_s - 0.5 if r.lap > 12 else r.time_s - 5.0) for r in laps[8]]
        air = replace(CIRCUIT, dirty_air_s=(0.0, 0.0, 0.0))  # what it costs is another matter
        before = fit([*(car[:12] for car in laps), drive(85.4, 12)], circuit=air)
        free, held = fit([*laps, drive(85.4, 16)], circuit=air), fit([*laps, ahead], circuit=air)
        assert 0 < held.pace_s[8] - before.pace_s[8] < 0.8 * (free.pace_s[8] - before.pace_s[8])

    def test_of_a_car_behind_the_others_in_laps_is_not_biased(self):
        """When only the leaders have driven a lap on the slower track, the others are not slower for it."""
        laps = field(20, extra={20: 2.0})
        laps[5:] = [car[:19] for car in laps[5:]]
        differences = np.diff(fit(laps).pace_s)
        assert np.all(np.abs(differences - 0.1) < 0.06)

    def test_of_a_car_that_drives_no_lap_stays_as_it_is(self):
        """What the others do on a lap tells of the track and nothing of a car that was not there."""
        laps = field(20)
        laps[7] = laps[7][:15]
        one, other = (posterior(part, CIRCUIT, TYRES, Prior.flat(8)) for part in ([car[:15] for car in laps], laps))
        assert np.array_equal(one.mean[:, 7], other.mean[:, 7])
        assert np.array_equal(one.covariance[:, :, 7], other.covariance[:, :, 7])
        assert not np.array_equal(one.mean[:, 6], other.mean[:, 6])


class TestSurface:
    def test_has_a_level_of_its_own(self):
        """Cars that change to intermediates keep their order; slicks left behind say nothing of the wet track."""
        wet = dict.fromkeys(range(11, 26), 12.0)
        laps = []
        for i in range(8):
            dry = drive(85.0 + 0.2 * i, 25, extra=wet, stop=10, first_s=APART_S * i)
            laps.append([r if r.lap <= 10 else r._replace(compound=Compound.INTERMEDIATE) for r in dry])
        found = posterior(laps, CIRCUIT, TYRES, Prior.flat(8), DEFAULT)
        assert found.level[1] - found.level[0] == pytest.approx(12.0, abs=0.6)
        assert np.all(np.diff(found.fit(0).pace_s) > 0.1)

    def test_is_the_dry_one_before_any_car_was_seen_on_treads(self):
        """A field that left the grid on wets still has a pace."""
        laps = [[drive(85.0, 1, compound=Compound.WET)[0]] for _ in range(4)]
        assert np.all(np.isfinite(fit(laps).pace_s))


class TestWear:
    def test_of_the_field_shows_in_cars_of_different_age(self):
        """Half of the field on fresh tyres tells how much the others have lost."""
        found = {}
        for wear in (0.5, 1.6):
            laps = [
                drive(85.0 + 0.1 * i, 30, wear=wear, stop=12 if i % 2 else None, first_s=APART_S * i) for i in range(8)
            ]
            found[wear] = float(np.mean(fit(laps).wear))
        assert found[0.5] < 0.8
        assert found[1.6] > 1.2

    def test_is_never_below_the_floor_and_pace_makes_up_for_it(self):
        """Lifting the wear of a car does not make it slower on the tyres it has."""
        laps = field(30, wear=-1.0)
        low, high = fit(laps, tuning=replace(DEFAULT, wear_floor=-9.0)), fit(laps)
        assert np.all(high.wear == DEFAULT.wear_floor)
        assert np.all(high.pace_s < low.pace_s)


class TestNoise:
    def test_is_learned_from_the_race(self):
        """A race of wild laps is read as wilder than one of steady ones."""
        assert fit(field(30, noise=0.9)).noise_s > 1.3 * fit(field(30, noise=0.2)).noise_s

    def test_has_the_spread_of_form_over_many_laps(self):
        """Noise and memory that the kernel gets make the sum of many laps as uncertain as form and noise do."""
        t, f = DEFAULT, fit([[] for _ in range(4)])
        long_run = t.form_s**2 * (1 + t.form_memory) / (1 - t.form_memory) + t.noise_s**2
        assert f.noise_s**2 * (1 + f.noise_memory) / (1 - f.noise_memory) == pytest.approx(long_run)

    def test_is_each_cars_own(self):
        """One erratic driver does not make the others' next laps less certain."""
        laps = [drive(85.0 + 0.1 * i, 30, noise=1.0 if i == 2 else 0.1, seed=i, first_s=APART_S * i) for i in range(8)]
        found = posterior(laps, CIRCUIT, TYRES, Prior.flat(8), DEFAULT)
        sds = [found.lap(car, 1.0, 1)[1] for car in range(8)]
        assert sds[2] > 1.5 * np.median(sds)


class TestNextLaps:
    def test_are_forecast_where_they_come_to_lie(self):
        """A noise-free race is continued to within a few hundredths, and less surely the further ahead."""
        laps = field(40)
        found = posterior([car[:25] for car in laps], CIRCUIT, TYRES, Prior.flat(8), DEFAULT)
        sds = []
        for ahead in (1, 5, 10):
            record = laps[4][24 + ahead]
            cost, x = explained(CIRCUIT, TYRES[1], record.lap, record.lap - 1)
            mean, sd = found.lap(4, x, ahead)
            assert cost + mean == pytest.approx(record.lap_time_s, abs=0.12)
            sds.append(sd)
        assert sds[0] < sds[1] < sds[2]


def test_nothing_looks_ahead():
    """The fold stopped after some laps is, bit for bit, the fold over those laps alone."""
    laps = [drive(85.0 + 0.1 * i, 30, stop=14 + i, noise=0.3, seed=i, first_s=0.4 * i) for i in range(8)]
    early = Filter(laps, CIRCUIT, TYRES, Prior.flat(8), DEFAULT)
    for lap in range(1, 19):
        early.step(lap)
    one, other = early.known().fit(12), fit([car[:18] for car in laps], left=12)
    for name in ("pace_s", "pace_sd_s", "wear", "wear_sd", "pace_wear", "noise_s"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_gaps_are_those_of_a_plain_loop():
    """To the cars that crossed the line of the same lap strictly before, with cars side by side."""
    random = np.random.default_rng(3)
    for _ in range(50):
        n = int(random.integers(1, 40))
        lap, time_s = random.integers(1, 5, n), random.integers(0, 12, n).astype(float)
        found = filters._gaps(lap, time_s)
        for row in range(n):
            ahead = sorted(time_s[row] - t for t in time_s[(lap == lap[row]) & (time_s < time_s[row])])
            assert found[:, row].tolist() == [*ahead, np.inf, np.inf, np.inf][:3]


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_the_median_is_that_of_numpy(count):
    """Bit for bit: of an odd and of an even number."""
    values = np.random.default_rng(count).normal(90.0, 1.0, count)
    assert filters._median(values) == np.median(values)


def test_the_laps_that_count_are_the_usable_ones():
    """The two ways to say it agree, on laps of every kind."""
    chance = random.Random(5)
    laps = [
        [
            LapRecord(
                lap, 90.0 * lap, chance.choice([90.0, None]), Compound(chance.randrange(6)),
                chance.choice([None, 0, 1, 9]), chance.random() < 0.3, chance.random() < 0.3, chance.random() < 0.7,
            )
            for lap in range(1, 51)
        ]
        for _ in range(4)
    ]  # fmt: skip
    use = filters._columns(laps, CIRCUIT, TYRES, DEFAULT).use
    expected = {(record.lap, car) for car, records in enumerate(laps) for record in filters.usable(records)}
    assert set(zip(*map(np.ndarray.tolist, np.nonzero(use)), strict=True)) == expected
    assert len(expected) > 10
