"""The rules planner: from a question in words to a tool and its arguments. Pure.

A table of patterns over the corrected text (``words.read``), first match wins. It names no figure:
those come from the tools.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pitcall.domain.events import Track
from pitcall.domain.race import RaceState
from pitcall.domain.tyres import Compound
from pitcall.errors import NotUnderstood
from pitcall_orchestrator.names import names_of
from pitcall_orchestrator.words import Reading, read


class Intent(StrEnum):
    """What is asked for."""

    PIT = "pit"  #: when to stop
    COMPARE = "compare"  #: stopping on one lap against another
    TYRE = "tyre"
    UNDERCUT = "undercut"  #: who can undercut the car
    ATTACK = "attack"  #: whether the car can undercut another
    REJOIN = "rejoin"
    FINISH = "finish"
    WINNER = "winner"
    GAP = "gap"
    ORDER = "order"
    WHY = "why"


#: The tool that answers an intent, where it is not ``advise``.
_TOOLS: Final = {
    Intent.FINISH: "forecast",
    Intent.WINNER: "forecast",
    Intent.GAP: "standings",
    Intent.ORDER: "standings",
    Intent.WHY: "explain",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One question, understood."""

    intent: Intent
    car: str | None = None  #: whose question it is; None only where no car is needed
    other: str | None = None  #: the car that it is about besides
    named: bool = False  #: the text names ``car``
    assume: Track | None = None  #: what if this is shown from now on
    now: bool = False  #: stopping at the end of the current lap is named
    stay: bool = False  #: so is staying out
    wait: tuple[int, ...] = ()  #: so is stopping after waiting so many laps
    laps: tuple[int, ...] = ()  #: in-laps named by their number
    compounds: tuple[Compound, ...] = ()
    top: int | None = None  #: finishing among the first so many

    @property
    def tool(self) -> str:
        """``advise``, ``forecast``, ``explain`` or ``standings``."""
        return _TOOLS.get(self.intent, "advise")


_CAR: Final = r"@\S+"
_ONE: Final = rf"(?:i|me|we|us|{_CAR})"
_STOP: Final = r"(?:pit|box|stop|come in)"

#: Intent and the pattern that tells it, most particular first.
_RULES: Final[tuple[tuple[Intent, str], ...]] = (
    (Intent.WHY, r"\b(why|explain|how come|reason|what makes|how do you know)\b"),
    (Intent.UNDERCUT, r"\b(undercut|threat|threatened|vulnerable|danger|at risk|jump)\b|\bcover @"),
    (
        Intent.REJOIN,
        r"\b(come out|coming out|comes out|rejoin|emerge|traffic|clear air)\b"
        r"|\b(lose|losing|drop|dropping|fall)\b.*\b(positions|position|place)\b|\bpositions\b.*\b(lose|drop)\b"
        rf"|\bwhere\b.*\b(be|end|back|land|slot)\b.*\b(after|if|when|once)\b.*\b{_STOP}\b",
    ),
    (Intent.COMPARE, rf"\b(finish|end up|position)\b.*\b{_STOP}\b.*\b(now|in \d+|this lap|next lap|lap \d+)\b"),
    (
        Intent.GAP,
        r"\b(gap|interval|how far|how close|how (many|much) seconds|seconds (behind|ahead))\b"
        rf"|\bwho is (right |just |directly )?(ahead|behind|in front)( of)? {_ONE}",
    ),
    (Intent.WINNER, r"\b(who|which car)\b.*\b(win|wins)\b|\bwinner\b|\bfavourite\b|\bpredict\b.*\brace\b"),
    (
        Intent.ORDER,
        r"\bwho\b.*\b(leading|lead|leads|first|winning|in front|ahead|position \d+)\b|\bleader\b|\bstandings\b"
        r"|\b(running|current|the) order\b|\bwho\b.*\bin (the )?top \d+"
        rf"|\b(what|which) (position|place) (am|are|is) {_ONE}( in| on)?( right)?( now| currently)?$"
        rf"|\bwhere (am|are|is) {_ONE}( right| just)?( now| currently)?$",
    ),
    (
        Intent.FINISH,
        r"\b(finish|end up|chances|chance|odds|probability|podium|win|points|predict|outcome|result|likely)\b"
        r"|\btop \d+\b|\bposition\b.*\b(will|get|expect|end)\b|\b(will|get|expect)\b.*\bposition\b|\bbe position \d+",
    ),
    (
        Intent.COMPARE,
        r"\bnow or\b|\bthis lap\b|\bnext lap\b|\b(in|after|another|for|by|wait|out|extend|delay) \d+( more)?( laps?|$)"
        rf"|\b\d+ more( laps?)?\b|\b\d+ laps? (later|longer)\b|\blap \d+\b|\b{_STOP}\b.*\bnow\b|\bnow\b.*\b{_STOP}\b"
        rf"|\b{_STOP}\b.*\bor (wait|stay|extend)\b|\bor {_STOP}\b",
    ),
    (
        Intent.TYRE,
        r"\b(tyre|tyres|compound|soft|softs|medium|mediums|hard|hards|inter|inters|intermediate|intermediates"
        r"|wet|wets|slicks)\b",
    ),
    (Intent.PIT, rf"\b({_STOP}|stops|strategy|the call|stay out|stay|wait|extend|window|stint|safety car)\b"),
)
_PATTERNS: Final = tuple((intent, re.compile(pattern)) for intent, pattern in _RULES)

