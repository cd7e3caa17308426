"""On what terms a question is asked: what is in its message beside the state."""

from dataclasses import dataclass, field
from typing import TypeAlias

from pitcall.sim.messages import Budget, Utility
from pitcall.wire import request as wire
from pitcall.wire.request import WhatIf
from pitcall.wire.v1 import strategy_pb2 as pb

Question: TypeAlias = pb.AdviseRequest | pb.CompareRequest | pb.ForecastRequest


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked for beside the answer to the question itself."""

    started: float  #: ``time.perf_counter()`` when the question arrived
    deadline_s: float  #: time for the answer, from ``started`` on
    seed: int | None = None  #: given: no clock may steer the answer; None: derived from the state
    budget: Budget = field(default_factory=Budget)
    utility: Utility = field(default_factory=Utility)
    what_if: WhatIf = field(default_factory=WhatIf)
    outlook: bool = True  #: the final decision says what would change it


def terms_of(question: Question, max_paths: int, *, started: float, deadline_s: float) -> Terms:
    """The terms in a message. Raises InvalidRequest that names the field.

    Args:
        question: what arrived. A forecast asks for paths in place of a budget, and for nobody's utility.
        max_paths: of a budget that names none.
        started: when it arrived.
        deadline_s: time for its answer.
    """
    seed = question.seed if question.HasField("seed") else None
    shown = pb.TRACK_UNSPECIFIED if isinstance(question, pb.CompareRequest) else question.assume_track
    what_if = wire.what_if_from_wire(question.what_if, shown)
    if isinstance(question, pb.ForecastRequest):
        return Terms(started, deadline_s, seed, what_if=what_if)
    budget = wire.budget_from_wire(question.budget, max_paths)
    outlook = isinstance(question, pb.AdviseRequest) and not question.no_outlook
    return Terms(started, deadline_s, seed, budget, wire.utility_from_wire(question.utility), what_if, outlook)
