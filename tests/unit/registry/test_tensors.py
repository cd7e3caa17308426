"""Hostile and broken tensor files, each refused with a reason of its own."""

import io
import json
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from pitcall.errors import Corrupt, ModelRefused
from pitcall.registry import tensors
from pitcall.registry.tensors import MAX_HEADER_BYTES, Placed, Tensor

pytestmark = pytest.mark.unit

WEIGHTS: dict[str, NDArray[Any]] = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "ids": np.arange(4, dtype=np.int64),
}


def read(content: bytes):
    return tensors.read_header(io.BytesIO(content), len(content), "policy.safetensors")


def made(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def one(**changes) -> dict[str, object]:
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


def as_torch_saves() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", b"")
    return file.getvalue()


def test_a_file_of_the_library_is_read():
    """Names, types, shapes, and where the data is."""
    content = save(WEIGHTS, {"command": "pitcall train"})
    found = read(content)
    assert {name: placed.tensor for name, placed in found.items()} == {
        "w": Tensor("F32", (2, 3)), "ids": Tensor("I64", (4,)),
    }  # fmt: skip
    for name, placed in found.items():
        assert content[placed.start :][: placed.tensor.nbytes] == WEIGHTS[name].tobytes()


def test_a_header_as_long_as_a_pickle_begins_is_read():
    """A length of 1,152 is written 80 04, as a pickle begins; the policy that was shipped first has it."""
    text = json.dumps(one()).encode().ljust(0x480)
    assert read(made(text, bytes(8))) == {"w": Placed(Tensor("F32", (2,)), 8 + 0x480)}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (pickle.dumps(WEIGHTS), "is a pickle, whatever its name"),
        (pickle.dumps(WEIGHTS, protocol=2), "is a pickle"),
        (as_torch_saves(), "is a zip archive, as torch.save writes it"),
        ((1 << 60).to_bytes(8, "little") + b"{}", "claims 1,152,921,504,606,846,976 bytes"),
        ((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + bytes(MAX_HEADER_BYTES + 1), "at most 1,048,576"),
        (made(b"not json"), "not safetensors"),
        (made(b"{broken"), "the header of policy.safetensors is no JSON"),
        (made(b'{"w":' + b"[" * 200_000), "nested too deep"),
        (made(b'{"w": 1, "w": 2}'), "twice"),
        (made({"w": 1}), "tensor 'w' must hold data_offsets, dtype, shape"),
        (made({"../../etc/passwd": one()["w"]}, bytes(8)), "leads out of its folder"),
        (made({"/w": one()["w"]}, bytes(8)), "leads out of its folder"),
        (made({"a\\..\\w": one()["w"]}, bytes(8)), "leads out of its folder"),
        (made({"a\x00": one()["w"]}, bytes(8)), "no name"),
        (made(one(dtype="OBJ"), bytes(8)), "no dtype"),
        (made(one(dtype=["F32"]), bytes(8)), "dtype must be str"),
        (made(one(shape=[1 << 40, 1 << 40]), bytes(8)), "its place in the file has 8"),
        (made(one(shape=[3]), bytes(8)), "of shape .3. has 12 bytes, its place in the file has 8"),
        (made(one(shape=[-2]), bytes(8)), "no tensor has the shape"),
        (made(one(shape=[True, 2]), bytes(8)), "no tensor has the shape"),
        (made(one(shape=[1] * 9), bytes(8)), "no tensor has the shape"),
        (made(one(data_offsets=[8, 0]), bytes(8)), "its place in the file has -8"),
        (made(one(data_offsets=[4, 12]), bytes(12)), "leaves a hole"),
        (made(one() | {"v": one()["w"]}, bytes(8)), "overlaps another"),
        (made(one(), bytes(9)), "1 bytes after the last tensor"),
        (made(one() | {"__metadata__": {"a": 1}}, bytes(8)), "__metadata__"),
    ],
)
def test_what_is_no_honest_tensor_file_is_refused(content, why):
    """None of it is run, and none of it makes the reader ask for memory that the file does not have."""
    with pytest.raises(ModelRefused, match=why):
        read(content)


@pytest.mark.parametrize("length", [0, 5, 8, 40, 150])
def test_a_file_that_is_cut_off_is_told_as_such(length):
    """Wherever it ends."""
    with pytest.raises(Corrupt, match=r"policy\.safetensors is cut off"):
        read(save(WEIGHTS)[:length])


class TestFinite:
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
    def test_a_weight_that_is_no_number_is_refused(self, dtype, bad):
        """Also as the last of many."""
        weights = np.full(70_000, np.finfo(dtype).max, dtype)
        check({"good": weights})
        weights[-1] = bad
        with pytest.raises(ModelRefused, match="'w': a weight is NaN or infinite"):
            check({"good": np.ones(3, dtype), "w": weights})

    @pytest.mark.parametrize(
        ("dtype", "good", "bad"),
        [("BF16", 0x7F7F, 0x7F80), ("BF16", 0xFF7F, 0xFFC0), ("F8_E5M2", 0x7B, 0x7C), ("F8_E4M3", 0x7E, 0xFF)],
    )
    def test_the_short_types_too(self, dtype, good, bad):
        """The largest number passes, what comes after it in the type's order does not."""
        for bits, fine in ((good, True), (bad, False)):
            data = bits.to_bytes(tensors.DTYPES[dtype], "little")
            content = made({"w": {"dtype": dtype, "shape": [], "data_offsets": [0, len(data)]}}, data)
            file = io.BytesIO(content)
            placed = tensors.read_header(file, len(content), "x")
            if fine:
                tensors.check_finite(file, placed, "x")
            else:
                with pytest.raises(ModelRefused, match="NaN or infinite"):
                    tensors.check_finite(file, placed, "x")

    def test_numbers_of_a_whole_type_are_free(self):
        """The bits of an int are not those of a float."""
        check({"ids": np.full(4, -1, np.int64), "mask": np.ones(3, np.bool_)})


def check(weights) -> None:
    content = save(weights)
    file = io.BytesIO(content)
    tensors.check_finite(file, tensors.read_header(file, len(content), "x"), "x")
