"""Rows on the wire."""

import numpy as np
import pytest
from pitcall_model_server.model_servicer import rows_from_wire

from pitcall.errors import InvalidRequest
from pitcall.wire.v1 import model_pb2 as pb

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (3, 5), (2048, 64)])
def test_rows_arrive_as_they_were_sent(shape):
    """Row after row, float32, little-endian."""
    rows = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    request = pb.PredictRequest(rows=len(rows), values=rows.astype("<f4").tobytes())
    assert np.array_equal(rows_from_wire(request), rows)


@pytest.mark.parametrize(("rows", "size"), [(0, 0), (0, 8), (1, 0), (1, 7), (3, 8), (2, 4), (2**32 - 1, 4)])
def test_bytes_that_are_not_so_many_rows_are_refused(rows, size):
    """Whatever number of rows they claim to be; nothing is allotted for the claim."""
    with pytest.raises(InvalidRequest, match=f"values: {size} bytes are not {rows} rows of float32"):
        rows_from_wire(pb.PredictRequest(rows=rows, values=bytes(size)))
