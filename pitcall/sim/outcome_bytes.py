r"""Exact outcomes as bytes: what ``/v1/evaluate`` of the sim worker answers. Pure.

One line of JSON names every array with its type and shape, in their order; the arrays follow, row by
row, little-endian, with nothing between or after them:

    {"place":["u1",[64,30]],"rejoin":["u1",[64,30,3]],"gap_s":["f4",[64,30,2]]}\n<bytes>

Binary, because text would be four times as long and a float32 through decimal digits is a risk
that a promise of equal bits need not take.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pitcall.sim.outcome import Bytes, Outcome

#: Types that an outcome may hold.
_TYPES: Final = frozenset({"u1", "f4"})
_FINISH: Final = "finish"

_Array = npt.NDArray[Any]


def pack(outcome: Outcome) -> bytes:
    """An outcome as bytes."""
    return _pack({field.name: getattr(outcome, field.name) for field in fields(outcome)})


def unpack(raw: bytes, paths: int, calls: int) -> Outcome:
    """The outcome of so many paths and calls. Raises ValueError for bytes that are anything else."""
    arrays = _unpack(raw)
    if list(arrays) != [field.name for field in fields(Outcome)]:
        raise ValueError(f"an outcome holds other arrays than {', '.join(arrays)[:80]}")
    if any(array.shape[:2] != (paths, calls) for array in arrays.values()):
        raise ValueError(f"this is not the outcome of {paths} paths and {calls} calls")
    return Outcome(**arrays)


def pack_finish(places: Bytes) -> bytes:
    """Finishing positions [path, car] as bytes."""
    return _pack({_FINISH: places})


def unpack_finish(raw: bytes, paths: int, cars: int) -> Bytes:
    """Finishing positions of so many paths and cars. Raises ValueError for bytes that are anything else."""
    arrays = _unpack(raw)
    if list(arrays) != [_FINISH] or arrays[_FINISH].shape != (paths, cars):
        raise ValueError(f"these are not the finishing positions of {paths} paths and {cars} cars")
    return arrays[_FINISH]


def _pack(arrays: Mapping[str, _Array]) -> bytes:
    head = {name: [array.dtype.str.lstrip("|<>="), array.shape] for name, array in arrays.items()}
    little = (array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes() for array in arrays.values())
    return b"\n".join([json.dumps(head, separators=(",", ":")).encode(), b"".join(little)])


def _unpack(raw: bytes) -> dict[str, _Array]:
    """The arrays, which look into ``raw`` and cannot be written."""
    end = raw.find(b"\n")
    try:
        head = json.loads(raw[: max(0, end)])
        layout = [(str(name), str(kind), tuple(map(int, shape))) for name, (kind, shape) in head.items()]
    except (ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise ValueError("an outcome begins with one line of JSON") from exc
    arrays, at = {}, end + 1
    for name, kind, shape in layout:
        if kind not in _TYPES or any(length < 0 for length in shape):
            raise ValueError(f"{name[:20]}: not an array of an outcome")
        array = np.frombuffer(raw[at : at + _size(kind, shape)], f"<{kind}")
        at += _size(kind, shape)
        arrays[name] = array.reshape(shape)  # ValueError for a buffer that is too short
    if at != len(raw):
        raise ValueError(f"{len(raw)} bytes where {at} were announced")
    return arrays


def _size(kind: str, shape: tuple[int, ...]) -> int:
    return int(kind[1:]) * math.prod(shape)
