"""The rules planner: from a question in words to a tool and its arguments. Pure.

A table of patterns over the corrected text (``words.read``), first match wins. It names no figure:
those come from the tools.
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from pitcall.domain.race import RaceState
from pitcall.domain.tyres import Compound
from pitcall.errors import NotUnderstood
from pitcall.sim.messages import Utility
from pitcall.wire.request import WhatIf
from pitcall_orchestrator import supposing
from pitcall_orchestrator.lookup import Lookup, general, lookup
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
    SEARCH = "search"  #: what documents say


#: The tool that answers an intent, where it is not ``advise``.
_TOOLS: Final = {
    Intent.FINISH: "forecast",
    Intent.WINNER: "forecast",
    Intent.GAP: "standings",
    Intent.ORDER: "standings",
    Intent.WHY: "explain",
    Intent.SEARCH: "search",
}


#: Laps that "overcut" waits where it names none: what a rival's stop and its out-lap take, and one more.
OVERCUT_LAPS: Final = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two calls that are to be compared; neither ``lap`` nor ``wait``: staying out."""

    lap: int | None = None  #: in-lap by its number
    wait: int | None = None  #: laps to wait; 0 = the current one
    compound: Compound | None = None  #: None: whichever is best


@dataclass(frozen=True, slots=True)
class Plan:
    """One question, understood."""

    intent: Intent
    car: str | None = None  #: whose question it is; None only where no car is needed
    other: str | None = None  #: the car that it is about besides
    named: bool = False  #: the text names ``car``
    what_if: WhatIf = field(default_factory=WhatIf)
    utility: Utility | None = None  #: what the call shall be best for, where the text says so
    now: bool = False  #: stopping at the end of the current lap is named
    stay: bool = False  #: so is staying out
    wait: tuple[int, ...] = ()  #: so is stopping after waiting so many laps
    laps: tuple[int, ...] = ()  #: in-laps named by their number
    compounds: tuple[Compound, ...] = ()
    fitted: tuple[Choice, ...] = ()  #: calls that are named together with their tyres
    top: int | None = None  #: finishing among the first so many
    lookup: Lookup | None = None  #: what documents are asked

    @property
    def tool(self) -> str:
        """``advise``, ``compare``, ``what_if``, ``forecast``, ``explain``, ``search`` or ``standings``."""
        if self.pair is not None:
            return "compare"
        return _TOOLS.get(self.intent, "what_if" if self.what_if else "advise")

    @property
    def pair(self) -> tuple[Choice, Choice] | None:
        """The two calls that a question sets against each other; None if it is no such question."""
        if self.intent is not Intent.COMPARE:
            return None
        choices = [*(Choice(wait=wait) for wait in self.wait), *(Choice(lap=lap) for lap in self.laps)]
        if self.now or not choices or (self.wait and len(choices) == 1):
            choices.insert(0, Choice(wait=0))
        choices = list(dict.fromkeys([*choices, *([Choice()] if self.stay else [])]))
        if len(choices) == 1 and len(self.compounds) == 2:
            return tuple(replace(choices[0], compound=compound) for compound in self.compounds)  # type: ignore[return-value]  # two
        if len(choices) != 2:
            return None
        a, b = (replace(choice, compound=self._tyres_of(choice)) for choice in choices)
        return a, b

    def _tyres_of(self, choice: Choice) -> Compound | None:
        """The tyres that are named with a call, or after both."""
        at = [each.compound for each in self.fitted if replace(each, compound=None) == choice]
        return at[0] if at else None


_CAR: Final = r"@\S+"
_ONE: Final = rf"(?:i|me|we|us|{_CAR})"
_STOP: Final = r"(?:pit|box|stop|come in)"

