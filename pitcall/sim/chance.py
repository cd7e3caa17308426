"""Counter-based random numbers in float32: a pure function of (seed, path, lap, car, channel). Pure.

A number is no step of a stream but the hash of its address, so it is the same on 1 thread or 64, in any block of
races and for every candidate call (common random numbers). Each function is here twice: for one number
(``uniform``; plain Python or compiled, the same source) and for the 32 lanes of ``pitcall.sim.simd``
(``vuniform``). Both do the same operations in the same order and are equal bit for bit. A variate costs one
uniform and is its quantile: no rejection loop, so a number never shifts its neighbours.

- Path key: finaliser of splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators",
  OOPSLA), 64 bits, as two halves.
- Word: a Weyl sequence through a two-round 32-bit finaliser of the lowbias32 family (Chris Wellons,
  hash-prospector; the multipliers are TheIronBorn's, bias 0.1073 in its README), where each half of the key enters
  one round.
- Uniform: 23 bits, centred, so that 0 and 1 do not occur.
- ``log32`` and ``exp32``: Cephes logf and expf (Moshier). ``normal``: PPND7 of Wichura 1988 (AS 241, Applied
  Statistics 37, 477-484).

In scalar code every constant and every step is float32: beside a Python float, or an integer, Numba would go on in
float64 where NumPy stays in float32. Integers stay below 2**63, so that compiled int64, Python and NumPy agree.
"""

from typing import Final

import numpy as np

from pitcall.sim.simd import F, I, asfloat, asint, inlined, sqrt, tofloat, vmax, vmin, where

# Channels. One per question that chance answers; at most CHANNELS; append, never renumber.
(
    PACE,  # how fast is the car really, given the laps so far
    WEAR,  # how hard is it really on its tyres
    CLIFF,  # when do its tyres really fall off the cliff
    LAP,  # this lap's time
    PASS,  # does this attack succeed
    STOP,  # does this rival box now
    EVENT,  # what kind of event hits this lap or this car
    INCIDENT,  # does something happen to this car on this lap
    CAUTION,  # is the race neutralised, and how
    CAUTION_LAPS,  # for how long
    STATION,  # how long does this stop stand still
    BOTCH,  # is this stop botched
    RAIN,  # does rain begin, end or change
    COMPOUND,  # which tyre does this rival take
    MISTAKE,  # does the driver make a mistake on this lap
    SPARE,  # not asked yet
) = range(16)

#: The digits of a counter: lap < 512, car < 64, channel < 16.
CARS: Final = 64
CHANNELS: Final = 16

_MASK: Final = 0xFFFFFFFF
_WEYL: Final = 0x9E3779B9  # 2**32 over the golden ratio
_ROUND1: Final = 0x21F0AAAD
_ROUND2: Final = 0x735A2D97  # below 2**31, so that a 32-bit word times it stays below 2**63

_HALF64: Final = np.uint64(_MASK)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX2: Final = np.uint64(0x94D049BB133111EB)

_0, _1, _HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)
_STEP: Final = np.float32(2.0**-23)

# log: x = 2**e * (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2); bits of 1, of sqrt(1/2), of the fraction.
_BITS_1: Final = 0x3F800000
_BITS_SQRT_HALF: Final = 0x3F3504F3
_BITS_FRACTION: Final = 0x007FFFFF
_L2, _L3, _L4, _L5, _L6, _L7, _L8, _L9, _L10 = (
    np.float32(c)
    for c in (
        3.3333331174e-1,
        -2.4999993993e-1,
        2.0000714765e-1,
        -1.6668057665e-1,
        1.4249322787e-1,
        -1.2420140846e-1,
        1.1676998740e-1,
        -1.1514610310e-1,
        7.0376836292e-2,
    )
)
# ln 2 in two parts: the first has so few digits that its product with an exponent is exact.
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)

