"""A race model of the registry is read and asked, or refused with a reason."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pitcall.adapters.model import manifest as fit_manifest
from pitcall.adapters.model import save, shipped
from pitcall.adapters.registry import describe, package, race_model
from pitcall.errors import Corrupt, ModelRefused
from pitcall.registry.manifest import GOLDEN

pytestmark = pytest.mark.unit

ORIGIN = package.DEFAULTS[race_model.NAME].origin


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "model", shipped(), fit_manifest())
    return tmp_path / "model"


def read(folder):
    return race_model.read(folder, describe(race_model.NAME, folder, ORIGIN))


def test_what_ships_has_golden_rows_and_answers_them():
    """As it was saved; another answer would be refused."""
    where = package.folder("pitcall")
    assert (where / GOLDEN).exists()
    assert GOLDEN in fit_manifest().files
    assert read(where).version == shipped().version


def test_other_answers_than_when_it_was_made_are_refused(folder):
    """By more than the tolerance."""
    rows = load_file(folder / GOLDEN)
    for off, refused in ((1e-7, False), (1e-5, True)):
        save_file(rows | {"out.ranks": rows["out.ranks"] + off}, folder / GOLDEN)
        if refused:
            with pytest.raises(ModelRefused, match=r"race-model \w{12}: its ranks for the golden rows differ by 1e-05"):
                read(folder)
        else:
            read(folder)


def test_one_without_golden_rows_is_not_asked(folder):
    """It was fitted by an older Pitcall."""
    (folder / GOLDEN).unlink()
    assert read(folder).version == shipped().version


@pytest.mark.parametrize(
    ("file", "content", "error", "why"),
    [
        ("manifest.json", b'{"format": 99}', ModelRefused, r"is no race model: manifest\.json in .* of another format"),
        ("parameters.json", None, ModelRefused, r"is no race model: no parameters\.json"),
        ("form.json", b"{}", Corrupt, r"form\.json in .* is not the file that manifest\.json names"),
    ],
)
def test_a_folder_that_is_no_race_model_is_refused(folder, file, content, error, why):
    """By its name and version."""
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(error, match=why):
        read(folder)


def test_models_of_other_names_are_for_who_serves_them(tmp_path):
    """Nothing is read of them here."""
    save_file({"w": np.zeros(3, np.float32)}, tmp_path / "weights.safetensors")
    race_model.check(tmp_path, describe("policy", tmp_path, ORIGIN))
    with pytest.raises(ModelRefused, match="is no race model"):
        race_model.check(tmp_path, describe(race_model.NAME, tmp_path, ORIGIN))


def test_saving_again_changes_no_bit_of_the_weights(folder):
    """Golden rows lie beside them and are no part of the model's name."""
    where = package.folder("pitcall")
    for name in ("parameters.json", "policy.safetensors", "form.json", "ranks.safetensors"):
        assert (folder / name).read_bytes() == (where / name).read_bytes()
    told = json.loads((folder / "manifest.json").read_bytes())
    assert told["version"] == shipped().version
