"""Vectors of 32 values for Numba."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from llvmlite import binding  # type: ignore[import-untyped]  # has no types
from numba import njit
from numba.core.errors import TypingError

from pitcall.sim.simd import (
    LANES,
    F,
    I,
    M,
    anym,
    asfloat,
    asint,
    bits,
    ctz,
    inlined,
    isplat,
    load,
    msplat,
    pick,
    splat,
    sqrt,
    store,
    tofloat,
    vmax,
    vmin,
    where,
)

pytestmark = pytest.mark.unit

X86 = platform.machine() == "x86_64"
HAS_AVX = X86 and binding.get_host_cpu_features().get("avx", False)
HALF = np.float32(0.5)
#: Where float32 has corners: signed zeros, infinities, NaN, the smallest and the largest, ties of rounding.
CORNERS = np.array(
    [
        0.0,
        -0.0,
        1.0,
        -1.0,
        np.inf,
        -np.inf,
        np.nan,
        1e-45,
        -1e-45,
        1.1754944e-38,
        3.4e38,
        -3.4e38,
        0.1,
        1 / 3,
        16777217,
        2,
    ],
    np.float32,
)


def same(got, expected):
    """Equal bits; one NaN is as good as another."""
    got, expected = np.asarray(got, np.float32), np.asarray(expected, np.float32)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(got[number].view(np.int32), expected[number].view(np.int32))


@pytest.fixture
def floats():
    """Every corner against random numbers, and pairs of corners; (2, 512)."""
    random = np.random.default_rng(4).normal(size=(2, 512)).astype(np.float32)
    random[:, :256] = np.array(np.meshgrid(CORNERS, CORNERS), np.float32).reshape(2, 256)
    return random


@pytest.fixture
def whole():
    """Random 32-bit patterns and the ends of int32; (2, 256)."""
    numbers = np.random.default_rng(5).integers(-(2**31), 2**31, size=(2, 256), dtype=np.int32)
    numbers[0, :4] = 0, -1, 2**31 - 1, -(2**31)
    return numbers


@njit
def float_operators(x, y, out):
    for i in range(0, x.size, LANES):
        a, b = load(x, i), load(y, i)
        n = x.size
        store(out, i, a + b)
        store(out, n + i, a - b)
        store(out, 2 * n + i, a * b)
        store(out, 3 * n + i, a / b)
        store(out, 4 * n + i, -a)
        store(out, 5 * n + i, abs(a))
        store(out, 6 * n + i, sqrt(a))
        store(out, 7 * n + i, vmax(a, b))
        store(out, 8 * n + i, vmin(a, b))
        store(out, 9 * n + i, where(a < b, a, b))


@njit
def float_scalars(x, out, double, number):
    n = x.size
    for i in range(0, n, LANES):
        a = load(x, i)
        store(out, i, a * HALF)
        store(out, n + i, 0.1 - a)
        store(out, 2 * n + i, a / 3)
        store(out, 3 * n + i, double + a)
        store(out, 4 * n + i, number * a)
        store(out, 5 * n + i, vmax(a, 0.0))
        store(out, 6 * n + i, vmin(1, a))
        store(out, 7 * n + i, where(a > 0.25, 1.0, a))
        a += 1.0
        a *= HALF
        store(out, 8 * n + i, a)


@njit
def comparisons(x, y, out):
    for i in range(0, x.size, LANES):
        a, b = load(x, i), load(y, i)
        k = i // LANES
        out[0, k], out[1, k], out[2, k] = bits(a < b), bits(a <= b), bits(a > b)
        out[3, k], out[4, k], out[5, k] = bits(a >= b), bits(a == b), bits(a != b)


@njit
def whole_operators(x, y, out, number):
    n = x.size
    for i in range(0, n, LANES):
        a, b = load(x, i), load(y, i)
        store(out, i, a + b)
        store(out, n + i, a - b)
        store(out, 2 * n + i, a * b)
        store(out, 3 * n + i, a & b)
        store(out, 4 * n + i, a | b)
        store(out, 5 * n + i, a ^ b)
        store(out, 6 * n + i, -a)
        store(out, 7 * n + i, ~a)
        store(out, 8 * n + i, a << 9)
        store(out, 9 * n + i, a >> 9)
        store(out, 10 * n + i, a >> (b & 31))
        store(out, 11 * n + i, a * 0x9E3779B9)
        store(out, 12 * n + i, number - a)
        store(out, 13 * n + i, vmax(a, b))
        store(out, 14 * n + i, where(a > 7, b, -1))


@inlined
def step_inlined(x: F, best: I, seen: M, scale: np.float32) -> tuple[F, I, M]:
    """Vectors in, a tuple of vectors out."""
    new = x * scale + 0.25
    larger = new > 1.0
    return where(larger, new - 1.0, new), where(larger, best + 1, best), seen | larger


step_called: Callable[..., tuple[F, I, M]] = njit()(step_inlined)


@njit
def carry(x, out, counts, rounds):
    value, best, seen, few = load(x, 0), isplat(0), msplat(False), splat(0.0)
    for k in range(rounds):
        value, best, seen = step_inlined(value, best, seen, HALF)
        value, best, seen = step_called(value, best, seen, np.float32(1.5))
        if k & 1:
            few = few + value
        else:
            best = best ^ 5
    store(out, 0, value)
    store(out, LANES, few)
    store(counts, 0, best)
    return bits(seen)


@njit
def multiply_add(x, y, z, out):
    for i in range(0, x.size, LANES):
        store(out, i, load(x, i) * load(y, i) + load(z, i))


class TestFloats:
    def test_operators_are_ieee_float32(self, floats):
        """Each operator gives the bits of NumPy's float32, also at zeros, infinities, NaN and subnormals."""
        x, y = floats
        out = np.zeros((10, x.size), np.float32)
        float_operators(x, y, out.reshape(-1))
        with np.errstate(all="ignore"):
            larger, smaller = np.where(x > y, x, y), np.where(x < y, x, y)
            expected = [x + y, x - y, x * y, x / y, -x, np.abs(x), np.sqrt(x), larger, smaller, smaller]
        same(out, expected)

    def test_a_scalar_stands_for_equal_lanes(self, floats):
        """A float32, a float64, a literal and an int on either side are rounded to float32 first."""
        x = floats[0]
        out = np.zeros((9, x.size), np.float32)
        float_scalars(x, out.reshape(-1), 0.3, 7)
        f = np.float32
        with np.errstate(all="ignore"):
            expected = [
                x * HALF,
                f(0.1) - x,
                x / f(3),
                f(0.3) + x,
                f(7) * x,
                np.where(x > 0, x, f(0)),
                np.where(x > 1, f(1), x),
                np.where(x > f(0.25), f(1), x),
                (x + f(1)) * HALF,
            ]
        same(out, expected)

    def test_comparisons_are_ordered(self, floats):
        """Against NaN everything is false except !=, as in Python."""
        x, y = floats
        out = np.zeros((6, x.size // LANES), np.int64)
        comparisons(x, y, out)
        lanes = (out[:, :, None] >> np.arange(LANES)) & 1
        np.testing.assert_array_equal(lanes.reshape(6, -1).astype(bool), [x < y, x <= y, x > y, x >= y, x == y, x != y])

    def test_a_product_is_rounded_before_the_sum(self):
        """No fused multiply-add: the kernel's bits are those of two separate operations."""
        x, y, z = np.random.default_rng(6).normal(size=(3, 4096)).astype(np.float32)
        out = np.zeros_like(x)
        multiply_add(x, y, z, out)
        same(out, x * y + z)
        fused = (x.astype(np.float64) * y + z).astype(np.float32)
        assert (fused != out).any(), "these numbers cannot tell the two apart"

    def test_no_instruction_may_be_reassociated(self):
        """The code that Numba hands to LLVM carries no fast-math flag."""
        multiply_add.compile("(float32[::1], float32[::1], float32[::1], float32[::1])")
        code = next(iter(multiply_add.inspect_llvm().values()))
        assert f"fmul <{LANES} x float>" in code
        assert f"fadd <{LANES} x float>" in code


class TestWholeNumbers:
    def test_operators_wrap_and_shift_logically(self, whole):
        """Each operator gives the low 32 bits; >> shifts zeros in, also for negative lanes and per lane."""
        x, y = whole
        out = np.zeros((15, x.size), np.int32)
        whole_operators(x, y, out.reshape(-1), 2**40 + 5)
        u, v = x.astype(np.uint64), y.astype(np.uint64)
        low = u & np.uint64(0xFFFFFFFF)
        shift = np.arange(1, dtype=np.uint64)[0] + np.uint64(9)
        with np.errstate(over="ignore"):
            expected = [u + v, u - v, u * v, u & v, u | v, u ^ v, np.uint64(0) - u, ~u]
            expected += [u << shift, low >> shift, low >> (v & np.uint64(31)), u * np.uint64(0x9E3779B9)]
            expected += [np.uint64(2**40 + 5) - u, np.maximum(x, y), np.where(x > 7, y, -1)]
        np.testing.assert_array_equal(out, [e.astype(np.uint32).view(np.int32) for e in expected])

    def test_comparisons_are_signed(self, whole):
        """-1 is less than 0."""
        x, y = whole
        y[:64] = x[:64]
        out = np.zeros((6, x.size // LANES), np.int64)
        comparisons(x, y, out)
        lanes = (out[:, :, None] >> np.arange(LANES)) & 1
        np.testing.assert_array_equal(lanes.reshape(6, -1).astype(bool), [x < y, x <= y, x > y, x >= y, x == y, x != y])

    def test_bits_and_numbers_convert(self):
        """The nearest float32 from tofloat; asint and asfloat keep the bits."""

        @njit
        def convert(x, f, i):
            store(f, 0, tofloat(load(x, 0)))
            store(i, 0, asint(load(f, 0)))
            store(f, LANES, asfloat(load(i, 0)))

        x = np.random.default_rng(7).integers(-(2**31), 2**31, LANES, dtype=np.int32)
        f, i = np.zeros(2 * LANES, np.float32), np.zeros(LANES, np.int32)
        convert(x, f, i)
        np.testing.assert_array_equal(f, np.tile(x.astype(np.float32), 2))
        np.testing.assert_array_equal(i, x.astype(np.float32).view(np.int32))


class TestMasks:
    def test_masks_combine_lane_by_lane(self):
        """and, or, xor, not, a bool on one side, any."""

        @njit
        def combine(x, y, flag):
            a, b = load(x, 0) > 0, load(y, 0) > 0
            return bits(a & b), bits(a | b), bits(a ^ b), bits(~a), bits(a & flag), anym(a & ~a), anym(a | ~a)

        x, y = np.random.default_rng(8).integers(0, 2, (2, LANES), dtype=np.int32)
        p, q = (sum(int(v) << k for k, v in enumerate(z)) for z in (x, y))
        everything = 2**LANES - 1
        assert combine(x, y, True) == (p & q, p | q, p ^ q, p ^ everything, p, False, True)
        assert combine(x, y, False)[4] == 0

    def test_set_lanes_can_be_walked(self):
        """With bits and ctz a loop visits each set lane once, in order, the highest too."""

        @njit
        def visit(x):
            lanes = []
            left = bits(load(x, 0) != 0)
            while left:
                lanes.append(ctz(left))
                left &= left - 1
            return lanes

        x = np.zeros(LANES, np.int32)
        x[[0, 5, 17, 31]] = 1
        assert visit(x) == [0, 5, 17, 31]


class TestMemory:
    @pytest.mark.parametrize("kind", [np.float32, np.int32, np.uint32, np.int8, np.uint8])
    def test_load_store_and_pick_move_elements(self, kind):
        """Any offset, no alignment; a store changes 32 elements and no other; bytes widen with their sign."""

        @njit
        def move(a, rows, out, fetched):
            store(out, 7, load(a, 3))
            store(fetched, 0, pick(a, 2, rows, 1))

        rng = np.random.default_rng(9)
        a = rng.integers(-(2**31), 2**31, 5 * LANES + 2).astype(kind)
        rows = rng.integers(0, 5, LANES + 1, dtype=np.int32)
        wide = np.float32 if kind is np.float32 else np.int32
        out, fetched = np.full(50, 1, kind), np.zeros(LANES, wide)
        move(a, rows, out, fetched)
        np.testing.assert_array_equal(out[7:39], a[3:35])
        assert (np.delete(out, np.s_[7:39]) == 1).all()
        np.testing.assert_array_equal(fetched, a[2:].reshape(5, LANES)[rows[1:], range(LANES)].astype(wide))

    def test_slices_and_rows_inside_a_kernel_are_contiguous(self):
        """A unit-stride slice and a row of a 2-D array load without a copy."""

        @njit
        def copy(a, out):
            store(out[1], 0, load(a[5:60], 2) + load(out[0], 0))

        a, out = np.arange(64, dtype=np.float32), np.ones((2, LANES), np.float32)
        copy(a, out)
        np.testing.assert_array_equal(out[1], a[7:39] + 1)

    @pytest.mark.parametrize("bad", [np.zeros(64, np.float64), np.zeros((64, 2), np.float32)[:, 0]])
    def test_an_array_that_cannot_be_loaded_is_named(self, bad):
        """float64 and strided arrays fail at compile time, and the message says what is needed and what came."""

        @njit
        def read(a):
            return anym(load(a, 0) > 0)

        with pytest.raises(TypingError, match=r"simd.load: needs a contiguous array of float32.*got array\("):
            read(bad)


class TestComposition:
    def test_vectors_pass_helpers_loops_and_branches(self):
        """Arguments, tuple results, loop variables and branch results keep their lanes; both kinds of helper agree."""
        x = np.random.default_rng(10).random(LANES, dtype=np.float32)
        out, counts = np.zeros(2 * LANES, np.float32), np.zeros(LANES, np.int32)
        seen = carry(x, out, counts, 20)
        f = np.float32
        value, few, best, any_seen = x, np.zeros(LANES, f), np.zeros(LANES, np.int32), np.zeros(LANES, bool)
        for k in range(20):
            for scale in (HALF, f(1.5)):
                new = value * scale + f(0.25)
                larger = new > 1
                value, best, any_seen = np.where(larger, new - f(1), new), best + larger, any_seen | larger
            if k & 1:
                few = few + value
            else:
                best = best ^ 5
        same(out, np.concatenate([value, few]))
        np.testing.assert_array_equal(counts, best)
        assert seen == sum(1 << k for k in range(LANES) if any_seen[k])

    def test_float_and_whole_vectors_do_not_mix(self):
        """F + I is a compile error, not a silent conversion."""

        @njit
        def mix(a, b):
            return anym(load(a, 0) + load(b, 0) > 0)

        with pytest.raises(TypingError, match="add"):
            mix(np.zeros(LANES, np.float32), np.zeros(LANES, np.int32))

    def test_plain_python_says_that_it_cannot(self):
        """The message names the function and what to do; the classes cannot be made."""
        with pytest.raises(NotImplementedError, match=r"simd\.load: .*@njit"):
            load(np.zeros(LANES, np.float32), 0)
        with pytest.raises(TypeError):
            F()  # type: ignore[misc]  # the point of the test

    @pytest.mark.skipif(not HAS_AVX, reason="this CPU has no AVX: the vectors are split into other registers")
    def test_the_loop_runs_in_vector_registers(self):
        """The assembly multiplies and adds packed lanes only, helpers included, and never fuses."""
        x = np.zeros(LANES, np.float32)
        carry(x, np.zeros(2 * LANES, np.float32), np.zeros(LANES, np.int32), 1)
        multiply_add(x, x, x, x.copy())
        for kernel in (carry, multiply_add):
            code = "".join(kernel.inspect_asm().values())
            assert "vmulps" in code
            assert "mulss" not in code
            assert "fmadd" not in code
            assert "zmm" in code or "ymm" in code
            assert "step_inlined" not in "".join(line for line in code.splitlines() if "call" in line)


SCRIPT = """
import hashlib, json
import numpy as np
from numba import njit
from pitcall.sim import chance
from pitcall.sim.simd import LANES, inlined, load, store

@inlined
def step(x, u):
    return x * 0.7 + chance.vnormal(u) * 0.3, chance.vlogistic(u)

@njit(cache=True, nogil=True)
def kernel(lo, hi, out):
    x = chance.vuniform(load(lo, 0), load(hi, 0), 0)
    for i in range(1000):
        x, y = step(x, chance.vuniform(load(lo, 0), load(hi, 0), i))
        store(out, 2 * i * LANES, x)
        store(out, (2 * i + 1) * LANES, y / (x * x + 1.0))

keys = np.array([chance.path_key(3, path) for path in range(LANES)]).astype(np.uint32).view(np.int32)
out = np.zeros(2000 * LANES, np.float32)
kernel(keys[:, 0].copy(), keys[:, 1].copy(), out)
assert np.isfinite(out).all() and out.std() > 0.1
hits = sum(kernel.stats.cache_hits.values())
code = "".join(kernel.inspect_asm().values()) if not hits else ""
registers = [name for name in ("zmm", "ymm", "xmm") if name in code]
print(json.dumps({"hits": hits, "registers": registers, "digest": hashlib.sha256(out.tobytes()).hexdigest()}))
"""


def run(folder, **environment):
    """Run SCRIPT, whose kernel is cached on disk, in a new process."""
    script = folder / "script.py"
    if not script.exists():
        script.write_text(SCRIPT)
    python_path = os.pathsep.join(p for p in sys.path if p)
    environment |= {"NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": python_path}
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(
        command, check=False, env=os.environ | environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class TestProcesses:
    def test_a_second_process_takes_the_kernel_from_the_disk_cache(self, tmp_path):
        """The vector types do not stop Numba's cache, and the cached code gives the same bits."""
        first, second = run(tmp_path), run(tmp_path)
        assert (first["hits"], second["hits"]) == (0, 1)
        assert first["digest"] == second["digest"]

    @pytest.mark.skipif(not X86, reason="the builds to compare are for x86")
    def test_builds_for_different_cpus_give_the_same_bits(self, tmp_path):
        """SSE2, AVX2 and AVX-512 code, as far as this machine runs it, agree with each other."""
        host = binding.get_host_cpu_features()
        wanted = {"x86-64": ("sse2", "xmm"), "x86-64-v3": ("avx2", "ymm"), "x86-64-v4": ("avx512f", "zmm")}
        builds = {}
        for name, (feature, widest) in wanted.items():
            if host.get(feature, False):
                # With the features left out Numba adds the host's to the named CPU's.
                builds[name] = run(tmp_path, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES="")
                assert (builds[name]["hits"], builds[name]["registers"][0]) == (0, widest)
        assert len({build["digest"] for build in builds.values()}) == 1, builds
