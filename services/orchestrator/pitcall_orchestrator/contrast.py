"""One plan against another in words. Pure templates: every figure is that of the comparison."""

from pitcall.domain.race import RaceState
from pitcall.sim.messages import Option, Utility
from pitcall.wire.reply import Comparison
from pitcall_orchestrator.goals import Aim
from pitcall_orchestrator.phrase import between, headed, tyres
from pitcall_orchestrator.planner import Plan
from pitcall_orchestrator.report import Said, supposed


def comparison(plan: Plan, state: RaceState, found: Comparison, utility: Utility) -> Said:
    """The better plan and by how much, or that the two cannot be told apart. Raises NotFound: no such car."""
    aim, decision = Aim(utility), found.advice.decision
    now = state.car(plan.car or "").laps_done + 1
    a, b = found.options
    better, worse = (a, b) if found.difference >= 0 else (b, a)
    apart, error = abs(found.difference), aim.error(found.standard_error)
    if found.told_apart:
        worth = f"{aim.short(better)}, {aim.more(apart)} better than {_name(worse, now)}"
        text = f"{_upper(_name(better, now))}: {worth}{error}."
    else:
        text = f"{_upper(_name(a, now))} or {_name(b, now)}: cannot be told apart, {aim.some(apart)}{error}."
    why = [f"Supposed: {supposed(plan.what_if)}."] if plan.what_if else []
    if decision.cut:
        why.append(f"Cut short by the deadline after {decision.draws} races per call.")
    why += [line for option in found.options if (line := _rejoins(option, now))]
    why.append(f"Both in the same {min(a.draws, b.draws)} possible races.")
    why += found.advice.provenance.assumed[:1]
    return Said(headed(plan, text, state.car(plan.car or "").car), tuple(why))


def _name(option: Option, now: int) -> str:
    """``boxing now for hards``, ``lap 30 for softs``, ``staying out``."""
    if option.lap is None:
        return "staying out"
    when = "boxing now" if option.lap == now else f"lap {option.lap}"
    return f"{when} for {tyres(option.compound)}"


def _rejoins(option: Option, now: int) -> str:
    """Where a plan comes out, and between whom."""
    if option.rejoin_position is None:
        return ""
    return f"{_upper(_name(option, now))} comes out about P{option.rejoin_position:.1f}{between(option)}."


def _upper(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
