"""Decisions in the words of the radio."""

import re
from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pitcall_orchestrator.phrase import about, advice, named_laps
from pitcall_orchestrator.planner import Intent, Plan

from pitcall.domain.events import Track
from pitcall.domain.strategy import Threat
from pitcall.domain.tyres import Compound
from pitcall.errors import NotUnderstood
from pitcall.sim.messages import Contingency, Option, Utility
from pitcall.wire.request import WhatIf

pytestmark = pytest.mark.unit

SOFT, MEDIUM, HARD = Compound.SOFT, Compound.MEDIUM, Compound.HARD
PIT = Plan(Intent.PIT, car="VER")
#: VER has done 10 laps: it boxes on lap 11 at the earliest.
NOW = 11


def option(lap: int | None, compound: Compound | None, delta: float = 0.0, error: float = 0.02) -> Option:
    mean, rejoin = 2.4 + delta, None if lap is None else 3.5
    tyres = None if compound is None else int(compound)
    return Option(lap, tyres, mean, (0.5, 0.5), delta, error, 256, rejoin, utility=mean, delta=delta)


class TestPit:
    def test_later(self, state, advice_on):
        """The call, what it is worth, against what, and how sure."""
        said = advice_on(PIT, option(14, HARD), option(NOW, HARD, 0.31))
        assert said.text == "Box lap 14 for hards. P2.4 expected, 0.31 better than boxing now. Sure."

    def test_at_once(self, state, advice_on):
        """Boxing now is measured against waiting."""
        best = replace(option(NOW, HARD), wait_cost=0.1, wait_cost_error=0.02)
        said = advice_on(PIT, best, option(13, HARD, 0.31), option(12, HARD, 0.1))
        assert said.text == "Box this lap for hards. P2.4 expected, 0.31 better than staying two laps longer. Sure."
        assert "One lap later costs 0.10 of a position (standard error 0.02)." in said.why

    def test_never(self, advice_on):
        """Staying out is a call like any other."""
        said = advice_on(PIT, option(None, None), option(20, SOFT, 0.5))
        assert said.text == "Stay out to the flag. P2.4 expected, 0.50 better than lap 20. Sure."
        assert "The best stop costs 0.50 of a position (standard error 0.02)." in said.why

    def test_a_difference_that_does_not_show_is_not_claimed(self, advice_on):
        """0.03 with a standard error of 0.02 is nothing."""
        said = advice_on(PIT, option(14, HARD), option(NOW, HARD, 0.03))
        assert said.text == "Box lap 14 for hards. P2.4 expected, level with boxing now. Sure."

    def test_unresolved_names_the_rival(self, advice_on):
        """The option that could still be better, not just the next in the list."""
        options = option(14, HARD), option(15, HARD, 0.2, 0.01), option(17, HARD, 0.1, 0.2)
        said = advice_on(PIT, *options, resolved=False)
        assert said.text == ("Lap 14 or 17: cannot be told apart (within 0.15 of a position). P2.4 expected. Not sure.")

    def test_unresolved_on_one_lap_names_the_tyres(self, advice_on):
        """Then the lap is certain and the compound is not."""
        said = advice_on(PIT, option(14, HARD), option(14, MEDIUM, 0.01, 0.2), resolved=False)
        assert said.text.startswith("Lap 14, hards or mediums: cannot be told apart")

    def test_cut_by_the_deadline(self, advice_on):
        """It says why it is not sure."""
        said = advice_on(PIT, option(14, HARD), option(15, HARD, 0.01, 0.2), resolved=False, cut=True)
        assert said.text.endswith("Cut short by the deadline.")
        assert "Cut short by the deadline after 256 races per call." in said.why

    def test_another_car_is_named(self, advice_on):
        """An answer about HAM cannot be taken for one about me."""
        said = advice_on(replace(PIT, car="HAM", named=True), option(14, HARD))
        assert said.text == "HAM: box lap 14 for hards. P2.4 expected. Sure."

    def test_what_is_supposed_is_said(self, advice_on):
        """In the main line and in the reasons."""
        said = advice_on(replace(PIT, what_if=WhatIf(Track.SAFETY_CAR)), option(NOW, HARD))
        assert said.text.startswith("Under a safety car: box this lap for hards.")
        assert said.why[0] == "Supposed: safety car from now on."