_COMPOUNDS: Final = {compound.label: compound for compound in Compound} | {"inter": Compound.INTERMEDIATE}
_COMPOUND: Final = re.compile(r"\b(soft|medium|hard|intermediate|inter|wet)s?\b")
_WAIT: Final = re.compile(
    r"\b(?:in|after|another|for|by|wait|out|extend|delay|now or) (\d+)(?: more)?(?: laps?\b|$)"
    r"|\b(\d+) laps? (?:later|longer)\b|\b(\d+) more\b|\b(next) lap\b"
)
_LAP: Final = re.compile(r"\blap (\d+)(?: (?:or|versus|vs|and)(?: on| at| in| lap)* (\d+)(?! laps?\b))?")
_NOW: Final = re.compile(r"\b(now|this lap|immediately)\b")
_STAY: Final = re.compile(
    r"\bstay(ing)? out\b(?!.*\d)|\b(not|no|without) (another )?stop\b|\bor stay\b|\bto the (flag|end)\b"
)
_TOP: Final = re.compile(r"\b(?:top|position) (\d+)\b")
_TOPS: Final = ((r"\b(win|wins|winner)\b", 1), (r"\bpodium\b", 3), (r"\bpoints\b", 10))
_MINE: Final = re.compile(r"\b(i|we|my|our)\b")
_SOMEBODY: Final = re.compile(r"\b(he|she|him|her)\b")
_COMES_OUT: Final = re.compile(r"\bsafety car (?:comes|came|come|is|goes|was|coming) (?:out|in)\b")
_NO_SAFETY_CAR: Final = re.compile(
    r"\b(no|without|not|end|ends|after) ((a|any|the|virtual|more) )*safety car\b|\bsafety car (ends|goes in|comes in)\b"
)
_SUPPOSING: Final = re.compile(r"\b(what if|if|when|suppose|assume|assuming|case|will|under)\b")
_NOT_SIMULATED: Final = re.compile(r"\b(rain|red flag|puncture|crash|accident)\b")
_NEEDS_NO_CAR: Final = (Intent.WINNER, Intent.ORDER, Intent.WHY)


def plan(text: str, state: RaceState, me: str | None) -> Plan:
    """What a question asks for. ``me`` is the car whose question it is unless the text names another.

    Raises:
        NotUnderstood: there is no question in the text that can be answered, or no car to answer it for.
        NotFound: it names a car that is not in the race.
    """
    said = read(text, names_of(state.cars.values()))
    asked = _COMES_OUT.sub("safety car", said.text)  # it is not the car that "comes out"
    intent = next((intent for intent, pattern in _PATTERNS if pattern.search(asked)), None)
    if _NOT_SIMULATED.search(said.text) and _SUPPOSING.search(said.text) and intent is not Intent.WHY:
        raise NotUnderstood(
            "Rain, red flags and accidents cannot be asked about yet. "
            "Ask what happens under a safety car or a virtual one."
        )
    if intent is None:
        raise NotUnderstood(
            f"I found no question that I can answer in {text.strip()[:60]!r}. Ask when to pit, which tyre, pit now or "
            "in 3 laps, what if there is a safety car, who can undercut me, where I come out, where I will finish, "
            "the gap to a car, who leads, or why."
        )
    if not said.cars and not _MINE.search(said.text) and _SOMEBODY.search(said.text):
        raise NotUnderstood("Which car? Name it in the question.")
    if intent is Intent.UNDERCUT:
        made = _undercut(said, me)
    elif intent is Intent.GAP:
        made = _gap(said, me)
    else:
        made = _whose(intent, said, me)
    if made.car is None and intent not in _NEEDS_NO_CAR:
        raise NotUnderstood("Which car? Name one in the question, or follow one.")
    waits = tuple(1 if found == "next" else int(found) for found in _numbers(_WAIT, said.text))
    return replace(
        made,
        named=made.car in said.cars,
        assume=_assumed(said.text, state.track),
        now=_NOW.search(said.text) is not None,
        stay=_STAY.search(said.text) is not None,
        wait=waits,
        laps=tuple(int(found) for found in _numbers(_LAP, said.text)),
        compounds=tuple(dict.fromkeys(_COMPOUNDS[found] for found in _COMPOUND.findall(said.text))),
        top=_top(said.text),
    )


