"""The state of a race after any event, and logs that are kept while they do not change."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pitcall_orchestrator.hub import Hub, RaceLog, Recent

from pitcall.adapters.races import RaceStore
from pitcall.domain import events as ev
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.errors import NotFound
from pitcall.synth import synthesise

pytestmark = pytest.mark.unit

#: A race with stops, a safety car, retirements and lapped cars.
RACE = synthesise(11, cars=8, laps=25, race="synth")
LOG = RaceLog(RACE)


class TestRaceLog:
    @given(seq=st.integers(0, len(RACE)))
    def test_any_state_is_the_fold_of_the_log(self, seq):
        """Checkpoints change nothing but the time that it takes."""
        assert LOG.at(seq) == reduce_all(RACE[:seq])

    @given(lap=st.integers(0, 26), car=st.sampled_from([None, *sorted({e.car for e in RACE if isinstance(e, ev.Car)})]))
    def test_a_lap_is_seen_as_it_was_known_then(self, lap, car):
        """As ``until_lap`` cuts the log: by the car's own lap, by the leader's without a car."""
        assert LOG.seq_of(lap, car) == len(until_lap(RACE, lap, car))

    @given(a=st.integers(0, len(RACE)), b=st.integers(0, len(RACE)))
    def test_going_on_from_an_earlier_state_is_the_same(self, a, b):
        """A replay that folds on and a seek cannot differ."""
        first, second = sorted((a, b))
        assert LOG.forward(LOG.at(first), second) == LOG.at(second)

    def test_the_clock_never_runs_backwards(self):
        """A late event is known when it arrives, not when it happened."""
        log = RaceLog([*RACE[:1], ev.Weather(t=50.0), ev.Weather(t=40.0), ev.Weather(t=60.0)])
        assert list(log.times) == [0.0, 50.0, 50.0, 60.0]

    def test_lights_out_is_a_lap_time_before_the_first_line(self, events):
        """So a log that begins an hour before the race does not play an hour of nothing."""
        assert RaceLog(events).start_s == 0.0
        late = [events[0], ev.Car(t=0.0, car="VER"), ev.Lap(t=3690.0, car="VER", lap=1, lap_time_s=90.0)]
        assert RaceLog(late).start_s == 3600.0

    def test_a_log_without_laps_is_a_grid(self, events):
        """Nothing has been driven: every lap is the whole log."""
        log = RaceLog(events[:5])
        assert log.seq_of(0) == log.seq_of(3, "VER") == 5


class TestHub:
    async def test_a_log_is_read_once_until_it_changes(self, tmp_path, events, monkeypatch):
        """An import while the server runs is seen by the next question."""
        store = RaceStore(tmp_path)
        store.save(events)
        hub = Hub(store)
        first = await hub.open("toy")
        assert await hub.open("toy") is first
        store.save([*events, ev.Message(t=2000.0, text="Corrected")])
        assert len(await hub.open("toy")) == len(first) + 1

    async def test_two_askers_share_one_reading(self, tmp_path, events, monkeypatch):
        """The second waits for the first instead of reading the log again."""
        store = RaceStore(tmp_path)
        store.save(events)
        read, events_of = [], store.events

        def counted(race: str) -> list[ev.Event]:
            read.append(race)
            return events_of(race)

        monkeypatch.setattr(store, "events", counted)
        hub = Hub(store)
        first, second = await asyncio.gather(hub.open("toy"), hub.open("toy"))
        assert first is second
        assert read == ["toy"]

    async def test_an_unknown_race_is_not_found(self, tmp_path):
        """The message names those there are."""
        with pytest.raises(NotFound, match="demo"):
            await Hub(RaceStore(tmp_path)).open("nowhere")


def test_recent_drops_what_was_not_used_for_longest():
    """Use keeps a value; a third one pushes out the other."""
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a", lambda: 0) == 1
    assert recent.get("c", lambda: 3) == 3
    assert recent.find("b") is None
    assert recent.find("a") == 1