class TestCompare:
    def test_two_laps_one_of_them_the_best(self, advice_on):
        """The paired difference and its standard error are exact."""
        plan = Plan(Intent.COMPARE, car="VER", now=True, wait=(3,))
        said = advice_on(plan, option(NOW, HARD), option(14, HARD, 0.31, 0.05), option(13, HARD, 0.2))
        assert said.text == "Box this lap for hards: P2.4, 0.31 better than lap 14 (standard error 0.05)."

    def test_two_laps_of_which_neither_is_best(self, advice_on):
        """Only a bound of the standard error is known, and there is a better lap."""
        plan = Plan(Intent.COMPARE, car="VER", laps=(15, 18))
        said = advice_on(plan, option(13, HARD), option(15, HARD, 0.2, 0.03), option(18, HARD, 0.6, 0.04))
        assert said.text == (
            "Box lap 15 for hards: P2.6, 0.40 better than lap 18 (standard error at most 0.07). Best is lap 13: P2.4."
        )

    def test_two_laps_that_are_level(self, advice_on):
        """Said as such, with the figures."""
        plan = Plan(Intent.COMPARE, car="VER", now=True, wait=(3,))
        said = advice_on(plan, option(NOW, HARD), option(14, HARD, 0.04, 0.05))
        assert said.text == "Lap 11 or 14: cannot be told apart, 0.04 of a position (standard error 0.05)."

    def test_now_is_right(self, advice_on):
        """A question with yes in it gets a yes."""
        said = advice_on(Plan(Intent.COMPARE, car="VER", now=True), option(NOW, HARD), option(13, HARD, 0.3))
        assert said.text.startswith("Yes. Box this lap for hards.")

    def test_now_is_wrong(self, advice_on):
        """A no comes with the better call and its margin."""
        said = advice_on(Plan(Intent.COMPARE, car="VER", now=True), option(14, HARD), option(NOW, HARD, 0.31, 0.05))
        assert said.text == (
            "No. Box lap 14 for hards. P2.4 expected, 0.31 better than boxing now (standard error 0.05)."
        )

    def test_the_best_tyres_of_each_lap_are_compared(self, advice_on):
        """Nobody would take the wrong ones."""
        plan = Plan(Intent.COMPARE, car="VER", now=True, wait=(3,))
        said = advice_on(plan, option(NOW, HARD), option(14, SOFT, 0.9, 0.05), option(14, MEDIUM, 0.3, 0.05))
        assert "0.30 better than lap 14" in said.text

    def test_staying_out_may_be_illegal(self, advice_on):
        """Then that is the answer, and the call follows."""
        said = advice_on(Plan(Intent.COMPARE, car="VER", now=True, stay=True), option(NOW, HARD))
        assert said.text.startswith("Staying out is not a legal call. Box this lap for hards.")

    @pytest.mark.parametrize(
        "plan", [Plan(Intent.COMPARE, car="VER", laps=(10,)), Plan(Intent.COMPARE, "VER", wait=(19,))]
    )
    def test_a_lap_on_which_nobody_can_stop(self, state, plan):
        """Lap 10 is over and lap 30 is the last."""
        with pytest.raises(NotUnderstood, match="name a lap from 11 to 29"):
            named_laps(plan, state)


