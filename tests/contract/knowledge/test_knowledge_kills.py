"""Kill -9 in the middle of an ingest: no half document is ever searchable."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pytest

from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from pitcall.knowledge.messages import Query
from tests.contract.knowledge.shelf import EMBEDDER

#: Passages of each document; and how often the ingest is killed.
LENGTH, KILLS = 25, 30
DOCUMENTS = 8

INGEST = """
import asyncio, sys
from pathlib import Path
from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from tests.contract.knowledge.shelf import put

async def ingest(path, length, documents):
    store, version = SqliteKnowledge(Path(path)), 0
    while True:
        for number in range(documents):
            texts = [f"undercut version{version} part{part} " + "filler " * 50 for part in range(length)]
            await put(store, f"d-{number}", *texts)
            print(version, number, flush=True)
        version += 1

asyncio.run(ingest(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def kill_during_ingest(path, random_moment):
    """Let it store a random number of documents, then kill it somewhere within the next one."""
    command = [sys.executable, "-c", INGEST, str(path), str(LENGTH), str(DOCUMENTS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        for _ in range(random_moment.randrange(1, 2 * DOCUMENTS)):
            assert process.stdout.readline(), "the ingest ended by itself"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(random_moment.random() * 0.02)  # somewhere within the next document
        process.send_signal(signal.SIGKILL)


async def check_whole(path):
    """Every document has all its passages, all of one version, in every leg."""
    store = SqliteKnowledge(path)
    try:
        documents = await store.documents()
        assert documents
        both = Query("undercut", EMBEDDER.embed(["undercut part3"])[0], EMBEDDER.id)
        for query in (replace(both, vector=None), replace(both, text="")):
            versions: dict[str, set[str]] = {}
            for hit in (await store.search(replace(query, hits=100, per_document=LENGTH + 1, depth=1_000))).hits:
                versions.setdefault(hit.document.id, set()).add(hit.passage.text.split()[1])
            assert all(len(found) == 1 for found in versions.values()), versions
        assert (await store.info()).passages == LENGTH * len(documents)
    finally:
        await store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        assert db.execute("SELECT count(*) FROM passage GROUP BY document").fetchall() == [(LENGTH,)] * len(documents)
        assert db.execute("SELECT count(*) FROM vector").fetchone() == (len(documents),)


@pytest.mark.contract
async def test_a_killed_ingest_leaves_whole_documents(tmp_path):
    """Three times, to be quick; the next ingest goes on in the same file."""
    chance = random.Random(1)
    for _ in range(3):
        kill_during_ingest(tmp_path / "knowledge.db", chance)
        await check_whole(tmp_path / "knowledge.db")


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_thirty_killed_ingests_leave_whole_documents(tmp_path):
    """At thirty random moments, all into the same file."""
    chance = random.Random(2)
    for _ in range(KILLS):
        kill_during_ingest(tmp_path / "knowledge.db", chance)
        await check_whole(tmp_path / "knowledge.db")
