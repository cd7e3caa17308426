"""Parameter sets on disk, and the one that ships."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pitcall import __version__
from pitcall.adapters import model
from pitcall.adapters import policy as stop_policy
from pitcall.adapters.model import Manifest, load, manifest, named, save, shipped
from pitcall.errors import Corrupt, InvalidRequest, NotFound
from pitcall.form import Form, Result
from pitcall.learned.features import OWN, SHARED
from pitcall.learned.network import PAIR, Network
from pitcall.model import HAND_SET, Model
from pitcall.parameters import DEFAULT, FORMAT
from pitcall.policy import StopPolicy
from pitcall.priors import DEFAULT_POLICY

pytestmark = pytest.mark.unit

WIDTH = len(OWN) + len(SHARED)
RANKS = Network.from_arrays(
    {
        "mean": np.zeros(WIDTH), "sd": np.ones(WIDTH), "hidden": np.zeros((2, PAIR, 3)),
        "hidden_bias": np.zeros((2, 3)),
        "out": np.zeros((2, 3)), "odds": np.ones((2, 3)), "stop": np.zeros((2, WIDTH)), "stop_bias": np.zeros(2),
        "rho": np.zeros(2), "lost": np.zeros(2),
    }
)  # fmt: skip
#: As a file gives it back: float32, and under the name of its content.
POLICY = stop_policy.from_bytes(stop_policy.to_bytes(StopPolicy(DEFAULT_POLICY, {"Monza": 0.25})), "a file")
FORM = Form(1, {"HAM": (Result(2019, 0, -0.5, True),)}, {"Silver": (Result(2019, 0, -0.5, True),)})  # fmt: skip
FITTED = Model(DEFAULT, POLICY, FORM, RANKS)
TOLD = Manifest("", FORMAT, {"2019": 21}, {"laps": 1000}, "pitcall fit laps.parquet --out DIR", __version__, {})


@pytest.fixture
def folder(tmp_path):
    model = named(FITTED)
    save(tmp_path / "set", model, replace(TOLD, version=model.version))
    return tmp_path / "set"


def test_what_was_saved_is_loaded(folder):
    """Equal, with the manifest that vouches for it."""
    found, told = load(folder), manifest(folder)
    assert found.ranks is not None
    assert (found.parameters, found.policy, found.form) == (named(FITTED).parameters, POLICY, FITTED.form)
    assert all(
        np.array_equal(a, b) for a, b in zip(found.ranks.arrays().values(), RANKS.arrays().values(), strict=True)
    )
    assert told.version == found.version
    assert set(told.files) == {model.PARAMETERS, model.POLICY, model.FORM, model.RANKS, "golden.safetensors"}


def test_an_array_is_written_as_it_reads_however_it_lies_in_memory(tmp_path):
    """A transposed array comes back equal."""
    lies = np.arange(2 * PAIR * 3, dtype=np.float32).reshape(3, PAIR, 2).T
    save(tmp_path, replace(FITTED, ranks=replace(RANKS, hidden=lies)), TOLD)
    found = load(tmp_path).ranks
    assert found is not None
    assert np.array_equal(found.hidden, lies)


def test_what_was_not_learned_is_not_there(folder):
    """Parameters alone are a model; a newer one leaves no file of an older one behind."""
    save(folder, named(HAND_SET), replace(TOLD, version=named(HAND_SET).version))
    found = load(folder)
    assert (found.policy, found.form, found.ranks) == (None, HAND_SET.form, None)
    assert {path.name for path in folder.iterdir()} == {model.PARAMETERS, model.MANIFEST}


def test_a_version_is_the_name_of_the_content():
    """Equal content, equal name, whatever it was called; another number in any file, another name."""
    others = (
        replace(FITTED, parameters=replace(DEFAULT, typical=replace(DEFAULT.typical, noise_s=0.4))),
        replace(FITTED, policy=None),
        replace(FITTED, form=HAND_SET.form),
        replace(FITTED, ranks=replace(RANKS, odds=RANKS.odds + 1)),
    )
    called = replace(FITTED, parameters=replace(DEFAULT, version="something"))
    assert named(FITTED).version == named(called).version
    assert len({named(one).version for one in (FITTED, *others)}) == 5
    assert named(FITTED).version.startswith("fit@")


@pytest.mark.parametrize("name", [model.PARAMETERS, model.POLICY, model.FORM, model.RANKS])
def test_a_changed_file_is_found_out(folder, name):
    """One bit is enough."""
    path = folder / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(Corrupt, match=rf"{name} in .* is not the file that manifest\.json names"):
        load(folder)


def test_says_what_is_not_there(folder, tmp_path):
    """No folder, no file, no JSON, another format."""
    with pytest.raises(NotFound, match=r"no folder .*; `pitcall fit FILES --out"):
        load(tmp_path / "nowhere")
    (folder / model.PARAMETERS).unlink()
    with pytest.raises(NotFound, match=r"no parameters\.json in"):
        load(folder)
    told = folder / model.MANIFEST
    told.write_text(json.dumps(json.loads(told.read_text()) | {"format": 99}))
    with pytest.raises(InvalidRequest, match=r"manifest\.json in .* is of another format"):
        load(folder)
    told.write_text("{")
    with pytest.raises(Corrupt, match=r"manifest\.json in .* is not JSON"):
        load(folder)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "set").write_text("")
    with pytest.raises(InvalidRequest, match=r"cannot write .*; name another folder with --out"):
        save(tmp_path / "set", HAND_SET, TOLD)


class TestShipped:
    def test_is_what_its_manifest_says(self):
        """Its name is its content's; it was fitted on five seasons by a command without anybody's folders."""
        ships, told = shipped(), manifest()
        assert told.version == ships.version == named(ships).version
        assert list(told.seasons) == ["2018", "2019", "2020", "2021", "2022"] == list(ships.parameters.seasons)
        assert told.command.startswith("pitcall fit laps_2018.parquet")

    def test_knows_what_everybody_knows(self):
        """Nobody passes at Monaco; Sakhir wears tyres and Spielberg does not; softs are faster and wear faster."""
        parameters = shipped().parameters
        circuits, (soft, medium, hard, *_) = parameters.circuits, parameters.kinds
        assert min(circuits, key=lambda name: circuits[name].pass_logit) == "Monte Carlo"
        assert circuits["Sakhir"].tyres[1].wear > 1.3
        assert circuits["Spielberg"].tyres[1].wear < 0.8
        assert soft.offset_s < medium.offset_s < hard.offset_s
        assert soft.wear_s > medium.wear_s > hard.wear_s
        assert soft.life_share < medium.life_share < hard.life_share
