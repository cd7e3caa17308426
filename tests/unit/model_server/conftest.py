"""A race half way and a simulator that answers what it is told."""

from collections.abc import Iterable

import numpy as np
import pytest
from pitcall_model_server.readings import Known

from pitcall import forecast as model
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.errors import PitcallError
from pitcall.sim.messages import DecideRequest, Decision, ForecastRequest, Option
from pitcall.synth import synthesise


class FakeSimulator:
    """Plays back ``best`` as one decision each; remembers what it was asked and whether it was closed."""

    def __init__(self, best: Iterable[int] = (0, 1, 1)) -> None:
        self.best = tuple(best)
        self.error: PitcallError | None = None
        self.asked: list[tuple[DecideRequest | ForecastRequest, float]] = []
        self.closed = False

    async def decide(self, request, deadline_s):
        self.asked.append((request, deadline_s))
        try:
            for n, best in enumerate(self.best):
                options = tuple(Option(c.lap, c.compound, 3.0, (0.5, 0.5), 0.0, 0.1, 8) for c in request.candidates)
                last = n == len(self.best) - 1 and self.error is None
                yield Decision(options, best, False, n + 1, 8, final=last, compute_ms=0.001 * (n + 1))
            if self.error:
                raise self.error
        finally:
            self.closed = True

    async def places(self, request, deadline_s):
        self.asked.append((request, deadline_s))
        cars = len(request.race.grid.cars)
        return np.tile(np.arange(1, cars + 1, dtype=np.uint8), (request.paths, 1))


@pytest.fixture
def simulator():
    return FakeSimulator()


@pytest.fixture(scope="session")
def known():
    state = reduce_all(until_lap(synthesise(7, cars=4, laps=12), 6))
    return Known(state, model.read(state))
