"""Counter-based random numbers: a pure function of (seed, path, lap, car, channel). Pure.

splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA)
read at a counter instead of as a stream, so that the number for one event of one car is the same
on 1 thread or 64 and for every candidate call (common random numbers). Normal variates by
inversion, one uniform each, with PPND7 of Wichura 1988 (AS 241, Applied Statistics 37, 477-484;
relative error about 1e-7): no rejection loop, so a number never shifts its neighbours.

``register_jitable`` leaves the functions plain: the twin calls them as they are, the kernel
compiles the very same source. All integer arithmetic is uint64 and wraps. Numba's disk cache does
not see a change here: touch kernel.py too (the test against the twin fails until then).
"""

import math
from typing import Final

import numpy as np
from numba.extending import register_jitable

_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX2: Final = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
_ONE: Final = np.uint64(1)

# The counter's digits: channel < 16, car < 64, lap < 512, path above.
_LAPS: Final = np.uint64(512)
_CARS: Final = np.uint64(64)
_CHANNELS: Final = np.uint64(16)

# Channels. One per question that chance answers; append, never renumber.
PACE: Final = 0  # how good the car really is, given the laps so far
WEAR: Final = 1  # how hard it really is on its tyres
LAP: Final = 2  # this lap's time
PASS: Final = 3  # does this attack succeed
STOP: Final = 4  # does this car box now
RETIRE: Final = 5  # does it break down on this lap
CAUTION: Final = 6  # is the race neutralised on this lap (car 0)
CAUTION_LAPS: Final = 7  # for how long (car 0)
PIT: Final = 8  # extra time of this stop


@register_jitable(forceinline=True)
def mix(z: np.uint64) -> np.uint64:
    """Finaliser of splitmix64: uint64 to uint64."""
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    return z ^ (z >> _S31)


@register_jitable(forceinline=True)
def uniform(key: np.uint64, path: int, lap: int, car: int, channel: int) -> float:
    """A number in (0, 1), never an end: 53 bits, centred. ``key`` is ``mix(seed)``, all arguments whole numbers."""
    at = ((np.uint64(path) * _LAPS + np.uint64(lap)) * _CARS + np.uint64(car)) * _CHANNELS + np.uint64(channel)
    return (np.float64(mix(key + (at + _ONE) * _GAMMA) >> _S11) + 0.5) * 2.0**-53


@register_jitable(forceinline=True)
def normal(u: float) -> float:
    """Standard normal quantile of ``u`` in (0, 1): AS 241 PPND7."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        numerator = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        return q * numerator / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)
    r = u if q < 0.0 else 1.0 - u
    r = math.sqrt(-math.log(r))
    if r <= 5.0:
        r -= 1.6
        z = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        z /= (0.12021132975 * r + 0.73700164250) * r + 1.0
    else:
        r -= 5.0
        z = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
        z /= (0.012258202635 * r + 0.24197894225) * r + 1.0
    return -z if q < 0.0 else z


@register_jitable(forceinline=True)
def logistic(u: float) -> float:
    """Standard logistic quantile: ``logistic(u) < z`` happens with probability 1 / (1 + exp(-z))."""
    return math.log(u / (1.0 - u))
