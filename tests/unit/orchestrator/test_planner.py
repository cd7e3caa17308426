"""What people ask, and what the rules planner makes of it."""

import pytest
from pitcall_orchestrator.planner import Choice, Intent, Plan, plan

from pitcall.domain.events import Track, TrackStatus
from pitcall.domain.reducer import reduce
from pitcall.domain.tyres import Compound
from pitcall.errors import NotFound, NotUnderstood
from pitcall.sim.messages import Utility
from pitcall.wire.request import WhatIf

pytestmark = pytest.mark.unit

SC, VSC = Track.SAFETY_CAR, Track.VSC
SOFT, MEDIUM, HARD, INTER = Compound.SOFT, Compound.MEDIUM, Compound.HARD, Compound.INTERMEDIATE

#: Question of VER -> intent and what else is understood. The car is VER unless said otherwise.
ASKED: list[tuple[str, Intent, dict[str, object]]] = [
    # When to stop.
    ("When should I pit?", Intent.PIT, {}),
    ("when do we box", Intent.PIT, {}),
    ("should I box?", Intent.PIT, {}),
    ("box box", Intent.PIT, {}),
    ("What's the best strategy?", Intent.PIT, {}),
    ("when is my pit window?", Intent.PIT, {}),
    ("do I need to stop again", Intent.PIT, {}),
    ("best lap to come in?", Intent.PIT, {}),
    ("WHEN SHOULD I PIT", Intent.PIT, {}),
    ("When should I pit in Monaco?", Intent.PIT, {}),
    ("wen shud i pitt", Intent.PIT, {}),
    ("when shoud i pti", Intent.PIT, {}),
    ("whn to bxo?", Intent.PIT, {}),
    ("stratgy pls", Intent.PIT, {}),
    # One lap against another.
    ("Box now?", Intent.COMPARE, {"now": True}),
    ("do I pit this lap", Intent.COMPARE, {"now": True}),
    ("pit now or in 3 laps?", Intent.COMPARE, {"now": True, "wait": (3,)}),
    ("Should I pit now or in three laps?", Intent.COMPARE, {"now": True, "wait": (3,)}),
    ("pit now or wait two more laps", Intent.COMPARE, {"now": True, "wait": (2,)}),
    ("should I stay out another 5 laps", Intent.COMPARE, {"wait": (5,)}),
    ("should we extend by a couple of laps", Intent.COMPARE, {"wait": (2,)}),
    ("this lap or next lap?", Intent.COMPARE, {"now": True, "wait": (1,)}),
    ("one more lap?", Intent.COMPARE, {"wait": (1,)}),
    ("stop on lap 24 or 27?", Intent.COMPARE, {"laps": (24, 27)}),
    ("is L24 better", Intent.COMPARE, {"laps": (24,)}),
    ("box now or stay out?", Intent.COMPARE, {"now": True, "stay": True}),
    ("where will I finish if I pit now", Intent.COMPARE, {"now": True}),
    ("pit nwo or in 3 lpas", Intent.COMPARE, {"now": True, "wait": (3,)}),
    # Tyres.
    ("which tyre should I take", Intent.TYRE, {}),
    ("what tires next?", Intent.TYRE, {}),
    ("Should I go on hards?", Intent.TYRE, {"compounds": (HARD,)}),
    ("softs or mediums?", Intent.TYRE, {"compounds": (SOFT, MEDIUM)}),
    ("time for inters?", Intent.TYRE, {"compounds": (INTER,)}),
    ("wich tyer", Intent.TYRE, {}),
    ("compond?", Intent.TYRE, {}),
    # What if.
    ("What if there is a safety car?", Intent.PIT, {"what_if": WhatIf(SC)}),
    ("what if the safety car comes out", Intent.PIT, {"what_if": WhatIf(SC)}),
    ("what if saftey car", Intent.PIT, {"what_if": WhatIf(SC)}),
    ("box under SC?", Intent.PIT, {"what_if": WhatIf(SC)}),
    ("should I pit now if there is a safety car", Intent.COMPARE, {"what_if": WhatIf(SC), "now": True}),
    ("what happens under a virtual safety car", Intent.PIT, {"what_if": WhatIf(VSC)}),
    ("what if VSC", Intent.PIT, {"what_if": WhatIf(VSC)}),
    ("where will I finish if there is a safety car", Intent.FINISH, {"what_if": WhatIf(SC)}),
    ("what if there is no safety car", Intent.PIT, {}),
    ("what if it rains", Intent.PIT, {"what_if": WhatIf(rain_in_laps=0)}),
    ("what if it rains in 5 laps?", Intent.PIT, {"what_if": WhatIf(rain_in_laps=5)}),
    ("What if it starts to rain next lap", Intent.PIT, {"what_if": WhatIf(rain_in_laps=1)}),
    ("what if in three laps it rains", Intent.PIT, {"what_if": WhatIf(rain_in_laps=3)}),
    ("if it rains on lap 14, where do I finish", Intent.FINISH, {"what_if": WhatIf(rain_in_laps=3)}),
    ("which tyres if it rains in 2 laps", Intent.TYRE, {"what_if": WhatIf(rain_in_laps=2)}),
    ("pit now or in 3 laps if it rains in 5", Intent.COMPARE, {"now": True, "wait": (3,), "what_if": WhatIf(None, 5)}),
    ("What if Hamilton boxes now?", Intent.PIT, {"what_if": WhatIf(boxes_now="HAM")}),
    ("what if HAM pits", Intent.PIT, {"what_if": WhatIf(boxes_now="HAM")}),
    ("should I pit if Leclerc pits", Intent.PIT, {"what_if": WhatIf(boxes_now="LEC")}),
    ("what if the car behind boxes now", Intent.PIT, {"what_if": WhatIf(boxes_now="HAM")}),
    ("what if there is a safety car and it rains", Intent.PIT, {"what_if": WhatIf(SC, 0)}),
    # What for.
    ("When should I pit to win?", Intent.PIT, {"utility": Utility("win"), "top": 1}),
    ("best strategy for points", Intent.PIT, {"utility": Utility("points"), "top": 10}),
    ("should I pit for a top 10", Intent.PIT, {"utility": Utility("target", 10), "top": 10}),
    ("which tyre for a podium?", Intent.TYRE, {"utility": Utility("target", 3), "top": 3}),
    ("when do I stop to finish in the top 5", Intent.PIT, {"utility": Utility("target", 5), "top": 5}),
    ("play it safe", Intent.PIT, {"utility": Utility("cvar")}),
    ("what's the safest strategy", Intent.PIT, {"utility": Utility("cvar")}),
    ("pit now or in 3 laps to win", Intent.COMPARE, {"now": True, "wait": (3,), "utility": Utility("win"), "top": 1}),
    ("what are my odds to win", Intent.FINISH, {"top": 1}),
    ("who is going to win", Intent.WINNER, {"top": 1}),
    # Undercut.
    ("who undercuts me?", Intent.UNDERCUT, {}),
    ("who can undrcut me", Intent.UNDERCUT, {}),
    ("am I under threat?", Intent.UNDERCUT, {}),
    ("am I at risk of an undercut", Intent.UNDERCUT, {}),
    ("am I under threat from Hamilton", Intent.UNDERCUT, {"other": "HAM"}),
    ("Can Hamilton undercut me?", Intent.UNDERCUT, {"other": "HAM"}),
    ("can hamilton jump us", Intent.UNDERCUT, {"other": "HAM"}),
    ("will I be undercut by leclerc", Intent.UNDERCUT, {"other": "LEC"}),
    ("should I cover Hamilton?", Intent.UNDERCUT, {"other": "HAM"}),
    ("who can undercut Leclerc", Intent.UNDERCUT, {"car": "LEC"}),
    ("can HAM undercut?", Intent.UNDERCUT, {"other": "HAM"}),
    ("can I undercut Hamilton", Intent.ATTACK, {"other": "HAM"}),
    ("undercut Hamilton", Intent.ATTACK, {"other": "HAM"}),
    ("should I undercut the car ahead?", Intent.ATTACK, {}),
    ("undercut or overcut", Intent.COMPARE, {"now": True, "wait": (3,)}),
    ("should I overcut Hamilton by 5 laps?", Intent.COMPARE, {"other": "HAM", "now": True, "wait": (5,)}),
    ("does the undercut on HAM work", Intent.ATTACK, {"other": "HAM"}),
    ("can leclerc undercut hamilton", Intent.ATTACK, {"car": "LEC", "other": "HAM"}),
    # Where a stop comes out.
    ("Where do I come out?", Intent.REJOIN, {}),
    ("where would i rejoin if i pit in 2 laps", Intent.REJOIN, {"wait": (2,)}),
    ("where does Hamilton come out if he boxes now", Intent.REJOIN, {"car": "HAM", "now": True}),
    ("how many positions will I lose if I stop", Intent.REJOIN, {}),
    ("do I come out in traffic", Intent.REJOIN, {}),
    ("where do i rejion", Intent.REJOIN, {}),
    # Where it ends.
    ("where will I finish?", Intent.FINISH, {}),
    ("what are my chances of a podium", Intent.FINISH, {"top": 3}),
    ("podium chances for Leclerc", Intent.FINISH, {"car": "LEC", "top": 3}),
    ("can I win?", Intent.FINISH, {"top": 1}),
    ("chance of top 5?", Intent.FINISH, {"top": 5}),
    ("how likely is p3", Intent.FINISH, {"top": 3}),
    ("will I score points", Intent.FINISH, {"top": 10}),
    ("what are the odds Hamilton wins", Intent.FINISH, {"car": "HAM", "top": 1}),
    ("were will i finsh", Intent.FINISH, {}),
    ("who wins", Intent.WINNER, {"top": 1}),
    ("Who do you think will win the race?", Intent.WINNER, {"top": 1}),
    # As it is.
    ("who leads", Intent.ORDER, {}),
    ("who is winning", Intent.ORDER, {}),
    ("standings", Intent.ORDER, {}),
    ("standngs?", Intent.ORDER, {}),
    ("where am I", Intent.ORDER, {}),
    ("what position am I in", Intent.ORDER, {}),
    ("gap to Hamilton", Intent.GAP, {"other": "HAM"}),
    ("how far behind Hamilton am I", Intent.GAP, {"other": "HAM"}),
    ("gap between HAM and LEC", Intent.GAP, {"car": "HAM", "other": "LEC"}),
    ("who is behind me", Intent.GAP, {}),
    ("who is ahead of Leclerc?", Intent.GAP, {"car": "LEC"}),
    # Why.
    ("why?", Intent.WHY, {}),
    ("explain that", Intent.WHY, {}),
    ("how come?", Intent.WHY, {}),
    ("why not hards", Intent.WHY, {"compounds": (HARD,)}),
    ("why not stay out?", Intent.WHY, {"stay": True}),
    ("Why lap 24?", Intent.WHY, {"laps": (24,)}),
    # Whose question it is.
    ("When should Hamilton pit?", Intent.PIT, {"car": "HAM"}),
    ("when should HAM pit", Intent.PIT, {"car": "HAM"}),
    ("when should ham pit", Intent.PIT, {"car": "HAM"}),
    ("WHEN SHOULD HAM PIT", Intent.PIT, {"car": "HAM"}),
    ("when should #44 pit", Intent.PIT, {"car": "HAM"}),
    ("should car 44 stop", Intent.PIT, {"car": "HAM"}),
    ("When should Lewis Hamilton pit?", Intent.PIT, {"car": "HAM"}),
    ("when should Hamliton pit", Intent.PIT, {"car": "HAM"}),
    ("Hamilton's pit window?", Intent.PIT, {"car": "HAM"}),
    ("tell me when Pérez should pit", Intent.PIT, {"car": "PER"}),
    ("should I pit before Hamilton", Intent.PIT, {"other": "HAM"}),
    ("when should Verstappen pit", Intent.PIT, {"car": "VER"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "intent", "more"), ASKED, ids=[text for text, *_ in ASKED])
def test_question_is_understood(state, text, intent, more):
    """Intent, cars, laps, tyres and what is supposed, and nothing that was not said."""
    expected = Plan(intent, **{"car": "VER", **more})
    found = plan(text, state, "VER")
    assert {name: getattr(found, name) for name in Plan.__slots__ if name != "named"} == {
        name: getattr(expected, name) for name in Plan.__slots__ if name != "named"
    }


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("hello", NotUnderstood, "Ask when to pit"),
        ("what's the weather", NotUnderstood, "who can undercut me"),
        ("", NotUnderstood, "Ask when to pit"),
        ("🏎🏎🏎", NotUnderstood, "Ask when to pit"),
        ("will it rain", NotUnderstood, "what if it rains in 5 laps"),
        ("what if there is a red flag", NotUnderstood, "safety car or a virtual one"),
        ("when should he pit", NotUnderstood, "Which car"),
        ("When should Piquet pit?", NotFound, "'Piquet' in this race; cars: HAM, LEC, PER, VER"),
        ("when should piquet pit", NotFound, "piquet"),
        ("should ABC pit", NotFound, "ABC"),
        ("undercut Senna", NotFound, "Senna"),
        ("When should the Bull pit?", NotUnderstood, "'bull' can be PER or VER"),
    ],
)
def test_what_cannot_be_answered_says_what_can(state, text, error, says):
    """The error names the cars there are, or the questions that can be asked."""
    with pytest.raises(error, match=says):
        plan(text, state, "VER")


