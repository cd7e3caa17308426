"""One ledger under several processes, and under a kill."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pitcall.adapters.ledger import SqliteLedger

pytestmark = pytest.mark.contract

WRITER = Path(__file__).with_name("ledger_writer.py")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))


def writer(car: str, count: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(WRITER), car, str(count)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=dict(os.environ),
    )  # fmt: skip


def test_three_processes_begin_a_ledger_together_and_lose_nothing():
    """The first call of each finds no file; two write the same claims, which are stored once."""
    writers = [writer(car, 30) for car in ("AAA", "AAA", "BBB")]
    for process in writers:
        _, trouble = process.communicate(timeout=60)
        assert (process.returncode, trouble) == (0, "")
    assert [(tally.car, tally.calls) for tally in SqliteLedger().tallies()] == [("AAA", 30), ("BBB", 30)]


def test_what_was_stored_survives_a_kill_in_the_middle_of_writing(tmp_path):
    """No call that was said to be stored is gone, none is there by half, and the next process goes on."""
    process = writer("AAA", 100_000)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(20)]
    process.kill()
    said += process.stdout.readlines()
    process.communicate()
    stored = max(int(line.split()[1]) for line in said if line.endswith("\n"))
    ledger = SqliteLedger()
    calls = ledger.calls("r")
    assert stored <= len(calls) <= stored + 1  # one may have been stored before it could say so
    assert [call.lap for call in calls] == list(range(len(calls)))
    with sqlite3.connect(tmp_path / "home" / "ledger.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    after = writer("BBB", 1)
    after.communicate(timeout=30)
    assert after.returncode == 0
    assert [tally.car for tally in ledger.tallies()] == ["AAA", "BBB"]
