"""The model server as the orchestrator sees it: questions out, typed answers and typed errors in."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from pitcall.adapters import telemetry
from pitcall.domain.race import RaceState
from pitcall.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    ModelServerUnavailable,
    NotFound,
    Overloaded,
    PitcallError,
    StaleFeed,
    by_name,
)
from pitcall.sim.messages import Budget, Utility
from pitcall.wire import convert, knowledge, reply, request
from pitcall.wire.knowledge import Passages
from pitcall.wire.v1 import knowledge_pb2, knowledge_pb2_grpc
from pitcall.wire.v1 import strategy_pb2 as pb
from pitcall.wire.v1 import strategy_pb2_grpc as rpc
from pitcall_orchestrator.hub import Recent

_OPTIONS: Final = (
    # A model server that comes back is found within a second, not after minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A new channel starts without the back-off of the one that it replaces.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 16 << 20),
)
#: Time that an abandoned channel gives its other calls, s.
_GRACE_S: Final = 10.0
#: Converted states kept: those of the questions asked last.
_KEPT_STATES: Final = 32

#: Passages among which the sources of an answer are chosen, and most of one document.
_HITS: Final = 12
_PER_DOCUMENT: Final = 3

#: Its health is that of the documents behind it.
KNOWLEDGE: Final = knowledge_pb2.DESCRIPTOR.services_by_name["KnowledgeService"].full_name

#: HealthCheckResponse with field 1, status, = 1.
_SERVING: Final = b"\x08\x01"

_BY_STATUS: Final[Mapping[grpc.StatusCode, type[PitcallError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: StaleFeed,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
}
#: How a connection that broke shows itself. CANCELLED: a call that we cancel ourselves raises CancelledError.
_GONE: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a question is put to the model server."""

    deadline_s: float
    seed: int | None = None  #: None: the model server derives it from the state
    max_paths: int | None = None  #: None: the model server's default
    what_if: request.WhatIf = field(default_factory=request.WhatIf)
    utility: Utility = field(default_factory=Utility)
    outlook: bool = True  #: say what would change the call

    def budget(self) -> pb.Budget:
        """When to stop; what is not given is the model server's to choose."""
        first = 0 if self.max_paths is None else min(Budget().first_paths, self.max_paths)
        # The words of an answer name the zone.
        return pb.Budget(first_paths=first, max_paths=self.max_paths or 0, indifference=self.utility.zone)


