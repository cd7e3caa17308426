"""The ledger in its file."""

import sqlite3
from dataclasses import replace

import pytest

from pitcall.adapters.ledger import SqliteLedger
from pitcall.domain.tyres import Compound
from pitcall.errors import Corrupt, LedgerUnavailable
from pitcall.ledger import Call, Grade, Outcome, Tally, score

pytestmark = pytest.mark.unit

CALL = Call(
    "toy", "AAA", 4, 360.125, "m@1", 2**64 - 1, 6, Compound.HARD, (0.1, 1 / 3, 0.9 - 1 / 3), 64, "points",
    live=True, asked_at=1.5,
)  # fmt: skip
STAY = replace(CALL, in_lap=None, compound=None, asked_at=2.5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "ledger.db"


@pytest.fixture
def ledger(path):
    return SqliteLedger(path)


def test_a_call_comes_back_as_it_was(ledger):
    """To the last bit of seed and distribution, in the order of asking."""
    assert ledger.record(STAY)
    assert ledger.record(CALL)
    assert ledger.calls("toy") == [CALL, STAY]
    assert ledger.calls("other") == []


def test_the_same_claim_is_stored_once_and_stays_as_it_was(ledger):
    """Whoever asks again can neither count twice nor change what was said."""
    assert ledger.record(CALL)
    assert not ledger.record(replace(CALL, asked_at=9.0, draws=1, p_position=(1.0, 0.0, 0.0), goal="win"))
    assert ledger.calls("toy") == [CALL]


@pytest.mark.parametrize(
    "change",
    [
        {"race": "r"}, {"car": "B"}, {"lap": 5}, {"t_s": 361.0}, {"model": "m@2"}, {"seed": 1}, {"in_lap": 7},
        {"compound": Compound.SOFT}, {"in_lap": None, "compound": None},
    ],
)  # fmt: skip
def test_another_moment_model_seed_or_call_is_another_claim(ledger, change):
    """Each of them is graded for itself."""
    assert ledger.record(CALL)
    assert ledger.record(replace(CALL, **change))


def test_reading_makes_no_file(ledger, path):
    """A page that asks for the figure leaves no trace; a home that was never written to is empty, not an error."""
    assert (ledger.calls("toy"), ledger.tallies()) == ([], [])
    assert not path.parent.exists()


def test_tallies_count_and_sum_the_grades(ledger):
    """By kind of call and outcome; what is not graded is only counted."""
    calls = [replace(CALL, lap=lap) for lap in range(5)]
    for call in (*calls, STAY):
        ledger.record(call)
    good, bad = score(CALL.p_position, 2), score(CALL.p_position, 1)
    grades = [Grade(Outcome.FOLLOWED, 2, good), Grade(Outcome.FOLLOWED, 1, bad), Grade(Outcome.NOT_FOLLOWED, 2)]
    ledger.grade([*zip(calls[:3], grades, strict=True), (STAY, Grade(Outcome.FOLLOWED, 2, good))])
    held, expected = (
        tuple(a + b for a, b in zip(getattr(good, name), getattr(bad, name), strict=True))
        for name in ("held", "expected")
    )
    both = Tally(
        "m@1", True, "toy", "AAA", False, Outcome.FOLLOWED, 2, good.rps + bad.rps, good.log_loss + bad.log_loss,
        held, expected,
    )  # fmt: skip
    stay = Tally(
        "m@1", True, "toy", "AAA", True, Outcome.FOLLOWED, 1, good.rps, good.log_loss, good.held, good.expected
    )
    others = [Tally("m@1", True, "toy", "AAA", False, ended, n) for ended, n in ((None, 2), (Outcome.NOT_FOLLOWED, 1))]
    assert ledger.tallies() == ledger.tallies("toy") == [others[0], both, others[1], stay]
    assert ledger.tallies("other") == []


def test_grading_again_replaces_the_grade(ledger):
    """The log may have been corrected; a grade of a call that is not there is left out."""
    ledger.record(CALL)
    ledger.grade([(CALL, Grade(Outcome.FOLLOWED, 2, score(CALL.p_position, 2)))])
    ledger.grade([(CALL, Grade(Outcome.NOT_FOLLOWED, 2)), (STAY, Grade(Outcome.FOLLOWED, 2))])
    assert ledger.tallies() == [Tally("m@1", True, "toy", "AAA", False, Outcome.NOT_FOLLOWED, 1)]


class TestTrouble:
    def test_a_file_that_is_no_ledger_is_left_alone(self, path, ledger):
        """Neither another program's database nor rubbish is written to; the message names the file."""
        path.parent.mkdir()
        path.write_bytes(b"not a database at all" * 100)
        with pytest.raises(Corrupt, match=r"ledger\.db is damaged"):
            ledger.record(CALL)
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE mine (x)")
        other.close()
        with pytest.raises(Corrupt, match="not a ledger"):
            ledger.record(CALL)

    def test_a_newer_format_is_not_touched(self, path, ledger):
        """It would be read wrongly."""
        ledger.record(CALL)
        with sqlite3.connect(path) as newer:
            newer.execute("PRAGMA user_version = 2")
        newer.close()
        for use in (lambda: ledger.record(STAY), ledger.tallies, lambda: ledger.calls("toy")):
            with pytest.raises(Corrupt, match="format 2, this version reads 1"):
                use()

    def test_a_folder_that_cannot_be_made_is_said(self, tmp_path):
        """There is a file where the folder should be."""
        (tmp_path / "file").touch()
        with pytest.raises(LedgerUnavailable, match="cannot make the folder"):
            SqliteLedger(tmp_path / "file" / "ledger.db").record(CALL)

    def test_a_full_disk_is_said_and_costs_nothing_that_is_there(self, path, ledger, monkeypatch):
        """SQLite's own limit of pages stands in for the disk: the write fails in the middle, and is undone."""
        ledger.record(CALL)
        connect = sqlite3.connect

        def full(*args, **options):
            db = connect(*args, **options)
            db.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages that are there, and no more
            return db

        monkeypatch.setattr(sqlite3, "connect", full)
        big = replace(STAY, goal="x" * 100_000)
        with pytest.raises(LedgerUnavailable, match="full"):
            ledger.record(big)
        assert ledger.calls("toy") == [CALL]
        monkeypatch.undo()
        assert ledger.record(STAY)

    def test_a_ledger_held_by_another_process_is_said(self, path, ledger, monkeypatch):
        """After a wait, so that a short hold is no trouble at all."""
        ledger.record(CALL)
        monkeypatch.setattr("pitcall.adapters.ledger.BUSY_S", 0.01)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="another process"):
            ledger.record(STAY)
        assert ledger.calls("toy") == [CALL]  # readers need not wait
        holder.execute("ROLLBACK")
        holder.close()
        assert ledger.record(STAY)
