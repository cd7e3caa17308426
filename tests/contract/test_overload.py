"""Long checks: ``make soak``. More than a sim worker can take, as large as it may be, from callers that never read."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import httpx
import pytest
from pitcall_sim_worker.settings import Settings
from pydantic import TypeAdapter

from pitcall import forecast as model
from pitcall.adapters.model import shipped
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.sim.evaluate import MAX_RACES, EvaluateRequest
from pitcall.sim.messages import Candidate
from pitcall.synth import synthesise
from tests.contract.memory import memory

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

_log = logging.getLogger(__name__)  # the figures: ``make soak ARGS="-o log_cli=true --log-level=INFO"``

CROWD = 200
#: Most memory that the crowd may cost, beyond that of a worker which is warm and idle. The sum of its parts: answers
#: kept (64 MiB), 17 places with a body of 2 MiB, what is parsed from it, and 3 MiB of outcome.
ALLOWED = 192 * 2**20

STATE = reduce_all(until_lap(synthesise(7, cars=20, laps=60), 30))
CAR = STATE.order()[1].car


def largest(seed: int) -> bytes:
    """The longest body, the most calls and the most races that a request may have."""
    race, done = model.read(STATE, model=shipped()).race, STATE.cars[CAR].laps_done
    calls = [Candidate(lap, compound) for lap in range(done + 1, 60) for compound in range(5)]
    ask = EvaluateRequest(race, seed, 0, MAX_RACES // len(calls), CAR, tuple(calls))
    return TypeAdapter(EvaluateRequest).dump_json(ask).ljust(Settings().body_bytes)


@pytest.fixture
def worker():
    """(process, port) of a warm sim worker with small deadlines."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {"PITCALL_SIM_PORT": str(port), "PITCALL_SIM_DEADLINE_S": "20", "PITCALL_SIM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "-m", "pitcall_sim_worker"], env=os.environ | environment)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), base_url=f"http://127.0.0.1:{port}") as client:
            until = time.monotonic() + 180  # the first start compiles
            while client.get("/ready").status_code != 200:
                assert time.monotonic() < until
        yield child, port
    finally:
        child.kill()
        child.wait()


async def ask(port: int, seed: int, *, read: bool) -> str:
    """The status of one request; ``read`` False: the answer is left in the socket until the deadline."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**10)
    body = largest(seed)
    writer.write(b"POST /v1/evaluate HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    try:
        async with asyncio.timeout(30):
            status = (await reader.readuntil(b" ") + await reader.readexactly(3))[-3:].decode()
            if read or status != "200":
                await reader.readuntil(b"\r\n\r\n")
            else:
                await asyncio.get_running_loop().create_future()
    except TimeoutError:
        pass
    except (ConnectionError, asyncio.IncompleteReadError):
        return "broken"
    finally:
        writer.close()
    return status


@pytest.mark.parametrize("read", [True, False], ids=["who read", "who never read"])
async def test_a_crowd_of_the_largest_requests_costs_bounded_memory(worker, read):
    """Every one is answered or told to come back; the process stays small and answers the next."""
    child, port = worker
    before = memory(child.pid)["VmRSS"]
    ends = Counter(await asyncio.gather(*(ask(port, seed, read=read) for seed in range(CROWD))))
    most = memory(child.pid)["VmHWM"]
    _log.info("resident: %d MiB idle, %d MiB at most; %s", before >> 20, most >> 20, dict(ends))
    assert set(ends) <= {"200", "429", "504"}, ends
    assert ends["429"] > CROWD / 2
    assert most - before <= ALLOWED, (before, most)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        small = replace(EvaluateRequest(model.read(STATE, model=shipped()).race, 7, 0, 64))
        answer = await client.post("/v1/evaluate", content=TypeAdapter(EvaluateRequest).dump_json(small))
        assert answer.status_code == 200
