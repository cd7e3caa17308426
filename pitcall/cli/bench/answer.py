"""``pitcall bench``: how long people wait for an answer, measured through all three processes."""

import asyncio
import math
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pitcall.adapters import compiled
from pitcall.cli.bench.figures import Quantiles, cores, quantiles
from pitcall.cli.mesh import Mesh, terminated_like_interrupted
from pitcall.cli.options import Json
from pitcall.cli.output import exits, print_json, progress, stdout
from pitcall.client import Frame, PitcallClient
from pitcall.domain.events import Event, Lap
from pitcall.errors import PitcallError

#: The race: a synthetic one, so that anyone can repeat the figures.
SEED: Final = 7
CARS: Final = 20
LAPS: Final = 70
#: Questions are spread over this many laps on either side of half distance.
SPREAD: Final = 5
QUESTION: Final = "When should I pit?"


@dataclass(frozen=True, slots=True)
class Report:
    """What ``pitcall bench answer --json`` prints."""

    first_ms: Quantiles  #: ask sent -> first answer.delta that holds every option with its standard error
    final_ms: Quantiles  #: ask sent -> answer.done
    overhead_ms: Quantiles  #: one-path questions: ask sent -> answer.done, less the sim worker's own time
    resolved_share: float
    questions: int
    cores: int


@dataclass(frozen=True, slots=True)
class _Timing:
    first_ms: float
    final_ms: float
    sim_worker_ms: float
    resolved: bool


def answer(
    questions: Annotated[int, typer.Option(min=1, max=CARS * SPREAD, help="Questions, one at a time.")] = 50,
    as_json: Json = False,
) -> None:
    """Time "When should I pit?" for 20 cars near half distance: three processes, one question at a time.

    Every question is another car or lap, so no answer comes from a cache. Runs in a temporary home.
    """
    with exits(as_json=as_json), terminated_like_interrupted(), tempfile.TemporaryDirectory() as folder:
        compiled.use()  # compiled code stays in the real home
        os.environ["PITCALL_HOME"] = folder
        race, asked = _race(Path(folder), questions)
        with Mesh(progress) as mesh:
            progress(f"asking {questions} questions, then {questions} of one path each")
            report = asyncio.run(_measure(mesh.url, race, asked))
        if as_json:
            print_json(asdict(report))
        else:
            _print(report)


def _race(folder: Path, questions: int) -> tuple[str, list[tuple[str, int]]]:
    """Store the synthetic race; its id, and the (car, lap) pairs to ask about."""
    from pitcall.adapters.races import RaceStore  # noqa: PLC0415 - only this command makes a race
    from pitcall.synth import synthesise  # noqa: PLC0415 - as above

    race = "bench"
    events = synthesise(SEED, cars=CARS, laps=LAPS, race=race)
    RaceStore(folder / "races").save(events)
    return race, _questions(events, questions)


def _questions(events: Sequence[Event], count: int) -> list[tuple[str, int]]:
    """``count`` different (car, lap) pairs near half distance, in the order of the race.

    Raises:
        PitcallError: the race does not have that many.
    """
    near = range(LAPS // 2 - SPREAD, LAPS // 2 + SPREAD + 1)
    pairs = [(event.car, event.lap) for event in events if isinstance(event, Lap) and event.lap in near]
    if len(pairs) < count:
        raise PitcallError(f"the race has only {len(pairs)} cars and laps near half distance; ask fewer questions")
    step = len(pairs) / count
    return [pairs[int(index * step)] for index in range(count)]


async def _measure(url: str, race: str, asked: Sequence[tuple[str, int]]) -> Report:
    async with PitcallClient(url) as client:
        full = [await _ask(client, race, car, lap) for car, lap in asked]
        # One path is another request than the full one, so it does not come from the cache either.
        one = [await _ask(client, race, car, lap, max_paths=1) for car, lap in asked]
    return Report(
        first_ms=quantiles([timing.first_ms for timing in full]),
        final_ms=quantiles([timing.final_ms for timing in full]),
        overhead_ms=quantiles([timing.final_ms - timing.sim_worker_ms for timing in one]),
        resolved_share=sum(timing.resolved for timing in full) / len(full),
        questions=len(full),
        cores=cores(),
    )


async def _ask(client: PitcallClient, race: str, car: str, lap: int, max_paths: int | None = None) -> _Timing:
    sent = time.perf_counter()
    first_ms = math.nan
    body: Any = None
    async for frame in client.ask(QUESTION, race=race, car=car, lap=lap, max_paths=max_paths):
        if math.isnan(first_ms) and _useful(frame):
            first_ms = _ms_since(sent)
        body = frame.body
    return _Timing(first_ms, _ms_since(sent), body["timings_ms"]["sim_worker"], body["decision"]["resolved"])


def _useful(frame: Frame) -> bool:
    """True for an answer that holds every option with its standard error."""
    return frame.type == "answer.delta" and all(
        option["standard_error"] is not None for option in frame.body["decision"]["options"]
    )


def _ms_since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _print(report: Report) -> None:
    from rich.table import Table  # noqa: PLC0415 - not needed for --json

    table = Table("", "p50", "p95", box=None, title_justify="left")
    for name, found in (
        ("first useful answer", report.first_ms),
        ("final answer", report.final_ms),
        ("overhead of the mesh", report.overhead_ms),
    ):
        table.add_row(name, f"{found.p50:,.1f} ms", f"{found.p95:,.1f} ms")
    stdout.print(table)
    stdout.print(f"{report.questions} questions on {report.cores} cores, {report.resolved_share:.0%} resolved")
