"""The order of snapshots, where the server's clock cannot tell it. Over a real server: tests/contract/knowledge."""

from types import SimpleNamespace
from typing import Any

import pytest

from pitcall.adapters.knowledge.elastic import snapshots
from pitcall.adapters.knowledge.settings import KnowledgeSettings

pytestmark = pytest.mark.unit


def taken(name, start_ms, **more):
    return {"snapshot": name, "state": "SUCCESS", "start_time_in_millis": start_ms, **more}


async def test_snapshots_of_one_tick_of_the_server_stand_in_the_order_they_were_asked_for():
    """By name only where nothing else is known, as of one that the server took by itself."""
    found = [
        taken("a-tuesday", 1000, metadata={"asked_at_ms": 1150}),
        taken("monday", 1000, metadata={"asked_at_ms": 1020}),
        taken("nightly", 800, metadata=None),
        taken("hourly", 800),
    ]

    async def get(**asked):
        return {"snapshots": found}

    indexes: Any = SimpleNamespace(client=SimpleNamespace(snapshot=SimpleNamespace(get=get)), where="http://es")
    assert await snapshots.names(indexes, KnowledgeSettings()) == ["hourly", "nightly", "monday", "a-tuesday"]
