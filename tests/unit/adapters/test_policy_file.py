"""A stop policy on disk: what is written is read, and what is no policy is refused."""

import json
from dataclasses import replace
from importlib.resources import as_file, files

import numpy as np
import pytest
from safetensors.numpy import save_file

from pitcall.adapters.policy import POLICY, load, save, to_bytes
from pitcall.errors import Corrupt, InvalidRequest, NotFound
from pitcall.policy import StopPolicy
from pitcall.priors import DEFAULT_POLICY
from pitcall.sim.race import STOP_FEATURES

pytestmark = pytest.mark.unit

SOME = StopPolicy(replace(DEFAULT_POLICY, compound_s=12.5), {"Sakhir": 0.5, "Monza": -0.25})


def test_is_read_as_it_was_written(tmp_path):
    """To float32, under the name of its content; nothing else is left in the folder."""
    saved = save(tmp_path / "new", SOME)
    assert load(tmp_path / "new") == saved
    assert saved.policy.stop == pytest.approx(SOME.policy.stop, rel=1e-6)
    assert (saved.policy.compound_s, saved.circuits) == (12.5, SOME.circuits)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [POLICY]


def test_has_the_name_of_its_content(tmp_path):
    """The same policy has one name; another one another."""
    one, same = (save(tmp_path / name, SOME) for name in "ab")
    other = save(tmp_path / "c", replace(SOME, circuits={}))
    assert one.version == same.version != other.version
    assert one.version.startswith("policy@")


def test_that_is_not_there_is_said_with_the_way_to_make_it(tmp_path):
    """The command."""
    with pytest.raises(NotFound, match="pitcall train policy"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"nonsense", bytes(100)])
def test_that_is_none_is_refused(tmp_path, content):
    """Not a stack trace."""
    (tmp_path / POLICY).write_bytes(content)
    with pytest.raises(Corrupt, match="not a stop policy"):
        load(tmp_path)


def test_of_other_features_is_refused(tmp_path):
    """A weight must never land on another feature."""
    save_file({name: np.zeros(1, np.float32) for name in ("stop", "circuit", "compound_s")}, tmp_path / POLICY,
              {"names": '{"features": ["bias"], "circuits": ["Sakhir"]}'})  # fmt: skip
    with pytest.raises(InvalidRequest, match="train again"):
        load(tmp_path)


def test_with_absurd_weights_is_refused(tmp_path):
    """Not finite."""
    tensors = {name: np.full(n, np.nan, np.float32) for name, n in (("stop", len(STOP_FEATURES)), ("compound_s", 1))}
    header = {"names": json.dumps({"features": STOP_FEATURES, "circuits": []})}
    save_file(tensors | {"circuit": np.zeros(0, np.float32)}, tmp_path / POLICY, header)
    with pytest.raises(Corrupt, match="finite"):
        load(tmp_path)


def test_that_cannot_be_written_is_said(tmp_path):
    """A file where the folder should be."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(InvalidRequest, match="another folder"):
        save(tmp_path / "taken", SOME)


def test_ships_with_the_package():
    """Learned on real races: older tyres, a new safety car and others' stops make a stop likelier."""
    with as_file(files("pitcall").joinpath("data", "model")) as folder:
        shipped = load(folder)
    stop = dict(zip(STOP_FEATURES, shipped.policy.stop, strict=True))
    assert min(stop["life_used"], stop["new_safety_car"], stop["undercut"], stop["stops_lately"]) > 0 > stop["places"]
    assert shipped.circuits["Monte Carlo"] < 0 < shipped.circuits["Silverstone"]


def test_is_equal_bytes_when_it_is_equal():
    """Whatever the order in which its circuits were learned."""
    turned = replace(SOME, circuits=dict(reversed(list(SOME.circuits.items()))))
    assert len({to_bytes(policy) for policy in [SOME, turned] * 4}) == 1