class ModelServer:
    """One gRPC channel, made on first use and made again after it broke."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel: grpc.aio.Channel | None = None
        self._closing: set[asyncio.Task[object]] = set()
        # By identity: states are immutable, and a kept one cannot be confused with another.
        self._states: Recent[int, tuple[RaceState, pb.RaceState]] = Recent(_KEPT_STATES)

    async def advise(self, state: RaceState, car: str, terms: Terms) -> AsyncIterator[reply.Advice]:
        """Refining advice for one car, the last with a final decision.

        Raises:
            PitcallError: the class that the model server named.
            InvalidRequest: the state is too large to be sent.
            ModelServerUnavailable: it did not answer.
            DeadlineExceeded: not in time.
        """
        asked = pb.AdviseRequest(
            state=self._wire(state),
            car=car,
            seed=terms.seed,
            budget=terms.budget(),
            utility=request.utility_to_wire(terms.utility),
            what_if=request.what_if_to_wire(terms.what_if),
            no_outlook=not terms.outlook,
        )
        _check_size(asked)
        final = False
        with self._errors(terms) as channel:
            call = _strategy(channel).Advise(asked, timeout=_positive(terms), metadata=_trace())
            try:
                async for message in call:
                    advice = reply.advice_from_wire(message)
                    final = advice.decision.final
                    if final:  # the status that follows cannot change the answer: nobody waits for it
                        self._later(call.code())
                    yield advice
                    if final:
                        return
            finally:
                if not final:
                    call.cancel()  # of no effect on a call that is done
        raise ModelServerUnavailable("the model server ended its answer half way; ask again")

    async def compare(
        self, state: RaceState, car: str, plans: tuple[request.Planned, request.Planned], terms: Terms
    ) -> reply.Comparison:
        """One plan against another. Raises what ``advise`` raises; InvalidRequest for a plan that is not legal."""
        a, b = map(request.planned_to_wire, plans)
        asked = pb.CompareRequest(
            state=self._wire(state),
            car=car,
            a=a,
            b=b,
            seed=terms.seed,
            budget=terms.budget(),
            utility=request.utility_to_wire(terms.utility),
            what_if=request.what_if_to_wire(terms.what_if),
        )
        _check_size(asked)
        with self._errors(terms) as channel:
            found = await _strategy(channel).Compare(asked, timeout=_positive(terms), metadata=_trace())
            return reply.comparison_from_wire(found)

    async def forecast(self, state: RaceState, terms: Terms) -> reply.Outlook:
        """Where every car finishes. Raises what ``advise`` raises."""
        asked = pb.ForecastRequest(
            state=self._wire(state),
            seed=terms.seed,
            paths=terms.max_paths or 0,
            what_if=request.what_if_to_wire(terms.what_if),
        )
        _check_size(asked)
        with self._errors(terms) as channel:
            found = await _strategy(channel).Forecast(asked, timeout=_positive(terms), metadata=_trace())
            return reply.outlook_from_wire(found)

    async def search(self, text: str, where: Mapping[str, Sequence[str]], terms: Terms) -> Passages:
        """Passages for a question, best first.

        Args:
            text: what is looked for.
            where: for a label the values that are allowed, such as ``{"series": ("f1", "")}``.
            terms: how long it may take.

        Raises:
            KnowledgeUnavailable, KnowledgeMismatch: the documents cannot be searched.
            PitcallError: else as ``advise``.
        """
        asked = knowledge_pb2.SearchRequest(text=text, hits=_HITS, per_document=_PER_DOCUMENT)
        for label, allowed in where.items():
            getattr(asked.where, label).extend(allowed)
        with self._errors(terms) as channel:
            stub = knowledge_pb2_grpc.KnowledgeServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without annotations
            found = await stub.Search(asked, timeout=_positive(terms), metadata=_trace())
            return knowledge.passages_from_wire(found)

    async def serving(self, service: str = "", within_s: float = 0.5) -> bool:
        """True if it answers the standard health check of a service, "" for all of it, with SERVING."""
        # By hand, some bytes: the package of the health protocol is not worth a dependency.
        asked = b"\x0a" + bytes([len(service)]) + service.encode() if service else b""
        check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._open().unary_unary(
            "/grpc.health.v1.Health/Check", request_serializer=bytes
        )
        try:
            reply: bytes = await check(asked, timeout=within_s)
        except grpc.aio.AioRpcError:
            return False
        return reply == _SERVING

    async def close(self) -> None:
        """Close every channel."""
        self._renew()
        for task in tuple(self._closing):
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:  # not in the constructor: it needs the running loop
            self._channel = grpc.aio.insecure_channel(self._address, options=_OPTIONS)
        return self._channel

    def _renew(self) -> None:
        """Give the channel up; the next question opens a new one, without waiting for a back-off."""
        if self._channel is not None:
            self._later(_close(self._channel))
            self._channel = None

    def _later(self, rest: Coroutine[Any, Any, object]) -> None:
        """Run the rest of something that is over for the asker."""
        task = asyncio.create_task(rest)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _wire(self, state: RaceState) -> pb.RaceState:
        return self._states.get(id(state), lambda: (state, convert.state_to_wire(state)))[1]

    @contextlib.contextmanager
    def _errors(self, terms: Terms) -> Iterator[grpc.aio.Channel]:
        channel = self._open()
        try:
            yield channel
        except grpc.aio.AioRpcError as exc:
            named = _named(exc)
            if named is None and exc.code() in _GONE and channel is self._channel:
                self._renew()
            raise named or self._unnamed(exc, terms) from exc
        except InvalidRequest as exc:  # of convert: not the asker's fault
            _log.exception("the model server's answer cannot be true")
            raise PitcallError("the model server sent an answer that cannot be true; its log may say why") from exc

    def _unnamed(self, exc: grpc.aio.AioRpcError, terms: Terms) -> PitcallError:
        """The error of a call that the model server did not end itself."""
        if exc.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(f"no answer within {terms.deadline_s:.2f} s; ask again, or give it more time")
        if exc.code() in _GONE:
            return ModelServerUnavailable(f"no model server answers at {self._address}; ask again in a moment")
        if exc.code() in _BY_STATUS:
            return _BY_STATUS[exc.code()](exc.details() or exc.code().name)
        _log.error("model server: %s: %s", exc.code().name, exc.details())
        return PitcallError("the model server failed; its log has the reason")


def _strategy(channel: grpc.aio.Channel) -> rpc.StrategyServiceStub:
    return rpc.StrategyServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without annotations


def _named(exc: grpc.aio.AioRpcError) -> PitcallError | None:
    """The error that the model server named in its trailing metadata."""
    found = {key: value for key, value in exc.trailing_metadata() or () if isinstance(value, str)}
    if "pitcall-error" not in found:
        return None
    kind = by_name(found["pitcall-error"])
    if kind is Cancelled:
        return ModelServerUnavailable("the model server gave the question up; ask again")
    return kind(exc.details() or kind.__name__)


def _check_size(asked: pb.AdviseRequest | pb.CompareRequest | pb.ForecastRequest) -> None:
    """Raises InvalidRequest: gRPC would refuse the message, in words that look as if trying again could help."""
    if (size := asked.ByteSize()) > request.MAX_MESSAGE:
        raise InvalidRequest(
            f"race {asked.state.race!r:.80} is too large to ask about: {size} bytes with {len(asked.state.cars)} cars, "
            f"at most {request.MAX_MESSAGE}"
        )


def _positive(terms: Terms) -> float:
    """Raises DeadlineExceeded: nothing is left of the time."""
    if terms.deadline_s <= 0:
        raise DeadlineExceeded("the time for the answer was over before it could be asked for; give it more")
    return terms.deadline_s


def _trace() -> grpc.aio.Metadata:
    return grpc.aio.Metadata(*telemetry.inject().items())


async def _close(channel: grpc.aio.Channel) -> None:
    await channel.close(grace=_GRACE_S)
