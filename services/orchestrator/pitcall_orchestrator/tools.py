"""The tools of the planner, from ``advise`` to ``standings``. One question in, one answer out.

Every figure of an answer comes from here: from the model server, the race state, or a document that is quoted.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from pitcall.adapters import telemetry
from pitcall.domain.race import CarState, RaceState
from pitcall.domain.tyres import Compound
from pitcall.errors import NotFound, StaleFeed
from pitcall.sim.messages import Utility
from pitcall.wire.knowledge import Grounding
from pitcall.wire.reply import Advice, Provenance
from pitcall.wire.request import Planned
from pitcall.wire.view import standings_view
from pitcall_orchestrator import cite, contrast, phrase, report
from pitcall_orchestrator.advice import ModelServer, Terms
from pitcall_orchestrator.lookup import Lookup
from pitcall_orchestrator.planner import Choice, Intent, Plan, plan
from pitcall_orchestrator.protocol import (
    comparison_json,
    decision_json,
    forecast_json,
    source_json,
    timings_json,
    what_if_json,
)
from pitcall_orchestrator.recorder import Recorder

Json = dict[str, Any]

#: What stands in the provenance of an answer that needed no model and no random numbers.
_TIMING: Final = Provenance("timing", 0, 0, 0.0)
_DOCUMENTS: Final = Provenance("documents", 0, 0, 0.0)


class AsOf(Protocol):
    """The race as one car's question sees it."""

    def __call__(self, car: str | None) -> tuple[RaceState, float]:
        """The state, and the age of its newest event in race time, s."""


@dataclass(frozen=True, slots=True)
class Question:
    """One ``ask`` with its defaults filled in."""

    id: str
    text: str
    as_of: AsOf
    received: float  #: ``time.perf_counter()``
    deadline_s: float  #: from ``received`` on
    car: str | None = None
    lap: int | None = None
    seed: int | None = None
    max_paths: int | None = None
    utility: Utility | None = None  #: what the call shall be best for; None: what the words say, or the mean position
    live: bool = False  #: the race goes on: nobody knows how it ends


@dataclass(frozen=True, slots=True)
class Advised:
    """What "why?" needs of an answer."""

    question: Question
    plan: Plan
    state: RaceState
    feed_age_s: float
    advice: Advice
    utility: Utility


@dataclass(slots=True)
class Job:
    """One question on its way to its answer."""

    question: Question
    plan: Plan
    state: RaceState
    feed_age_s: float
    emit: Callable[[str, Json], None]  #: frame type, fields
    decision: Json | None = None  #: as last shown
    model_server_ms: float = 0.0
    sim_worker_ms: float = 0.0

    def terms(self) -> Terms:
        """What is left of the question's terms now."""
        asked = self.question
        left = asked.deadline_s - (time.perf_counter() - asked.received)
        return Terms(left, asked.seed, asked.max_paths, self.plan.what_if, self.utility)

    @property
    def utility(self) -> Utility:
        """What the call shall be best for: what a field of the question says, else its words."""
        return self.question.utility or self.plan.utility or Utility()

    @property
    def goal(self) -> str | None:
        """Its name, where it is not the usual one."""
        return None if self.utility == Utility() else self.utility.goal

    def call(self, tool: str, **arguments: object) -> None:
        """Say which tool is used."""
        given = {name: value for name, value in arguments.items() if value is not None}
        self.emit("tool.call", {"id": self.question.id, "tool": tool, "arguments": {"race": self.state.race, **given}})

    def result(self, tool: str, result: Json) -> None:
        """Say in brief what it found."""
        self.emit("tool.result", {"id": self.question.id, "tool": tool, "result": result})