_LOG2E: Final = np.float32(1.44269504088896341)
# 1.5 * 2**23 and its bits: added to a small number it leaves the nearest whole one in the last digits.
_MAGIC, _MAGIC_BITS = np.float32(12582912.0), 0x4B400000
_EXP_MIN, _EXP_MAX = np.float32(-87.0), np.float32(88.0)
_E0, _E1, _E2, _E3, _E4, _E5 = (
    np.float32(c)
    for c in (
        5.0000001201e-1,
        1.6666665459e-1,
        4.1665795894e-2,
        8.3334519073e-3,
        1.3981999507e-3,
        1.9875691500e-4,
    )
)

# AS 241 PPND7: numerators A, C and denominators B, D of the body and of the tail.
_BODY, _BODY2, _TAIL = np.float32(0.425), np.float32(0.180625), np.float32(1.6)
_A0, _A1, _A2, _A3 = (np.float32(c) for c in (3.3871327179, 5.0434271938e1, 1.5929113202e2, 5.9109374720e1))
_B1, _B2, _B3 = (np.float32(c) for c in (1.7895169469e1, 7.8757757664e1, 6.7187563600e1))
_C0, _C1, _C2, _C3 = (np.float32(c) for c in (1.4234372777, 2.7568153900, 1.3067284816, 1.7023821103e-1))
_D1, _D2 = (np.float32(c) for c in (7.3700164250e-1, 1.2021132975e-1))


@inlined
def _product(a: np.uint64, b: np.uint64) -> np.uint64:
    """``a * b`` modulo 2**64 from 32-bit halves: NumPy warns where a uint64 overflows."""
    low = (a & _HALF64) * (b & _HALF64)
    cross = (((a >> _S32) * (b & _HALF64)) & _HALF64) + (((a & _HALF64) * (b >> _S32)) & _HALF64)
    return (((low >> _S32) + cross) << _S32) | (low & _HALF64)


@inlined
def mix(z: np.uint64) -> np.uint64:
    """Finaliser of splitmix64: uint64 to uint64, one to one."""
    z = _product(z ^ (z >> _S30), _MIX1)
    z = _product(z ^ (z >> _S27), _MIX2)
    return z ^ (z >> _S31)


@inlined
def path_key(seed: int | np.uint64, path: int) -> tuple[np.int64, np.int64]:
    """The low and the high 32 bits of the key that all numbers of one path share.

    ``seed`` is below 2**64, ``path`` below 2**63, neither negative (plain Python raises OverflowError).
    The paths of one seed have different keys.
    """
    key = mix(mix(np.uint64(seed)) ^ _product(np.uint64(path) + np.uint64(1), _GAMMA))
    return np.int64(key & _HALF64), np.int64(key >> _S32)


@inlined
def counter(lap: int, car: int, channel: int) -> int:
    """The address of a number within its path; ``lap`` below 512, ``car`` below CARS, ``channel`` below CHANNELS."""
    return (lap * CARS + car) * CHANNELS + channel


@inlined
def word(lo: int | np.integer, hi: int | np.integer, at: int | np.integer) -> int:
    """32 random bits, 0 to 2**32 - 1, for the path with that key at counter ``at``.

    ``lo`` and ``hi`` may also be the int32 with the same bits, as a lane holds them.
    """
    x = (int(at) * _WEYL + int(lo)) & _MASK
    x ^= x >> 16
    x = (x * _ROUND1) & _MASK
    x ^= x >> 15
    x = (x + int(hi)) & _MASK
    x = (x * _ROUND2) & _MASK
    return x ^ (x >> 15)


@inlined
def vword(lo: I, hi: I, at: I | int) -> I:
    """``word`` in each lane, as int32 bits."""
    x = lo + at * _WEYL
    x = (x ^ (x >> 16)) * _ROUND1
    x = ((x ^ (x >> 15)) + hi) * _ROUND2
    return x ^ (x >> 15)


@inlined
def uniform(lo: int | np.integer, hi: int | np.integer, at: int | np.integer) -> np.float32:
    """A multiple of 2**-23 plus 2**-24: above 0, below 1, and ``1 - uniform`` is exact."""
    return (np.float32(word(lo, hi, at) >> 9) + _HALF) * _STEP


@inlined
def vuniform(lo: I, hi: I, at: I | int) -> F:
    """``uniform`` in each lane."""
    return (tofloat(vword(lo, hi, at) >> 9) + _HALF) * _STEP


