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
    ranked = sorted(values)
    return Quantiles(*(round(ranked[math.ceil(share * len(ranked)) - 1], 2) for share in (0.50, 0.95)))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
