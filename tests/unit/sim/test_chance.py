"""Counter-based random numbers in float32, scalar and in lanes."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from numba import njit

from pitcall.sim import chance
from pitcall.sim.simd import LANES, load, store

pytestmark = pytest.mark.unit

SEEDS = [0, 1, 1234567, 2**32, 2**63, 2**64 - 1]
#: Counters of 1,048,576 numbers: every fourth of a path's 2**17 lowest, in 32 paths.
COUNTERS = np.arange(0, 2**17, 4)


@njit
def keys(seed, lo, hi):
    for path in range(lo.size):
        lo[path], hi[path] = chance.path_key(seed, path)


@njit
def in_lanes(lo, hi, counters, out):
    low, high = load(lo, 0), load(hi, 0)
    for k in range(counters.size):
        u = chance.vuniform(low, high, counters[k])
        store(out[0], k * LANES, u)
        store(out[1], k * LANES, chance.vnormal(u))
        store(out[2], k * LANES, chance.vlogistic(u))
        store(out[3], k * LANES, chance.vlog32(u))


@njit
def one_by_one(lo, hi, counters, out):
    for k in range(counters.size):
        for lane in range(LANES):
            u = chance.uniform(lo[lane], hi[lane], counters[k])
            i = k * LANES + lane
            out[0, i], out[1, i], out[2, i], out[3, i] = u, chance.normal(u), chance.logistic(u), chance.log32(u)


@njit
def words(seed, paths, laps, cars, channels, out):
    i = 0
    for path in range(paths):
        lo, hi = chance.path_key(seed, path)
        for lap in range(laps):
            for car in range(cars):
                for channel in range(channels):
                    out[i] = chance.word(lo, hi, chance.counter(lap, car, channel))
                    i += 1


@njit
def quantiles(u, out):
    for i in range(u.size):
        out[0, i], out[1, i], out[2, i] = chance.normal(u[i]), chance.logistic(u[i]), chance.log32(u[i])


@njit
def exponentials(x, out):
    for i in range(x.size):
        out[i] = chance.exp32(x[i])


@pytest.fixture(scope="module")
def block():
    """Keys of 32 paths as int32 lanes, and the four kinds of number in lanes; each (32 * counters,)."""
    lo, hi = np.zeros(LANES, np.int32), np.zeros(LANES, np.int32)
    keys(np.uint64(2**63 + 11), lo, hi)
    out = np.zeros((4, COUNTERS.size * LANES), np.float32)
    in_lanes(lo, hi, COUNTERS, out)
    return lo, hi, out


@pytest.fixture(scope="module")
def cube():
    """Words as a function of (path, lap, car, channel): 256 x 64 x 16 x 16."""
    out = np.zeros(256 * 64 * 16 * 16, np.uint32)
    words(np.uint64(77), 256, 64, 16, 16, out)
    return out.reshape(256, 64, 16, 16)


@pytest.fixture(scope="module")
def every_uniform():
    """All 2**23 values that a uniform can take, and their quantiles."""
    u = ((np.arange(2**23) + 0.5) * 2.0**-23).astype(np.float32)
    out = np.zeros((3, u.size), np.float32)
    quantiles(u, out)
    return u, out


class TestSameBits:
    def test_lanes_equal_scalars(self, block):
        """A million uniforms, normals, logistics and logarithms: the vector code and the scalar code agree."""
        lo, hi, lanes = block
        scalars = np.zeros_like(lanes)
        one_by_one(lo, hi, COUNTERS, scalars)
        np.testing.assert_array_equal(lanes.view(np.int32), scalars.view(np.int32))

    def test_plain_python_equals_the_compiled_code(self, block):
        """The interpreted twin gets the same bits, as float32, also from keys that are negative int32."""
        lo, hi, lanes = block
        assert lo.min() < 0
        for i in range(0, lanes.shape[1], 211):
            k, lane = divmod(i, LANES)
            u = chance.uniform(lo[lane], hi[lane], COUNTERS[k])
            got = u, chance.normal(u), chance.logistic(u), chance.log32(u)
            assert [type(x) for x in got] == [np.float32] * 4
            assert got == tuple(lanes[:, i]), (k, lane)

    def test_plain_exponential_equals_the_compiled_one(self):
        """Over the whole range and beyond it."""
        x = np.linspace(-100, 100, 3001, dtype=np.float32)
        out = np.zeros_like(x)
        exponentials(x, out)
        plain = [chance.exp32(value) for value in x]
        assert {type(value) for value in plain} == {np.float32}
        np.testing.assert_array_equal(out, plain)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_path_keys_equal_whole_number_arithmetic(self, seed):
        """Plain and compiled, without an overflow warning, for seeds up to 2**64 - 1."""

        def mixed(z):
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
            return z ^ z >> 31

        expected = [mixed(mixed(seed) ^ ((path + 1) * 0x9E3779B97F4A7C15) % 2**64) for path in range(50)]
        plain = [chance.path_key(seed, path) for path in range(50)]
        lo, hi = np.zeros(50, np.int64), np.zeros(50, np.int64)
        keys(np.uint64(seed), lo, hi)
        assert [int(high) << 32 | int(low) for low, high in plain] == expected
        assert [int(high) << 32 | int(low) for low, high in zip(lo, hi, strict=True)] == expected

    def test_mix_is_the_finaliser_of_splitmix64(self):
        """The first output of the reference generator with seed 1234567 (from its authors' test vector)."""
        assert int(chance.mix(np.uint64(1234567 + 0x9E3779B97F4A7C15))) == 6457827717110365317

    @pytest.mark.parametrize("kind", [int, np.int64, np.uint64, np.uint32])
    def test_a_word_is_the_documented_hash(self, kind):
        """Every kind of whole number gives the product modulo 2**32, also at the largest values."""
        for lo, hi, at in [(0, 0, 1), (2**32 - 1, 2**32 - 1, 2**19 - 1), (0x89ABCDEF, 0xF1234567, 4242)]:
            x = (at * 0x9E3779B9 + lo) % 2**32
            x = (x ^ x >> 16) * 0x21F0AAAD % 2**32
            x = ((x ^ x >> 15) + hi) * 0x735A2D97 % 2**32
            assert chance.word(kind(lo), kind(hi), kind(at)) == x ^ x >> 15

    def test_a_negative_seed_is_refused(self):
        """It would be another seed silently."""
        with pytest.raises(OverflowError):
            chance.path_key(-1, 0)


class TestAddresses:
    def test_channels_are_distinct_and_fit(self):
        """16 questions, 16 numbers, in the order that recorded decisions rely on."""
        names = "PACE WEAR CLIFF LAP PASS STOP EVENT INCIDENT CAUTION CAUTION_LAPS STATION BOTCH RAIN"
        names += " COMPOUND MISTAKE SPARE"
        assert [getattr(chance, name) for name in names.split()] == list(range(chance.CHANNELS))

    def test_counters_do_not_collide(self):
        """512 laps, 64 cars and 16 channels have 2**19 addresses."""
        found = {chance.counter(lap, car, k) for lap in range(512) for car in range(64) for k in range(16)}
        assert (len(found), min(found), max(found)) == (2**19, 0, 2**19 - 1)

    def test_numbers_of_one_path_are_all_different_words(self):
        """The hash is one to one in the counter."""
        out = np.zeros(2**19, np.uint32)
        words(np.uint64(5), 1, 512, 64, 16, out)
        assert np.unique(out).size == 2**19

    def test_neighbouring_seeds_share_nothing(self, cube):
        """Seed 78 against 77: as many equal words as chance gives, and half of the bits differ."""
        other = np.zeros(cube.size, np.uint32)
        words(np.uint64(78), *cube.shape, other)
        differ = cube.ravel() ^ other
        assert (differ == 0).sum() <= 5  # expected: 4,194,304 / 2**32 = 0.001
        for bit in range(32):
            share = ((differ >> np.uint32(bit)) & 1).mean()
            assert abs(share - 0.5) * 2 * math.sqrt(differ.size) < 4.5, bit


class TestQuality:
    """Bounds are 4.5 standard errors: a sound generator passes all 100 tests with probability above 0.999."""

    @pytest.mark.parametrize("shift", [0, 8, 16])
    def test_words_are_uniform(self, cube, shift):
        """Chi-square in 65,536 cells of the low, middle and high 16 bits, n = 4,194,304."""
        counts = np.bincount((cube.ravel() >> np.uint32(shift)) & 0xFFFF, minlength=65536)
        chi2 = ((counts - cube.size / 65536) ** 2).sum() / (cube.size / 65536)
        assert abs(chi2 - 65535) / math.sqrt(2 * 65535) < 4.5

    @pytest.mark.parametrize("axis", [0, 1, 2, 3], ids=["path", "lap", "car", "channel"])
    @pytest.mark.parametrize("lag", [1, 2, 3, 4, 8])
    def test_neighbours_are_uncorrelated(self, cube, axis, lag):
        """|r| of numbers and of their squared distance from 1/2 below 4.5 / sqrt(n), n at least 2 million."""
        u = np.moveaxis(cube, axis, 0) * 2.0**-32 - 0.5
        for v in (u / math.sqrt(1 / 12), (u * u - 1 / 12) / math.sqrt(1 / 180)):
            products = v[:-lag] * v[lag:]
            assert abs(products.mean()) * math.sqrt(products.size) < 4.5

    @pytest.mark.parametrize("axis", [0, 1, 2, 3], ids=["path", "lap", "car", "channel"])
    def test_pairs_of_neighbours_fill_the_square(self, cube, axis):
        """Chi-square of (8 bits, next 8 bits) in 65,536 cells."""
        top = np.moveaxis(cube >> np.uint32(24), axis, 0).astype(np.int64)
        counts = np.bincount((top[:-1] * 256 + top[1:]).ravel(), minlength=65536)
        expected = counts.sum() / 65536
        chi2 = ((counts - expected) ** 2).sum() / expected
        assert abs(chi2 - 65535) / math.sqrt(2 * 65535) < 4.5

    def test_paths_are_independent_replications(self, cube):
        """The average over paths of each address varies as 1/n: no path repeats another."""
        means = (cube * 2.0**-32 - 0.5).mean(axis=0).ravel() * math.sqrt(12 * cube.shape[0])
        assert abs((means**2).mean() - 1) * math.sqrt(means.size / 2) < 4.5

    def test_every_bit_of_the_counter_reaches_every_bit_of_the_word(self):
        """Flipping one of 19 counter bits flips each word bit in half of 1,048,576 cases, within 0.003."""
        out = np.zeros(2 * 2**19, np.uint32)
        words(np.uint64(6), 2, 512, 64, 16, out)
        at = np.arange(2**19)
        for bit in range(19):
            differ = out.reshape(2, -1) ^ out.reshape(2, -1)[:, at ^ (1 << bit)]
            shares = [((differ >> np.uint32(k)) & 1).mean() for k in range(32)]
            assert max(abs(share - 0.5) for share in shares) < 0.003, bit

    def test_normal_and_logistic_draws_have_their_distributions(self, block):
        """Mean, variance and Kolmogorov-Smirnov distance (0.1 % level) of 1,048,576 draws."""
        _, _, (_, normal, logistic, _) = block
        n = normal.size
        sd = {"normal": 1.0, "logistic": math.pi / math.sqrt(3)}
        kurtosis = {"normal": 3.0, "logistic": 4.2}
        for name, draws in {"normal": normal, "logistic": logistic}.items():
            x = np.sort(draws.astype(np.float64))
            assert abs(x.mean()) / sd[name] * math.sqrt(n) < 4.5
            assert abs(x.var() / sd[name] ** 2 - 1) / math.sqrt((kurtosis[name] - 1) / n) < 4.5
            below = 1 / (1 + np.exp(-x)) if name == "logistic" else np.array([NormalDist().cdf(v) for v in x[::16]])
            rank = np.arange(n)[:: n // below.size] / n
            assert np.abs(below - rank).max() * math.sqrt(n) < 1.95


class TestAccuracy:
    def test_uniform_never_reaches_an_end(self, every_uniform, block):
        """From 2**-24 to 1 - 2**-24, and 1 - u is exact."""
        u, _ = every_uniform
        assert (float(u[0]), float(u[-1])) == (2.0**-24, 1 - 2.0**-24)
        assert np.isin(block[2][0][:100_000], u).all()
        np.testing.assert_array_equal(np.float32(1) - u, u[::-1])

    def test_normal_is_the_quantile_function(self, every_uniform):
        """Relative error below 5e-7 (measured over all 2**23 uniforms: 3.9e-7), odd and never decreasing."""
        u, (z, _, _) = every_uniform
        at = np.concatenate([np.arange(2000), np.arange(2000, u.size, 997)])
        exact = np.array([NormalDist().inv_cdf(v) for v in u[at].astype(np.float64)])
        np.testing.assert_allclose(z[at], exact, rtol=5e-7)
        np.testing.assert_array_equal(z, -z[::-1])
        assert (np.diff(z) > 0).all()

    def test_logistic_is_the_quantile_function(self, every_uniform):
        """Absolute error below 6e-7 over all 2**23 uniforms (measured: 5.3e-7), never decreasing."""
        u, (_, g, _) = every_uniform
        exact = np.log(u.astype(np.float64) / (1 - u.astype(np.float64)))
        np.testing.assert_allclose(g, exact, rtol=0, atol=6e-7)
        assert (np.diff(g) >= 0).all()

    def test_logarithm_of_any_normal_number(self):
        """Relative error below 1e-7 (measured: 8.1e-8) for all exponents and close to 1; log 1 is 0."""
        rng = np.random.default_rng(12)
        wide = rng.integers(0x00800000, 0x7F7FFFFF, 2**20, dtype=np.int32).view(np.float32)
        near = rng.uniform(0.5, 2, 2**20).astype(np.float32)
        x = np.concatenate([wide, near])
        out = np.zeros((3, x.size), np.float32)
        with np.errstate(all="ignore"):
            quantiles(x, out)
        np.testing.assert_allclose(out[2], np.log(x.astype(np.float64)), rtol=1e-7)
        assert chance.log32(np.float32(1)) == 0

    def test_exponential(self):
        """Relative error below 1e-7 (measured: 8.1e-8) from -87 to 88; exp 0 is 1; beyond, the end's value."""
        x = np.linspace(-87, 88, 2**20, dtype=np.float32)
        out = np.zeros_like(x)
        exponentials(x, out)
        np.testing.assert_allclose(out, np.exp(x.astype(np.float64)), rtol=1e-7)
        assert chance.exp32(np.float32(0)) == 1
        assert chance.exp32(np.float32(-1e9)) == out[0]
        assert chance.exp32(np.float32(np.inf)) == out[-1]

    def test_logistic_below_a_logit_happens_with_its_probability(self, block):
        """The inequality that the model uses for every yes-or-no draw, n = 1,048,576."""
        logistic = block[2][2]
        for z in (-3.0, -0.4, 0.8, 2.5):
            p = 1 / (1 + math.exp(-z))
            assert abs((logistic < z).mean() - p) < 4.5 * math.sqrt(p * (1 - p) / logistic.size)
