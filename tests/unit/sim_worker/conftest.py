"""A small race to decide on and a kernel that does as it is told."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pitcall_sim_worker.settings import Settings
from pitcall_sim_worker.simulator import Simulator

from pitcall.errors import Cancelled
from pitcall.priors import DEFAULT_POLICY, DEFAULT_TYRES, default_circuit
from pitcall.sim.evaluate import EvaluateRequest
from pitcall.sim.messages import Candidate, DecideRequest, Decision, Forecast, ForecastRequest, Option
from pitcall.sim.race import Grid, Race

RACE = Race(
    circuit=replace(default_circuit(12), pit_loss_s=20.0, noise_s=0.3),
    tyres=DEFAULT_TYRES,
    policy=DEFAULT_POLICY,
    grid=Grid(
        cars=("A", "B"), laps_done=(5, 5), time_s=(450.0, 450.3), extra_s=(0.0, 0.0), racing=(True, True),
        boxing=(False, False), compound=(1, 1), tyre_age=(5, 5), used=(2, 2), pace_s=(90.0, 90.1),
        pace_sd_s=(0.1, 0.1), wear=(1.0, 1.0), wear_sd=(0.1, 0.1),
    ),
)  # fmt: skip
REQUEST = DecideRequest(RACE, "A", (Candidate(), Candidate(7, 2)), seed=7)

_SCREEN = Decision(
    options=(
        Option(None, None, 1.25, (0.75, 0.25), 0.0, 0.0, 64),
        Option(7, 2, 1.5, (0.5, 0.5), 0.25, 0.05, 64, rejoin_position=2.0),
    ),
    best=0,
    resolved=False,
    rounds=1,
    draws=64,
)
DECISIONS = (_SCREEN, replace(_SCREEN, resolved=True, rounds=2, draws=128, final=True))


class FakeKernel:
    """Yields ``DECISIONS`` unless ``script`` says otherwise; counts its runs."""

    def __init__(self) -> None:
        self.script: Callable[[Callable[[], bool], Callable[[], bool]], Iterator[Decision]] | None = None
        self.runs = 0

    def decide(
        self, request: DecideRequest, *, out_of_time: Callable[[], bool], cancelled: Callable[[], bool]
    ) -> Iterator[Decision]:
        self.runs += 1
        return self.script(out_of_time, cancelled) if self.script else iter(DECISIONS)

    def forecast(self, request: ForecastRequest, *, cancelled: Callable[[], bool]) -> Forecast:
        self.runs += 1
        return Forecast(("A", "B"), ((0.75, 0.25), (0.25, 0.75)), request.paths)

    def evaluate(self, request: EvaluateRequest, *, cancelled: Callable[[], bool]) -> bytes:
        self.runs += 1
        return b"outcome of %d paths" % request.paths

    def close(self) -> None:
        """Nothing to stop."""


class Held:
    """A script that plays nothing until it is cancelled: ``began`` and ``stopped`` tell the test."""

    def __init__(self) -> None:
        self.began, self.stopped = threading.Event(), threading.Event()

    def __call__(self, out_of_time: Callable[[], bool], cancelled: Callable[[], bool]) -> Iterator[Decision]:
        self.began.set()
        pause = threading.Event()
        while not cancelled():
            pause.wait(0.001)
        self.stopped.set()
        raise Cancelled("taken back")
        yield  # a generator, as decide is


@pytest.fixture
def kernel():
    return FakeKernel()


@pytest.fixture
def simulator(kernel):
    made = Simulator(Settings(running=1, waiting=1), lambda _: kernel)
    made.warm_up()
    yield made
    made.close()


@pytest.fixture
def held(kernel):
    kernel.script = Held()
    return kernel.script


@pytest.fixture
def request_():
    return REQUEST


@pytest.fixture
def decisions():
    return DECISIONS