def test_without_a_car_one_has_to_be_named(state):
    """Nobody is followed and nobody is named: the answer would be about nobody."""
    with pytest.raises(NotUnderstood, match="Which car"):
        plan("When should I pit?", state, None)
    assert plan("When should Hamilton pit?", state, None).car == "HAM"
    assert plan("who leads", state, None).car is None
    assert plan("who wins", state, None).car is None


def test_named_tells_my_car_from_another(state):
    """The words of an answer say "you" or the car's name."""
    assert not plan("When should I pit?", state, "VER").named
    assert plan("When should Hamilton pit?", state, "VER").named


def test_what_is_shown_already_is_not_supposed(state):
    """Under the safety car, "what if there is a safety car" is how it is, and its end is a what-if."""
    behind = reduce(state, TrackStatus(t=905.0, status=SC))
    assert plan("what if there is a safety car", behind, "VER").what_if == WhatIf()
    assert plan("what if there is no safety car", behind, "VER").what_if == WhatIf(Track.GREEN)
    assert plan("what if vsc", behind, "VER").what_if == WhatIf(VSC)


NOW = Choice(wait=0)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("is lap 24 on hards better than lap 30 on softs?", (Choice(24, None, HARD), Choice(30, None, SOFT))),
        ("compare lap 24 for hards with lap 30 for mediums", (Choice(24, None, HARD), Choice(30, None, MEDIUM))),
        ("pit now or lap 30?", (NOW, Choice(30))),
        ("pit now on softs or in 3 laps on hards", (Choice(None, 0, SOFT), Choice(None, 3, HARD))),
        ("pit now or in 3 laps", (NOW, Choice(None, 3))),
        ("stop on lap 24 or 27 for hards", (Choice(24, None, HARD), Choice(27, None, HARD))),
        ("hards or softs on lap 24?", (Choice(24, None, HARD), Choice(24, None, SOFT))),
        ("compare staying out with boxing now", (NOW, Choice())),
        ("undercut or overcut", (NOW, Choice(None, 3))),
        ("this lap or next lap for mediums", (Choice(None, 0, MEDIUM), Choice(None, 1, MEDIUM))),
        ("wait two more laps?", (NOW, Choice(None, 2))),
        ("Box now?", None),
        ("is lap 24 better", None),
        ("lap 24, lap 27 or lap 30?", None),
        ("When should I pit?", None),
    ],
)
def test_two_calls_are_set_against_each_other(state, text, pair):
    """Laps and tyres as they were named; one call or three are measured against all."""
    made = plan(text, state, "VER")
    assert made.pair == pair
    assert (made.tool == "compare") is (pair is not None)


