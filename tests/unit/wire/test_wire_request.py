"""What the wire may and may not say of a question."""

import math

import pytest

from pitcall.domain.events import MAX_LAPS, Track
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.sim.messages import MAX_PATHS, Budget, Utility
from pitcall.sim.race import MAX_CARS
from pitcall.wire import request
from pitcall.wire.request import Planned, WhatIf
from pitcall.wire.v1 import strategy_pb2 as pb

pytestmark = pytest.mark.unit

NAN = math.nan


class TestBudget:
    @pytest.mark.parametrize(
        ("sent", "budget"),
        [
            (pb.Budget(), Budget()),
            (pb.Budget(max_paths=1), Budget(1, 1)),
            (pb.Budget(first_paths=8, max_paths=32, indifference=0.5), Budget(8, 32, 0.5)),
        ],
    )
    def test_budget_of_zero_is_the_default(self, sent, budget):
        """Fewer draws than the first round shrink the first round."""
        assert request.budget_from_wire(sent) == budget
        assert request.budget_from_wire(pb.Budget(), max_paths=100).max_paths == 100

    @pytest.mark.parametrize(
        "sent",
        [
            pb.Budget(max_paths=MAX_PATHS + 1),
            pb.Budget(first_paths=64, max_paths=32),
            pb.Budget(indifference=-1),
            pb.Budget(indifference=NAN),
        ],
    )
    def test_budget_out_of_range_is_refused(self, sent):
        """The message begins with the field."""
        with pytest.raises(InvalidRequest, match=r"^budget: "):
            request.budget_from_wire(sent)


class TestUtility:
    @pytest.mark.parametrize(
        "utility",
        [
            Utility(),
            Utility("win"),
            Utility("points", points=(3.0, 1.0)),
            Utility("target", 3),
            Utility("cvar", tail=0.5),
        ],
    )
    def test_comes_back_equal(self, utility):
        """Goal and everything that belongs to it."""
        raw = request.utility_to_wire(utility).SerializeToString()
        assert request.utility_from_wire(pb.Utility.FromString(raw)) == utility

    def test_what_is_not_given_is_the_default(self):
        """A caller that names only the goal gets its usual terms."""
        assert request.utility_from_wire(pb.Utility()) == Utility()
        assert request.utility_from_wire(pb.Utility(goal=pb.GOAL_CVAR)) == Utility("cvar")

    @pytest.mark.parametrize(
        ("sent", "named"),
        [
            (pb.Utility(goal=99), "goal: 99"),  # type: ignore[arg-type]  # of a newer version
            (pb.Utility(target=MAX_CARS + 1), "utility: target"),
            (pb.Utility(tail=2), "utility: tail"),
            (pb.Utility(tail=NAN), "utility: tail"),
            (pb.Utility(points=[1, 2]), "utility: points"),
            (pb.Utility(points=[NAN]), "utility: points"),
        ],
    )
    def test_out_of_range_is_refused(self, sent, named):
        """The message begins with the field."""
        with pytest.raises(InvalidRequest, match=f"^{named}"):
            request.utility_from_wire(sent)


class TestWhatIf:
    @pytest.mark.parametrize(
        "what_if",
        [WhatIf(), WhatIf(boxes_now="NOR"), WhatIf(rain_in_laps=0), *(WhatIf(track, 5, "NOR") for track in Track)],
    )
    def test_comes_back_equal(self, what_if):
        """Nothing, one thing, or all at once; rain now is not the same as no rain."""
        raw = request.what_if_to_wire(what_if).SerializeToString()
        assert request.what_if_from_wire(pb.WhatIf.FromString(raw)) == what_if
        assert bool(what_if) is (what_if != WhatIf())

    def test_older_callers_suppose_a_flag(self):
        """``assume_track`` means what it meant, alone or beside the same in ``what_if``."""
        assert request.what_if_from_wire(pb.WhatIf(), pb.TRACK_VSC) == WhatIf(Track.VSC)
        assert request.what_if_from_wire(pb.WhatIf(track=pb.TRACK_VSC), pb.TRACK_VSC) == WhatIf(Track.VSC)
        with pytest.raises(InvalidRequest, match=r"^assume_track: what_if\.track supposes another"):
            request.what_if_from_wire(pb.WhatIf(track=pb.TRACK_RED), pb.TRACK_VSC)

    @pytest.mark.parametrize(
        ("sent", "shown", "named"),
        [
            (pb.WhatIf(), 77, "assume_track: 77"),
            (pb.WhatIf(track=77), 0, r"what_if\.track: 77"),  # type: ignore[arg-type]  # of a newer version
            (pb.WhatIf(rain_in_laps=MAX_LAPS + 1), 0, r"what_if\.rain_in_laps: at most"),
            (pb.WhatIf(boxes_now="x" * 10_000), 0, r"what_if\.boxes_now: at most"),
        ],
    )
    def test_what_cannot_be_is_refused(self, sent, shown, named):
        """The message begins with the field that was sent."""
        with pytest.raises(InvalidRequest, match=f"^{named}"):
            request.what_if_from_wire(sent, shown)


class TestPlanned:
    @pytest.mark.parametrize("plan", [Planned(), Planned(24), Planned(24, Compound.HARD)])
    def test_comes_back_equal(self, plan):
        """Staying out, a lap on the best tyres, a lap on named ones."""
        assert request.planned_from_wire(request.planned_to_wire(plan), "a") == plan

    @pytest.mark.parametrize(
        "sent",
        [
            pb.Call(compound=pb.COMPOUND_HARD),
            pb.Call(lap=5, compound=pb.COMPOUND_UNKNOWN),
            pb.Call(lap=5, compound=9),  # type: ignore[arg-type]  # of a newer version
        ],
    )
    def test_tyres_without_a_lap_or_unknown_ones_are_refused(self, sent):
        """The message begins with the plan."""
        with pytest.raises(InvalidRequest, match=r"^b"):
            request.planned_from_wire(sent, "b")
