"""Topics of a call from the facts of the race, and what of a passage is a source."""

from dataclasses import replace
from types import MappingProxyType

import pytest
from pitcall_model_server import evidence
from pitcall_model_server.evidence import Topic, holds, quotation, source_of, topics, where

from pitcall import forecast
from pitcall.domain.events import Track
from pitcall.domain.strategy import Threat
from pitcall.domain.tyres import Compound
from pitcall.knowledge.messages import Document, Hit, Labels, Passage
from pitcall.wire.request import WhatIf

pytestmark = pytest.mark.unit


def hit(text, *, title="A page", heading="", source="https://example.org/page", anchor=""):
    """A passage that a search found."""
    document = Document("page-1", source, title, Labels(kind="handbook"))
    return Hit(document, Passage(0, text, heading, "line 3", anchor), 0.03, {"bm25": 1})


def names(known, what_if=None):
    return [topic.name for topic in topics(known, known.state.order()[1].car, what_if or WhatIf())]


@pytest.fixture
def facts(monkeypatch, known):
    """Sets facts of the call that the race does not have."""

    def give(**more):
        found = forecast.evidence

        def changed(*arguments):
            return replace(found(*arguments), **more)

        monkeypatch.setattr(forecast, "evidence", changed)

    return give


class TestTopics:
    def test_the_flag_comes_first(self, known):
        """Shown or supposed."""
        assert names(known, WhatIf(Track.SAFETY_CAR))[0] == "safety car"
        assert names(known, WhatIf(Track.VSC))[0] == "virtual safety car"
        shown = replace(known, state=replace(known.state, track=Track.RED))
        assert names(shown)[0] == "red flag"
        assert names(shown, WhatIf(Track.GREEN))[0] != "red flag"

    def test_rain_is_a_topic_when_it_falls_or_is_supposed(self, known):
        """In a dry race nobody is told about intermediates."""
        assert "intermediates" not in names(known)
        assert names(known, WhatIf(rain_in_laps=3))[0] == "intermediates"
        treads = {car.car: replace(car, compound=Compound.INTERMEDIATE) for car in known.state.order()}
        assert names(replace(known, state=replace(known.state, cars=MappingProxyType(treads))))[0] == "intermediates"

    def test_a_threat_from_behind_is_one(self, known, facts):
        """So is a rival that is supposed to box."""
        facts(undercut_threats=(), rejoin_ahead="")
        assert "undercut" not in names(known)
        assert "undercut" in names(known, WhatIf(boxes_now="HAM"))
        facts(undercut_threats=(Threat("HAM", 1.0, 0.4),))
        assert names(known)[0] == "undercut"

    def test_traffic_is_one_where_the_stop_comes_out_close_behind(self, known, facts):
        """Two seconds."""
        facts(undercut_threats=(), rejoin_ahead="HAM", rejoin_gap_ahead_s=1.9)
        assert names(known)[0] == "traffic"
        facts(undercut_threats=(), rejoin_ahead="HAM", rejoin_gap_ahead_s=2.1)
        assert "traffic" not in names(known)

    def test_there_is_always_one_and_never_more_than_three(self, known):
        """The tyres are always a topic; the most pressing ones push it out."""
        assert names(known)[-1] == "tyre"
        everything = replace(known, state=replace(known.state, circuit="Silverstone", track=Track.SAFETY_CAR))
        assert len(names(everything, WhatIf(rain_in_laps=1, boxes_now="HAM"))) == 3


def test_documents_of_other_circuits_series_and_teams_say_nothing(known):
    """A page of this circuit where the topic is the circuit, else also what is about none in particular."""
    state = replace(known.state, circuit="Spa", series="f1")
    car = state.order()[0]
    here = where(replace(known, state=state), car.car, Topic("pit", "pit loss", here=True))
    everywhere = where(replace(known, state=state), car.car, Topic("undercut", "undercut"))
    assert (here.circuit, everywhere.circuit) == (("spa",), ("spa", ""))
    assert here.series == everywhere.series == ("f1", "")
    assert everywhere.team[1] == ""
    assert (everywhere.kind, everywhere.season) == ((), ())


class TestSources:
    def test_a_source_holds_the_name_of_its_topic(self):
        """In title, heading or text, in any form of the words; else it would be cited for what it does not say."""
        topic = Topic("safety car", "pit stop under the safety car")
        assert holds(hit("A stop costs less.", title="Safety-car stops", heading="Pit loss"), topic)
        assert not holds(hit("A car stops in the pit for safety."), Topic("undercut", "car stops in pit"))
        # More than half of what was looked for is missing.
        assert not holds(hit("There is traffic in town."), Topic("traffic", "coming out of the pits in traffic"))

    def test_says_where_it_stands_and_how_much_it_covers(self):
        """The share of the words asked for, without the little ones."""
        made = source_of(hit("Both cars come in.", title="Double stack", anchor="cost"), "is the double stack slow")
        assert (made.link, made.location, made.kind) == ("https://example.org/page#cost", "line 3", "handbook")
        assert made.covered == pytest.approx(2 / 3)

    def test_quotes_the_sentence_with_most_of_the_words(self):
        """The first one where none has any: the heading says then what it is about."""
        text = "It costs time. Under a red flag it is free. Nobody likes it."
        assert source_of(hit(text), "red flag").quote == "Under a red flag it is free."
        assert source_of(hit(text, title="Undercut"), "undercut").quote == "It costs time."

    def test_a_quotation_is_a_whole_sentence_where_there_is_one(self):
        """A heading that was read as text is none."""
        assert quotation("Undercut\nIt gains a place.", {"undercut"}) == "It gains a place."
        assert quotation("no full stop", {"stop"}) == "no full stop"
        assert quotation("", {"stop"}) == ""

    def test_a_long_one_is_cut_between_words(self):
        """And says so."""
        made = quotation("word " * 100 + ".", {"word"})
        assert made.endswith("word …")
        assert len(made) <= evidence.MAX_QUOTE + 2
