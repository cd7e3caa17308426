"""Race state in, advice out. Knows no gRPC and no HTTP; keeps nothing between questions."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager, nullcontext
from dataclasses import replace
from typing import Protocol

from pitcall import forecast as rest
from pitcall.domain.strategy import Evidence
from pitcall.errors import InvalidRequest, StaleFeed
from pitcall.learned.outlook import outlook
from pitcall.model import HAND_SET, Model
from pitcall.sim.messages import Candidate, DecideRequest, Decision, Forecast, ForecastRequest
from pitcall.sim.outcome import Bytes
from pitcall.wire.knowledge import Grounding
from pitcall.wire.reply import Advice, Comparison, Outlook, Provenance, Timings
from pitcall.wire.request import Planned
from pitcall_model_server import evidence, plans
from pitcall_model_server.librarian import Wanted
from pitcall_model_server.readings import Known, readings
from pitcall_model_server.terms import Terms

_log = logging.getLogger(__name__)


class Simulator(Protocol):
    """Plays races, wherever it runs."""

    def decide(self, request: DecideRequest, deadline_s: float) -> AsyncGenerator[Decision, None]:
        """Refining decisions, the last one final."""

    async def places(self, request: ForecastRequest, deadline_s: float) -> Bytes:
        """[path, car] where every car finishes."""


class Documents(Protocol):
    """Finds what documents say about the topics of a call."""

    async def ground(self, wanted: Sequence[Wanted], budget_s: float) -> Grounding:
        """A source for each topic, or why there is none. Raises nothing."""


class Advisor:
    """Reads the race so far, asks the simulator and beside it the documents, adds the facts behind its answer.

    Args:
        simulator: plays races.
        model: what a reading of a race rests on.
        documents: what calls cite; None: they have no sources.
        evidence_s: time for finding those, from the question on, s; 0: nobody looks.
    """

    def __init__(
        self,
        simulator: Simulator,
        model: Model = HAND_SET,
        documents: Documents | None = None,
        evidence_s: float = 0.25,
    ) -> None:
        self._simulator, self._model = simulator, model
        self._documents, self._evidence_s = documents, evidence_s
        self.read = readings(model)  #: the race so far, from the wire

    async def advise(self, known: Known, car: str, terms: Terms) -> AsyncGenerator[Advice, None]:
        """Refining advice, the last with a final decision.

        Args:
            known: the race so far and what is read from it.
            car: who asks.
            terms: what is supposed, what the call shall be best for, when to stop.

        Raises:
            NotFound: no such car.
            StaleFeed: the race is over or the car is out of it.
            InvalidRequest: the state cannot be simulated, or what is supposed cannot be.
            PitcallError: what the simulator raises.
        """
        calls = plans.legal(known, car, terms.what_if)
        # Who wants no outlook asks for a single fact, and cites nothing.
        with self._looking(known, car, terms) if terms.outlook else nullcontext() as looking:
            async with aclosing(self._decide(known, car, calls, terms)) as answers:
                async for advice in answers:
                    yield await _grounded(advice, looking, terms) if advice.decision.final else advice

    async def compare(self, known: Known, car: str, two: tuple[Planned, Planned], terms: Terms) -> Comparison:
        """Plan A against plan B in the same possible races. Arguments and errors as of ``advise``.

        Raises:
            InvalidRequest: also for a plan that is not legal.
        """
        calls = plans.legal(known, car, terms.what_if)
        a, b = plans.compared(two, calls, known.state, car)
        with self._looking(known, car, terms) as looking:
            async with aclosing(self._decide(known, car, (*a, *b), replace(terms, outlook=False))) as answers:
                *_, last = [advice async for advice in answers]  # a simulator without a final decision has raised
            last = await _grounded(last, looking, terms)
        return Comparison(last, _best(last.decision, 0, len(a)), _best(last.decision, len(a), None))

    async def forecast(self, known: Known, paths: int | None, terms: Terms) -> Outlook:
        """P(finishing position) of every car. Arguments and errors as of ``advise``; ``paths`` None: the default."""
        known = plans.supposed(known, terms.what_if, None)
        state, reading = known.state, known.reading
        seed = rest.seed_of(state, "") if terms.seed is None else terms.seed
        try:
            request = ForecastRequest(reading.race, seed)
            request = request if paths is None else replace(request, paths=paths)
        except ValueError as exc:
            raise InvalidRequest(str(exc)) from exc
        began = time.perf_counter()
        place = await self._simulator.places(request, _left(terms))
        simulated_ms = (time.perf_counter() - began) * 1e3
        seen = await asyncio.to_thread(outlook, state, reading.race.grid, place, self._model)
        forecast = Forecast(seen.cars, tuple(map(tuple, seen.p.tolist())), request.paths, simulated_ms)
        provenance = Provenance(reading.model, request.seed, state.laps_done, state.t, reading.assumed)
        return Outlook(forecast, provenance, _timings(terms, forecast.compute_ms))

    @contextmanager
    def _looking(self, known: Known, car: str, terms: Terms) -> "Iterator[asyncio.Task[Grounding] | None]":
        """Looks for what documents say about the call, beside the simulation."""
        if self._documents is None or self._evidence_s == 0:
            yield None
            return
        looking = asyncio.create_task(self._sources(self._documents, known, car, terms))
        try:
            yield looking
        finally:
            looking.cancel()

    async def _sources(self, documents: Documents, known: Known, car: str, terms: Terms) -> Grounding:
        try:
            topics = evidence.topics(known, car, terms.what_if)
            wanted = [(topic, evidence.where(known, car, topic)) for topic in topics]
            spent_s = time.perf_counter() - terms.started
            return await documents.ground(wanted, min(self._evidence_s, terms.deadline_s) - spent_s)
        except Exception:  # noqa: BLE001  # what was asked for is the call: it comes without sources
            _log.exception("no sources")
            return Grounding(missing="the search for sources failed; the log of the model server has the reason")

    async def _decide(
        self, known: Known, car: str, calls: tuple[Candidate, ...], terms: Terms
    ) -> AsyncGenerator[Advice, None]:
        """The decision among ``calls`` as the simulator refines it, each time with the facts behind its best call."""
        known = plans.supposed(known, terms.what_if, car)
        state, reading = known.state, known.reading
        grid = reading.race.grid
        if not grid.racing[grid.cars.index(car)]:
            raise StaleFeed(
                f"car {car} is out: not off the grid, or overdue at the line by half a lap; there is no call to make"
            )
        try:
            request = DecideRequest(
                race=reading.race,
                car=car,
                candidates=calls,
                seed=rest.seed_of(state, car) if terms.seed is None else terms.seed,
                budget=terms.budget,
                by_rule=terms.seed is not None,
                utility=terms.utility,
                outlook=terms.outlook,
            )
        except ValueError as exc:
            raise InvalidRequest(f"this race state cannot be simulated: {exc}") from exc
        laps_done = state.car(car).laps_done
        provenance = Provenance(reading.model, request.seed, laps_done, state.t, reading.assumed)
        facts: dict[Candidate, Evidence] = {}
        async with aclosing(self._simulator.decide(request, _left(terms))) as decisions:
            async for decision in decisions:
                best = request.candidates[decision.best]
                if best not in facts:
                    facts[best] = rest.evidence(state, reading, car, best)
                yield Advice(decision, provenance, _timings(terms, decision.compute_ms), facts[best])


async def _grounded(advice: Advice, looking: "asyncio.Task[Grounding] | None", terms: Terms) -> Advice:
    """The advice with its sources, once they are there or their time is over."""
    if looking is None:
        return advice
    grounding = await looking
    return replace(advice, grounding=grounding, timings=_timings(terms, advice.timings.sim_worker_ms))


def _best(decision: Decision, first: int, end: int | None) -> int:
    """The row of the best option among some neighbours."""
    rows = range(len(decision.options))[first:end]
    return decision.best if decision.best in rows else min(rows, key=lambda row: decision.options[row].delta)


def _left(terms: Terms) -> float:
    """Seconds left for the answer."""
    return terms.deadline_s - (time.perf_counter() - terms.started)


def _timings(terms: Terms, sim_worker_ms: float) -> Timings:
    """Self times; the way to the worker and back is the model server's."""
    return Timings(max(0.0, (time.perf_counter() - terms.started) * 1e3 - sim_worker_ms), sim_worker_ms)
