"""A small model as a folder, a cache and a store over folders."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pitcall.adapters.objects import StorageSettings, open_store
from pitcall.adapters.registry import Cache, Shelf, describe
from pitcall.registry.manifest import Manifest, Origin


def write_model(folder: Path, seed: int = 0, *, padding: int = 0) -> Path:
    """Weights, a configuration, rows with answers; another seed is another version."""
    (folder / "1_pool").mkdir(parents=True, exist_ok=True)
    weights = np.random.default_rng(seed).normal(size=(3, 2)).astype(np.float32)
    rows = np.ones((2, 3), np.float32)
    save_file({"w": weights, "more": np.zeros(padding, np.int8)}, folder / "weights.safetensors")
    save_file({"in.rows": rows, "out.odds": rows @ weights}, folder / "golden.safetensors")
    (folder / "config.json").write_text(json.dumps({"width": 2}))
    (folder / "1_pool" / "notes.txt").write_text("mean")
    (folder / ".git").mkdir(exist_ok=True)
    return folder


def describe_model(folder: Path) -> Manifest:
    return describe("policy", folder, Origin("Apache-2.0"))


@pytest.fixture
def make_model():
    return write_model


@pytest.fixture
def described():
    return describe_model


@pytest.fixture
def model(tmp_path) -> Path:
    return write_model(tmp_path / "model")


@pytest.fixture
def settings(tmp_path) -> StorageSettings:
    return StorageSettings(bucket=str(tmp_path / "bucket"), cache_bytes=10 << 20)


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache", 10 << 20)


@pytest.fixture
def shelf(settings) -> Shelf:
    return Shelf(open_store(settings.bucket, settings), settings)
