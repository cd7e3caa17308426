"""What documents say about a call: which topics it has, and what of a passage is quoted. Pure.

The topics follow from facts of the race, not from the decision, so they are looked up while it is simulated. A passage
that does not hold the words of its topic is no source: it would be cited for what it does not say.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from pitcall import forecast as rest
from pitcall.domain.events import Track
from pitcall.domain.race import must_change_compound
from pitcall.domain.strategy import Evidence
from pitcall.knowledge.messages import Filter, Hit
from pitcall.knowledge.words import stems, words
from pitcall.sim.messages import Candidate
from pitcall.wire.knowledge import Source
from pitcall.wire.request import WhatIf
from pitcall_model_server.readings import Known

#: Topics of one call, hence most sources of an answer.
MAX_TOPICS: Final = 3
#: A stop that comes out this close behind a car, s, is in traffic.
TRAFFIC_S: Final = 2.0
#: Least share of the words of a topic that its source has.
HALF: Final = 0.5
#: Longest quotation, characters.
MAX_QUOTE: Final = 240

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that a call is about."""

    name: str  #: the words that a source must hold
    words: str  #: what is looked for
    here: bool = False  #: only what is said about this circuit


_FLAGS: Final = {
    Track.SAFETY_CAR: Topic("safety car", "pit stop under the safety car"),
    Track.VSC: Topic("virtual safety car", "pit stop under the virtual safety car"),
    Track.RED: Topic("red flag", "tyre change under a red flag"),
}
_WET: Final = Topic("intermediates", "crossover between slicks and intermediates on a wet track")
_UNDERCUT: Final = Topic("undercut", "undercut by the car behind, and covering it")
_TRAFFIC: Final = Topic("traffic", "coming out of the pits in traffic")
_COMPOUNDS: Final = Topic("compounds", "two different dry compounds must be used in a race")
_PIT_LOSS: Final = Topic("pit", "time that a pit stop costs at this circuit", here=True)
_WEAR: Final = Topic("tyre", "phases of a tyre: warm-up, wear, cliff")


def topics(known: Known, car: str, what_if: WhatIf) -> tuple[Topic, ...]:
    """What a call of this car is about, most pressing first. Raises NotFound for an unknown car."""
    state = known.state
    facts = rest.evidence(state, known.reading, car, Candidate(None, None))
    flag = _FLAGS.get(what_if.track or state.track)
    dry = state.series == "f1" and not state.wet and must_change_compound(state.car(car))
    found = (
        (flag, flag is not None),
        (_WET, state.wet or what_if.rain_in_laps is not None),
        (_UNDERCUT, bool(facts.undercut_threats) or what_if.boxes_now is not None),
        (_TRAFFIC, _in_traffic(facts)),
        (_PIT_LOSS, state.circuit is not None),
        (_COMPOUNDS, dry),
        (_WEAR, True),
    )
    return tuple(topic for topic, given in found if given and topic is not None)[:MAX_TOPICS]


def where(known: Known, car: str, topic: Topic) -> Filter:
    """Documents about this race, or about no particular one: never another team's notes or another series' rules."""
    state = known.state
    circuit = state.circuit or ""
    return Filter(
        series=(state.series, ""), circuit=(circuit,) if topic.here else (circuit, ""), team=(state.car(car).team, "")
    )


def source_of(hit: Hit, asked: str, topic: str = "") -> Source:
    """A passage as the source of an answer.

    Args:
        hit: the passage.
        asked: the words that it was looked for with, which the quotation shall hold.
        topic: of the call that it is about.
    """
    passage, document = hit.passage, hit.document
    wanted = _wanted(asked)
    return Source(
        document=document.id,
        title=document.title,
        heading=passage.heading,
        location=passage.location,
        link=hit.link,
        text=passage.text,
        marks=hit.marks,
        covered=_covered(hit, wanted),
        quote=quotation(passage.text, wanted),
        topic=topic,
        kind=document.labels.kind,
    )


def holds(hit: Hit, topic: Topic) -> bool:
    """True if title, heading and text together have every word of the topic's name, and half of what was looked for."""
    return _covered(hit, set(stems(topic.name))) == 1.0 and _covered(hit, _wanted(topic.words)) >= HALF


def quotation(text: str, wanted: Collection[str]) -> str:
    """The first sentence with the most of the wanted stems; empty for a text without a word."""
    sentences = [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]
    whole = [part for part in sentences if part[-1] in ".!?"]
    best = max(whole or sentences, key=lambda part: len(set(stems(part)) & set(wanted)), default="")
    if len(best) <= MAX_QUOTE:
        return best
    return f"{best[:MAX_QUOTE].rpartition(' ')[0] or best[:MAX_QUOTE]} …"


def _wanted(asked: str) -> set[str]:
    return {stem for word in words(asked) for stem in stems(word)}


def _covered(hit: Hit, wanted: Collection[str]) -> float:
    there = set(stems(f"{hit.document.title}\n{hit.passage.heading}\n{hit.passage.text}"))
    return len(there & set(wanted)) / len(wanted) if wanted else 0.0


def _in_traffic(facts: Evidence) -> bool:
    return bool(facts.rejoin_ahead) and facts.rejoin_gap_ahead_s < TRAFFIC_S
