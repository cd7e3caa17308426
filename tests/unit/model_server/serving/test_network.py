"""A network from a folder, and the bytes of its answers."""

import json
import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch
from pitcall_model_server.serving import network as networks
from pitcall_model_server.serving.network import BUCKETS, Network, agreeing, check_rows, load
from safetensors.numpy import load_file, save_file

from pitcall.adapters.registry import describe
from pitcall.cli.bench import mlp
from pitcall.errors import InvalidRequest, ModelRefused
from pitcall.registry.manifest import Origin

pytestmark = pytest.mark.unit

ORIGIN = Origin("Apache-2.0", tolerance=mlp.TOLERANCE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("network") / "mlp"
    mlp.write(found)
    return found


@pytest.fixture(scope="module")
def network(folder):
    return load(folder, describe("wear", folder, ORIGIN))


@pytest.fixture
def changed(folder, tmp_path):
    """A copy whose tensors, or the activation in its header, were changed."""

    def change(edit=lambda tensors: None, metadata=None):
        shutil.copytree(folder, tmp_path / "changed")
        tensors = load_file(tmp_path / "changed" / networks.WEIGHTS)
        edit(tensors)
        save_file(tensors, tmp_path / "changed" / networks.WEIGHTS, metadata)
        return tmp_path / "changed", describe("wear", tmp_path / "changed", ORIGIN)

    return change


class Computer:
    """A device that computes as it is told."""

    inputs = 4

    def __init__(self, compute):
        self._compute = compute

    def run(self, parts, size):
        rows = np.zeros((size, self.inputs), np.float32)
        np.concatenate(parts, out=rows[: sum(map(len, parts))])
        return self._compute(rows).astype(np.float32)


def rows_of(count, seed=1):
    return np.random.default_rng(seed).standard_normal((count, 64), dtype=np.float32)


class TestBytes:
    @pytest.mark.parametrize("bucket", BUCKETS)
    def test_the_same_row_has_the_same_bytes_whatever_shares_its_pass(self, network, bucket):
        """Alone, full of strangers, first, last, in the middle: in each bucket the same as alone in the smallest."""
        if bucket not in network.buckets:
            pytest.skip(f"passes of {bucket} rows give other bytes on this machine, so they are not used")
        row = rows_of(1)
        alone = network.answer([row]).tobytes()
        for place in {0, 1, bucket // 2, bucket - 1}:
            others = rows_of(bucket, seed=bucket + place) * 100
            others[place] = row
            assert network.answer([others])[place].tobytes() == alone
        assert network.answer([rows_of(bucket - 1, seed=3), row])[-1].tobytes() == alone

    @pytest.mark.parametrize("count", [1, 15, 16, 17, 100, 256, 300, 600])
    def test_a_row_has_the_same_bytes_in_any_number_of_rows(self, network, count):
        """Whether they fit into one pass or not."""
        rows = rows_of(count)
        alone = b"".join(network.answer([rows[n : n + 1]]).tobytes() for n in range(count))
        assert network.answer_all(rows).tobytes() == alone

    @pytest.mark.parametrize("sizes", [(5, 7, 3), (17, 33, 9), (1, 1), (64, 1000, 17)])
    @pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
    def test_odd_widths_keep_the_promise_too(self, sizes, activation):
        """A row need not fill a cache line: loading refuses a network whose rows depend on their place."""
        random = np.random.default_rng(0)
        layers = [
            (torch.from_numpy(random.standard_normal((wide, narrow), dtype=np.float32)), torch.ones(wide))
            for narrow, wide in pairwise(sizes)
        ]
        assert agreeing(Network(layers, activation), "wear")[0] == BUCKETS[0]

    def test_a_bucket_that_gives_other_bytes_is_not_used(self, caplog):
        """A device whose matrix product adds in another order from 64 rows on: its rows stay below."""
        assert agreeing(Computer(lambda rows: rows.sum(axis=1, keepdims=True) + (len(rows) >= 64)), "wear") == (16, 32)
        assert "64, 128, 256" in caplog.text

    @pytest.mark.parametrize(
        "compute",
        [
            lambda rows: rows[:, :1] + np.arange(len(rows))[:, None],
            lambda rows: rows[:, :1] + np.count_nonzero(rows.any(axis=1)),
        ],
        ids=["place", "company"],
    )
    def test_a_device_on_which_the_place_or_the_company_of_a_row_counts_is_refused(self, compute):
        """Then there is no bucket with which the promise could be kept."""
        with pytest.raises(ModelRefused, match="place of a row"):
            agreeing(Computer(compute), "wear")


class TestLoad:
    def test_answers_as_the_folder_says(self, network):
        """Widths, size and answers; golden rows were asked on the way."""
        assert (network.inputs, network.outputs) == (64, 8)
        assert network.nbytes == 4 * (64 * 256 + 256 + 256 * 256 + 256 + 256 * 8 + 8)
        assert network.answer([rows_of(3)]).shape == (3, 8)

    @pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
    def test_the_header_names_the_activation(self, changed, activation):
        """A function of torch between two layers; golden rows that were made with another one are what refuses it."""
        folder, manifest = changed(metadata={"activation": activation})
        if activation == "relu":
            assert load(folder, manifest).outputs == 8
        else:
            with pytest.raises(ModelRefused, match="golden rows differ"):
                load(folder, manifest)

    @pytest.mark.parametrize(
        ("edit", "told"),
        [
            (lambda t: t.update({"0.weight": t["0.weight"] * 1.01}), "golden rows differ"),
            (lambda t: t.pop("0.bias"), "must hold <n>.weight and <n>.bias"),
            (lambda t: t.update(extra=np.zeros(2, np.float32)), "must hold <n>.weight and <n>.bias"),
            (lambda t: t.update({"2.weight": np.zeros((256, 9), np.float32)}), "layer 2 takes 9 numbers"),
            (lambda t: t.update({"2.bias": np.zeros(9, np.float32)}), "layer 2 must be F32"),
            (lambda t: t.update({"2.bias": np.zeros(256, np.float64)}), "layer 2 must be F32"),
        ],
    )
    def test_a_network_that_is_none_is_refused_with_its_reason(self, changed, edit, told):
        """Before a row is asked."""
        with pytest.raises(ModelRefused, match=told):
            load(*changed(edit))

    def test_another_activation_is_refused_by_name(self, changed):
        """Nothing of torch is reached by a name that a file chose."""
        with pytest.raises(ModelRefused, match=r"no activation is 'load' here; known are relu, sigmoid, tanh"):
            load(*changed(metadata={"activation": "load"}))

    def test_a_folder_without_a_network_is_refused(self, tmp_path):
        """The race model is a model, but nothing that takes rows."""
        (tmp_path / "parameters.json").write_text(json.dumps({}))
        with pytest.raises(ModelRefused, match=r"no network for Predict: mlp\.safetensors"):
            load(tmp_path, describe("race-model", tmp_path, ORIGIN))

    def test_golden_rows_of_another_name_are_refused(self, changed, tmp_path):
        """They would be asked of something that this is not."""
        folder, _ = changed()
        save_file({"in.laps": np.zeros((1, 64), np.float32), "out.rows": np.zeros((1, 8), np.float32)},
                  folder / "golden.safetensors")  # fmt: skip
        with pytest.raises(ModelRefused, match=r"must be in\.rows of shape \[n, 64\]"):
            load(folder, describe("wear", folder, ORIGIN))


class TestRows:
    def test_numbers_of_the_right_width_pass(self):
        """One row or many."""
        check_rows(rows_of(1), 64, "wear 1")

    @pytest.mark.parametrize(
        ("rows", "told"),
        [
            (rows_of(2)[:, :9], "wear 1 takes one or more rows of 64 numbers"),
            (rows_of(0), "one or more rows"),
            (rows_of(2)[0], "one or more rows"),
            (np.where(np.arange(128).reshape(2, 64) == 70, np.nan, rows_of(2)), "row 1 for wear 1 holds NaN"),
            (np.where(np.arange(128).reshape(2, 64) == 3, np.inf, rows_of(2)), "row 0 for wear 1 holds NaN"),
        ],
    )
    def test_others_are_refused(self, rows, told):
        """So whatever is no number in an answer is the network's fault."""
        with pytest.raises(InvalidRequest, match=told):
            check_rows(rows, 64, "wear 1")


def test_half_precision_keeps_the_promise_of_the_bytes(folder):
    """Computed in float16 on the CPU here; a model whose tolerance is too small for it is refused."""
    with pytest.raises(ModelRefused, match="golden rows differ"):
        load(folder, describe("wear", folder, ORIGIN), half=True)
    network = load(folder, describe("wear", folder, Origin("Apache-2.0", tolerance=0.05)), half=True)
    row = rows_of(1)
    alone = network.answer([row])
    assert alone.dtype == np.float32
    assert all(network.answer([rows_of(size - 1), row])[-1].tobytes() == alone.tobytes() for size in network.buckets)


def test_a_gpu_gives_the_same_row_the_same_bytes(folder):
    """In float32 and float16, in every bucket that was found to agree."""
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    manifest = describe("wear", folder, Origin("Apache-2.0", tolerance=0.05))
    for half in (False, True):
        network = load(folder, manifest, "cuda", half=half)
        row = rows_of(1)
        alone = network.answer([row]).tobytes()
        assert all(network.answer([rows_of(size - 1), row])[-1].tobytes() == alone for size in network.buckets)
