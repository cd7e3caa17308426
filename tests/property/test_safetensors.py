"""Any bytes into the reader of tensor files: a typed error or tensors, and never more than the library takes."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors import deserialize
from safetensors.numpy import save

from pitcall.errors import Corrupt, ModelRefused
from pitcall.registry import tensors

pytestmark = pytest.mark.property

DTYPES = st.sampled_from(["float16", "float32", "float64", "int8", "int64", "uint8", "bool"])
ARRAYS = DTYPES.flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
NAMES = st.text(st.characters(categories=("Ll", "Lu", "Nd"), include_characters="._-"), min_size=1, max_size=20)
#: Headers that are nearly right: the parts of a good one, swapped and bent.
NUMBERS = st.one_of(st.integers(-2, 12), st.just(1 << 62), st.booleans(), st.none())
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "I8", "BF16", "F4", "BOOL", ""]),
        "shape": st.lists(NUMBERS, max_size=3),
        "data_offsets": st.lists(NUMBERS, max_size=3),
    }
)
HEADERS = st.dictionaries(st.text(max_size=4), st.one_of(ENTRIES, st.integers(), st.none()), max_size=3)


def read(content: bytes):
    return tensors.read_header(io.BytesIO(content), len(content), "x")


@given(st.dictionaries(NAMES, ARRAYS, max_size=4))
def test_every_file_of_the_library_is_read(weights):
    """Names, shapes, and the bytes where they are said to be."""
    content = save(weights)
    found = read(content)
    assert set(found) == set(weights)
    for name, placed in found.items():
        assert placed.tensor.shape == weights[name].shape
        assert content[placed.start :][: placed.tensor.nbytes] == np.ascontiguousarray(weights[name]).tobytes()


def framed(header: object, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@given(st.one_of(st.binary(max_size=200), st.builds(framed, HEADERS, st.binary(max_size=12))))
def test_what_is_accepted_the_library_accepts_too(content):
    """Everything else ends in one of the two errors."""
    with contextlib.suppress(ModelRefused, Corrupt):
        found = read(content)
        assert {name: tuple(one["shape"]) for name, one in deserialize(content)} == {
            name: placed.tensor.shape for name, placed in found.items()
        }
