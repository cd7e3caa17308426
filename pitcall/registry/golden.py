"""Rows with the answers that a model gave when it was made: one that answers otherwise is another one, or broken."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pitcall.errors import ModelRefused

Array: TypeAlias = NDArray[np.generic]
#: Inputs by name -> outputs by name.
Run: TypeAlias = Callable[[Mapping[str, Array]], Mapping[str, Array]]

#: Beginnings of the names of a golden file's tensors.
IN = "in."
OUT = "out."


def check(run: Run, golden: Mapping[str, Array], tolerance: float, where: str) -> None:
    """Ask the model what it was asked when it was made.

    Args:
        run: the model.
        golden: tensors ``in.<name>`` and ``out.<name>``.
        tolerance: largest difference of a number; 0 wants the same numbers.
        where: names the model in the message.

    Raises:
        ModelRefused: an answer is missing, has another shape, is not finite, or differs by more.
    """
    found = run({name.removeprefix(IN): array for name, array in golden.items() if name.startswith(IN)})
    for key, wanted in golden.items():
        if not key.startswith(OUT):
            continue
        name = key.removeprefix(OUT)
        answer = found.get(name)
        if answer is None or answer.shape != wanted.shape:
            shape = "none" if answer is None else f"shape {list(answer.shape)}"
            raise ModelRefused(f"{where}: golden answer {name} has shape {list(wanted.shape)}, the model gives {shape}")
        difference = np.abs(answer.astype(np.float64) - wanted.astype(np.float64))
        if not np.isfinite(difference).all():
            raise ModelRefused(f"{where}: the model answers NaN or infinity to the golden rows of {name}")
        if difference.size and (worst := float(difference.max())) > tolerance:
            raise ModelRefused(
                f"{where}: its {name} for the golden rows differ by {worst:.3g}, allowed is {tolerance:.3g}"
            )
