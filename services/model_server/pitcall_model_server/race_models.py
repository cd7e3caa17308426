"""The race models that answer here: the blessed one, the one before, and one on trial for its share of the races.

A version is a ``Model`` in memory with an ``Advisor`` of its own. A question takes one of them when it arrives and ends
with it, so a swap needs no pause and no answer mixes two. Where the one on trial fails before its first answer, the
blessed one answers in its place.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from pitcall.adapters.model import load as load_folder
from pitcall.adapters.objects import StorageSettings
from pitcall.adapters.registry import open_model, race_model
from pitcall.errors import InvalidRequest, ModelRefused, ModelServerUnavailable, NotFound, PitcallError
from pitcall.model import Model
from pitcall.registry.manifest import Manifest
from pitcall.wire.reply import Advice, Comparison, Outlook
from pitcall_model_server.advisor import Advisor
from pitcall_model_server.serving.versions import Answered, OnHealth, Pointer, tried_on

NAME: Final = race_model.NAME

Answer: TypeAlias = Advice | Comparison | Outlook
_A = TypeVar("_A", bound=Answer)
_Answers: TypeAlias = AsyncGenerator[_A, None]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Serving:
    """A race model in memory."""

    version: str
    model: Model
    advisor: Advisor
    source: str  #: cache, store, package or folder
    degraded: tuple[str, ...] = ()  #: why this may not be the version that should serve
    answered: int = 0  #: questions
    failed: int = 0  #: of them by its own fault


class RaceModels:
    """Who answers questions about races. Belongs to one event loop.

    Args:
        advise: makes the Advisor of a model.
        settings: of the store.
        on_health: told what is in memory and what is not.
    """

    def __init__(
        self, advise: Callable[[Model], Advisor], settings: StorageSettings, on_health: OnHealth | None = None
    ) -> None:
        self.observers: list[Callable[[Answered, str], None]] = []
        self._advise, self._settings, self._on_health = advise, settings, on_health
        self._loaded: dict[str, Serving] = {}
        self._pointer: Pointer | None = None

    async def start(self, folder: Path | None = None) -> Serving:
        """Serve the blessed version, or the best one that there is; or the model of a folder, whatever is blessed.

        Raises:
            NotFound: there is none; the message names cache, store and package.
            ModelRefused: all there is was refused.
            Corrupt: a file of the folder was changed.
            InvalidRequest: a setting is wrong, or the folder is of another format.
        """
        if folder is None:
            return await self.serve(NAME)
        model = await asyncio.to_thread(load_folder, folder)
        await self._keep(Serving(model.version, model, self._advise(model), "folder"))
        self._pointer = Pointer(model.version)
        return self._loaded[model.version]

    async def load(self, name: str, version: str | None = None) -> Serving:
        """Read a version, ask its golden rows, and keep it beside what serves until the next swap.

        Raises:
            PitcallError: what ``open_model`` raises; what serves goes on.
        """
        if version is not None and version in self._loaded:
            return self._loaded[version]
        serving = await asyncio.to_thread(self._open, name, version)
        if serving.version not in self._loaded:
            await self._keep(serving)
        return self._loaded[serving.version]

    async def serve(self, name: str, version: str | None = None) -> Serving:
        """Let a version answer all races; ends a trial. Raises as ``load``; the pointer then stays where it was."""
        serving = await self.load(name, version)
        before = self._pointer
        if before is None:
            self._pointer = Pointer(serving.version)
        elif before.blessed == serving.version:
            self._pointer = replace(before, canary=None, percent=0.0)
        else:
            self._pointer = Pointer(serving.version, before.blessed)
        await self._trim()
        return serving

    async def canary(self, name: str, version: str | None, percent: float = 0.0) -> None:
        """Let a version answer a share of the races; None: none. Raises as ``load``."""
        if self._pointer is None:
            raise NotFound(f"nothing answers for {name} yet")
        if version is None:
            self._pointer = replace(self._pointer, canary=None, percent=0.0)
        elif version == self._pointer.blessed:
            raise InvalidRequest(f"{name} {version} answers all races already")
        else:
            trial = await self.load(name, version)
            self._pointer = replace(self._pointer, canary=trial.version, percent=percent)
        await self._trim()

    def pointer(self, name: str) -> Pointer | None:
        """Who answers; None before ``start``, and of any other name."""
        return self._pointer if name == NAME else None

    def listed(self) -> list[Serving]:
        """What is in memory, in the order in which it was loaded."""
        return list(self._loaded.values())

    async def ask(self, race: str, kind: str, question: Callable[[Advisor], Awaitable[_A]]) -> _A:
        """The answer of one version.

        Args:
            race: decides whether the one on trial is asked.
            kind: of question; only the same kinds are compared.
            question: put to the Advisor.

        Raises:
            ModelRefused: the model answers NaN.
            PitcallError: what the Advisor raises.
        """

        async def only(advisor: Advisor) -> AsyncGenerator[_A, None]:
            yield await question(advisor)

        async with aclosing(self.stream(race, kind, only)) as answers:
            (answer,) = [one async for one in answers]
        return answer

    async def stream(self, race: str, kind: str, question: Callable[[Advisor], _Answers[_A]]) -> _Answers[_A]:
        """The answers of one version. Arguments and errors as of ``ask``."""
        blessed, trial = self._chosen(race)
        serving, answer, rest = await self._begin(blessed, trial, race, kind, question)
        try:
            async with aclosing(rest):
                yield answer
                async for answer in rest:
                    yield _checked(answer, serving)
        except Exception as exc:
            self._tell_failure(serving, race, kind, exc)
            raise
        self._tell(serving, Answered(NAME, serving.version, race, 1, _own_s(answer), None, nan=False), kind)

    async def _begin(
        self,
        blessed: Serving,
        trial: Serving | None,
        race: str,
        kind: str,
        question: Callable[[Advisor], _Answers[_A]],
    ) -> tuple[Serving, _A, _Answers[_A]]:
        """Who answers, its first answer, and the others."""
        failure: Exception | None = None
        if trial is not None:
            try:
                return await _first(trial, question)
            except Exception as exc:
                if isinstance(exc, PitcallError) and exc.retryable:  # the simulator's, or the deadline
                    raise
                failure = exc
        try:
            begun = await _first(blessed, question)
        except Exception as exc:
            self._tell_failure(blessed, race, kind, exc)
            raise
        if trial is not None and failure is not None:  # the blessed one can answer it, so the fault is the other's
            _log.warning("%s %s, on trial, failed for race %.80r: %s", NAME, trial.version, race, _sentence(failure))
            self._tell_failure(trial, race, kind, failure, always=True)
        return begun

    def _chosen(self, race: str) -> tuple[Serving, Serving | None]:
        """The blessed version, and the one on trial if it is this race's turn."""
        pointer = self._pointer
        if pointer is None:
            raise ModelServerUnavailable("the model server is loading its models; try again in a second")
        trial = pointer.canary if pointer.canary and tried_on(race, NAME, pointer.canary, pointer.percent) else None
        return self._loaded[pointer.blessed], self._loaded[trial] if trial else None

    def _tell_failure(self, serving: Serving, race: str, kind: str, exc: Exception, *, always: bool = False) -> None:
        """Say that a version failed, if it was its own fault: neither the caller's nor the simulator's."""
        own = not isinstance(exc, PitcallError) or exc.http == 500 or isinstance(exc, ModelRefused)
        if own or always:
            error = PitcallError(_sentence(exc))
            nan = isinstance(exc, ModelRefused)
            self._tell(serving, Answered(NAME, serving.version, race, 1, 0.0, error, nan), kind)

    def _tell(self, serving: Serving, told: Answered, kind: str) -> None:
        serving.answered += 1
        serving.failed += told.error is not None
        for observer in self.observers:
            observer(told, kind)

    async def _keep(self, serving: Serving) -> None:
        self._loaded[serving.version] = serving
        _log.info("%s %s is in memory, from the %s", NAME, serving.version, serving.source)
        await self._say(serving.version, alive=True)

    async def _trim(self) -> None:
        """Let go of what neither answers, nor did before, nor is on trial. Questions that began with it end with it."""
        pinned = self._pointer.pinned if self._pointer else frozenset()
        for version in [one for one in self._loaded if one not in pinned]:
            del self._loaded[version]
            _log.info("%s %s is unloaded", NAME, version)
            await self._say(version, alive=False)

    async def _say(self, version: str, *, alive: bool) -> None:
        if self._on_health is not None:
            await self._on_health(f"{NAME}@{version}", alive)

    def _open(self, name: str, version: str | None) -> Serving:
        made: dict[str, Model] = {}

        def accept(folder: Path, manifest: Manifest) -> None:
            made[manifest.version] = race_model.read(folder, manifest)

        with open_model(name, version, settings=self._settings, accept=accept) as found:
            chosen = found.manifest.version
            return Serving(chosen, made[chosen], self._advise(made[chosen]), found.source, found.degraded)


async def _first(serving: Serving, question: Callable[[Advisor], _Answers[_A]]) -> tuple[Serving, _A, _Answers[_A]]:
    answers = question(serving.advisor)
    answer = await anext(answers)
    try:
        return serving, _checked(answer, serving), answers
    except ModelRefused:
        await answers.aclose()  # nobody waits for the others
        raise


def _checked(answer: _A, serving: Serving) -> _A:
    """The answer, if it is made of numbers. Raises ModelRefused."""
    if isinstance(answer, Outlook):
        told = [p for row in answer.forecast.p_position for p in row]
    else:
        advice = answer.advice if isinstance(answer, Comparison) else answer
        told = [option.mean_position for option in advice.decision.options]
    if not all(map(math.isfinite, told)):
        raise ModelRefused(
            f"{NAME} {serving.version} answers NaN; the version before serves as soon as this one is out"
        )
    return answer


def _own_s(answer: Answer) -> float:
    """Time of the answer less that of the simulator, s."""
    timings = answer.advice.timings if isinstance(answer, Comparison) else answer.timings
    return timings.model_server_ms / 1e3


def _sentence(exc: Exception) -> str:
    return exc.detail if isinstance(exc, PitcallError) else f"{type(exc).__name__}: {exc}"
