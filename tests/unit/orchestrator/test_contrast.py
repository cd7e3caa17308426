"""One plan against another, in words."""

from dataclasses import replace

import pytest
from pitcall_orchestrator.contrast import comparison
from pitcall_orchestrator.planner import Intent, Plan

from pitcall.domain.tyres import Compound
from pitcall.sim.messages import Option, Utility
from pitcall.wire.reply import Comparison
from pitcall.wire.request import WhatIf

pytestmark = pytest.mark.unit

PLAN = Plan(Intent.COMPARE, car="VER", now=True, laps=(30,))
BEST = Option(11, int(Compound.HARD), 2.4, (0.5, 0.5), 0.0, 0.0, 512, 3.5, utility=2.4, rejoin_ahead="LEC",
              rejoin_gap_ahead_s=1.25)  # fmt: skip
WORSE = Option(28, int(Compound.SOFT), 2.75, (0.5, 0.5), 0.35, 0.05, 512, 3.5, utility=2.75, delta=0.35)


@pytest.fixture
def said(state, advice_of):
    """The words for plan A against plan B."""

    def words(a, b, *, tied=False, plan=PLAN, utility=None, cut=False):
        given = advice_of(a, b, cut=cut)
        best = 0 if a.delta == 0 else 1
        decision = replace(given.decision, best=best, tied=(1 - best,) if tied else ())
        return comparison(plan, state, Comparison(replace(given, decision=decision), 0, 1), utility or Utility())

    return words


@pytest.mark.parametrize("turned", [False, True])
def test_the_better_plan_comes_first(said, turned):
    """By how much and with what error, whichever was named first."""
    found = said(*((WORSE, BEST) if turned else (BEST, WORSE)))
    assert found.text == ("Boxing now for hards: P2.4, 0.35 better than lap 28 for softs (standard error 0.05).")


def test_what_cannot_be_told_apart_is_said(said):
    """In the order in which it was asked, with the figures."""
    assert said(BEST, WORSE, tied=True).text == (
        "Boxing now for hards or lap 28 for softs: cannot be told apart, 0.35 of a position (standard error 0.05)."
    )


def test_staying_out_is_a_plan(said):
    """It has no tyres and comes out nowhere."""
    stay = replace(WORSE, lap=None, compound=None, rejoin_position=None)
    found = said(BEST, stay)
    assert "0.35 better than staying out" in found.text
    assert found.why == (
        "Boxing now for hards comes out about P3.5, 1.2 s behind LEC.",
        "Both in the same 512 possible races.",
    )


def test_goal_supposition_and_cut_are_said(said):
    """Nothing that changes the meaning of the figures is left out."""
    plan = replace(PLAN, what_if=WhatIf(boxes_now="HAM"))
    better, worse = replace(BEST, utility=0.5), replace(WORSE, utility=0.25, delta=0.25)
    found = said(better, worse, plan=plan, utility=Utility("win"), cut=True)
    assert found.text == (
        "If HAM boxes now: boxing now for hards: 50.0 %, 25.0 percentage points better than lap 28 for softs "
        "(standard error 5.0)."
    )
    assert found.why[:2] == ("Supposed: HAM boxes now.", "Cut short by the deadline after 256 races per call.")


def test_another_car_is_named(said):
    """An answer about HAM cannot be taken for one about me."""
    assert said(BEST, WORSE, plan=replace(PLAN, car="HAM", named=True)).text.startswith("HAM: boxing now")
