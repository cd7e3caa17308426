"""The decision loop: screen all candidates, eliminate, refine until the best call is known. Pure."""

from collections.abc import Callable, Iterator

from pitcall.sim.engine import Engine
from pitcall.sim.messages import DecideRequest, Decision, Forecast, ForecastRequest


def decide(
    request: DecideRequest,
    engine: Engine,
    *,
    out_of_time: Callable[[], bool] = lambda: False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Decision]:
    """Refining decisions, the last one ``final``. Blocks while it computes: run it in a thread."""
    raise NotImplementedError


def forecast(request: ForecastRequest, engine: Engine) -> Forecast:
    """P(finishing position) of every car."""
    raise NotImplementedError