#: Intent and the pattern that tells it, most particular first.
_RULES: Final[tuple[tuple[Intent, str], ...]] = (
    (Intent.WHY, r"\b(why|explain|how come|reason|what makes|how do you know)\b"),
    (Intent.COMPARE, r"\bovercut\b"),
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
_BETWEEN: Final = re.compile(r"\b(?:or|than|versus|vs|against|with|and|to)\b")
_NEEDS_NO_CAR: Final = (Intent.WINNER, Intent.ORDER, Intent.WHY)
#: What a goal can be asked of: a call, not the odds as they are.
_CALLS: Final = (Intent.PIT, Intent.COMPARE, Intent.TYRE, Intent.UNDERCUT, Intent.ATTACK, Intent.REJOIN)


def plan(text: str, state: RaceState, me: str | None) -> Plan:
    """What a question asks for. ``me`` is the car whose question it is unless the text names another.

    Raises:
        NotUnderstood: there is no question in the text that can be answered, or no car to answer it for.
        NotFound: it names a car that is not in the race.
    """
    if asked_of_documents := lookup(text):
        return Plan(Intent.SEARCH, car=me, lookup=asked_of_documents)
    said = read(text, names_of(state.cars.values()))
    asked = _COMES_OUT.sub("safety car", said.text)  # it is not the car that "comes out"
    if _intent(asked) is Intent.WHY:
        what_if, said = WhatIf(supposing.flag(said.text, state.track)), replace(said, text=asked)
    else:
        what_if, asked = supposing.what_if(asked, state, me)
        said = Reading(asked, tuple(car for car in said.cars if car != what_if.boxes_now))
    utility, intent, rest = _goal(said.text)
    if intent is None and (what_if or utility):
        intent = Intent.PIT  # "what if it rains?": then when?
    if intent is None and (perhaps := general(text)):
        return Plan(Intent.SEARCH, car=me, lookup=perhaps)
    if intent is None:
        raise NotUnderstood(
            f"I found no question that I can answer in {text.strip()[:60]!r}. Ask when to pit, which tyre, pit now or "
            "in 3 laps, what if there is a safety car, who can undercut me, where I come out, where I will finish, "
            "the gap to a car, who leads, why, or what a rule or a term means."
        )
    if not said.cars and not _MINE.search(said.text) and _SOMEBODY.search(said.text):
        raise NotUnderstood("Which car? Name it in the question.")
    made = _about(intent, said, me)
    if made.car is None and intent not in _NEEDS_NO_CAR:
        raise NotUnderstood("Which car? Name one in the question, or follow one.")
    return replace(
        made,
        named=made.car in said.cars,
        what_if=what_if,
        utility=utility if intent in _CALLS else None,
        now=_NOW.search(rest) is not None or "overcut" in rest,
        stay=_STAY.search(rest) is not None,
        wait=_waits(rest),
        laps=tuple(int(found) for found in _numbers(_LAP, rest)),
        compounds=tuple(dict.fromkeys(_COMPOUNDS[found] for found in _COMPOUND.findall(rest))),
        fitted=_fitted(rest) if intent is Intent.COMPARE else (),
        top=_top(said.text),
    )


def _intent(text: str) -> Intent | None:
    return next((intent for intent, pattern in _PATTERNS if pattern.search(text)), None)


def _goal(text: str) -> tuple[Utility | None, Intent | None, str]:
    """The goal, the intent and the text that is left: "pit to win" is about the call, "odds to win" about the odds."""
    intent = _intent(text)
    utility, rest = supposing.goal(text)
    meant = _intent(rest)
    if utility is None or (meant is None and intent is not None) or meant not in (*_CALLS, None):
        return None, intent, text
    return utility, meant, rest


def _about(intent: Intent, said: Reading, me: str | None) -> Plan:
    """Whose question it is, and what other car it is about."""
    if intent is Intent.UNDERCUT:
        return _undercut(said, me)
    if intent is Intent.GAP:
        return _gap(said, me)
    if "overcut" in said.text:  # "overcut Hamilton" is about me
        first = said.cars[0] if said.cars else None
        return Plan(intent, car=me or first, other=first if me not in (None, first) else None)
    return _whose(intent, said, me)


def _waits(text: str) -> tuple[int, ...]:
    waits = tuple(1 if found == "next" else int(found) for found in _numbers(_WAIT, text))
    return waits or ((OVERCUT_LAPS,) if "overcut" in text else ())


def _fitted(text: str) -> tuple[Choice, ...]:
    """The calls that are named with their tyres; tyres named last and only there are those of all of them."""
    named: list[Choice] = []
    for part in _BETWEEN.split(text):
        tyres = [_COMPOUNDS[found] for found in _COMPOUND.findall(part)]
        laps = [Choice(lap=int(found)) for found in _numbers(_LAP, part)]
        laps += [Choice(wait=wait) for wait in _waits(part)]
        if not laps and (bare := re.match(r" ?(?:on |at |in )?(\d+)\b", part)) and named:
            number = int(bare[1])
            laps = [Choice(lap=number) if named[-1].lap is not None else Choice(wait=number)]
        if not laps and _STAY.search(part):
            laps = [Choice()]
        elif not laps and (_NOW.search(part) or re.search(rf"\b{_STOP}\b", part)):
            laps = [Choice(wait=0)]
        named += [replace(lap, compound=tyres[0] if tyres else None) for lap in laps]
    if len(named) > 1 and named[-1].compound is not None and all(each.compound is None for each in named[:-1]):
        named = [replace(each, compound=named[-1].compound) for each in named if each != Choice()]
    return tuple(each for each in named if each.compound is not None)


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


def _top(text: str) -> int | None:
    found = _TOP.search(text)
    return int(found[1]) if found else next((top for word, top in _TOPS if re.search(word, text)), None)


def _cars(text: str) -> list[str]:
    return [word[1:] for word in re.findall(_CAR, text)]


def _numbers(pattern: re.Pattern[str], text: str) -> list[str]:
    return [group for found in pattern.finditer(text) for group in found.groups() if group]