class TestTyre:
    def test_best_against_the_next(self, advice_on):
        """Each compound at its own best lap."""
        options = option(14, HARD), option(13, MEDIUM, 0.22), option(12, SOFT, 0.9), option(14, MEDIUM, 0.3)
        assert advice_on(Plan(Intent.TYRE, car="VER"), *options).text == (
            "Box lap 14 for hards. P2.4 expected, 0.22 better than mediums. Sure."
        )

    def test_a_named_compound(self, advice_on):
        """What it would cost."""
        options = option(14, HARD), option(13, MEDIUM, 0.22), option(12, SOFT, 0.9)
        plan = Plan(Intent.TYRE, car="VER", compounds=(SOFT,))
        assert "0.90 better than softs" in advice_on(plan, *options).text

    def test_a_compound_that_is_not_legal(self, advice_on):
        """Intermediates in the dry are no call."""
        plan = Plan(Intent.TYRE, car="VER", compounds=(Compound.INTERMEDIATE,))
        assert advice_on(plan, option(14, HARD)).text.startswith("Intermediates are not a legal call now. Box lap 14")


class TestUndercut:
    def test_a_threat(self, advice_on):
        """Who, how close, how much to spare."""
        said = advice_on(
            Plan(Intent.UNDERCUT, car="VER"), option(NOW, HARD),
            undercut_threats=(Threat("HAM", 1.8, 0.7), Threat("LEC", 2.5, 0.1)),
        )  # fmt: skip
        assert said.text == ("HAM can undercut you: 1.8 s behind, 0.7 s to spare. So can LEC. Box this lap for hards.")

    def test_none(self, advice_on):
        """Who is next behind is said all the same."""
        said = advice_on(Plan(Intent.UNDERCUT, car="VER"), option(14, HARD))
        assert said.text == "Nobody can undercut you now. HAM is 2.0 s behind. Box lap 14 for hards."

    def test_a_named_rival_that_cannot(self, advice_on):
        """No means that car, whatever others can."""
        plan = Plan(Intent.UNDERCUT, car="VER", other="LEC")
        said = advice_on(plan, option(14, HARD), undercut_threats=(Threat("HAM", 1.8, 0.7),))
        assert said.text.startswith("No, LEC cannot undercut you now.")

    def test_attack(self, state, advice_of):
        """What the target knows of the car behind decides."""
        plan, mine = Plan(Intent.ATTACK, car="HAM", other="VER"), advice_of(option(NOW, HARD))
        works = advice_of(option(14, HARD), undercut_threats=(Threat("HAM", 2.0, 0.7),))
        assert advice(plan, state, mine, works).text == (
            "Yes, the undercut on VER works: 2.0 s to gain, 0.7 s to spare. Box this lap for hards."
        )
        assert "does not work now" in advice(plan, state, mine, advice_of(option(14, HARD))).text
        behind = Plan(Intent.ATTACK, car="VER", other="HAM")
        assert advice(behind, state, mine, advice_of(option(14, HARD))).text.startswith("HAM is behind you already.")
        assert advice(Plan(Intent.ATTACK, car="VER"), state, mine).text.startswith("There is nobody ahead")
        assert advice(plan, state, mine, None).text.startswith("VER is out of the race.")


class TestRejoin:
    def test_now(self, advice_on):
        """Between whom, and how close."""
        said = advice_on(Plan(Intent.REJOIN, car="VER"), option(14, HARD))
        assert said.text == (
            "Box now and you come out P3, 1.2 s behind LEC, 3.4 s ahead of PER. The call: box lap 14 for hards."
        )

    def test_later(self, advice_on):
        """A mean over the simulated races."""
        said = advice_on(Plan(Intent.REJOIN, car="VER", wait=(3,)), option(14, HARD))
        assert said.text == "Box lap 14 and you come out about P3.5. The call: box lap 14 for hards."


