"""``pitcall up`` with ELASTICSEARCH_URL: a question and a call are answered from documents on a real server."""

import asyncio
import json
import subprocess
import sys
from uuid import uuid4

import pytest

from pitcall.adapters.knowledge.elastic import ElasticKnowledge
from pitcall.cli.demo import CAR, LAP, RACE
from pitcall.cli.mesh import Mesh
from pitcall.client import PitcallClient
from tests.contract.knowledge.conftest import settings_for

pytestmark = pytest.mark.e2e

RULES = "# Sporting rules\n\n## Article 30\n\nTwo different dry compounds must be used in a race.\n"


@pytest.fixture
async def environment(elasticsearch_url, tmp_path, monkeypatch):
    """Of the services and of the command; the index is gone afterwards."""
    index = f"test-{uuid4().hex[:12]}"
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path))
    monkeypatch.setenv("ELASTICSEARCH_URL", elasticsearch_url)
    monkeypatch.setenv("PITCALL_KNOWLEDGE_INDEX", index)
    monkeypatch.setenv("PITCALL_KNOWLEDGE_ANALYZER", "standard")  # the slim distribution has no other
    monkeypatch.setenv("PITCALL_MODEL_EVIDENCE_S", "10")  # on a busy machine the first search takes long
    yield
    store = ElasticKnowledge(settings_for(elasticsearch_url, index))
    await store.destroy()
    await store.close()


async def test_answers_are_grounded_through_elasticsearch(environment, tmp_path):
    """The rule is quoted, the call cites it, and nothing is written to a store in the home."""
    file = tmp_path / "rules.md"
    file.write_text(RULES, "utf-8")
    command = [sys.executable, "-m", "pitcall.cli", "knowledge", "add", str(file), "--label", "kind=rules", "--json"]
    added = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True, timeout=90)
    assert len(json.loads(added.stdout)["added"]) == 1
    with Mesh(lambda _: None) as mesh:
        async with PitcallClient(mesh.url) as client:
            rule = await client.answer("What does the rule say about dry compounds?", race=RACE, car=CAR, lap=LAP)
            call = await client.answer("When should I pit?", race=RACE, car=CAR, lap=LAP)
    assert rule["text"] == "Sporting rules: “Two different dry compounds must be used in a race.” [1]"
    assert [source["title"] for source in call["sources"]] == ["Sporting rules"]
    assert call["why"][-1].endswith("[1]")
    assert (call["ungrounded"], call["decision"] is not None) == (None, True)
    assert not (tmp_path / "knowledge").exists()
