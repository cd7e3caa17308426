"""What the benches have in common: quantiles, and what the machine offers."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Median and the 95th percentile, in the unit of the field's name."""

    p50: float
    p95: float


def quantiles(values: Sequence[float]) -> Quantiles:
    """Nearest rank: values that were measured."""
    return Quantiles(rank(values, 0.50), rank(values, 0.95))


def rank(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; one that was measured, to two digits."""
    return round(sorted(values)[math.ceil(share * len(values)) - 1], 2)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
