"""``pitcall bench decide``: what it takes to know the best call, beside playing every call in every round."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pitcall.adapters import compiled
from pitcall.cli.bench.figures import Quantiles, cores, quantiles
from pitcall.cli.options import Json
from pitcall.cli.output import exits, print_json, progress, stdout

if TYPE_CHECKING:
    from pitcall.sim.engine import Engine  # numba: imported when it is measured
    from pitcall.sim.work import Work

SEED: Final = 1
CARS: Final = 20
#: Race distances, laps.
LAPS: Final = (44, 70)
#: Questions are asked from this lap on, and until as many laps before the flag.
FIRST_LAP: Final = 5
LAST_LAPS: Final = 8


@dataclass(frozen=True, slots=True)
class Allocation:
    """All questions decided in one way."""

    races: Quantiles  #: until resolved or the draws are spent
    ms: Quantiles  #: wall time
    resolved_share: float


@dataclass(frozen=True, slots=True)
class Report:
    """What ``pitcall bench decide --json`` prints."""

    elimination: Allocation  #: as shipped: calls that leave no doubt are dropped
    uniform: Allocation  #: the same stopping rule and the same races, no call is ever dropped
    work_ratio: float  #: median over questions of races under uniform over races under elimination
    time_ratio: float
    total_work_ratio: float  #: the same of the sums over all questions
    same_call_share: float
    candidates: Quantiles  #: calls to choose from
    questions: int
    cores: int


def decide(
    questions: Annotated[int, typer.Option(min=1, max=10_000, help="Questions, each in another synthetic race.")] = 20,
    as_json: Json = False,
) -> None:
    """Decide questions from synthetic races with and without dropping calls: races and time until resolved."""
    with exits(as_json=as_json):
        compiled.use()
        from pitcall.sim.engine import Engine  # noqa: PLC0415 - numba, after its environment is settled

        engine, rng = Engine(cores()), random.Random(SEED)
        engine.warm_up()
        pairs = []
        for asked in range(questions):
            pairs.append(_question(engine, rng))
            if (asked + 1) % 10 == 0:
                progress(f"{asked + 1} of {questions} questions")
        engine.close()
        report = _report(pairs)
        if as_json:
            print_json(asdict(report))
        else:
            _print(report)


def _question(engine: "Engine", rng: random.Random) -> tuple["Work", "Work"]:
    """One car at one moment of one race, decided both ways."""
    from pitcall import forecast  # noqa: PLC0415 - numpy
    from pitcall.domain.reducer import reduce_all, until_lap  # noqa: PLC0415 - only this command plays races in process
    from pitcall.sim.messages import DecideRequest  # noqa: PLC0415 - as above
    from pitcall.sim.work import work  # noqa: PLC0415 - as above
    from pitcall.synth import synthesise  # noqa: PLC0415 - as above

    laps = rng.randint(*LAPS)
    log = synthesise(rng.getrandbits(32), cars=CARS, laps=laps)
    state = reduce_all(until_lap(log, rng.randint(FIRST_LAP, laps - LAST_LAPS)))
    car = rng.choice([found.car for found in state.cars.values() if found.racing])
    race = forecast.read(state).race
    request = DecideRequest(race, car, forecast.candidates(state, car), rng.getrandbits(64))
    return work(request, engine), work(request, engine, uniform=True)


def _report(pairs: "Sequence[tuple[Work, Work]]") -> Report:
    dropping, uniform = zip(*pairs, strict=True)
    return Report(
        elimination=_allocation(dropping),
        uniform=_allocation(uniform),
        work_ratio=median(u.races / d.races for d, u in pairs),
        time_ratio=median(u.seconds / d.seconds for d, u in pairs),
        total_work_ratio=sum(u.races for u in uniform) / sum(d.races for d in dropping),
        same_call_share=sum(d.decision.best == u.decision.best for d, u in pairs) / len(pairs),
        candidates=quantiles([len(d.decision.options) for d in dropping]),
        questions=len(pairs),
        cores=cores(),
    )


def _allocation(works: "Sequence[Work]") -> Allocation:
    return Allocation(
        races=quantiles([work.races for work in works]),
        ms=quantiles([work.seconds * 1e3 for work in works]),
        resolved_share=sum(work.decision.resolved for work in works) / len(works),
    )


def _print(report: Report) -> None:
    from rich.table import Table  # noqa: PLC0415 - not needed for --json

    table = Table("", "races p50", "p95", "time p50", "p95", "resolved", box=None)
    for name, found in (("dropping calls", report.elimination), ("every call in every round", report.uniform)):
        races = (f"{count:,.0f}" for count in (found.races.p50, found.races.p95))
        times = (f"{ms:,.1f} ms" for ms in (found.ms.p50, found.ms.p95))
        table.add_row(name, *races, *times, f"{found.resolved_share:.0%}")
    stdout.print(table)
    stdout.print(f"{report.questions} questions, {report.cores} cores; work {report.work_ratio:.1f} x, median")
