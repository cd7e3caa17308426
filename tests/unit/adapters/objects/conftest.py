"""A directory store, and one that breaks on demand."""

import pytest

from pitcall.adapters.objects import open_store
from pitcall.adapters.objects.directory import DirectoryStore


@pytest.fixture
def store(tmp_path) -> DirectoryStore:
    opened = open_store(str(tmp_path / "bucket"))
    assert isinstance(opened, DirectoryStore)
    return opened
