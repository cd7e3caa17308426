"""The model card of a stop policy: what it was learned from, how good it is on unseen seasons, what it cannot do."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.backtest.stop_cases import StopCases
from pitcall.backtest.stops import AgeHazard, log_loss, pr_auc
from pitcall.policy import StopPolicy
from pitcall.sim.race import STOP_FEATURES
from pitcall.train.policy import PINNED, Learner, leave_one_season_out, logistic
from pitcall.train.policy_teachers import gru, mlp

Floats = npt.NDArray[np.float64]

#: What ships, and what it is compared with; the first is the baseline.
SHIPS: Final = "logistic, with circuits (ships)"
LEARNERS: Final[dict[str, Learner]] = {
    "age of the tyres only": lambda cases: _by_age(AgeHazard.fit(cases)),
    SHIPS: logistic,
    "logistic, circuits left out": lambda cases: _without_circuits(logistic, cases),
    "MLP": mlp,
    "GRU": gru,
}


def card(policy: StopPolicy, cases: StopCases, left_out: Counter[str], command: str, read_with: str) -> str:
    """The card as Markdown; learns every model of ``LEARNERS`` once per season.

    Args:
        policy: what ships.
        cases: what it was learned from.
        left_out: stops that are not among them, by reason.
        command: makes it again.
        read_with: version of the parameters with which the races were read.

    Raises ValueError: fewer than two seasons.
    """
    scores = _scores(cases, leave_one_season_out(cases, LEARNERS))
    return "\n".join((*_origin(policy, cases, left_out, command, read_with), *scores, *_content(policy))) + "\n"


def _origin(
    policy: StopPolicy, cases: StopCases, left_out: Counter[str], command: str, read_with: str
) -> Iterator[str]:
    seasons = ", ".join(map(str, np.unique(cases.season)))
    why = ", ".join(f"{count} {name}" for name, count in left_out.most_common() if count)
    yield f"# Stop policy {policy.version}\n"
    yield (
        "Says with which probability another car stops at the end of this lap, and how softly it chooses its tyre. A "
        "logistic score: the kernel works it out for every car and lap of every simulated race. Made by\n"
    )
    yield f"    {command}\n"
    yield "## Learned from"
    yield (
        f"{len(cases):,} car-laps with {int(cases.stopped.sum()):,} stops of {len(np.unique(cases.race))} races, "
        f"{seasons}, read with the parameters {read_with}. Stops left out, because strategy did not make them or the "
        f"tables do not say enough: {why}.\n"
    )


def _content(policy: StopPolicy) -> Iterator[str]:
    yield "## Weights\n"
    yield "| feature | weight |\n|---|---|"
    for name, weight in zip(STOP_FEATURES, policy.policy.stop, strict=True):
        yield f"| `{name}` | {weight:+.3f}{' (hand-set: the tables do not tell)' if name in PINNED else ''} |"
    yield f"\n`compound_s` {policy.policy.compound_s:.1f} s. Added to the odds by circuit: " + ", ".join(
        f"{name} {more:+.2f}" for name, more in sorted(policy.circuits.items(), key=lambda pair: pair[1])
    )
    yield "\n## What it cannot do"
    yield (
        "It knows no weather but the field's tyres, no damage but slow laps, no plan of a team and no team order. It "
        "was learned on dry compounds in relative terms (soft, medium, hard); rules that change how often teams stop "
        "must be learned anew."
    )


def _scores(cases: StopCases, found: dict[str, Floats]) -> Iterator[str]:
    yield "## How good, leaving one season out"
    yield (
        "Each season by what was learned from the others; the parameters with which the races are read stay the same. "
        "Below age only: by what share the log loss is lower than that of a hazard by the age of the tyres; the "
        "columns to the right say it season by season."
    )
    base, *_ = (log_loss(p, cases.stopped) for p in found.values())
    seasons = [cases.season == season for season in np.unique(cases.season)]
    names = " | ".join(str(cases.season[season][0]) for season in seasons)
    yield f"\n| model | log loss | below age only | PR-AUC | {names} |\n|---|---|---|---|{'---|' * len(seasons)}"
    first = next(iter(found.values()))
    for name, p in found.items():
        loss = log_loss(p, cases.stopped)
        each = [1 - log_loss(p[s], cases.stopped[s]) / log_loss(first[s], cases.stopped[s]) for s in seasons]
        by_season = " | ".join(f"{100 * gain:.1f} %" for gain in each)
        yield (
            f"| {name} | {loss:.4f} | {100 * (1 - loss / base):.1f} % | {pr_auc(p, cases.stopped):.3f} | {by_season} |"
        )
    ours, best = (log_loss(found[name], cases.stopped) for name in (SHIPS, "MLP"))
    yield (
        f"\nThe price of a score that the kernel can afford is {100 * (ours - best) / best:.1f} % of the MLP's log "
        "loss.\n"
    )


def _by_age(hazard: AgeHazard) -> Callable[[StopCases], Floats]:
    return lambda others: hazard.of(others.age)


def _without_circuits(learner: Learner, cases: StopCases) -> Callable[[StopCases], Floats]:
    """The same weights learned as if all races were held in one place."""

    def nowhere(some: StopCases) -> StopCases:
        return replace(some, circuit=np.zeros_like(some.circuit))

    learned = learner(nowhere(cases))
    return lambda others: learned(nowhere(others))
