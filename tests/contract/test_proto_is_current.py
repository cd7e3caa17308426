"""The committed code of the wire is what its proto says."""

from pathlib import Path

import grpc_tools  # type: ignore[import-untyped]  # it has no types
import pytest
from grpc_tools import protoc

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
WIRE = Path("pitcall/wire/v1")


def test_the_generated_code_is_that_of_the_proto(tmp_path):
    """Nobody edited it by hand, and nobody forgot to run ``make protos``."""
    protos = ROOT / "protos"
    sources = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
    assert sources
    arguments = [
        "protoc",
        f"-I{protos}",
        f"-I{Path(grpc_tools.__file__).parent / '_proto'}",
        f"--python_out={tmp_path}",
        f"--pyi_out={tmp_path}",
        f"--grpc_python_out={tmp_path}",
        *sources,
    ]
    assert protoc.main(arguments) == 0
    fresh = {path.name: path.read_bytes() for path in (tmp_path / WIRE).iterdir()}
    committed = {path.name: path.read_bytes() for path in (ROOT / WIRE).glob("*_pb2*")}
    assert fresh.keys() == committed.keys()
    for name, expected in fresh.items():
        assert committed[name] == expected, f"{WIRE / name} is not current: run `make protos`"
