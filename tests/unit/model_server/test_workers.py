"""Who is asked, and who is asked next."""

import asyncio
import time

import pytest
from pitcall_model_server import workers as module
from pitcall_model_server.workers import Workers

from pitcall.errors import DeadlineExceeded, InvalidRequest, Overloaded, SimulatorUnavailable

pytestmark = pytest.mark.unit


class FakeWorker:
    """Answers with its name, or does as ``script`` says, one entry for each request."""

    def __init__(self, name, *script) -> None:
        self.name, self.script = name, list(script)
        self.asked: list[bytes] = []
        self.left = 0

    async def evaluate(self, body, deadline_s):
        self.asked.append(body)
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        if step == "hang":
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.left += 1
        return step or self.name

    async def close(self):
        """Nothing to close."""


def lost():
    return SimulatorUnavailable("lost")


def full():
    return Overloaded("full", retry_after_s=1.0)


class Three(Workers):
    """Workers a, b and c, one script each."""

    def __init__(self, *scripts) -> None:
        self.fakes = [FakeWorker(name, *script) for name, script in zip((b"a", b"b", b"c"), scripts, strict=True)]
        super().__init__(self.fakes)

    @property
    def asked(self) -> list[int]:
        """Requests that each one got."""
        return [len(fake.asked) for fake in self.fakes]

    @property
    def left(self) -> list[int]:
        """Requests of each that were taken back."""
        return [fake.left for fake in self.fakes]


async def ask(workers, seconds=10.0, read=bytes):
    return await workers.ask(b"body", read, time.perf_counter() + seconds)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.02)
    monkeypatch.setattr(module, "PAUSES_S", (0.001, 0.002, 0.003))


class TestOrder:
    async def test_each_has_its_turn(self):
        """Three questions of one part each go to three workers."""
        workers = Three([], [], [])
        assert sorted([await ask(workers) for _ in range(3)]) == [b"a", b"b", b"c"]

    async def test_a_lost_part_is_sent_to_the_next(self):
        """Whoever answers, it is an answer."""
        workers = Three([lost()], [lost()], [lost()])
        workers.fakes[0].script.clear()
        assert [await ask(workers) for _ in range(3)] == [b"a"] * 3

    async def test_who_failed_rests(self):
        """It is not counted, and not asked while others answer."""
        workers = Three([lost()] * 9, [], [])
        for _ in range(6):
            await ask(workers)
        assert workers.asked[0] == 1
        assert workers.fit == 2

    async def test_who_rests_is_asked_again_after_a_while(self, monkeypatch):
        """A worker that was restarted plays again."""
        monkeypatch.setattr(module, "REST_S", 0.0)
        workers = Three([lost()], [], [])
        for _ in range(6):
            await ask(workers)
        assert workers.asked[0] > 1
        assert workers.fit == 3

    async def test_when_all_rest_all_are_asked(self):
        """Rest is an order, not a ban."""
        workers = Three([lost()], [lost()], [lost()])
        with pytest.raises(SimulatorUnavailable):
            await ask(workers)
        assert workers.fit == 3
        assert await ask(workers) in {b"a", b"b", b"c"}


class TestFailure:
    async def test_none_answers(self):
        """SimulatorUnavailable after each was asked once."""
        workers = Three([lost()] * 9, [lost()] * 9, [lost()] * 9)
        with pytest.raises(SimulatorUnavailable):
            await ask(workers)
        assert workers.asked == [1, 1, 1]

    async def test_full_queues_are_asked_again_after_a_pause(self):
        """They are not lost, only busy; nobody rests."""
        workers = Three([full(), full()], [full(), full()], [full(), full()])
        assert await ask(workers) in {b"a", b"b", b"c"}
        assert workers.fit == 3

    async def test_queues_that_stay_full_are_overloaded(self):
        """Also beside lost ones: waiting may help. The number of tries is bounded."""
        workers = Three([full()] * 99, [lost()] * 99, [full()] * 99)
        with pytest.raises(Overloaded):
            await ask(workers)
        assert workers.asked[0] == 1 + len(module.PAUSES_S)

    async def test_no_pause_goes_past_the_deadline(self, monkeypatch):
        """The caller hears of it while it can still do something else."""
        monkeypatch.setattr(module, "PAUSES_S", (60.0,))
        workers = Three([full()], [full()], [full()])
        with pytest.raises(Overloaded):
            await ask(workers, seconds=5.0)

    async def test_what_another_worker_would_answer_too_is_passed_on(self):
        """A wrong request is wrong everywhere."""
        workers = Three([InvalidRequest("no")], [InvalidRequest("no")], [InvalidRequest("no")])
        with pytest.raises(InvalidRequest):
            await ask(workers)
        assert sum(workers.asked) == 1

    async def test_an_answer_that_cannot_be_read_counts_as_none(self):
        """A worker of another version is as good as lost."""

        def read(raw):
            if raw != b"c":
                raise ValueError("not an outcome")
            return raw

        workers = Three([], [], [])
        assert [await ask(workers, read=read) for _ in range(3)] == [b"c"] * 3

    async def test_after_the_deadline_nobody_is_asked(self):
        """DeadlineExceeded."""
        workers = Three([], [], [])
        with pytest.raises(DeadlineExceeded):
            await ask(workers, seconds=-1.0)
        assert workers.asked == [0, 0, 0]


class TestSilence:
    async def test_who_does_not_answer_gets_company_and_then_rests(self):
        """The part is sent to the next; the first request is taken back when that one answers."""
        workers = Three(["hang"] * 9, ["hang"] * 9, [])
        for _ in range(5):
            assert await ask(workers) == b"c"
        assert workers.left == [*workers.asked[:2], 0]
        assert workers.fit == 1
        assert sum(workers.asked[:2]) <= 3

    async def test_taking_the_question_back_takes_all_requests_back(self):
        """Nothing goes on after a cancellation."""
        workers = Three(["hang"], ["hang"], ["hang"])
        asking = asyncio.create_task(ask(workers))
        await asyncio.wait([asking], timeout=0.1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert sum(workers.asked) >= 2
        assert workers.left == workers.asked
