"""The sim worker over real HTTP: uvicorn on a free port, the shipped kernel where numbers matter."""

import asyncio
import json
import queue
import threading
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx
import pytest
from pitcall_sim_worker.app import create_app
from pitcall_sim_worker.settings import Settings
from pitcall_sim_worker.simulator import DECIDE_REQUEST, EVALUATE_REQUEST, FORECAST_REQUEST, NumbaKernel, Simulator
from pydantic import TypeAdapter

from pitcall.priors import DEFAULT_POLICY, DEFAULT_TYRES, default_circuit
from pitcall.sim import decision as loop
from pitcall.sim import outcome_bytes
from pitcall.sim.engine import Engine
from pitcall.sim.evaluate import EvaluateRequest
from pitcall.sim.messages import Budget, Candidate, DecideRequest, Decision, Forecast, ForecastRequest, Option
from pitcall.sim.outcome import joined
from pitcall.sim.race import Grid, Race

from .kernels import Held

pytestmark = pytest.mark.contract

SHAPE = {"error", "detail", "retryable", "trace_id"}
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"

RACE = Race(
    circuit=replace(default_circuit(10), pit_loss_s=20.0, noise_s=0.3),
    tyres=DEFAULT_TYRES,
    policy=DEFAULT_POLICY,
    grid=Grid(
        cars=("A", "B", "C"), laps_done=(5, 5, 5), time_s=(450.0, 450.3, 451.0), extra_s=(0.0,) * 3,
        racing=(True,) * 3, boxing=(False,) * 3, compound=(1,) * 3, tyre_age=(5,) * 3, used=(2,) * 3,
        pace_s=(90.0, 90.1, 90.2), pace_sd_s=(0.1,) * 3, wear=(1.0,) * 3, wear_sd=(0.1,) * 3,
    ),
)  # fmt: skip
QUESTION = DecideRequest(
    RACE, "B", (Candidate(6, 2), Candidate(7, 2), Candidate(8, 0)), 2**64 - 1, Budget(16, 128, 0.0), by_rule=True
)
BODY = DECIDE_REQUEST.dump_json(QUESTION)


def part(first_path, paths):
    return EvaluateRequest(RACE, QUESTION.seed, first_path, paths, "B", QUESTION.candidates)


SCREEN = Decision((Option(None, None, 1.5, (0.5, 0.5, 0.0), 0.0, 0.0, 16),), 0, False, 1, 16)


class Worker:
    """Starts workers and a client for them; all end with the test."""

    def __init__(self, stack, serve) -> None:
        self._stack, self._serve = stack, serve

    async def __call__(self, kernel, *, warm=True, on_failure=lambda: None, **settings) -> httpx.AsyncClient:
        chosen = Settings(threads=2, **settings)
        simulator = Simulator(chosen, kernel)
        if warm:
            await asyncio.to_thread(simulator.warm_up)
        url = await self._stack.enter_async_context(self._serve(create_app(chosen, simulator, on_failure)))
        client = httpx.AsyncClient(base_url=url, timeout=20)
        await self._stack.enter_async_context(client)
        return client


@pytest.fixture
async def worker(serve_http):
    async with AsyncExitStack() as stack:
        yield Worker(stack, serve_http)


async def until(event):
    assert await asyncio.to_thread(event.wait, 10)


