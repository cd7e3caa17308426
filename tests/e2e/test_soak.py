"""Long checks: ``make soak``. Crashes again and again, and more questions than one sim worker can take."""

import asyncio
import itertools
from collections import Counter
from pathlib import Path

import pytest

from pitcall.cli.demo import CAR, LAP, QUESTION, RACE
from pitcall.client import PitcallClient, Question
from pitcall.errors import PitcallError

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

#: Crashes of each service.
CRASHES = 10
CLIENTS = 16
QUESTIONS = 10


async def test_it_answers_after_every_one_of_many_crashes(mesh):
    """One connection lives through all of them: a question under a crash ends, the one after it is answered."""
    async with PitcallClient(mesh.url) as client:
        for number, service in zip(range(2 * CRASHES), itertools.cycle(["sim-worker", "model-server"]), strict=False):
            options: Question = {"race": RACE, "car": CAR, "lap": LAP, "seed": number, "deadline_ms": 10_000}
            asked = asyncio.create_task(client.answer(QUESTION, **options))
            await asyncio.to_thread(mesh.kill, service)
            await asyncio.wait([asked])
            failed = asked.exception()  # None: it was faster than the crash
            assert failed is None or (isinstance(failed, PitcallError) and failed.retryable)
            await asyncio.to_thread(mesh.restart, service)
            assert (await client.answer(QUESTION, **options))["decision"]


async def test_a_crowd_gets_answers_or_is_told_to_come_back(mesh):
    """Every question ends with an answer or a retryable error; when the crowd is gone, nothing of it stays open."""

    def open_files() -> dict[str, int]:
        return {name: len(list(Path(f"/proc/{pid}/fd").iterdir())) for name, pid in mesh.pids.items()}

    async def ask_all(number: int) -> Counter[str]:
        ends: Counter[str] = Counter()
        async with PitcallClient(mesh.url) as client:
            for seed in range(QUESTIONS):
                try:
                    await client.answer(QUESTION, race=RACE, car=CAR, lap=10 + number, seed=seed, deadline_ms=20_000)
                    ends["answer"] += 1
                except PitcallError as error:
                    ends["retryable" if error.retryable else error.detail] += 1
        return ends

    async def crowd() -> Counter[str]:
        return sum(await asyncio.gather(*(ask_all(number) for number in range(CLIENTS))), Counter())

    await crowd()  # opens the connections between the services that the next one uses again
    before = open_files()
    ends = await crowd()
    assert ends["answer"] + ends["retryable"] == CLIENTS * QUESTIONS, ends
    assert ends["answer"] >= QUESTIONS
    async with PitcallClient(mesh.url) as client:
        assert (await client.answer(QUESTION, race=RACE, car=CAR, lap=LAP))["decision"]
    after = open_files()
    assert {name: after[name] - before[name] for name in after if after[name] > before[name] + 4} == {}
