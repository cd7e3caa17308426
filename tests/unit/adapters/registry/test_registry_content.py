"""What may be in a model's folder."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pitcall.adapters.registry import check_golden, content, describe, package
from pitcall.errors import Corrupt, InvalidRequest, ModelRefused
from pitcall.registry.manifest import Origin
from pitcall.registry.tensors import Tensor

pytestmark = pytest.mark.unit


def test_a_folder_is_described(model, described):
    """Each file with its digest, each tensor with its shape; hidden files are left out."""
    manifest = described(model)
    assert [file.path for file in manifest.files] == [
        "1_pool/notes.txt", "config.json", "golden.safetensors", "weights.safetensors",
    ]  # fmt: skip
    assert manifest.tensors["weights.safetensors"]["w"] == Tensor("F32", (3, 2))
    content.check(model, manifest)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("weights.pt", pickle.dumps({}), "save the weights as safetensors"),
        ("run.py", b"print()", "save the weights as safetensors"),
        ("more.safetensors", pickle.dumps({}), "more.safetensors is a pickle"),
        ("config.json", b'{"a": NaN}', "config.json: NaN is no number"),
        ("config.json", pickle.dumps({}), "config.json is no JSON"),
        ("notes.txt", pickle.dumps({}), "notes.txt is no text"),
        ("LICENSE", b"\0", "LICENSE is no text"),
        ("a b.txt", b"", "cannot be a file of a model"),
    ],
)
def test_what_no_model_may_hold_is_refused(model, described, name, text, why):
    """Formats that run code, numbers that are none, names that lead elsewhere."""
    (model / name).write_bytes(text)
    with pytest.raises(ModelRefused, match=why):
        described(model)


def test_weights_of_nan_are_refused(model, described):
    """They would load in silence."""
    save_file({"w": np.array([1, np.nan], np.float32)}, model / "weights.safetensors")
    with pytest.raises(ModelRefused, match=r"weights\.safetensors, tensor 'w': a weight is NaN"):
        described(model)


def test_a_link_is_refused(model, described, tmp_path):
    """It would carry a file from elsewhere into the bucket."""
    (tmp_path / "secret").write_text("x")
    (model / "notes.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelRefused, match="link"):
        described(model)


def test_a_folder_without_files_is_a_mistake(tmp_path):
    """So is none."""
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        with pytest.raises(InvalidRequest, match=name):
            describe("policy", tmp_path / name, Origin("MIT"))


class TestCheck:
    def test_a_flipped_bit(self, model, described):
        """Loads in silence, so only the digest finds it."""
        manifest = described(model)
        path = model / "weights.safetensors"
        flipped = bytearray(path.read_bytes())
        flipped[-1] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(Corrupt, match=r"weights.safetensors of policy \w+ does not have the digest"):
            content.check(model, manifest)

    def test_a_file_that_is_cut_off_or_missing(self, model, described):
        """Each is told as what it is."""
        manifest = described(model)
        path = model / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(Corrupt, match="cut off"):
            content.check(model, manifest)
        path.unlink()
        with pytest.raises(Corrupt, match="missing"):
            content.check(model, manifest)

    def test_another_shape(self, model, described):
        """The manifest names what is in the files, also when their digests are right."""
        manifest = described(model)
        for shape in ((2, 3), None):
            inside = {"more": Tensor("I8", (0,))} | ({"w": Tensor("F32", shape)} if shape else {})
            wrong = replace(manifest, tensors=manifest.tensors | {"weights.safetensors": inside})
            with pytest.raises(ModelRefused, match=r"tensor 'w' is F32 of shape \[3, 2\], the manifest names"):
                content.check(model, wrong)


class TestGolden:
    def test_a_model_answers_as_when_it_was_made(self, model, described):
        """And is refused with the difference when it does not."""
        manifest, weights = described(model), load_file(model / "weights.safetensors")["w"]
        assert check_golden(model, manifest, lambda inputs: {"odds": inputs["rows"] @ weights})
        with pytest.raises(ModelRefused, match="odds for the golden rows differ by"):
            check_golden(model, manifest, lambda inputs: {"odds": inputs["rows"] @ weights + np.float32(1e-3)})

    def test_a_model_without_golden_rows_is_not_asked(self, model, described):
        """The caller learns that nothing was checked."""
        (model / "golden.safetensors").unlink()
        assert not check_golden(model, described(model), lambda inputs: pytest.fail("asked"))

    def test_rows_without_answers_are_refused(self, model, described):
        """A check that checks nothing would look like one."""
        save_file({"in.rows": np.ones(3)}, model / "golden.safetensors")
        with pytest.raises(ModelRefused, match="both"):
            described(model)


def test_the_shipped_policy_is_a_model(described):
    """What comes with the package meets the rules."""
    folder = package.folder("pitcall")
    manifest = described(folder)
    assert "policy.safetensors" in manifest.tensors
    assert json.loads((folder / "parameters.json").read_text())
