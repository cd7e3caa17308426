"""The stop policy of the other cars, learned from their stops: a logistic hazard and the softness of the tyre choice.

The features are the kernel's own, so what is learned is played as it stands. A circuit adds its own odds, shrunk to
none. Nothing is drawn by chance: the same cases give the same weights.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from pitcall.backtest.stop_cases import StopCases
from pitcall.backtest.stops import policy_p
from pitcall.domain.tyres import DRY
from pitcall.policy import StopPolicy
from pitcall.priors import DEFAULT_POLICY
from pitcall.sim.race import STOP_FEATURES

#: Features of which lap tables tell too little; they keep the hand-set weights of ``pitcall.priors``.
PINNED: Final = ("rule_closing", "wet_s", "damage_s")
#: Penalty on the square of a weight per sd of its feature, and of a circuit's log-odds, beside the mean log loss.
#: Set by log loss leaving one season out; both may be three times larger or smaller and lose 0.0002.
L2: Final = 3e-5
L2_CIRCUIT: Final = 3e-4
#: Steps of the optimiser; it converges before.
_STEPS: Final = 200
#: Softness from which the search begins, s.
_SOFT_S: Final = 8.0
#: A tyre that may not be fitted is so much slower, s.
_NEVER_S: Final = 1e6

Floats = npt.NDArray[np.float64]
#: Learns from cases and then gives a stop's probability for others.
Learner = Callable[[StopCases], Callable[[StopCases], Floats]]


def fit(cases: StopCases) -> StopPolicy:
    """Weights, circuits and softness from cases. Raises ValueError where no car stopped."""
    if not cases.stopped.any():
        raise ValueError("no stop to learn from")
    names, circuit = np.unique(cases.circuit, return_inverse=True)
    hand = torch.tensor(DEFAULT_POLICY.stop, dtype=torch.float64)
    x = torch.tensor(cases.features.astype(np.float64))
    sd = x.std(dim=0)
    pinned = torch.tensor([name in PINNED for name in STOP_FEATURES])
    still = pinned | (sd == 0)
    still[STOP_FEATURES.index("bias")] = False
    scale = torch.where(sd > 0, sd, 1.0)
    stopped, at = torch.tensor(cases.stopped.astype(np.float64)), torch.tensor(circuit)
    free = torch.zeros(len(STOP_FEATURES), dtype=torch.float64, requires_grad=True)
    extra = torch.zeros(len(names), dtype=torch.float64, requires_grad=True)

    def weights() -> torch.Tensor:
        return torch.where(still, torch.where(pinned, hand, 0.0), free / scale)

    def loss() -> torch.Tensor:
        odds = x @ weights() + extra[at]
        penalty = L2 * (free[1:] ** 2).sum() + L2_CIRCUIT * (extra**2).sum()
        return torch.nn.functional.binary_cross_entropy_with_logits(odds, stopped) + penalty

    _minimise(loss, [free, extra])
    found = zip(names.tolist(), extra.tolist(), strict=True)
    return StopPolicy(
        replace(DEFAULT_POLICY, stop=tuple(weights().tolist()), compound_s=softness(cases)),
        {name: more for name, more in found if name},
    )


def softness(cases: StopCases) -> float:
    """Temperature of the tyre choice, s over the stint: that under which the dry tyres taken are likeliest.

    Choices that the rules left are none; without any the hand-set one stays.
    """
    costs = cases.costs[:, list(DRY)].astype(np.float64)
    took = np.isin(cases.fitted, DRY) & (np.isfinite(costs).sum(axis=1) > 1)
    took[took] = np.isfinite(costs[took, cases.fitted[took]])
    if not took.any():
        return DEFAULT_POLICY.compound_s
    behind = torch.tensor(np.minimum(costs[took] - costs[took].min(axis=1, keepdims=True), _NEVER_S))
    chosen = torch.tensor(cases.fitted[took])
    log_s = torch.tensor(np.log(_SOFT_S), dtype=torch.float64, requires_grad=True)

    def loss() -> torch.Tensor:
        return torch.nn.functional.cross_entropy(-behind / log_s.exp(), chosen)

    _minimise(loss, [log_s])
    return float(log_s.exp().item())


def logistic(cases: StopCases) -> Callable[[StopCases], Floats]:
    """``fit`` as a learner."""
    learned = fit(cases)

    def predict(others: StopCases) -> Floats:
        more = np.array([learned.circuits.get(name, 0.0) for name in others.circuit.tolist()])
        return policy_p(others, learned.policy.stop, more)

    return predict


def leave_one_season_out(cases: StopCases, learners: Mapping[str, Learner]) -> dict[str, Floats]:
    """Each learner's probability for every case, learned from the other seasons.

    Raises ValueError: fewer than two seasons.
    """
    seasons = np.unique(cases.season)
    if len(seasons) < 2:
        raise ValueError("leaving one season out needs two seasons or more")
    found = {name: np.zeros(len(cases)) for name in learners}
    for season in seasons:
        out = cases.season == season
        train, test = cases.of(~out), cases.of(out)
        for name, learner in learners.items():
            found[name][out] = learner(train)(test)
    return found


def _minimise(loss: Callable[[], torch.Tensor], parameters: list[torch.Tensor]) -> None:
    optimiser = torch.optim.LBFGS(parameters, max_iter=_STEPS, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimiser.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]  # torch's own
        return float(value.item())

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # torch's own
