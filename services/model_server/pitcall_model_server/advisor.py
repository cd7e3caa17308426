"""Race state in, advice out. Knows no gRPC and no HTTP; keeps nothing between questions."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from pitcall import forecast as model
from pitcall.domain.strategy import Evidence
from pitcall.errors import InvalidRequest, StaleFeed
from pitcall.sim.messages import Budget, Candidate, DecideRequest, Decision, Forecast, ForecastRequest
from pitcall.wire.convert import Advice, Outlook, Provenance, Timings
from pitcall_model_server.readings import Known


class Simulator(Protocol):
    """A sim worker, wherever it runs."""

    def decide(self, request: DecideRequest, deadline_s: float) -> AsyncGenerator[Decision, None]:
        """Refining decisions, the last one final."""

    async def forecast(self, request: ForecastRequest, deadline_s: float) -> Forecast:
        """Where every car finishes."""


class Advisor:
    """Reads the race so far, asks the simulator, adds the facts behind its answer."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def advise(
        self,
        known: Known,
        car: str,
        *,
        seed: int | None,
        budget: Budget,
        deadline_s: float,
        started: float,
    ) -> AsyncGenerator[Advice, None]:
        """Refining advice, the last with a final decision.

        Args:
            known: the race so far and what is read from it.
            car: who asks.
            seed: given: no clock may steer the answer. None: derived from the state.
            budget: when to stop.
            deadline_s: time that is left.
            started: ``time.perf_counter()`` when the question arrived.

        Raises:
            NotFound: no such car.
            StaleFeed: the race is over or the car is out of it.
            InvalidRequest: the state cannot be simulated.
            PitcallError: what the simulator raises.
        """
        state, reading = known.state, known.reading
        driver, calls, grid = state.car(car), model.candidates(state, car), reading.race.grid
        if not grid.racing[grid.cars.index(car)]:
            raise StaleFeed(f"car {car} has not left the grid while the others race: there is no call to make")
        try:
            request = DecideRequest(
                race=reading.race,
                car=car,
                candidates=calls,
                seed=model.seed_of(state, car) if seed is None else seed,
                budget=budget,
                by_rule=seed is not None,
            )
        except ValueError as exc:
            raise InvalidRequest(f"this race state cannot be simulated: {exc}") from exc
        provenance = Provenance(model.MODEL, request.seed, driver.laps_done, state.t, reading.assumed)
        facts: dict[Candidate, Evidence] = {}
        left = deadline_s - (time.perf_counter() - started)
        async with aclosing(self._simulator.decide(request, left)) as decisions:
            async for decision in decisions:
                best = request.candidates[decision.best]
                if best not in facts:
                    facts[best] = model.evidence(state, reading, car, best)
                yield Advice(decision, provenance, _timings(started, decision.compute_ms), facts[best])

    async def forecast(
        self, known: Known, *, seed: int | None, paths: int | None, deadline_s: float, started: float
    ) -> Outlook:
        """P(finishing position) of every car. Arguments and errors as of ``advise``; ``paths`` None: the default."""
        state, reading = known.state, known.reading
        seed = model.seed_of(state, "") if seed is None else seed
        try:
            request = ForecastRequest(reading.race, seed)
            request = request if paths is None else replace(request, paths=paths)
        except ValueError as exc:
            raise InvalidRequest(str(exc)) from exc
        forecast = await self._simulator.forecast(request, deadline_s - (time.perf_counter() - started))
        provenance = Provenance(model.MODEL, request.seed, state.laps_done, state.t, reading.assumed)
        return Outlook(forecast, provenance, _timings(started, forecast.compute_ms))


def _timings(started: float, sim_worker_ms: float) -> Timings:
    """Self times; the way to the worker and back is the model server's."""
    return Timings(max(0.0, (time.perf_counter() - started) * 1e3 - sim_worker_ms), sim_worker_ms)