class TestDecide:
    async def test_streams_what_the_library_decides_bit_for_bit(self, worker):
        """Over HTTP or in the process, on 2 threads or 1: the same decisions in the same order."""
        client = await worker(NumbaKernel)
        answer = await client.post("/v1/decide", content=BODY)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
        got = [TypeAdapter(Decision).validate_json(line) for line in answer.content.splitlines()]
        engine = Engine(1)
        expected = list(loop.decide(QUESTION, engine))
        engine.close()
        assert len(got) > 1
        assert [replace(d, compute_ms=0.0) for d in got] == expected
        assert all(d.compute_ms > 0 for d in got)

        again = await client.post("/v1/decide", content=BODY)
        (final,) = [TypeAdapter(Decision).validate_json(line) for line in again.content.splitlines()]
        assert replace(final, compute_ms=0.0) == expected[-1]

    async def test_each_line_arrives_when_it_is_known(self, worker):
        """The first line can be read while the simulation goes on; leaving then stops it."""
        kernel = Held(SCREEN)
        client = await worker(lambda _: kernel)
        async with client.stream("POST", "/v1/decide", content=BODY) as answer:
            first = await anext(answer.aiter_lines())
            assert json.loads(first)["draws"] == 16
            assert not kernel.stopped.is_set()
        await until(kernel.stopped)

    async def test_a_caller_that_leaves_before_the_first_line_stops_the_simulation(self, worker):
        """Nothing is sent yet, so only the closed connection can tell."""
        kernel = Held()
        client = await worker(lambda _: kernel)
        asked = asyncio.create_task(client.post("/v1/decide", content=BODY))
        await until(kernel.began)
        asked.cancel()
        await until(kernel.stopped)

    async def test_an_error_after_the_first_line_is_the_last_line(self, worker):
        """The status is sent by then: the stream itself says what went wrong."""
        client = await worker(lambda _: Held(SCREEN))
        answer = await client.post("/v1/decide", content=BODY, headers={"x-pitcall-deadline-ms": "50"})
        first, last = answer.content.splitlines()
        assert answer.status_code == 200
        assert "options" in json.loads(first)
        assert json.loads(last)["error"] == "DeadlineExceeded"

    async def test_an_error_before_the_first_line_is_a_status(self, worker):
        """The deadline of the header ends a question by rule, with the trace id of the caller."""
        client = await worker(lambda _: Held())
        headers = {"x-pitcall-deadline-ms": "20", "traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
        answer = await client.post("/v1/decide", content=BODY, headers=headers)
        assert answer.status_code == 504
        assert answer.json() == {
            "error": "DeadlineExceeded",
            "detail": "the simulation did not end in the time that the caller gave",
            "retryable": True,
            "trace_id": TRACE_ID,
        }

    async def test_a_full_queue_is_429_with_the_pause_to_make(self, worker):
        """It is refused while the others still run."""
        kernel = Held()
        client = await worker(lambda _: kernel, running=1, waiting=0)
        running = asyncio.create_task(client.post("/v1/decide", content=BODY))
        await until(kernel.began)
        refused = await client.post("/v1/decide", content=BODY)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error"] == "Overloaded"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def test_a_shutdown_ends_open_streams_with_a_retryable_error(self, serve_http):
        """Whoever reads is told to ask another worker, not left with half an answer."""
        kernel, settings = Held(SCREEN), Settings()
        simulator = Simulator(settings, lambda _: kernel)
        simulator.warm_up()
        async with serve_http(create_app(settings, simulator)) as url, httpx.AsyncClient(base_url=url) as client:
            asked = asyncio.create_task(client.post("/v1/decide", content=BODY))
            await until(kernel.began)
            await asyncio.to_thread(simulator.close)
            last = (await asked).content.splitlines()[-1]
        assert json.loads(last)["error"] == "SimulatorUnavailable"
        assert json.loads(last)["retryable"]


class TestForecast:
    async def test_is_what_the_library_forecasts(self, worker):
        """Each row is a distribution over places, the same twice."""
        client = await worker(NumbaKernel)
        body = FORECAST_REQUEST.dump_json(ForecastRequest(RACE, 7, 64))
        answers = [
            TypeAdapter(Forecast).validate_json((await client.post("/v1/forecast", content=body)).content)
            for _ in range(2)
        ]
        assert answers[0].cars == ("A", "B", "C")
        assert [sum(row) for row in answers[0].p_position] == pytest.approx([1.0, 1.0, 1.0])
        assert replace(answers[0], compute_ms=0.0) == replace(answers[1], compute_ms=0.0)

    async def test_hides_the_inside_when_it_fails(self, worker):
        """500 in the one shape, without the text of the failure."""
        client = await worker(lambda _: Held())
        answer = await client.post("/v1/forecast", content=FORECAST_REQUEST.dump_json(ForecastRequest(RACE, 7)))
        assert answer.status_code == 500
        assert set(answer.json()) == SHAPE
        assert "inside" not in answer.text


class TestEvaluate:
    async def test_is_what_the_library_plays_bit_for_bit(self, worker):
        """Ranges put end to end are the whole; the second time it comes from the cache."""
        client = await worker(NumbaKernel)
        engine, at = Engine(1), RACE.grid.cars.index("B")
        expected = engine.play(RACE, QUESTION.seed, range(100, 400), at, QUESTION.candidates)
        engine.close()

        async def ask(first, paths):
            answer = await client.post("/v1/evaluate", content=EVALUATE_REQUEST.dump_json(part(first, paths)))
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
            return answer.content

        for parts in ([(100, 300)], [(100, 1), (101, 250), (351, 49)], [(100, 300)]):
            got = joined([outcome_bytes.unpack(await ask(*p), p[1], 3) for p in parts])
            assert outcome_bytes.pack(got) == outcome_bytes.pack(expected)

    async def test_without_a_car_it_says_where_all_finish(self, worker):
        """The same races as a forecast."""
        client = await worker(NumbaKernel)
        engine = Engine(1)
        expected = engine.finish(RACE, 7, range(10, 74))
        engine.close()
        answer = await client.post("/v1/evaluate", content=EVALUATE_REQUEST.dump_json(EvaluateRequest(RACE, 7, 10, 64)))
        assert outcome_bytes.unpack_finish(answer.content, 64, 3).tobytes() == expected.tobytes()

    async def test_a_caller_that_leaves_stops_it_within_20_ms(self, worker):
        """From the closed connection to the last race of the shipped kernel; best of five, for a busy machine."""
        ended: queue.Queue[float] = queue.Queue()

        class Watched(NumbaKernel):
            def evaluate(self, request, *, cancelled):
                try:
                    return super().evaluate(request, cancelled=cancelled)
                finally:
                    ended.put(time.perf_counter())

        client = await worker(Watched)
        took = []
        for seed in range(5):
            largest = EvaluateRequest(RACE, seed, 0, 65_536, "B", (Candidate(), *QUESTION.candidates))
            asked = asyncio.create_task(client.post("/v1/evaluate", content=EVALUATE_REQUEST.dump_json(largest)))
            await asyncio.wait([asked], timeout=0.05)
            left = time.perf_counter()
            asked.cancel()
            took.append(await asyncio.to_thread(ended.get, timeout=10) - left)
        assert min(took) <= 0.02, took

    async def test_a_full_queue_is_429_before_the_body_is_read(self, worker):
        """Refusing costs nothing: the head of the request is enough."""
        kernel = Held()
        client = await worker(lambda _: kernel, running=1, waiting=0)
        running = asyncio.create_task(client.post("/v1/evaluate", content=EVALUATE_REQUEST.dump_json(part(0, 64))))
        await until(kernel.began)
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(b"POST /v1/evaluate HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nretry-after: 1\r\n" in head
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await until(kernel.stopped)

    async def test_a_deadline_ends_it(self, worker):
        """504, and the kernel is told."""
        kernel = Held()
        client = await worker(lambda _: kernel)
        body, headers = EVALUATE_REQUEST.dump_json(part(0, 64)), {"x-pitcall-deadline-ms": "50"}
        answer = await client.post("/v1/evaluate", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (504, "DeadlineExceeded")
        await until(kernel.stopped)


class TestBadRequests:
    @pytest.mark.parametrize(
        ("body", "where"),
        [
            (b"", "body: Invalid JSON"),
            (b"{", "body: Invalid JSON"),
            (b"[" * 10_000, "body: Invalid JSON"),
            (BODY.replace(b'"car":"B"', b'"car":"Z"'), "body: car: 'Z'"),
            (BODY.replace(b'"noise_s":0.3', b'"noise_s":NaN'), "race.circuit: noise_s"),
            (BODY.replace(b'"noise_s":0.3', b'"noise_s":Infinity'), "race.circuit: noise_s"),
            (BODY.replace(b'"noise_s":0.3', b'"noise_s":"much"'), "race.circuit.noise_s: "),
            (BODY.replace(b'"seed"', b'"sead"'), "seed: Field required"),
            (BODY.replace(b'"max_paths":128', b'"max_paths":1000000000'), "budget: "),
            (BODY.replace(b'"lap":8', b'"lap":10'), "body: candidates: laps 6 to 9 only"),
            (BODY.replace(b'"lap":8', b'"lap":1000'), "candidates.2: lap"),
            (BODY.replace(b'{"lap":8,"compound":0}', b'{"lap":8,"compound":7}'), "candidates.2: compound"),
            (BODY.replace(b'"compound":[1,1,1]', b'"compound":[1,1,9]'), "race.grid: compound"),
            (BODY.replace(b'["A","B","C"]', json.dumps([f"C{i}" for i in range(500)]).encode()), "race.grid: cars: "),
        ],
    )
    async def test_are_400_name_the_field_and_do_no_work(self, worker, body, where):
        """The same request will always fail, and says where; the kernel never hears of it."""
        kernel = Held()
        client = await worker(lambda _: kernel)
        answer = await client.post("/v1/decide", content=body)
        assert answer.status_code == 400
        assert set(answer.json()) == SHAPE
        assert answer.json()["error"] == "InvalidRequest"
        assert answer.json()["detail"].startswith(where)
        assert not answer.json()["retryable"]
        assert not kernel.began.is_set()

    @pytest.mark.parametrize("path", ["/v1/decide", "/v1/forecast", "/v1/evaluate"])
    async def test_50_mb_are_413_and_do_no_work(self, worker, path):
        """Nothing of it is kept; the answer is typed like any other."""
        kernel = Held()
        client = await worker(lambda _: kernel)
        answer = await client.post(path, content=b" " * 50_000_000)
        assert (answer.status_code, answer.json()["error"]) == (413, "InvalidRequest")
        assert answer.json()["detail"].startswith("body: ")
        assert not kernel.began.is_set()

    async def test_a_body_too_large_is_413_before_it_is_read_whole(self, worker):
        """The refusal comes while the caller still has more to send."""
        client = await worker(lambda _: Held(), body_bytes=4_096)
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n" + b" " * 5_000)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readuntil(b"}")
        writer.close()
        await writer.wait_closed()
        assert head.startswith(b"HTTP/1.1 413 ")
        assert json.loads(body)["error"] == "InvalidRequest"

    async def test_a_deadline_that_is_no_number_is_400(self, worker):
        """It is not taken for no deadline."""
        client = await worker(lambda _: Held())
        answer = await client.post("/v1/decide", content=BODY, headers={"x-pitcall-deadline-ms": "soon"})
        assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")

    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/v1/decide", 405)])
    async def test_wrong_paths_and_methods_have_the_same_shape(self, worker, method, path, status):
        """Every error of the worker can be read by one piece of code."""
        client = await worker(lambda _: Held())
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert set(answer.json()) == SHAPE


class TestHealth:
    async def test_listens_and_lives_while_it_warms_up(self, worker):
        """/health says yes and /ready no until the kernel is there; questions get a retryable error."""
        gate = threading.Event()

        def slow(_):
            gate.wait(10)
            return Held()

        client = await worker(slow, warm=False)
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/ready")).status_code == 503
        early = await client.post("/v1/decide", content=BODY)
        assert (early.status_code, early.json()["error"]) == (503, "SimulatorUnavailable")
        gate.set()
        async with asyncio.timeout(10):
            while (await client.get("/ready")).status_code != 200:
                pass

    async def test_a_kernel_that_cannot_be_built_ends_the_worker(self, worker, caplog):
        """It never becomes ready, says why in its log, and asks to be stopped."""
        failed = threading.Event()

        def broken(_):
            raise OSError("no compiler")

        await worker(broken, warm=False, on_failure=failed.set)
        await until(failed)
        assert "no compiler" in caplog.text
