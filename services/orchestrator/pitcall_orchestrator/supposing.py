"""What a question supposes of the race, and what it wants to win. Pure.

Both are found as phrases in the planner's own words (``words.read``) and taken out of the text, so that
"what if it rains in 5 laps" is not taken for a stop in 5 laps, nor "when should I pit to win" for odds.
"""

import re
from typing import Final

from pitcall.domain.events import Track
from pitcall.domain.race import RaceState
from pitcall.errors import NotUnderstood
from pitcall.sim.messages import Utility
from pitcall.wire.request import WhatIf

_IF: Final = r"\b(?:if|when|once|suppose|assume|assuming|case)\b"
_STOPS: Final = r"(?:pit|box|stop|stops|come in|comes in)"
_SUPPOSING: Final = re.compile(r"\b(what if|if|when|suppose|assume|assuming|case|will|under)\b")
_NOT_SIMULATED: Final = re.compile(r"\b(red flag|puncture|crash|accident)\b")
_NO_SAFETY_CAR: Final = re.compile(
    r"\b(no|without|not|end|ends|after) ((a|any|the|virtual|more) )*safety car\b|\bsafety car (ends|goes in|comes in)\b"
)
_LATER_SAFETY_CAR: Final = re.compile(rf"{_IF}[^@]*\bsafety car (?:in \d+|on lap \d+)")
_RAIN: Final = re.compile(
    r"(?:\b(?:in|after) (?P<before>\d+) (?:more )?laps? (?:it |the |there is )?)?"
    r"\brain\b(?: (?:starts?|begins?|comes?))?"
    r"(?: (?:in|after) (?P<after>\d+)(?: more)?(?: laps?)?| (?:on|from|at) lap (?P<lap>\d+)"
    r"| (?:the )?(?P<next>next) lap| (?:right )?now| this lap)?"
)
_IF_RAIN: Final = re.compile(rf"{_IF}|\b(?:in|with|under) (?:the )?rain\b")
_RIVAL: Final = re.compile(
    rf"{_IF}(?: that)? (?:@(?P<car>\S+)|(?:the |a )?(?:car |one |rival )?(?P<side>behind|ahead|in front)"
    rf"(?: of)?(?: me| us)?)(?: would| were to| does| now)* {_STOPS}\b"
    r"(?P<later> (?:in \d+|next lap|on lap \d+|lap \d+)(?: laps?)?)?(?: right)?(?: now| this lap| immediately)?"
)
_GOALS: Final = (
    (re.compile(r"\b(?:to|for (?:the|a)) win\b(?: (?:the|this) race)?"), Utility("win")),
    (re.compile(r"\b(?:for|to (?:score|get|take)) (?:the |most |more |some )*points?\b"), Utility("points")),
    (re.compile(r"\b(?:for|to (?:get|be|end up|finish)) (?:on |a |the )*podium\b"), Utility("target", 3)),
    (
        re.compile(
            r"\b(?:play it safe|(?:be|stay|play) (?:on the )?(?:safe|safely)(?: side)?|(?:the )?safest|conservative"
            r"|(?:avoid|without|least|low|less|minimum) (?:any |the )?risk|risk averse|worst case)\b"
        ),
        Utility("cvar"),
    ),
)
_TARGET: Final = re.compile(r"\b(?:for|to (?:get|be|end up|finish))(?: in| a| the)* (?:top|position) (\d+)\b")


def goal(text: str) -> tuple[Utility | None, str]:
    """What the call shall be best for, if the text says so, and the text without it."""
    if found := _TARGET.search(text):
        return _target(int(found[1])), _without(text, found)
    for pattern, utility in _GOALS:
        if found := pattern.search(text):
            return utility, _without(text, found)
    return None, text


def what_if(text: str, state: RaceState, me: str | None) -> tuple[WhatIf, str]:
    """What is supposed, and the text without the rain and without the rival that boxes.

    Raises:
        NotUnderstood: it supposes what cannot be simulated, or asks whether it will rain.
    """
    if _NOT_SIMULATED.search(text) and _SUPPOSING.search(text):
        raise NotUnderstood(
            "Red flags and accidents cannot be asked about yet. "
            "Ask what happens under a safety car or a virtual one, if it rains, or if a rival boxes now."
        )
    if _LATER_SAFETY_CAR.search(text):
        raise NotUnderstood("Only a safety car now can be supposed. Ask: what if there is a safety car now?")
    boxes, text = _boxes(text, state, me)
    rain, text = _rain(text, state)
    return WhatIf(flag(text, state.track), rain, boxes), text


def _rain(text: str, state: RaceState) -> tuple[int | None, str]:
    """Laps until it rains; None where nobody supposes it, or it is wet already."""
    found = _RAIN.search(text)
    if found is None:
        return None, text
    if not _IF_RAIN.search(text):
        raise NotUnderstood(
            "I cannot tell whether it will rain. Ask what to do if it does: what if it rains in 5 laps?"
        )
    laps = found["before"] or found["after"]
    wait = int(laps) if laps else 1 if found["next"] else 0
    if found["lap"]:
        wait = int(found["lap"]) - state.laps_done - 1
        if wait < 0:
            raise NotUnderstood(f"Lap {found['lap']} is over: name a lap from {state.laps_done + 1} on for the rain.")
    return None if state.wet else wait, _without(text, found)


def _boxes(text: str, state: RaceState, me: str | None) -> tuple[str | None, str]:
    """The rival that boxes now; None where it is one's own car, or nobody's question."""
    found = _RIVAL.search(text)
    if found is None:
        return None, text
    rival = found["car"] or _neighbour(state, me, -1 if found["side"] != "behind" else 1)
    if rival in (None, me) or me is None:
        return None, text
    if found["later"]:
        raise NotUnderstood(f"Only a rival that boxes now can be asked about: what if {rival} boxes now?")
    return rival, _without(text, found)


def _neighbour(state: RaceState, me: str | None, step: int) -> str | None:
    """The car one place behind (1) or ahead (-1). Raises NotUnderstood where there is none."""
    if me is None:
        return None
    order = [car.car for car in state.order()]
    at = order.index(me) + step if me in order else -1
    if not 0 <= at < len(order):
        raise NotUnderstood(f"There is no car {'behind' if step > 0 else 'ahead of'} {me}. Name the one that boxes.")
    return order[at]


def flag(text: str, shown: Track) -> Track | None:
    """The track status that is supposed; None where that is how it is."""
    if "safety car" not in text:
        return None
    supposed: Track = Track.VSC if "virtual safety car" in text else Track.SAFETY_CAR
    if _NO_SAFETY_CAR.search(text):
        supposed = Track.GREEN if shown in (Track.VSC, Track.SAFETY_CAR) else shown
    return None if supposed is shown else supposed


def _target(place: int) -> Utility:
    try:
        return Utility("target", place)
    except ValueError as exc:
        raise NotUnderstood(f"There is no position {place} to aim for.") from exc


def _without(text: str, found: re.Match[str]) -> str:
    """The text less what was found, which must not join its neighbours to a new phrase."""
    return f"{text[: found.start()].rstrip()} {text[found.end() :].lstrip()}".strip()
