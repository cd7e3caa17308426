"""Races on disk."""

import errno
import gzip
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pitcall.adapters.races import DEMO, RaceStore, RaceSummary, bundled
from pitcall.domain.events import Car, Lap, Session, to_json
from pitcall.domain.reducer import reduce_all
from pitcall.errors import InvalidEvent, InvalidRequest, NotFound, PitcallError

pytestmark = pytest.mark.unit


def events(race="2019-12", *, laps=2):
    return [
        Session(t=0.0, race=race, name="São Paulo Grand Prix", total_laps=70),
        Car(t=0.0, car="VER", driver='Max "Mad" \u2028 Example'),
        Car(t=0.0, car="HAM"),
        *(Lap(t=80.0 * n, car="VER", lap=n) for n in range(1, laps + 1)),
    ]


@pytest.fixture
def store(tmp_path):
    return RaceStore(tmp_path / "races")


def test_what_is_saved_is_what_is_read(store, tmp_path):
    """Every event, in order, under the id of its session."""
    assert store.save(events()) == tmp_path / "races" / "2019-12" / "events.jsonl"
    assert store.events("2019-12") == events()


def test_the_list_has_each_race_and_the_bundled_one(store):
    """By id, with what a person needs to choose."""
    store.save(events("b-race"))
    store.save(events("2019-12"))
    listed = store.list()
    assert [race.id for race in listed] == ["2019-12", "b-race", DEMO]
    assert listed[0] == RaceSummary("2019-12", "São Paulo Grand Prix", "f1", 70, 2)


def test_there_is_always_a_race_to_ask_about(store, tmp_path):
    """An empty home has the demo, and reading makes no folder."""
    assert reduce_all(store.events(DEMO)).finished
    assert [race.id for race in store.list()] == [DEMO]
    assert not (tmp_path / "races").exists()


def test_a_stored_race_shadows_the_bundled_one(store):
    """Who imports a race called demo gets that one."""
    store.save(events(DEMO))
    assert store.events(DEMO) == events(DEMO)
    assert store.list() == [RaceSummary(DEMO, "São Paulo Grand Prix", "f1", 70, 2)]


def test_home_is_where_races_live_unless_told_otherwise(tmp_path, monkeypatch):
    """PITCALL_HOME moves them."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "here"))
    assert RaceStore().save(events()) == tmp_path / "here" / "races" / "2019-12" / "events.jsonl"


def test_saving_again_replaces_the_race_and_its_summary(store):
    """The cache of summaries sees the new file."""
    store.save(events())
    assert store.summary("2019-12").cars == 2
    store.save([*events()[:3], Car(t=0.0, car="LEC"), *events()[3:]])
    assert store.summary("2019-12").cars == 3


def test_a_summary_is_read_once(store, monkeypatch):
    """Listing many races again costs no parsing."""
    store.save(events())
    first = store.list()
    monkeypatch.setattr("pitcall.adapters.races.from_json", None)
    assert store.list() == first


def test_events_that_are_no_race_are_not_saved(store, tmp_path):
    """The error is the reducer's; nothing is left behind."""
    with pytest.raises(InvalidEvent, match="unknown car 'LEC'"):
        store.save([*events(), Lap(t=99.0, car="LEC", lap=1)])
    with pytest.raises(InvalidRequest, match="'' cannot be a race id"):
        store.save([])
    assert not (tmp_path / "races").exists()


def test_what_could_not_be_read_back_is_not_saved(store):
    """A text that is too long for the border is found before it is on disk."""
    with pytest.raises(InvalidEvent, match="driver cannot be"):
        store.save([*events()[:1], Car(t=0.0, car="VER", driver="x" * 501)])


def test_a_save_that_fails_half_way_leaves_the_old_race(store, tmp_path, monkeypatch):
    """The disk is full: one clear error, the old log whole, no half file."""
    store.save(events())

    def full(path, content):
        with path.open("wb") as file:
            file.write(content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PitcallError, match=r"cannot store race 2019-12 in .*: No space left on device"):
        store.save(events(laps=9))
    assert store.events("2019-12") == events()
    assert [path.name for path in (tmp_path / "races" / "2019-12").iterdir()] == ["events.jsonl"]


def test_many_may_save_one_race_at_once(store, tmp_path):
    """One whole log is left, and no other file."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.save(events(laps=n)), range(2, 34)))
    assert len(store.events("2019-12")) in range(5, 37)
    assert [path.name for path in (tmp_path / "races" / "2019-12").iterdir()] == ["events.jsonl"]


@pytest.mark.parametrize(
    "race", ["", ".", "..", "../etc", "a/b", "/etc/passwd", "a\\b", ".hidden", "-x", "a b", "é", "x" * 65, "a\n"]
)
def test_an_id_is_a_plain_word(store, race):
    """No id reaches outside the folder."""
    with pytest.raises(InvalidRequest, match="cannot be a race id"):
        store.events(race)
    with pytest.raises(InvalidRequest, match="cannot be a race id"):
        store.save(events(race or " "))


def test_a_race_that_is_not_there_is_named_with_those_that_are(store):
    """The message says what to type."""
    store.save(events())
    with pytest.raises(NotFound, match="no race '2019-13'; races: 2019-12, demo"):
        store.events("2019-13")


@pytest.mark.parametrize("line", [b"{oops", b'{"type":"lap","t":1}', b"\xff\xfe", b"[]"])
def test_a_bad_line_is_reported_with_file_and_number(store, line):
    """A person can open the file there."""
    path = store.save(events())
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:3], line, *lines[3:]]))
    with pytest.raises(InvalidEvent, match=r"2019-12/events\.jsonl:4: "):
        store.events("2019-12")


def test_an_empty_line_is_not_an_event(store):
    """A trailing newline or two does no harm."""
    path = store.save(events())
    path.write_bytes(path.read_bytes() + b"\n\n")
    assert store.events("2019-12") == events()


@pytest.mark.parametrize("content", [b"", b"\n", b"{oops\n", to_json(Car(t=0.0, car="VER")).encode()])
def test_a_damaged_race_does_not_hide_the_others(store, caplog, content):
    """It is left out of the list with a warning that names it."""
    store.save(events("fine"))
    path = store.save(events("damaged"))
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert [race.id for race in store.list()] == [DEMO, "fine"]
    assert "damaged" in caplog.text
    with pytest.raises(InvalidEvent, match=r"damaged/events\.jsonl:1: "):
        store.summary("damaged")


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path):
    """A file where the folder should be: which race, which folder, why."""
    (tmp_path / "races").write_text("not a folder")
    with pytest.raises(PitcallError, match=r"cannot store race 2019-12 in .*races/2019-12: "):
        RaceStore(tmp_path / "races").save(events())


def test_strangers_in_the_folder_are_no_races(store, tmp_path):
    """Only folders with a log and a possible id count."""
    store.save(events())
    (tmp_path / "races" / "empty").mkdir()
    (tmp_path / "races" / ".cache").mkdir()
    (tmp_path / "races" / ".cache" / "events.jsonl").write_text("x")
    (tmp_path / "races" / "notes.txt").write_text("x")
    assert [race.id for race in store.list()] == ["2019-12", DEMO]


def test_the_bundled_race_is_small():
    """It travels with every install."""
    packed = bundled().read_bytes()
    assert len(packed) < 50_000
    assert gzip.decompress(packed).startswith(b'{"type":"session"')