def test_a_supposition_has_a_tool_of_its_own(state):
    """Where it is about the call; a forecast or a comparison that supposes something stays one."""
    assert plan("what if it rains", state, "VER").tool == "what_if"
    assert plan("where will I finish if it rains", state, "VER").tool == "forecast"
    assert plan("pit now or in 3 laps if it rains", state, "VER").tool == "compare"


def test_what_the_rival_does_later_is_not_known(state):
    """Only its stop now can be supposed; nobody drives behind the last car."""
    with pytest.raises(NotUnderstood, match="what if HAM boxes now"):
        plan("what if HAM boxes in 3 laps", state, "VER")
    with pytest.raises(NotUnderstood, match="no car behind PER"):
        plan("what if the car behind boxes", state, "PER")


def test_a_safety_car_later_is_not_simulated(state):
    """A stop later under one that is out now is another question."""
    with pytest.raises(NotUnderstood, match="Only a safety car now"):
        plan("what if a safety car comes out in 5 laps", state, "VER")
    made = plan("pit now or in 3 laps if there is a safety car", state, "VER")
    assert (made.what_if, made.tool) == (WhatIf(SC), "compare")


def test_rain_in_the_past_is_refused(state):
    """Lap 3 is over; in a wet race it rains already."""
    with pytest.raises(NotUnderstood, match="name a lap from 11 on"):
        plan("what if it rains on lap 3", state, "VER")


def test_tools():
    """Each intent has the tool that the protocol names."""
    assert {intent: Plan(intent).tool for intent in Intent} == {
        Intent.PIT: "advise", Intent.COMPARE: "advise", Intent.TYRE: "advise", Intent.UNDERCUT: "advise",
        Intent.ATTACK: "advise", Intent.REJOIN: "advise", Intent.FINISH: "forecast", Intent.WINNER: "forecast",
        Intent.GAP: "standings", Intent.ORDER: "standings", Intent.WHY: "explain", Intent.SEARCH: "search",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["What does Article 55 say?", "what is an undercut", "Is graining common?"])
def test_what_documents_answer_is_looked_up(state, text):
    """Without looking for cars in it: no driver is called Article. The car is still the one that is followed."""
    made = plan(text, state, "VER")
    assert (made.intent, made.tool, made.car) == (Intent.SEARCH, "search", "VER")
    assert made.lookup is not None
    assert plan(text, state, None).car is None
