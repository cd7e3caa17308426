"""Which questions documents answer, and what is looked for."""

import pytest
from pitcall_orchestrator.lookup import general, lookup

pytestmark = pytest.mark.unit

LOOKED_UP = [
    ("What does the rule say about double stacking?", "double stacking"),
    ("what do the regulations say about unsafe releases", "unsafe releases"),
    ("Rules on blue flags?", "on blue flags"),
    ("What is the penalty for an unsafe release?", "penalty unsafe release"),
    ("Is it allowed to refuel?", "it to refuel"),
    ("May I change tyres under a red flag?", "may i change tyres under red flag"),
    ("what does article 55.7 say", "article 55.7"),
    ("What is an undercut?", "undercut"),
    ("what's the undercut", "undercut"),
    ("What is the tyre cliff", "tyre cliff"),
    ("explain the virtual safety car", "virtual safety car"),
    ("define dirty air", "dirty air"),
    ("how does an overcut work?", "how overcut"),
    ("What does box opposite mean?", "box opposite"),
    ("search free stop", "free stop"),
    ("tell me about parc fermé", "parc ferme"),
    ("what does the handbook say about traffic", "traffic"),
    ("how much does fuel saving cost", "how fuel saving cost"),
    ("what is the pit loss here", "pit loss"),
    ("What do drivers do to cool their inters?", "drivers to cool their inters"),
    ("How do you plan stints in a long race?", "how you plan stints in long race"),
    ("What closes the window?", "closes window"),
    ("On which tracks is it better to wait?", "on which tracks it better to wait"),
]


@pytest.mark.parametrize(("text", "words"), LOOKED_UP, ids=[text for text, _ in LOOKED_UP])
def test_a_question_about_rules_or_terms_is_looked_up(text, words):
    """By what it asks about, without the words that only ask."""
    found = lookup(text)
    assert found is not None
    assert found.words == words


ABOUT_THE_RACE = [
    "When should I pit?",
    "who can undercut me?",
    "does the undercut on HAM work",
    "when is my pit window?",
    "when is the pit window",
    "what if there is a safety car?",
    "what happens under a virtual safety car",
    "undercut or overcut",
    "what is the gap to Hamilton",
    "why?",
    "explain that",
    "who leads",
    "can I win?",
    "which drivers can undercut Hamilton",
    "which teams are ahead of us",
    "",
]


@pytest.mark.parametrize("text", ABOUT_THE_RACE)
def test_a_question_about_the_race_is_not(text):
    """Its answer comes from the simulation."""
    assert lookup(text) is None


def test_rules_and_this_circuit_are_noticed():
    """Documents of that kind come first; the circuit's name is looked for too."""
    rules, term, here = map(lookup, ("rules on refuelling", "what is an undercut", "what is the pit loss here"))
    assert rules is not None
    assert term is not None
    assert here is not None
    assert [found.rules for found in (rules, term)] == [True, False]
    assert [found.here for found in (here, term)] == [True, False]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Why would anyone cover an undercut?", True),
        ("Is dirty air worse in the rain?", True),
        ("How do you save fuel without being slow?", True),
        ("what's the weather", False),
        ("Sing me a song about the undercut", False),
    ],
)
def test_what_nothing_else_understands_must_be_a_question_about_the_field(text, fits):
    """Else nobody knows what to look for."""
    assert (general(text) is not None) is fits
