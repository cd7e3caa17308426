"""What a safetensors file holds, and whether every number in it is one. Nothing in the file is believed.

A file is the length of its header (u64, little-endian), the header (JSON: name -> dtype, shape, data_offsets) and the
data. Own code, 60 lines, since the library takes a header of 100 MB, names such as ``../x``, a name that stands twice
and weights of NaN. What is accepted here the library accepts too (a property test).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO, Final

from pitcall.errors import Corrupt, ModelRefused
from pitcall.registry import fields

SUFFIX: Final = ".safetensors"
#: Largest header. Ten thousand tensors need about this; a larger one is made to fill memory.
MAX_HEADER_BYTES: Final = 1 << 20
MAX_RANK: Final = 8

#: Bytes of a number, by dtype.
DTYPES: Final = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
#: Bits that are all set in a NaN or an infinity, and only there; E4M3 has no infinity.
_NOT_FINITE: Final = {
    "F8_E5M2": 0x7C, "F8_E4M3": 0x7F, "F16": 0x7C00, "BF16": 0x7F80, "F32": 0x7F800000, "F64": 0x7FF0000000000000,
}  # fmt: skip
#: What else people store as weights, by its first bytes.
_OTHERS: Final = (
    (b"PK\x03\x04", "a zip archive, as torch.save writes it"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "HDF5"),
    (b"GGUF", "GGUF"),
    (b"\x80", "a pickle"),
)
_BLOCK: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Tensor:
    """Type and shape of one array."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of its data."""
        return prod(self.shape) * DTYPES[self.dtype]


@dataclass(frozen=True, slots=True)
class Placed:
    """A tensor and where its data begins in the file, in bytes."""

    tensor: Tensor
    start: int


def read_header(file: BinaryIO, size: int, where: str) -> dict[str, Placed]:
    """The tensors of a file of ``size`` bytes, by name; the file is read from its beginning.

    Raises:
        ModelRefused: it is no safetensors file, or one that was made to do harm.
        Corrupt: it is shorter than its header says.
    """
    file.seek(0)
    first = file.read(8)
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > MAX_HEADER_BYTES or length > size - 8:
        raise _no_header(first, length, size, where)
    text = file.read(length)
    if not text.startswith(b"{"):
        raise ModelRefused(f"{where} is {_named(first) or 'not safetensors: its header is no JSON object'}")
    header = fields.of_kind(fields.parse(text, f"the header of {where}"), dict, f"the header of {where}")
    about = header.pop("__metadata__", {})
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise ModelRefused(f"{where}: __metadata__ must hold texts by name")
    spans = {_checked(name, where): _span(raw, f"{where}, tensor {name!r:.80}") for name, raw in header.items()}
    _check_layout(spans, size - 8 - length, where)
    return {name: Placed(tensor, 8 + length + begin) for name, (tensor, begin) in spans.items()}


def check_finite(file: BinaryIO, tensors: Mapping[str, Placed], where: str) -> None:
    """Every float is a number: weights of NaN load in silence and answer nonsense.

    Raises:
        ModelRefused: the first tensor with a NaN or an infinity.
    """
    import numpy as np  # noqa: PLC0415  # who only reads headers does without

    for name, placed in tensors.items():
        mask = _NOT_FINITE.get(placed.tensor.dtype)
        if mask is None:
            continue
        kind = np.dtype(f"<u{DTYPES[placed.tensor.dtype]}")
        for block in _blocks(file, placed):
            numbers = np.frombuffer(block, kind)
            if ((numbers & kind.type(mask)) == mask).any():
                raise ModelRefused(f"{where}, tensor {name!r:.80}: a weight is NaN or infinite; train it again")


def _blocks(file: BinaryIO, placed: Placed) -> Iterator[bytes]:
    file.seek(placed.start)
    left = placed.tensor.nbytes
    while left and (block := file.read(min(_BLOCK, left))):
        left -= len(block)
        yield block


def _no_header(first: bytes, length: int, size: int, where: str) -> ModelRefused | Corrupt:
    if other := _named(first):
        return ModelRefused(f"{where} is {other}, whatever its name says; weights are kept as safetensors only")
    if len(first) < 8 or length <= MAX_HEADER_BYTES:
        return Corrupt(f"{where} is cut off: {size} bytes do not hold its header")
    return ModelRefused(f"{where}: its header claims {length:,} bytes; at most {MAX_HEADER_BYTES:,} are read")


def _named(first: bytes) -> str:
    return next((name for magic, name in _OTHERS if first.startswith(magic)), "")


def _checked(name: str, where: str) -> str:
    bad = not name or len(name) > 512 or not name.isprintable() or "\\" in name or name.startswith("/")
    if bad or ".." in name.split("/"):
        raise ModelRefused(f"{where}: {name!r:.80} cannot name a tensor: it leads out of its folder, or is no name")
    return name


def _span(raw: Any, where: str) -> tuple[Tensor, int]:  # noqa: ANN401  # whatever the header holds
    """A tensor and where it begins in the data."""
    raw = fields.table(raw, ("dtype", "shape", "data_offsets"), where)
    shape, offsets = (fields.of_kind(raw[name], list, f"{where}, {name}") for name in ("shape", "data_offsets"))
    if fields.of_kind(raw["dtype"], str, f"{where}, dtype") not in DTYPES:
        raise ModelRefused(f"{where}: {raw['dtype']!r:.40} is no dtype that is known here")
    whole = all(type(number) is int and 0 <= number < 1 << 48 for number in (*shape, *offsets))
    if not whole or len(shape) > MAX_RANK or len(offsets) != 2:
        raise ModelRefused(f"{where}: no tensor has the shape {shape!r:.60} at {offsets!r:.60}")
    tensor = Tensor(raw["dtype"], tuple(shape))
    if tensor.nbytes != offsets[1] - offsets[0]:
        raise ModelRefused(
            f"{where}: {tensor.dtype} of shape {shape!r:.60} has {tensor.nbytes:,} bytes, "
            f"its place in the file has {offsets[1] - offsets[0]:,}"
        )
    return tensor, offsets[0]


def _check_layout(spans: Mapping[str, tuple[Tensor, int]], data: int, where: str) -> None:
    """Each byte of the data belongs to exactly one tensor."""
    at = 0
    for name, (tensor, begin) in sorted(spans.items(), key=lambda item: (item[1][1], item[1][0].nbytes)):
        if begin != at:
            raise ModelRefused(
                f"{where}, tensor {name!r:.80}: it {'overlaps another' if begin < at else 'leaves a hole'}"
            )
        at += tensor.nbytes
    if at > data:
        raise Corrupt(f"{where} is cut off: its tensors have {at:,} bytes, {data:,} are there")
    if at < data:
        raise ModelRefused(f"{where}: {data - at:,} bytes after the last tensor belong to none")
