"""The client of the model server, as far as it needs none: a question that cannot be sent."""

from types import MappingProxyType

import pytest
from pitcall_orchestrator.advice import ModelServer, Terms

from pitcall.domain.events import MAX_LAPS
from pitcall.domain.race import CarState, LapRecord, RaceState
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.sim.race import MAX_CARS
from pitcall.wire import convert
from pitcall.wire.request import MAX_MESSAGE, Planned

pytestmark = pytest.mark.unit


def race(cars: int, laps: int, text: str = "") -> RaceState:
    """So many cars that have driven so many laps, each with ``text`` wherever a car has one."""
    driven = tuple(
        LapRecord(lap, 90.0 * lap, 90.0, Compound.SOFT, lap, pit_in=False, pit_out=False, green=True)
        for lap in range(1, laps + 1)
    )
    entries = {
        f"c{n}": CarState(f"c{n}", text, text, text, laps=driven, tyre_age=1, retired_reason=text) for n in range(cars)
    }
    return RaceState("big", total_laps=MAX_LAPS, cars=MappingProxyType(entries))


TOO_LARGE = race(3_000, 1, "x" * 500)


async def advise(server: ModelServer) -> object:
    return [advice async for advice in server.advise(TOO_LARGE, "c0", Terms(5.0))]


async def compare(server: ModelServer) -> object:
    return await server.compare(TOO_LARGE, "c0", (Planned(3), Planned(4)), Terms(5.0))


async def forecast(server: ModelServer) -> object:
    return await server.forecast(TOO_LARGE, Terms(5.0))


@pytest.mark.parametrize("ask", [advise, compare, forecast])
async def test_a_race_that_grpc_would_refuse_is_an_invalid_request(ask):
    """Trying again cannot help, so it is not gRPC's RESOURCE_EXHAUSTED; no connection is made."""
    with pytest.raises(InvalidRequest, match=rf"race 'big' .* with 3000 cars, at most {MAX_MESSAGE}") as error:
        await ask(ModelServer("127.0.0.1:1"))
    assert not error.value.retryable


def test_the_largest_race_there_can_be_fits():
    """All cars and all laps that a state may hold, with room for long texts."""
    assert convert.state_to_wire(race(MAX_CARS, MAX_LAPS, "x" * 500)).ByteSize() < MAX_MESSAGE
