"""StrategyService over gRPC: it moves bytes; every decision is the Advisor's."""

import time
from contextlib import aclosing

from pitcall.wire import reply
from pitcall.wire.request import planned_from_wire
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc
from pitcall_model_server.advisor import Advisor
from pitcall_model_server.edge import Context, Gate, deadline_s, typed_errors
from pitcall_model_server.readings import Known
from pitcall_model_server.terms import Question, Terms, terms_of


class StrategyServicer(rpc.StrategyServiceServicer):
    """Answers as soon as the gate is open."""

    def __init__(self, gate: Gate, max_paths: int, default_deadline_s: float) -> None:
        self._gate = gate
        self._max_paths = max_paths
        self._default_s = default_deadline_s

    async def Advise(self, request: pb.AdviseRequest, context: Context) -> None:  # noqa: N802  # gRPC's name
        """Stream advice, coarse first."""
        async with typed_errors("advise", context):
            terms = self._terms(request, context)
            answers = self._gate.models.races.stream(
                request.state.race, "advise", lambda one: one.advise(_known(one, request, terms), request.car, terms)
            )
            async with aclosing(answers):
                async for advice in answers:
                    await context.write(reply.advice_to_wire(advice))

    async def Compare(  # noqa: N802  # gRPC's name
        self, request: pb.CompareRequest, context: Context
    ) -> pb.CompareResponse:
        """Plan A against plan B."""
        async with typed_errors("compare", context):
            terms = self._terms(request, context)
            plans = planned_from_wire(request.a, "a"), planned_from_wire(request.b, "b")
            compared = await self._gate.models.races.ask(
                request.state.race,
                "compare",
                lambda one: one.compare(_known(one, request, terms), request.car, plans, terms),
            )
            return reply.comparison_to_wire(compared)

    async def Forecast(  # noqa: N802  # gRPC's name
        self, request: pb.ForecastRequest, context: Context
    ) -> pb.ForecastResponse:
        """Where will every car finish?"""
        async with typed_errors("forecast", context):
            terms, paths = self._terms(request, context), request.paths or None
            seen = await self._gate.models.races.ask(
                request.state.race, "forecast", lambda one: one.forecast(_known(one, request, terms), paths, terms)
            )
            return reply.outlook_to_wire(seen)

    def _terms(self, question: Question, context: Context) -> Terms:
        """The terms of a question. Raises InvalidRequest."""
        left = deadline_s(context, self._default_s)
        return terms_of(question, self._max_paths, started=time.perf_counter(), deadline_s=left)


def _known(advisor: Advisor, question: Question, terms: Terms) -> Known:
    """The race as the model of this advisor reads it. Raises InvalidRequest."""
    return advisor.read(question.state, terms.what_if.track)
