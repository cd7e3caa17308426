"""What the wire may and may not say of an answer."""

import math
from dataclasses import replace

import pytest

from pitcall.domain.strategy import Evidence, Threat
from pitcall.errors import InvalidRequest
from pitcall.sim.messages import BreakEven, Contingency, Decision, Forecast, Option
from pitcall.wire import reply
from pitcall.wire.decision import decision_from_wire, decision_to_wire
from pitcall.wire.v1 import strategy_pb2 as pb

pytestmark = pytest.mark.unit

NAN, INF = math.nan, math.inf


def put(column, at, value):
    """Replace one value of a column."""
    column[at] = value


OPTIONS = (
    Option(None, None, 3.25, (0.25, 0.75), 0.0, 0.0, 64),
    Option(
        21,
        0,
        3.5,
        (0.5, 0.5),
        0.25,
        0.125,
        32,
        rejoin_position=11.5,
        utility=3.5,
        delta=0.25,
        expected_points=12.5,
        p_win=0.5,
        p_target=0.75,
        cvar_position=4.0,
        rejoin_ahead="NOR",
        rejoin_behind="GAS",
        rejoin_gap_ahead_s=0.5,
        rejoin_gap_behind_s=2.5,
        wait_cost=-0.125,
        wait_cost_error=0.0625,
    ),
)
OUTLOOK = (
    Contingency("safety_car", "", 18, 2, 0.5, 0.125, changes=True),
    Contingency("rival_boxes", "NOR", None, None, 0.0, 0.0, changes=False),
)
BREAK_EVENS = (
    BreakEven("pit_loss_s", 21.5, 26.5, 24.0, None, 1, 13.0, 34.5),
    BreakEven("wear", 1.0, None, None, None, 1, 0.5, 1.5),
)
EVIDENCE = Evidence(
    "hard", None, 21.5, 0.05, 0.01, 0.75, 2, "HAM", 1.5, "", 0.0, 9, "NOR", 0.5, "GAS", 2.5, (Threat("VET", 2.0, 0.25),)
)  # fmt: skip
ADVICE = reply.Advice(
    Decision(
        OPTIONS,
        0,
        resolved=True,
        rounds=3,
        draws=256,
        final=True,
        cut=False,
        tied=(1,),
        contingencies=OUTLOOK,
        break_evens=BREAK_EVENS,
        compute_ms=12.5,
    ),
    reply.Provenance("prior@1", 2**64 - 1, 20, 1834.25, ("No green stop seen yet.",)),
    reply.Timings(1.25, 12.5),
    EVIDENCE,
)


