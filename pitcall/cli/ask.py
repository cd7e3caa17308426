"""``pitcall ask``: one question, one answer."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from pitcall.cli.mesh import running, running_or_own, terminated_like_interrupted
from pitcall.cli.options import Home, Json
from pitcall.cli.output import exits, print_json, progress, stderr, stdout
from pitcall.client import PitcallClient, Question

#: Fields of ``answer.done`` that belong to the socket and not to the answer.
_ENVELOPE: Final = frozenset({"type", "seq", "id"})


class Goal(StrEnum):
    """What a call can be best for."""

    POSITION = "position"
    POINTS = "points"
    WIN = "win"
    TARGET = "target"
    CVAR = "cvar"


def ask(  # noqa: PLR0913, PLR0917 - one argument for each option of the command
    question: Annotated[str, typer.Argument(help="The question, such as 'When should I pit?'.", show_default=False)],
    race: Annotated[str, typer.Option(help="Race id; see: pitcall race list.", show_default=False)],
    car: Annotated[
        str | None, typer.Option(help="Car key, such as VER; not needed when the question names it.")
    ] = None,
    lap: Annotated[int | None, typer.Option(min=0, help="Ask as of this completed lap of the car.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same race, lap and seed: same decision.")] = None,
    max_paths: Annotated[int | None, typer.Option(min=1, help="Most simulated races per option.")] = None,
    deadline: Annotated[float | None, typer.Option(min=0.001, help="Answer or fail within this many seconds.")] = None,
    goal: Annotated[
        Goal | None, typer.Option(help="What the call shall be best for; without it what the words say.")
    ] = None,
    target: Annotated[
        int | None, typer.Option(min=1, help="Of the goal target: the position to reach, 10 unless named.")
    ] = None,
    home: Home = None,  # noqa: ARG001 - its callback has already used it
    as_json: Json = False,
) -> None:
    """Ask when to pit, which tyre, plan against plan, what if, where a car rejoins or finishes, why, what a rule says.

    Uses the running mesh (pitcall up), or starts one for the question and stops it.
    """
    options: Question = {
        "race": race,
        "car": car,
        "lap": lap,
        "seed": seed,
        "max_paths": max_paths,
        "deadline_ms": None if deadline is None else max(1, round(deadline * 1000)),
        "goal": None if goal is None else goal.value,
        "target": target,
    }
    with exits(as_json=as_json), terminated_like_interrupted():
        if running() is None:
            _check_race(race)  # before three processes are started for nothing
        with running_or_own(progress) as url:
            body = asyncio.run(question_to(url, question, options))
        if as_json:
            print_json(body)
        else:
            from pitcall.cli import present  # noqa: PLC0415 - rich's tables are not needed for --json

            stdout.print(present.answer(body))


async def question_to(url: str, text: str, options: Question) -> dict[str, Any]:
    """Ask the orchestrator at ``url`` and return the answer; progress goes to stderr.

    Raises:
        PitcallError: as PitcallClient.ask.
    """
    body: Mapping[str, Any] = {}
    with stderr.status("asking") as status:  # shows only on a terminal
        async with PitcallClient(url) as client:
            async for frame in client.ask(text, **options):
                if frame.type == "answer.delta":
                    status.update(f"{frame.body['decision']['draws']:,} races played per option")
                body = frame.body
    return {name: value for name, value in body.items() if name not in _ENVELOPE}


def _check_race(race: str) -> None:
    from pitcall.adapters.races import RaceStore  # noqa: PLC0415 - not needed where a mesh runs

    RaceStore().summary(race)
