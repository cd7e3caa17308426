"""Questions that documents answer: what a rule says, what a term means, what somebody looks up. Pure.

They are told by how they are asked, before cars and laps are looked for: "what is an undercut?" is one, "who can
undercut me?" is not. What is left of the question without its asking words is what is searched.
"""

import re
from dataclasses import dataclass
from typing import Final

from pitcall_orchestrator.names import unaccented

#: Terms of the field.
_TERMS: Final = (
    r"(?:undercut|overcut|double[ -]?stack|pit (?:window|loss|delta|lane|stop)|free stop|cheap stop|crossover|cliff|"
    r"graining|blistering|degradation|stint|out[ -]?lap|in[ -]?lap|drs|dirty air|trains?|blue flags?|yellow flags?|"
    r"red flags?|parc ferme|splash and dash|lift and coast|fuel[ -]sav\w+|refuel\w*|track position|offset|"
    r"(?:virtual )?safety cars?|vsc|drive[ -]through|stop[ -]and[ -]go|unsafe release|team orders?|slipstream|"
    r"warm[ -]?up|tyre (?:life|phases?|wear|sets?|delta)|compounds?|spec series|driver stints?|timed race)\w*"
)
_KIND: Final = r"(?:tyre |wet |pit |cheap )?"
_ASKED: Final = (
    # The rules.
    r"\b(?:rules?|rulebook|regulations?|regs|article \d[\d.]*|stewards?)\b",
    r"\b(?:allowed|permitted|forbidden|prohibited|banned|illegal|legal|mandatory|compulsory|obligatory|obligation|penalt\w+)\b",
    # What somebody looks up.
    r"^(?:please )?(?:search|look up|look for|find|tell me (?:more )?about)\b",
    r"\b(?:handbook|documents?|notes|reports?)\b.*\b(?:say|says|said|mention|mentions)\b",
    r"^(?:may|must) (?:i|we|you|they|an?|cars?|drivers?|teams?)\b",
    # What a term means, or what becomes of it. "The pit window" is that of the call.
    r"^what (?:does|do|did) .+ mean\b",
    rf"^(?:define|explain)(?: an?| the)? {_KIND}{_TERMS}(?: in [\w ]+)?$",
    r"^(?:what|how|why|when)(?: \w+)? (?:is|are|does|do|can)(?: an?| the(?! pit window))? "
    rf"{_KIND}{_TERMS}(?! (?:me|us)\b)",
)
#: How it is done, and not what this car shall do; unless the question says "we".
_GENERAL: Final = re.compile(
    r"\b(?:(?<!which )drivers|teams|mechanics|crews|tracks|circuits)\b"
    r"|^how (?:do|does|can) (?!it\b|things\b)"
    r"|^what (?:causes?|closes|opens|speaks|limits|makes an?)\b"
    r"|^what is the (?:point|downside|advantage|disadvantage|purpose|use|idea|risk) of\b"
)
_EXPLICIT: Final = tuple(re.compile(pattern) for pattern in _ASKED)
_RULES: Final = tuple(re.compile(pattern) for pattern in _ASKED[:2])
_QUESTION: Final = re.compile(
    r"^(?:(?:at|in|on|for) )?(?:what|why|how|when|which|who|where|is|are|does|do|can|could|may|must|should)\b"
)
#: A question that holds one of these, and asks for nothing else that is understood, is looked up.
_FIELD: Final = re.compile(
    rf"\b(?:{_TERMS}|tyres?|slicks|inters?|intermediates|wets|grip|fuel|pits?|pitting|stops?|stopping|strateg\w+|"
    r"overtak\w+|backmarkers?|lapped|lap times?|crew|box)\b"
)
_OURS: Final = re.compile(r"\b(?:i|me|my|we|us|our)\b")

#: Words that ask, and say nothing of what is asked about.
_ASKING: Final = frozenset(
    "what whats does do did mean means meant rule rules rulebook regulation regulations regs say says said about "  # noqa: SIM905  # a sentence is easier to check than a list
    "please search look up for find tell me more define explain handbook document documents notes report reports "
    "mention mentions work works according allowed permitted stewards steward here us much many happens happen a an "
    "the is are".split()
)
_HERE: Final = re.compile(r"\bhere\b|\b(?:at|on|of|around|for) this (?:circuit|track|place)\b")
_WORD: Final = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question to documents."""

    words: str  #: what is looked for
    rules: bool = False  #: it asks what the rules say
    here: bool = False  #: it asks about the circuit of this race


def lookup(text: str) -> Lookup | None:
    """What a question looks up, if that is what it says."""
    asked = _plain(text)
    in_general = _GENERAL.search(asked) and not _OURS.search(asked) and _QUESTION.search(asked)
    if not in_general and not any(pattern.search(asked) for pattern in _EXPLICIT):
        return None
    return _about(asked)


def general(text: str) -> Lookup | None:
    """The same for a question that nothing else understands: it must at least be about a term of the field."""
    asked = _plain(text)
    return _about(asked) if _QUESTION.search(asked) and _FIELD.search(asked) else None


def _about(asked: str) -> Lookup:
    words = _WORD.findall(asked)
    kept = [word for word in words if word not in _ASKING]
    rules = any(pattern.search(asked) for pattern in _RULES)
    return Lookup(" ".join(kept or words), rules, _HERE.search(asked) is not None)


def _plain(text: str) -> str:
    """Small letters without accents, one blank between words, no mark at the end."""
    return " ".join(unaccented(text).replace("\u2019", "'").replace("'s", " is").lower().split()).strip(" ?!.")