class Tools:
    """Plans a question, uses the tools, phrases the answer."""

    def __init__(self, model_server: ModelServer, recorder: Recorder) -> None:
        self._model_server = model_server
        self._recorder = recorder

    async def answer(
        self, question: Question, last: Advised | None, emit: Callable[[str, Json], None]
    ) -> Advised | None:
        """Answer by ``emit``; the last frame is ``answer.done``. Returns what a later "why?" is about, if anything.

        Args:
            question: what is asked.
            last: the session's last advice on the same race, that "why?" is about.
            emit: takes type and fields of every frame.

        Raises:
            PitcallError: as by ``planner.plan``, ``RaceState.car`` and ``ModelServer``.
        """
        state, age = question.as_of(question.car)
        made = plan(question.text, state, question.car)
        if made.car != question.car:
            state, age = question.as_of(made.car)
        job = Job(question, made, state, age, emit)
        if made.tool == "standings":
            self._standings(job)
            return None
        if made.tool == "forecast":
            await self._forecast(job)
            return None
        if made.lookup is not None:
            await self._search(job, made.lookup)
            return None
        if made.intent is Intent.WHY and last is not None and _about(last, question, made):
            return self._explain(job, last)
        return await self._advise(job)

    async def _advise(self, job: Job) -> Advised:
        made, state = job.plan, job.state
        if made.car is None:
            raise NotFound("there is no answer yet to explain: ask when to pit first")
        _check_racing(state, state.car(made.car))
        phrase.named_laps(made, state)  # a lap that cannot be is refused before anything is simulated
        if made.pair is not None:
            return await self._compare(job, made.car, made.pair)
        rival = await self._rival(job)
        advice = await self._decision(job, made.car)
        said = phrase.advice(made, state, advice, rival, job.utility)
        said = cite.cited(said, advice.grounding, _quotations(made))
        self._done(job, said, advice.provenance, advice=advice, grounding=advice.grounding)
        if not made.what_if:  # what was only supposed cannot be graded
            self._recorder.note(state, made.car, advice, job.utility, live=job.question.live)
        return Advised(job.question, made, state, job.feed_age_s, advice, job.utility)

    async def _compare(self, job: Job, car: str, pair: tuple[Choice, Choice]) -> Advised:
        now = job.state.car(car).laps_done + 1
        a, b = (Planned(c.lap if c.wait is None else now + c.wait, c.compound) for c in pair)
        what_if = what_if_json(job.plan.what_if)
        job.call("compare", car=car, lap=now - 1, a=_call(a), b=_call(b), what_if=what_if, goal=job.goal)
        found = await self._model_server.compare(job.state, car, (a, b), job.terms())
        advice = found.advice
        job.model_server_ms += advice.timings.model_server_ms
        job.sim_worker_ms += advice.timings.sim_worker_ms
        job.decision = decision_json(advice.decision, job.utility)
        shown = comparison_json(found)
        job.result("compare", {name: shown[name] for name in ("difference", "standard_error", "told_apart")})
        said = cite.cited(contrast.comparison(job.plan, job.state, found, job.utility), advice.grounding)
        self._done(job, said, advice.provenance, advice=advice, comparison=shown, grounding=advice.grounding)
        return Advised(job.question, job.plan, job.state, job.feed_age_s, advice, job.utility)

    async def _decision(self, job: Job, car: str) -> Advice:
        tool = "what_if" if job.plan.what_if else "advise"
        what_if = what_if_json(job.plan.what_if)
        job.call(tool, car=car, lap=job.state.car(car).laps_done, what_if=what_if, goal=job.goal)
        advice: Advice | None = None
        async for advice in self._model_server.advise(job.state, car, job.terms()):
            decision = advice.decision
            stage = "final" if decision.final else "refine" if decision.rounds > 1 else "screen"
            job.decision = decision_json(decision, job.utility)
            job.emit("answer.delta", {"id": job.question.id, "stage": stage, "decision": job.decision})
        assert advice is not None  # noqa: S101  # an empty stream has raised
        job.model_server_ms += advice.timings.model_server_ms
        job.sim_worker_ms += advice.timings.sim_worker_ms
        best = advice.decision.options[advice.decision.best]
        result = {
            "lap": best.lap,
            "compound": None if best.compound is None else Compound(best.compound).label,
            "mean_position": best.mean_position,
            "resolved": advice.decision.resolved,
            "draws": advice.decision.draws,
        }
        job.result(tool, result)
        return advice

    async def _rival(self, job: Job) -> Advice | None:
        """For "can I undercut HAM?": what HAM knows of cars behind, without a simulation worth the name."""
        if job.plan.intent is not Intent.ATTACK or job.plan.car is None:
            return None
        other = job.plan.other or report.car_ahead(job.state, job.plan.car)
        if other is None or not job.state.car(other).racing:
            return None
        job.call("advise", car=other, max_paths=1)
        terms = job.terms()
        what_if = replace(terms.what_if, boxes_now=None)  # the rival is who is asked about
        one_path = replace(terms, max_paths=1, what_if=what_if, outlook=False)
        found = [advice async for advice in self._model_server.advise(job.state, other, one_path)][-1]
        job.model_server_ms += found.timings.model_server_ms
        job.sim_worker_ms += found.timings.sim_worker_ms
        threats = [threat.car for threat in found.evidence.undercut_threats]
        job.result("advise", {"undercut_threats": threats})
        return found

    async def _forecast(self, job: Job) -> None:
        car = job.plan.car if job.plan.intent is Intent.FINISH else None
        if car is not None:
            job.state.car(car)
        if job.state.finished:
            raise StaleFeed(f"race {job.state.race} is over: there is nothing to forecast")
        job.call("forecast", lap=job.state.laps_done, car=car, what_if=what_if_json(job.plan.what_if))
        outlook = await self._model_server.forecast(job.state, job.terms())
        job.model_server_ms += outlook.timings.model_server_ms
        job.sim_worker_ms += outlook.timings.sim_worker_ms
        shown = forecast_json(outlook.forecast)
        first = {"car": shown["cars"][0]["car"], "mean_position": shown["cars"][0]["mean_position"]}
        job.result("forecast", {"draws": outlook.forecast.draws, "best": first})
        said = report.forecast(job.plan, job.state, outlook)
        self._done(job, said, outlook.provenance, forecast=shown, draws=outlook.forecast.draws)

    def _standings(self, job: Job) -> None:
        for car in (job.plan.car, job.plan.other):
            if car is not None:
                job.state.car(car)
        job.call("standings", lap=job.state.laps_done)
        rows = standings_view(job.state)
        job.result("standings", {"leader": rows[0]["car"] if rows else None, "cars": len(rows)})
        self._done(job, report.standings(job.plan, job.state), _TIMING, standings=rows)

    def _explain(self, job: Job, last: Advised) -> Advised:
        job.call("explain", car=last.plan.car, lap=last.advice.provenance.race_lap)
        job.result("explain", {"question": last.question.text})
        job.feed_age_s = last.feed_age_s
        job.decision = decision_json(last.advice.decision, last.utility)
        made = phrase.about(job.plan, last.plan)
        grounding = last.advice.grounding
        said = phrase.advice(made, last.state, last.advice, None, last.utility)
        said = cite.cited(said, grounding, _quotations(made))
        self._done(job, said, last.advice.provenance, advice=last.advice, grounding=grounding)
        return last

    async def _search(self, job: Job, asked: Lookup) -> None:
        """What documents say: about this race or about none in particular, never another team's notes."""
        state, car = job.state, job.plan.car
        words = f"{asked.words} {state.circuit}" if asked.here and state.circuit else asked.words
        where = {"series": (state.series, ""), "circuit": (state.circuit or "", "")}
        if car is not None:
            where["team"] = (state.car(car).team, "")
        job.call("search", query=words)
        found = await self._model_server.search(words, where, job.terms())
        job.model_server_ms += found.took_ms
        sources = cite.ranked(asked, found.sources)
        job.result("search", {"passages": len(found.sources), "embedder": found.embedder})
        missing = "" if sources and cite.supports(sources[0]) else "no document answers this question"
        grounding = Grounding(sources, found.embedder, missing)
        self._done(job, cite.answer(asked, sources), _DOCUMENTS, grounding=grounding)

    def _done(
        self,
        job: Job,
        said: report.Said,
        source: Provenance,
        *,
        advice: Advice | None = None,
        comparison: Json | None = None,
        forecast: Json | None = None,
        standings: list[Json] | None = None,
        grounding: Grounding | None = None,
        draws: int = 0,
    ) -> None:
        body: Json = {
            "id": job.question.id,
            "tool": job.plan.tool,
            "text": said.text,
            "why": list(said.why),
            "decision": job.decision,
            "comparison": comparison,
            "forecast": forecast,
            "standings": standings,
            "sources": [source_json(n, each) for n, each in enumerate(grounding.sources, 1)] if grounding else [],
            "ungrounded": (grounding.missing or None) if grounding else None,
            "provenance": {
                "model": source.model,
                "seed": source.seed,
                "race": job.state.race,
                "race_lap": job.state.laps_done if source in (_TIMING, _DOCUMENTS) else source.race_lap,
                "feed_age_s": round(job.feed_age_s, 3),
                "assumed": list(source.assumed),
                "draws": advice.decision.draws if advice else draws,
                "rounds": advice.decision.rounds if advice else 0,
                "embedder": (grounding.embedder or None) if grounding else None,
                "trace_id": telemetry.trace_id(),
            },
        }
        total_ms = (time.perf_counter() - job.question.received) * 1e3
        body["timings_ms"] = timings_json(total_ms, job.model_server_ms, job.sim_worker_ms)
        job.emit("answer.done", body)


def _quotations(made: Plan) -> int:
    """How many an answer holds: "why?" asks for them, another question for the call."""
    return cite.MOST if made.intent is Intent.WHY else 1


def _call(plan: Planned) -> Json:
    """One plan of a comparison, as the arguments of the tool name it."""
    return {"lap": plan.lap, "compound": None if plan.compound is None else plan.compound.label}


def _about(last: Advised, question: Question, made: Plan) -> bool:
    """True if "why?" can only mean the last answer."""
    return (
        question.as_of(None)[0].race == last.state.race
        and (not made.named or made.car == last.plan.car)
        and question.car in (None, last.question.car, last.plan.car)
        and question.lap in (None, last.question.lap)
    )


def _check_racing(state: RaceState, car: CarState) -> None:
    """Raises StaleFeed before any hop: there is no call left to make."""
    if state.finished:
        raise StaleFeed(f"race {state.race} is over; name an earlier lap to ask what it looked like then")
    if not car.racing:
        raise StaleFeed(f"{car.car} is {car.status.value}; name an earlier lap to ask what it looked like then")
