"""Decisions in words, in the style of the radio. Pure templates: every figure is that of a tool's result.

The main line says the call, what it is worth and how sure that is; the reasons carry it. A difference
that the simulation does not show is not claimed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from pitcall.domain.events import Track
from pitcall.domain.race import CarState, RaceState
from pitcall.domain.strategy import Evidence
from pitcall.domain.tyres import Compound
from pitcall.errors import NotUnderstood
from pitcall.sim.messages import Decision, Option, Utility
from pitcall.wire.reply import Advice
from pitcall.wire.view import rejoin_words
from pitcall_orchestrator.goals import Z95, Aim, clear
from pitcall_orchestrator.planner import Intent, Plan
from pitcall_orchestrator.report import TRACK, Said, car_ahead, event, supposed, supposition

#: Most reasons under an answer.
_REASONS: Final = 5
#: Calls that are named as equally good.
_NAMED: Final = 2


@dataclass(frozen=True, slots=True)
class _Call:
    """One decision and the words for its parts."""

    plan: Plan
    state: RaceState
    decision: Decision
    evidence: Evidence
    aim: Aim

    @property
    def best(self) -> Option:
        return self.decision.options[self.decision.best]

    @property
    def car(self) -> CarState:
        return self.state.car(self.plan.car or "")

    @property
    def now(self) -> int:
        """The in-lap of a car that stops at the end of its current lap."""
        return self.car.laps_done + 1

    @property
    def you(self) -> str:
        """Whose car it is, in the middle of a sentence."""
        return self.car.car if self.plan.named else "you"

    def at(self, lap: int | None) -> Option | None:
        """The best option that stops on this lap; None: the one that stays out."""
        return _first(option for option in self.decision.options if option.lap == lap)

    def first_stop(self) -> Option | None:
        """The best option that stops at all."""
        return _first(option for option in self.decision.options if option.lap is not None)

    def name(self, lap: int | None) -> str:
        """A call in the middle of a sentence: ``boxing now``, ``lap 24``."""
        if lap is None:
            return "staying out"
        return "boxing now" if lap == self.now else f"lap {lap}"

    def order(self, option: Option | None = None) -> str:
        """A call as it is given: ``Box this lap for hards``; the best one by default."""
        option = option or self.best
        return self.order_of(option.lap, option.compound)

    def order_of(self, lap: int | None, compound: int | None) -> str:
        """The same for a call by its lap and tyres."""
        if lap is None:
            return "Stay out to the flag"
        return f"Box {'this lap' if lap == self.now else f'lap {lap}'} for {tyres(compound)}"


def advice(
    plan: Plan, state: RaceState, given: Advice, rival: Advice | None = None, utility: Utility | None = None
) -> Said:
    """The words for a decision.

    Args:
        plan: the question.
        state: the race as it was known.
        given: the decision.
        rival: the advice of the car that one wants to undercut.
        utility: what the call is best for; None: the mean position.

    Raises:
        NotUnderstood: the question is about a lap on which the car cannot stop.
    """
    call = _Call(plan, state, given.decision, given.evidence, Aim(utility or Utility()))
    text = _attack(call, rival) if plan.intent is Intent.ATTACK else _MAIN_LINES.get(plan.intent, _pit)(call)
    return Said(headed(plan, text, call.car.car), _reasons(call, given.provenance.assumed))


def headed(plan: Plan, text: str, car: str) -> str:
    """A main line that begins with what is supposed, or with whose it is."""
    if plan.what_if:
        return f"{supposition(plan.what_if)}: {_lower(text)}"
    return f"{car}: {_lower(text)}" if plan.named else text


def about(plan: Plan, last: Plan) -> Plan:
    """The plan of a "why?" that is about the last answer: its car, and what it supposed."""
    return replace(plan, car=last.car, named=last.named, what_if=last.what_if)


# The main lines.


def _pit(call: _Call) -> str:
    if call.decision.resolved:
        return f"{_verdict(call)} Sure."
    return f"{_verdict(call)} {'Cut short by the deadline.' if call.decision.cut else 'Not sure.'}"


def _verdict(call: _Call) -> str:
    """The call, and what it is worth against waiting, or against stopping at once."""
    best = call.best
    worth = call.aim.expected(best)
    if not call.decision.resolved and (rival := _rival(call)) is not None:
        return f"{_either(call, best, rival)}: cannot be told apart (within {call.aim.zone}). {worth}."
    if best.lap == call.now:
        against, name = call.at(call.now + 2), "staying two laps longer"
    else:
        against = call.at(call.now) or (call.first_stop() if best.lap is None else None)
        name = call.name(against.lap) if against else ""
    return f"{call.order()}. {worth}{f', {call.aim.better(against, name)}' if against else ''}."


def _compare(call: _Call) -> str:
    """Stopping on one lap against another inside one decision, by its paired differences."""
    named = named_laps(call.plan, call.state)
    illegal = [lap for lap in named if call.at(lap) is None]
    if illegal:
        return f"{_upper(call.name(illegal[0]))} is not a legal call. {_verdict(call)}"
    options = sorted((option for lap in named if (option := call.at(lap))), key=lambda option: option.delta)
    first = options[0]
    if len(options) > 1:
        return _two(call, first, options[1])
    if first.lap == call.best.lap:
        return f"Yes. {_pit(call)}"
    expected = call.aim.expected(call.best)
    if not clear(first):
        return f"{_either(call, call.best, first)}: cannot be told apart. {expected}."
    worse = f"{call.aim.better(first, call.name(first.lap))}{call.aim.error(first.standard_error)}"
    return f"No. {call.order()}. {expected}, {worse}."


def _two(call: _Call, first: Option, second: Option) -> str:
    """The better of two named calls, and by how much."""
    apart = second.delta - first.delta
    best = first is call.best
    # Where a third call is best only a bound is known: standard errors of differences add at most.
    aim = call.aim
    bound = second.standard_error + (0.0 if best else first.standard_error)
    error = aim.error(bound, "" if best else "at most ")
    if apart <= Z95 * bound:
        text = f"{_either(call, first, second)}: cannot be told apart, {aim.some(apart)}{error}."
    else:
        worth = f"{aim.short(first)}, {aim.more(apart)} better than {call.name(second.lap)}"
        text = f"{call.order(first)}: {worth}{error}."
    return text if best else f"{text} Best is {call.name(call.best.lap)}: {aim.short(call.best)}."


def named_laps(plan: Plan, state: RaceState) -> list[int | None]:
    """The in-laps that a question names, the current one if none; None stands for staying out.

    Raises:
        NotUnderstood: the car cannot stop on one of them.
    """
    car = state.car(plan.car or "")
    now, last = car.laps_done + 1, state.total_laps - 1
    laps = [*(now + wait for wait in plan.wait), *plan.laps]
    for lap in laps:
        if not now <= lap <= last:
            raise NotUnderstood(f"{car.car} cannot stop at the end of lap {lap}: name a lap from {now} to {last}.")
    if plan.now or not laps or (plan.wait and len(laps) == 1):
        laps.insert(0, now)
    return list(dict.fromkeys([*laps, *([None] if plan.stay else [])]))


def _tyre(call: _Call) -> str:
    """One compound against the others, each at its best lap."""
    by_compound = {
        compound: option
        for compound in Compound
        if (option := _first(o for o in call.decision.options if o.compound == compound)) is not None
    }
    asked = call.plan.compounds
    missing = [compound for compound in asked if compound not in by_compound]
    if missing:
        return f"{_upper(missing[0].label)}s are not a legal call now. {_verdict(call)}"
    ranked = sorted(by_compound, key=lambda compound: by_compound[compound].delta)
    text = f"{call.order()}. {call.aim.expected(call.best)}"
    others = [c for c in ranked if c != call.best.compound and (not asked or c in asked or ranked[0] in asked)]
    if others:
        text += f", {call.aim.better(by_compound[others[0]], f'{others[0].label}s')}"
    return f"{text}. {'Sure.' if call.decision.resolved else 'Not sure.'}"


def _undercut(call: _Call) -> str:
    """Who behind would come out ahead by stopping now."""
    facts, other = call.evidence, call.plan.other
    threats = [threat for threat in facts.undercut_threats if other in (None, threat.car)]
    if threats:
        first = threats[0]
        more = f" So can {_listed([threat.car for threat in threats[1:3]])}." if threats[1:] else ""
        figures = f"{first.gap_s:.1f} s behind, {first.margin_s:.1f} s to spare"
        return f"{first.car} can undercut {call.you}: {figures}.{more} {call.order()}."
    text = f"No, {other} cannot undercut {call.you} now." if other else f"Nobody can undercut {call.you} now."
    if facts.behind:
        text += f" {facts.behind} is {facts.gap_behind_s:.1f} s behind."
    return f"{text} {call.order()}."


def _attack(call: _Call, rival: Advice | None) -> str:
    """Whether stopping now brings the car out ahead of another that stops a lap later."""
    target = call.plan.other or car_ahead(call.state, call.car.car)
    if target is None:
        return f"There is nobody ahead to undercut. {call.order()}."
    if rival is None:
        return f"{target} is out of the race. {call.order()}."
    threat = next((threat for threat in rival.evidence.undercut_threats if threat.car == call.car.car), None)
    running = [car.car for car in call.state.order()]
    if threat is not None:
        text = f"Yes, the undercut on {target} works: {threat.gap_s:.1f} s to gain, {threat.margin_s:.1f} s to spare."
    elif running.index(call.car.car) < running.index(target):
        text = f"{target} is behind {call.you} already."
    else:
        text = f"No, the undercut on {target} does not work now."
    return f"{text} {call.order()}."


def _rejoin(call: _Call) -> str:
    """Where a stop comes out: now, or on the lap that was named."""
    facts = call.evidence
    subject = f"{call.you} {'comes' if call.plan.named else 'come'} out"
    later = [lap for lap in named_laps(call.plan, call.state) if lap not in (None, call.now)]
    if later:
        option = call.at(later[0])
        if option is None or option.rejoin_position is None:
            return f"Where a stop on lap {later[0]} comes out is not known. {call.order()}."
        return (
            f"Box lap {later[0]} and {subject} about P{option.rejoin_position:.1f}{between(option)}. "
            f"The call: {_lower(call.order())}."
        )
    near = rejoin_words(facts.rejoin_ahead, facts.rejoin_gap_ahead_s, facts.rejoin_behind, facts.rejoin_gap_behind_s)
    return f"Box now and {subject} P{facts.rejoin_position}{near}. The call: {_lower(call.order())}."


def _because(call: _Call) -> str:
    """The call again with the figures that carry it, or against the one that was named."""
    facts, best, plan = call.evidence, call.best, call.plan
    against, name = None, ""
    if plan.compounds:
        against = _first(option for option in call.decision.options if option.compound == plan.compounds[0])
        name = f"{plan.compounds[0].label}s"
    elif plan.stay or plan.now or plan.laps or plan.wait:
        against = call.at(None if plan.stay else named_laps(plan, call.state)[-1])
        name = call.name(against.lap) if against else ""
    if against is not None and against is not best:
        worth = f"{call.aim.short(best)} against {call.aim.short(against)}"
        return f"{call.order()}: {worth}, {call.aim.better(against, name)}{call.aim.error(against.standard_error)}."
    gain = f"fresh tyres gain {facts.fresh_gain_s:.1f} s a lap, a stop costs {facts.pit_loss_s:.1f} s"
    return f"{call.order()}: {gain}. {call.aim.expected(best)}."


_MAIN_LINES: Final = {
    Intent.COMPARE: _compare,
    Intent.TYRE: _tyre,
    Intent.UNDERCUT: _undercut,
    Intent.REJOIN: _rejoin,
    Intent.WHY: _because,
}


# The reasons.


def _reasons(call: _Call, assumed: tuple[str, ...]) -> tuple[str, ...]:
    facts, decision = call.evidence, call.decision
    said = []
    if call.plan.what_if:
        said.append(f"Supposed: {supposed(call.plan.what_if)}.")
    elif call.state.track is not Track.GREEN:
        said.append(f"Track status: {TRACK[call.state.track]}.")
    if decision.cut:
        said.append(f"Cut short by the deadline after {decision.draws} races per call.")
    said.append(_wear(facts))
    said += _waiting(call)
    said += _otherwise(call)
    if assumed:
        count = len(assumed) - 1
        more = f" And {count} more assumption{'s' if count > 1 else ''}." if count else ""
        said.append(f"{assumed[0]}{more}")
    best = call.best
    if call.plan.intent is not Intent.REJOIN and best.rejoin_position is not None:
        said.append(f"The stop comes out about P{best.rejoin_position:.1f}{between(best)}.")
    if call.plan.intent is not Intent.UNDERCUT:
        threats = [f"{threat.car} ({threat.margin_s:.1f} s to spare)" for threat in facts.undercut_threats[:2]]
        said.append(f"Undercut threat: {_listed(threats)}." if threats else "Nobody behind can undercut now.")
    return tuple(said[:_REASONS])


def _wear(facts: Evidence) -> str:
    age = "" if facts.tyre_age_laps is None else f" of {facts.tyre_age_laps} laps"
    tyres = "Tyres" if facts.compound == Compound.UNKNOWN.label else f"{_upper(facts.compound)}s"
    wear = f"{facts.wear_s_per_lap:.2f} s a lap (sd {facts.wear_sd_s_per_lap:.2f})"
    return f"{tyres}{age} lose {wear}; a stop costs {facts.pit_loss_s:.1f} s."


def _waiting(call: _Call) -> list[str]:
    """What one lap more costs, or the best stop where the call is to make none."""
    best, later = call.best, call.first_stop()
    if best.wait_cost is not None and best.wait_cost_error is not None:
        return [f"One lap later {call.aim.costs(best.wait_cost, best.wait_cost_error)}."]
    if best.lap is not None or later is None:
        return []
    return [f"The best stop {call.aim.costs(later.delta, later.standard_error)}."]


def _otherwise(call: _Call) -> list[str]:
    """What is as good as the call, and what would change it."""
    tied = sorted((call.decision.options[row] for row in call.decision.tied), key=lambda option: option.delta)
    said = []
    if tied and call.decision.resolved:
        more = f" and {len(tied) - _NAMED} more" if len(tied) > _NAMED else ""
        names = _listed([_lower(call.order(option)) for option in tied[:_NAMED]], more)
        said.append(f"Cannot be told apart from it: {names}.")
    changes = [each for each in call.decision.contingencies if each.changes]
    if changes:
        first = changes[0]
        then = _lower(call.order_of(first.lap, first.compound))
        said.append(f"{event(first.event, first.rival)}: {then}, {call.aim.more(first.delta)} better.")
    return said


# Parts of sentences.


def between(option: Option) -> str:
    """The cars between which a stop mostly comes out, and how close they are."""
    return rejoin_words(
        option.rejoin_ahead, option.rejoin_gap_ahead_s, option.rejoin_behind, option.rejoin_gap_behind_s
    )


def _first(options: Iterable[Option]) -> Option | None:
    """The best of some options."""
    return min(options, key=lambda option: option.delta, default=None)


def _rival(call: _Call) -> Option | None:
    """The option that the best one is least sure to beat."""
    others = [option for option in call.decision.options if option is not call.best]
    return max(others, key=lambda option: Z95 * option.standard_error - option.delta, default=None)


def _either(call: _Call, one: Option, other: Option) -> str:
    """``Lap 24 or 27``, ``Lap 24, hards or mediums``, ``Boxing now or staying out``."""
    if one.lap == other.lap:
        return f"Lap {one.lap}, {tyres(one.compound)} or {tyres(other.compound)}"
    if one.lap is not None and other.lap is not None:
        first, second = sorted((one.lap, other.lap))
        return f"Lap {first} or {second}"
    return f"{_upper(call.name(one.lap))} or {call.name(other.lap)}"


def tyres(compound: int | None) -> str:
    """``hards``."""
    return "tyres" if compound is None else f"{Compound(compound).label}s"


def _listed(names: list[str], more: str = "") -> str:
    return f"{', '.join(names)}{more}" if more else " and ".join(names)


def _upper(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"