class TestAnswer:
    def test_advice_comes_back_equal(self):
        """Decision, provenance, timings and evidence, staying out and what is not known included."""
        raw = reply.advice_to_wire(ADVICE).SerializeToString()
        assert reply.advice_from_wire(pb.AdviseResponse.FromString(raw)) == ADVICE

    def test_outlook_comes_back_equal(self):
        """The matrix is flat on the wire and rows again here."""
        outlook = reply.Outlook(
            Forecast(("A", "B"), ((0.75, 0.25), (0.25, 0.75)), 128, 3.5), ADVICE.provenance, reply.Timings(0.5, 3.5)
        )
        raw = reply.outlook_to_wire(outlook).SerializeToString()
        assert reply.outlook_from_wire(pb.ForecastResponse.FromString(raw)) == outlook

    def test_a_probability_may_round_to_just_above_one(self):
        """Weights that sum to 1 do so but for the last bit; that is no reason to lose an answer."""
        sent = reply.advice_to_wire(ADVICE)
        sent.decision.options.p_position[:2] = [1.0 + 2**-52, 0.0]
        assert reply.advice_from_wire(sent).decision.options[0].p_position[0] > 1

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            (lambda d: setattr(d, "best", 2), "decision.best"),
            (lambda d: d.ClearField("options"), "decision.best"),
            (lambda d: put(d.options.mean_position, 0, NAN), "options.mean_position"),
            (lambda d: put(d.options.standard_error, 1, INF), "options.standard_error"),
            (lambda d: put(d.options.rejoin_position, 1, INF), "options.rejoin_position"),
            (lambda d: put(d.options.compound, 1, pb.COMPOUND_UNSPECIFIED), "lap and compound"),
            (lambda d: put(d.options.compound, 0, pb.COMPOUND_HARD), "lap and compound"),
            (lambda d: put(d.options.compound, 1, pb.COMPOUND_UNKNOWN), "options.compound"),
            (lambda d: put(d.options.compound, 1, 99), "options.compound"),
            (lambda d: put(d.options.p_position, 0, 1.5), "options.p_position"),
            (lambda d: put(d.options.p_position, 2, -0.5), "options.p_position"),
            (lambda d: put(d.options.p_position, 1, NAN), "options.p_position"),
            (lambda d: d.options.p_position.append(0.5), "options.p_position"),
            (lambda d: d.options.draws.append(64), "options.draws"),
            (lambda d: put(d.options.p_win, 0, NAN), "options.p_win"),
            (lambda d: put(d.options.wait_cost, 0, INF), "options.wait_cost"),
            (lambda d: d.options.rejoin_ahead.pop(), "options.rejoin_ahead"),
            (lambda d: d.tied.append(2), "decision.tied"),
            (lambda d: put(d.contingencies.event, 0, 9), "contingencies.event"),
            (lambda d: put(d.contingencies.delta, 0, NAN), "contingencies.delta"),
            (lambda d: put(d.contingencies.lap, 0, 0), "contingencies: lap and compound"),
            (lambda d: d.contingencies.rival.append("X"), "contingencies.rival"),
            (lambda d: put(d.break_evens.other, 0, 2), "break_evens.other"),
            (lambda d: put(d.break_evens.parameter, 0, 0), "break_evens.parameter"),
            (lambda d: put(d.break_evens.now, 0, NAN), "break_evens.now"),
            (lambda d: put(d.break_evens.value, 0, INF), "break_evens.value"),
        ],
    )
    def test_a_decision_that_cannot_be_is_refused(self, change, named):
        """The message names the field."""
        sent = decision_to_wire(ADVICE.decision)
        change(sent)
        with pytest.raises(InvalidRequest) as error:
            decision_from_wire(sent)
        assert named in error.value.detail

    def test_a_forecast_of_another_shape_is_refused(self):
        """Cars times positions is the number of probabilities."""
        with pytest.raises(InvalidRequest, match=r"^p_position: 3 values for 2 cars and 2 positions"):
            reply.outlook_from_wire(pb.ForecastResponse(cars=["A", "B"], positions=2, p_position=[1, 0, 0]))


class TestComparison:
    FOUND = reply.Comparison(replace(ADVICE, decision=replace(ADVICE.decision, tied=())), 1, 0)

    def test_comes_back_equal(self):
        """Both options, which is which, and where it comes from."""
        raw = reply.comparison_to_wire(self.FOUND).SerializeToString()
        assert reply.comparison_from_wire(pb.CompareResponse.FromString(raw)) == self.FOUND

    def test_says_how_far_the_plans_are_apart(self):
        """Plan B is the best here: A loses, so the difference is below 0, with the error of A's loss."""
        sent = reply.comparison_to_wire(self.FOUND)
        assert (sent.difference, sent.standard_error, sent.told_apart) == (-0.25, 0.125, True)
        assert [option.lap for option in self.FOUND.options] == [21, None]

    def test_a_tie_is_not_told_apart(self):
        """The decision says so, whatever the difference looks like."""
        tied = replace(self.FOUND, advice=ADVICE)
        assert not tied.told_apart
        assert not reply.comparison_to_wire(tied).told_apart

    @pytest.mark.parametrize(("a", "b"), [(1, 1), (0, 0), (0, 2), (1, 2)])
    def test_rows_that_cannot_be_are_refused(self, a, b):
        """Two rows of the options, and one of them is the best."""
        sent = reply.comparison_to_wire(self.FOUND)
        sent.a, sent.b = a, b
        with pytest.raises(InvalidRequest, match=r"^a, b"):
            reply.comparison_from_wire(sent)