class TestWhy:
    def test_the_figures_that_carry_the_call(self, advice_on):
        """Gain against cost."""
        assert advice_on(Plan(Intent.WHY, car="VER"), option(14, HARD)).text == (
            "Box lap 14 for hards: fresh tyres gain 1.1 s a lap, a stop costs 21.3 s. P2.4 expected."
        )

    @pytest.mark.parametrize(
        ("more", "name"),
        [({"compounds": (SOFT,)}, "softs"), ({"laps": (18,)}, "lap 18"), ({"now": True}, "boxing now"),
         ({"stay": True}, "staying out")],
    )  # fmt: skip
    def test_why_not(self, advice_on, more, name):
        """Against what was named."""
        options = [option(14, HARD), option(18, MEDIUM, 0.3), option(20, SOFT, 0.3), option(NOW, MEDIUM, 0.3)]
        said = advice_on(Plan(Intent.WHY, car="VER", **more), *options, option(None, None, 0.3))
        assert said.text == f"Box lap 14 for hards: P2.4 against P2.7, 0.30 better than {name} (standard error 0.02)."

    def test_it_is_about_the_car_of_the_last_answer(self):
        """After an answer about HAM, why is about HAM."""
        last = Plan(Intent.PIT, car="HAM", named=True, what_if=WhatIf(Track.VSC))
        assert about(Plan(Intent.WHY, car="VER"), last) == Plan(
            Intent.WHY, car="HAM", named=True, what_if=WhatIf(Track.VSC)
        )


def test_reasons_are_short_and_at_most_five(state, advice_of):
    """The five that weigh most, what was assumed among them."""
    best = replace(option(14, HARD), wait_cost=0.2, wait_cost_error=0.02)
    given = advice_of(best, option(15, HARD, 0.2), undercut_threats=(Threat("HAM", 1.8, 0.7),), cut=True)
    given = replace(given, provenance=replace(given.provenance, assumed=("Wear is a guess.", "So is pace.")))
    said = advice(replace(PIT, what_if=WhatIf(Track.VSC)), state, given)
    assert said.why == (
        "Supposed: virtual safety car from now on.",
        "Cut short by the deadline after 256 races per call.",
        "Mediums of 18 laps lose 0.08 s a lap (sd 0.02); a stop costs 21.3 s.",
        "One lap later costs 0.20 of a position (standard error 0.02).",
        "Wear is a guess. And 1 more assumption.",
    )


class TestReasons:
    def test_waiting_may_gain(self, advice_on):
        """Where the best lap is later on other tyres, the same ones a lap later can be better."""
        best = replace(option(14, HARD), wait_cost=-0.1, wait_cost_error=0.02)
        assert "One lap later gains 0.10 of a position (standard error 0.02)." in advice_on(PIT, best).why
        best = replace(best, wait_cost=0.01)
        assert "One lap later makes no difference that shows: 0.01 of a position (standard error 0.02)." in (
            advice_on(PIT, best).why
        )

    def test_where_the_stop_comes_out_and_between_whom(self, advice_on):
        """Simulated, with names and gaps; nobody in front is not named."""
        best = replace(option(14, HARD), rejoin_ahead="LEC", rejoin_gap_ahead_s=1.25, rejoin_behind="PER",
                       rejoin_gap_behind_s=0.5)  # fmt: skip
        assert "The stop comes out about P3.5, 1.2 s behind LEC, 0.5 s ahead of PER." in advice_on(PIT, best).why
        best = replace(best, rejoin_ahead="", rejoin_gap_ahead_s=None)
        assert "The stop comes out about P3.5, 0.5 s ahead of PER." in advice_on(PIT, best).why

    def test_a_car_on_both_sides_of_a_stop_is_named_once(self, advice_on):
        """In some races it is ahead, in others behind: to come out behind and ahead of it would be nonsense."""
        best = replace(option(14, HARD), rejoin_ahead="PER", rejoin_gap_ahead_s=1.25, rejoin_behind="PER",
                       rejoin_gap_behind_s=0.5)  # fmt: skip
        said = "The stop comes out about P3.5, around PER: 1.2 s behind it or 0.5 s ahead."
        assert said in advice_on(PIT, best).why

    def test_calls_that_are_as_good_are_named(self, state, advice_of):
        """A resolved call may have equals: two by name, the others by their number."""
        options = option(14, HARD), option(15, HARD, 0.01), option(16, MEDIUM, 0.02), option(17, HARD, 0.03)
        given = advice_of(*options)
        tied = replace(given, decision=replace(given.decision, tied=(1, 2)))
        assert "Cannot be told apart from it: box lap 15 for hards and box lap 16 for mediums." in (
            advice(PIT, state, tied).why
        )
        tied = replace(given, decision=replace(given.decision, tied=(1, 2, 3)))
        assert "Cannot be told apart from it: box lap 15 for hards, box lap 16 for mediums and 1 more." in (
            advice(PIT, state, tied).why
        )

    def test_what_would_change_the_call(self, state, advice_of):
        """The first event under which another call is better, and by how much."""
        given = advice_of(option(14, HARD))
        events = (
            Contingency("vsc", "", 14, HARD, 0.0, 0.0, changes=False),
            Contingency("safety_car", "", NOW, MEDIUM, 0.8, 0.1, changes=True),
            Contingency("rival_boxes", "HAM", NOW, HARD, 0.4, 0.1, changes=True),
        )
        said = advice(PIT, state, replace(given, decision=replace(given.decision, contingencies=events)))
        assert "Safety car now: box this lap for mediums, 0.80 better." in said.why
        assert not [line for line in said.why if "HAM boxes" in line]


