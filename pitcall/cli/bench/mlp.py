"""A network of random weights, as ModelService serves it: to measure with, and to test with."""

import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pitcall.registry.manifest import Manifest

#: Widths of the network that figures are given for.
SIZES: Final = (64, 256, 256, 8)
#: Golden rows: more than one pass takes.
GOLDEN_ROWS: Final = 300
#: By which the machine that serves may differ from NumPy here.
TOLERANCE: Final = 1e-4


def write(folder: Path, sizes: tuple[int, ...] = SIZES, seed: int = 0) -> None:
    """Write weights and golden rows into a new folder.

    Raises:
        FileExistsError: there is one.
    """
    import numpy as np  # noqa: PLC0415  # only here
    from safetensors.numpy import save_file  # noqa: PLC0415  # as above

    random = np.random.default_rng(seed)
    layers = [
        (random.standard_normal((wide, narrow), dtype=np.float32) / np.float32(narrow**0.5), np.zeros(wide, np.float32))
        for narrow, wide in pairwise(sizes)
    ]
    folder.mkdir(parents=True)
    # The numbers that torch.nn.Sequential gives its linear layers: an activation stands between them.
    tensors = {f"{2 * n}.weight": weight for n, (weight, _) in enumerate(layers)}
    save_file(tensors | {f"{2 * n}.bias": bias for n, (_, bias) in enumerate(layers)}, folder / "mlp.safetensors")
    rows = random.standard_normal((GOLDEN_ROWS, sizes[0]), dtype=np.float32)
    save_file({"in.rows": rows, "out.rows": answers(layers, rows)}, folder / "golden.safetensors")


def answers(
    layers: "list[tuple[NDArray[np.float32], NDArray[np.float32]]]", rows: "NDArray[np.float32]"
) -> "NDArray[np.float32]":
    """What the network gives, by NumPy."""
    import numpy as np  # noqa: PLC0415  # as above

    for weight, bias in layers[:-1]:
        rows = np.maximum(rows @ weight.T + bias, np.float32(0))
    weight, bias = layers[-1]
    return rows @ weight.T + bias


def publish(name: str, folder: Path, *, store: str | None = None, bless: bool = True) -> "Manifest":
    """Put a folder into a store, by default the one that is configured, and let it answer. Returns what it is.

    Raises:
        PitcallError: the folder holds what a model must not, or the store does not take it.
    """
    from pitcall.adapters.objects import read_settings  # noqa: PLC0415  # a network alone is written without
    from pitcall.adapters.registry import describe, open_shelf  # noqa: PLC0415  # as above
    from pitcall.registry.manifest import Origin  # noqa: PLC0415  # as above

    manifest = describe(name, folder, Origin("Apache-2.0", data="random", tolerance=TOLERANCE))
    with open_shelf(read_settings(bucket=store)) as shelf:
        shelf.publish(manifest, folder)
        if bless:
            shelf.change(name, lambda alias: alias.bless(manifest.version, time.time()))
    return manifest