def _whose(intent: Intent, said: Reading, me: str | None) -> Plan:
    """The first car that is named, unless the words are about me: "should I stop before HAM does?"."""
    first = said.cars[0] if said.cars else None
    if me is not None and _MINE.search(said.text):
        return Plan(intent, car=me, other=first if first != me else None)
    return Plan(intent, car=first or me, other=said.cars[1] if len(said.cars) > 1 else None)


def _gap(said: Reading, me: str | None) -> Plan:
    """Mine to another car ("gap to HAM"), one between two others, or those around one ("who is behind HAM")."""
    others = [car for car in said.cars if car != me]
    if said.text.startswith("who") and others and not _MINE.search(said.text):
        return Plan(Intent.GAP, car=others[0])
    if len(others) > 1 or me is None:
        return Plan(Intent.GAP, car=others[0] if others else None, other=others[1] if len(others) > 1 else None)
    return Plan(Intent.GAP, car=me, other=others[0] if others else None)


def _undercut(said: Reading, me: str | None) -> Plan:  # noqa: PLR0911  # one return per kind of sentence
    """Who attacks and who defends: by what stands before and after the verb."""
    verb = re.search(r"\b(undercut|jump)\b", said.text)
    if verb is None:
        return _threatened(said, me)
    before, after = said.text[: verb.start()], said.text[verb.end() :]
    left, right = _cars(before), _cars(after)
    mine = _MINE.search(before) is not None
    whose = me if mine or not left else left[0]
    if re.search(r"\b(be|get|getting|being) $", before) or re.match(r" (from|by|threat|risk)\b", after):
        return Plan(Intent.UNDERCUT, car=whose, other=right[0] if right else None)  # "be undercut by HAM"
    if re.match(r" (me|us|my|our)\b", after):
        return Plan(Intent.UNDERCUT, car=me, other=left[0] if left else None)
    anybody = re.search(r"\b(who|anyone|anybody|someone|somebody|which car)\b", before)
    if right:
        if anybody:
            return Plan(Intent.UNDERCUT, car=right[0])
        return Plan(Intent.ATTACK, car=whose if whose != right[0] else None, other=right[0])
    if re.search(r"\b(ahead|front)\b", after) or (mine and not anybody and not re.search(r"\b(an?|the) $", before)):
        return Plan(Intent.ATTACK, car=whose)  # the car ahead, then
    on_me = me is not None and left and not mine and left[0] != me  # "can HAM undercut?"
    return Plan(Intent.UNDERCUT, car=me, other=left[0]) if on_me else Plan(Intent.UNDERCUT, car=whose)


def _threatened(said: Reading, me: str | None) -> Plan:
    """As in: am I under threat from HAM, is HAM under threat, should I cover HAM."""
    source = re.search(rf"\b(?:from|by|cover) ({_CAR})", said.text)
    other = source[1][1:] if source else None
    subjects = [car for car in said.cars if car != other]
    return Plan(Intent.UNDERCUT, car=me if _MINE.search(said.text) or not subjects else subjects[0], other=other)


def _assumed(text: str, track: Track) -> Track | None:
    """The track status that the question supposes; None where that is how it is."""
    if "safety car" not in text:
        return None
    supposed: Track = Track.VSC if "virtual safety car" in text else Track.SAFETY_CAR
    if _NO_SAFETY_CAR.search(text):
        supposed = Track.GREEN if track in (Track.VSC, Track.SAFETY_CAR) else track
    return None if supposed is track else supposed


def _top(text: str) -> int | None:
    found = _TOP.search(text)
    return int(found[1]) if found else next((top for word, top in _TOPS if re.search(word, text)), None)


def _cars(text: str) -> list[str]:
    return [word[1:] for word in re.findall(_CAR, text)]


def _numbers(pattern: re.Pattern[str], text: str) -> list[str]:
    return [group for found in pattern.finditer(text) for group in found.groups() if group]
