"""A multilayer perceptron from the files of a version, and the passes in which it answers rows.

``mlp.safetensors`` holds ``<n>.weight`` f32[outputs, inputs] and ``<n>.bias`` f32[outputs] of each linear layer: the
``state_dict`` of a ``torch.nn.Sequential`` with one activation between them. Which one stands in the header's
``__metadata__`` as ``activation``; without it ReLU. Golden rows are ``in.rows`` and ``out.rows``.

A pass has a fixed number of rows, its bucket; what is missing is padded. Rows are as wide as whole cache lines, for
where a row begins in memory can change its last digits. That alone does not give a row the same bytes in every bucket:
a matrix product may add in another order when it has other sizes. So the buckets are compared when a network is loaded,
on the device that will answer, and those that disagree with the smallest are not used.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pitcall.adapters.registry import check_golden
from pitcall.errors import InvalidRequest, ModelRefused
from pitcall.registry.golden import Array
from pitcall.registry.manifest import Manifest
from pitcall.registry.tensors import Tensor

if TYPE_CHECKING:
    import torch

Rows: TypeAlias = NDArray[np.float32]

WEIGHTS: Final = "mlp.safetensors"
#: Name of inputs and outputs in golden rows.
ROWS: Final = "rows"
#: Rows of a pass. On the CPU of one core 16 take 0.05 ms and 256 take 0.45 ms for 64 -> 256 -> 256 -> 8
#: (docs/bench-serving.md): smaller ones answer no sooner, larger ones no more rows a second.
BUCKETS: Final = (16, 32, 64, 128, 256)
#: Numbers in a cache line: each layer's width is padded with zeros to a multiple of it. The routines of torch treat the
#: first and last numbers of a row by where it begins: unpadded, 5 -> 7 -> 3 gave a row other bytes in each place.
_LINE: Final = 16
#: Functions of ``torch`` that may stand between two layers.
ACTIVATIONS: Final = MappingProxyType({name: name for name in ("relu", "tanh", "sigmoid")} | {"": "relu"})

_log = logging.getLogger(__name__)


class Device(Protocol):
    """What computes a pass."""

    inputs: int

    def run(self, parts: Sequence[Rows], size: int) -> Rows:
        """The answers to a pass of so many rows; those that are not in the parts are zeros."""


class Network:
    """A network on a device. Several threads may use it at once."""

    def __init__(
        self,
        layers: Sequence[tuple["torch.Tensor", "torch.Tensor"]],
        activation: str,
        device: str = "cpu",
        *,
        half: bool = False,
    ) -> None:
        import torch  # noqa: PLC0415  # takes seconds: not before the port listens

        self._device, self._dtype = device, torch.float16 if half else torch.float32
        self._layers = [self._padded(weight, bias) for weight, bias in layers]
        self._activation = getattr(torch, activation)
        self.inputs = int(layers[0][0].shape[1])
        self.outputs = int(layers[-1][0].shape[0])
        self.nbytes = sum(weight.nbytes + bias.nbytes for weight, bias in layers)  #: of the weights in their file
        self.buckets: tuple[int, ...] = BUCKETS  #: smallest first

    def _padded(self, weight: "torch.Tensor", bias: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """In memory of its own, which begins with a cache line; what is added is zero and changes no sum."""
        import torch  # noqa: PLC0415  # as above

        wide, narrow = (_whole(width) for width in weight.shape)
        made = (torch.zeros(wide, narrow), torch.zeros(wide))
        made[0][: weight.shape[0], : weight.shape[1]] = weight
        made[1][: len(bias)] = bias
        return made[0].to(self._device, self._dtype), made[1].to(self._device, self._dtype)

    def run(self, parts: Sequence[Rows], size: int) -> Rows:
        """The answers to a pass of so many rows; those that are not in the parts are zeros. Blocks."""
        import torch  # noqa: PLC0415  # as above

        rows = torch.zeros(size, _whole(self.inputs))
        np.concatenate(parts, out=rows.numpy()[: sum(map(len, parts)), : self.inputs])
        with torch.inference_mode():
            x = rows.to(self._device, self._dtype)
            *hidden, last = self._layers
            for weight, bias in hidden:
                x = self._activation(torch.nn.functional.linear(x, weight, bias))
            answers: Rows = torch.nn.functional.linear(x, *last).to("cpu", torch.float32).numpy()
            return answers[:, : self.outputs]

    def bucket(self, rows: int) -> int:
        """The smallest bucket that takes so many rows; the largest if none does."""
        return next((size for size in self.buckets if size >= rows), self.buckets[-1])

    def answer(self, parts: Sequence[Rows]) -> Rows:
        """The answers to these rows in one pass; together at most as many as the largest bucket."""
        count = sum(map(len, parts))
        return self.run(parts, self.bucket(count))[:count]

    def answer_all(self, rows: Rows) -> Rows:
        """The answers to any number of rows, pass by pass."""
        most = self.buckets[-1]
        return np.concatenate([self.answer([rows[at : at + most]]) for at in range(0, len(rows), most)])


def load(folder: Path, manifest: Manifest, device: str = "cpu", *, half: bool = False) -> Network:
    """Read a version, ask it its golden rows, and find the buckets that agree: after this it is warm.

    Args:
        folder: with the files of the version, checked by the registry.
        manifest: what they are.
        device: of torch, such as ``cpu`` or ``cuda``.
        half: compute in float16.

    Raises:
        ModelRefused: it is no network that can be served, or answers otherwise than when it was made.
    """
    from safetensors import safe_open  # noqa: PLC0415  # brings torch along

    where = f"{manifest.name} {manifest.version}"
    order = _layers(manifest.tensors.get(WEIGHTS, {}), where)
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        named = (file.metadata() or {}).get("activation", "")
        layers = [(file.get_tensor(f"{n}.weight"), file.get_tensor(f"{n}.bias")) for n in order]
    if named not in ACTIVATIONS:
        known = ", ".join(sorted(filter(None, ACTIVATIONS)))
        raise ModelRefused(f"{where}: no activation is {named!r:.40} here; known are {known}")
    network = Network(layers, ACTIVATIONS[named], device, half=half)
    network.buckets = agreeing(network, where)

    def run(found: Mapping[str, Array]) -> dict[str, Array]:
        rows = found.get(ROWS)
        if rows is None or rows.ndim != 2 or rows.shape[1] != network.inputs or not len(rows):
            raise ModelRefused(f"{where}: its golden rows must be in.{ROWS} of shape [n, {network.inputs}]")
        return {ROWS: network.answer_all(rows.astype(np.float32))}

    check_golden(folder, manifest, run)
    return network


def agreeing(network: Device, where: str, buckets: Sequence[int] = BUCKETS) -> tuple[int, ...]:
    """The buckets in which a row has the same bytes as in the smallest, wherever it stands in it and beside whom.

    Raises:
        ModelRefused: not even the smallest gives a row the same bytes in every place.
    """
    least = buckets[0]
    probe = np.random.default_rng(0).standard_normal((least, network.inputs), dtype=np.float32)
    expected = np.concatenate([network.run([row[None]], least)[:1] for row in probe])
    found = []
    for size in buckets:
        order = np.arange(size) % least
        shifts = range(least) if size == least else (0, 1, least // 2 + 1)
        if all(
            network.run([probe[np.roll(order, shift)]], size).tobytes() == expected[np.roll(order, shift)].tobytes()
            for shift in shifts
        ):
            found.append(size)
    if least not in found:
        raise ModelRefused(f"{where}: on this device the place of a row in a pass changes its bytes; use another one")
    if len(found) < len(buckets):
        left_out = ", ".join(str(size) for size in buckets if size not in found)
        _log.warning("%s: passes of %s rows give other bytes here and are not used", where, left_out)
    return tuple(found)


def check_rows(rows: Rows, inputs: int, where: str) -> None:
    """Whether a network can be asked these rows: then whatever is no number in an answer is its own fault.

    Raises:
        InvalidRequest: there are none, they have another width, or hold NaN or infinity.
    """
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != inputs:
        raise InvalidRequest(f"{where} takes one or more rows of {inputs} numbers, not {list(rows.shape)}")
    if not np.isfinite(rows).all():
        row = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise InvalidRequest(f"row {row} for {where} holds NaN or infinity")


def _whole(width: int) -> int:
    """In whole cache lines."""
    return -(-width // _LINE) * _LINE


def _layers(tensors: Mapping[str, Tensor], where: str) -> list[int]:
    """The numbers of the layers, in order, of a file whose shapes fit together."""
    numbers = sorted({int(name.partition(".")[0]) for name in tensors if name.partition(".")[0].isdecimal()})
    if not numbers or set(tensors) != {f"{n}.{kind}" for n in numbers for kind in ("weight", "bias")}:
        raise ModelRefused(f"{where} is no network for Predict: {WEIGHTS} must hold <n>.weight and <n>.bias, no others")
    width = None
    for n in numbers:
        weight, bias = tensors[f"{n}.weight"], tensors[f"{n}.bias"]
        if {weight.dtype, bias.dtype} != {"F32"} or len(weight.shape) != 2 or bias.shape != weight.shape[:1]:
            raise ModelRefused(f"{where}: layer {n} must be F32, weight [outputs, inputs] and bias [outputs]")
        if 0 in weight.shape or width not in (None, weight.shape[1]):
            raise ModelRefused(f"{where}: layer {n} takes {weight.shape[1]} numbers, the one before gives {width}")
        width = weight.shape[0]
    return numbers
