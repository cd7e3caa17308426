"""What a version is, and that its name is its content."""

import json
from dataclasses import replace

import pytest

from pitcall.errors import InvalidRequest, ModelRefused
from pitcall.registry import manifest
from pitcall.registry.manifest import File, Manifest, Origin, version_of
from pitcall.registry.tensors import Tensor

pytestmark = pytest.mark.unit

FILES = (File("1_pool/config.json", 2, "a" * 64), File("policy.safetensors", 80, "b" * 64))
MADE = Manifest(
    "race-model",
    version_of(FILES),
    1_700_000_000.5,
    "0.1.0",
    Origin("Apache-2.0", "2018-2022", "pitcall fit", {"rps": 0.93}, 1e-6),
    FILES,
    {"policy.safetensors": {"stop": Tensor("F32", (22,))}},
)


def read(raw: object, name: str = "race-model", version: str = MADE.version) -> Manifest:
    return manifest.read(json.dumps(raw).encode(), "manifest.json", name, version)


def raw(**changes: object) -> dict[str, object]:
    told: dict[str, object] = json.loads(MADE.to_json())
    return told | changes


def test_it_reads_what_it_writes():
    """Everything, also numbers and non-ASCII."""
    strange = replace(MADE, origin=replace(MADE.origin, data="Nürburgring"))
    assert manifest.read(strange.to_json(), "x", "race-model", MADE.version) == strange
    assert MADE.size == 82


def test_the_version_is_the_content():
    """The order of the files does not count; a byte or a name does."""
    assert version_of(FILES[::-1]) == MADE.version
    assert len({version_of(FILES), version_of(FILES[:1]), version_of((replace(FILES[0], path="b"), FILES[1]))}) == 3


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": 2}, "update Pitcall"),
        ({"name": "other"}, "not the manifest of race-model"),
        ({"files": [{"path": "a", "size": 1, "sha256": "a" * 64}]}, "not the manifest of race-model"),
        ({"files": []}, "1 to 1000 files"),
        ({"files": [{"path": "../a", "size": 1, "sha256": "a" * 64}]}, "leads out of its folder"),
        ({"files": [{"path": "a", "size": -1, "sha256": "a" * 64}]}, "needs a size and a SHA-256"),
        ({"files": [{"path": "a", "size": 1, "sha256": "x"}]}, "needs a size and a SHA-256"),
        ({"files": [{"path": p, "size": 1, "sha256": "a" * 64} for p in ("B", "a")] * 2}, "each once and in order"),
        ({"files": [{"path": p, "size": 1, "sha256": "a" * 64} for p in ("A", "a")]}, "upper and lower case"),
        ({"created": "now"}, "created must be float"),
        ({"more": 1}, "look at 'more'"),
        ({"origin": {}}, "origin must hold"),
        ({"tensors": {"x": {"y": {"dtype": "F31", "shape": []}}}}, "no tensor is 'F31'"),
    ],
)
def test_a_manifest_of_somebody_else_is_not_believed(changes, why):
    """What is wrong is named."""
    with pytest.raises(ModelRefused, match=why):
        read(raw(**changes))


@pytest.mark.parametrize("path", ["", "/a", "a/", "../a", "a/../b", ".git", "a\\b", "C:a", "a ", "a.", "x" * 201])
def test_a_path_stays_in_its_folder(path):
    """On every system."""
    with pytest.raises(ModelRefused, match="cannot be a file of a model"):
        manifest.check_path(path)


@pytest.mark.parametrize("name", ["", "Race", "a_b", "-a", "a--b", "a/b", "..", "a" * 64])
def test_a_name_is_plain(name):
    """It becomes a key, a folder and a health service."""
    with pytest.raises(InvalidRequest, match="cannot name a model"):
        manifest.check_name(name)
    with pytest.raises(InvalidRequest, match="is no version"):
        manifest.check_version(name)