@pytest.mark.parametrize(
    ("utility", "best", "text"),
    [
        (Utility("points"), 12.25, "12.2 points expected, 1.50 points better than boxing now."),
        (Utility("cvar"), 5.5, "P5.5 expected in the worst 20 % of the races, 1.50 better than boxing now."),
        (Utility("win"), 0.25, "25.0 % to win, 6.0 percentage points better than boxing now."),
        (Utility("target", 3), 0.75, "75.0 % for P3 or better, 6.0 percentage points better than boxing now."),
    ],
)
def test_a_goal_has_its_unit(state, advice_of, utility, best, text):
    """Points are not positions, and a chance is in per cent."""
    lost = 0.06 if best < 1 else 1.5
    options = replace(option(14, HARD), utility=best), replace(option(NOW, HARD, lost), utility=best - lost)
    assert advice(PIT, state, advice_of(*options), None, utility).text == f"Box lap 14 for hards. {text} Sure."


OPTIONS = st.lists(
    st.tuples(st.integers(NOW, 29), st.sampled_from([SOFT, MEDIUM, HARD]), st.floats(0.01, 9), st.floats(0, 2)),
    min_size=1, max_size=12, unique_by=lambda entry: entry[:2],
)  # fmt: skip


@given(options=OPTIONS, stay=st.booleans(), resolved=st.booleans(), intent=st.sampled_from(Intent), now=st.booleans())
def test_every_figure_is_one_of_the_tool(state, advice_of, options, stay, resolved, intent, now):
    """Positions, margins and errors in a text are those of the decision or the evidence, rounded."""
    made = [option(lap, compound, delta, error) for lap, compound, delta, error in options]
    made = [replace(made[0], delta_positions=0.0, delta=0.0, standard_error=0.0), *made[1:]]
    if stay:
        made.append(option(None, None, 0.5))
    given = advice_of(*made, resolved=resolved)
    said = advice(Plan(intent, car="VER", now=now, wait=(2,)), state, given)
    values = [
        value for o in made for value in (o.mean_position, o.delta_positions, o.standard_error, o.rejoin_position)
    ]
    values += [value for value in astuple(given.evidence) if isinstance(value, float)]
    values += [0.15, *(abs(a.delta_positions - b.delta_positions) for a in made for b in made)]
    values += [a.standard_error + b.standard_error for a in made for b in made]
    figures = {f"{value:.{digits}f}" for value in values if value is not None for digits in (1, 2)}
    for figure in re.findall(r"\d+\.\d+", " ".join((said.text, *said.why))):
        assert figure in figures, (figure, said)
    assert len(said.text.split()) <= 30
