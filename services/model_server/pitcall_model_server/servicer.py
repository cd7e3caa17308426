"""StrategyService over gRPC: it moves bytes; every decision is the Advisor's."""

import time
from contextlib import aclosing

from pitcall.wire import convert
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc
from pitcall_model_server.edge import Context, Gate, deadline_s, typed_errors
from pitcall_model_server.readings import readings


class StrategyServicer(rpc.StrategyServiceServicer):
    """Answers as soon as the gate is open."""

    def __init__(self, gate: Gate, max_paths: int, default_deadline_s: float) -> None:
        self._gate = gate
        self._max_paths = max_paths
        self._default_s = default_deadline_s
        self._read = readings()

    async def Advise(self, request: pb.AdviseRequest, context: Context) -> None:  # noqa: N802  # gRPC's name
        """Stream advice, coarse first."""
        started = time.perf_counter()
        async with typed_errors("advise", context):
            answers = self._gate.advisor().advise(
                self._read(request.state, convert.track_from_wire(request.assume_track)),
                request.car,
                seed=request.seed if request.HasField("seed") else None,
                budget=convert.budget_from_wire(request.budget, self._max_paths),
                deadline_s=deadline_s(context, self._default_s),
                started=started,
            )
            async with aclosing(answers):
                async for advice in answers:
                    await context.write(convert.advice_to_wire(advice))

    async def Forecast(  # noqa: N802  # gRPC's name
        self, request: pb.ForecastRequest, context: Context
    ) -> pb.ForecastResponse:
        """Where will every car finish?"""
        started = time.perf_counter()
        async with typed_errors("forecast", context):
            outlook = await self._gate.advisor().forecast(
                self._read(request.state, convert.track_from_wire(request.assume_track)),
                seed=request.seed if request.HasField("seed") else None,
                paths=request.paths or None,
                deadline_s=deadline_s(context, self._default_s),
                started=started,
            )
            return convert.outlook_to_wire(outlook)