@inlined
def log32(x: np.float32) -> np.float32:
    """Natural logarithm of a normal positive float32; relative error below 1e-7."""
    n = int(np.float32(x).view(np.int32)) + (_BITS_1 - _BITS_SQRT_HALF)
    e = np.float32((n >> 23) - 127)
    f = np.int32((n & _BITS_FRACTION) + _BITS_SQRT_HALF).view(np.float32) - _1
    p = (((((((_L10 * f + _L9) * f + _L8) * f + _L7) * f + _L6) * f + _L5) * f + _L4) * f + _L3) * f + _L2
    z = f * f
    p = (p * f) * z + e * _LN2_LOW - _HALF * z
    return (f + p) + e * _LN2_HIGH


@inlined
def vlog32(x: F) -> F:
    """``log32`` in each lane."""
    n = asint(x) + (_BITS_1 - _BITS_SQRT_HALF)
    e = tofloat((n >> 23) - 127)
    f = asfloat((n & _BITS_FRACTION) + _BITS_SQRT_HALF) - _1
    p = (((((((_L10 * f + _L9) * f + _L8) * f + _L7) * f + _L6) * f + _L5) * f + _L4) * f + _L3) * f + _L2
    z = f * f
    p = (p * f) * z + e * _LN2_LOW - _HALF * z
    return (f + p) + e * _LN2_HIGH


@inlined
def exp32(x: np.float32) -> np.float32:
    """Exponential of a float32; ``x`` beyond -87 or 88 counts as that; relative error below 1e-7."""
    x = min(max(x, _EXP_MIN), _EXP_MAX)
    near = x * _LOG2E + _MAGIC
    whole = near - _MAGIC
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    p = ((((_E5 * r + _E4) * r + _E3) * r + _E2) * r + _E1) * r + _E0
    power: np.float32 = np.int32((int(whole) + 127) << 23).view(np.float32)
    return (p * (r * r) + r + _1) * power


@inlined
def vexp32(x: F) -> F:
    """``exp32`` in each lane."""
    x = vmin(vmax(x, _EXP_MIN), _EXP_MAX)
    near = x * _LOG2E + _MAGIC
    whole = near - _MAGIC
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    p = ((((_E5 * r + _E4) * r + _E3) * r + _E2) * r + _E1) * r + _E0
    power = asfloat((asint(near) + (127 - _MAGIC_BITS)) << 23)
    return (p * (r * r) + r + _1) * power


@inlined
def normal(u: np.float32) -> np.float32:
    """Standard normal quantile of a ``uniform``; relative error below 5e-7, within -5.3 and 5.3."""
    q = u - _HALF
    if abs(q) <= _BODY:
        r = _BODY2 - q * q
        return q * (((_A3 * r + _A2) * r + _A1) * r + _A0) / (((_B3 * r + _B2) * r + _B1) * r + _1)
    root: np.float32 = np.sqrt(-log32(u if q < _0 else _1 - u))
    r = root - _TAIL
    z = (((_C3 * r + _C2) * r + _C1) * r + _C0) / ((_D2 * r + _D1) * r + _1)
    return -z if q < _0 else z


@inlined
def vnormal(u: F) -> F:
    """``normal`` in each lane: both branches, one division."""
    q = u - _HALF
    body = abs(q) <= _BODY
    r = _BODY2 - q * q
    s = sqrt(-vlog32(vmin(u, _1 - u))) - _TAIL
    tail = ((_C3 * s + _C2) * s + _C1) * s + _C0
    above = where(body, q * (((_A3 * r + _A2) * r + _A1) * r + _A0), where(q < _0, -tail, tail))
    return above / where(body, ((_B3 * r + _B2) * r + _B1) * r + _1, (_D2 * s + _D1) * s + _1)


@inlined
def logistic(u: np.float32) -> np.float32:
    """Standard logistic quantile of a ``uniform``: it is below ``z`` with probability 1 / (1 + exp(-z)).

    Absolute error below 6e-7, within -16.7 and 16.7.
    """
    return log32(u / (_1 - u))


@inlined
def vlogistic(u: F) -> F:
    """``logistic`` in each lane."""
    return vlog32(u / (_1 - u))
