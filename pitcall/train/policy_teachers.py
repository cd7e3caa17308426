"""What a richer model makes of the same cases: yardsticks for the policy that ships, too slow for the kernel.

``mlp`` sees what the policy sees, and the compound; ``gru`` also remembers the laps before, car by car. Both are
seeded and small: seconds and a minute on a CPU.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from pitcall.backtest.stop_cases import StopCases
from pitcall.sim.race import COMPOUNDS

_SEED: Final = 7
_MLP_WIDTH, _MLP_EPOCHS, _MLP_BATCH = 64, 12, 1_024
_GRU_WIDTH, _GRU_EPOCHS, _GRU_BATCH = 48, 12, 64
_RATE, _DECAY, _DROPOUT = 2e-3, 1e-4, 0.1

Floats = npt.NDArray[np.float64]


def mlp(cases: StopCases) -> Callable[[StopCases], Floats]:
    """A learner: two hidden layers on one lap's features."""
    columns = _Columns(cases)
    x, y = columns.of(cases), torch.tensor(cases.stopped, dtype=torch.float32)
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        net = nn.Sequential(
            nn.Linear(x.shape[1], _MLP_WIDTH), nn.ReLU(), nn.Dropout(_DROPOUT),
            nn.Linear(_MLP_WIDTH, _MLP_WIDTH), nn.ReLU(), nn.Linear(_MLP_WIDTH, 1),
        )  # fmt: skip
        optimiser = torch.optim.Adam(net.parameters(), _RATE, weight_decay=_DECAY)
        for _ in range(_MLP_EPOCHS):
            for batch in torch.split(torch.randperm(len(x)), _MLP_BATCH):
                _step(optimiser, net(x[batch])[:, 0], y[batch])

    def predict(others: StopCases) -> Floats:
        net.eval()
        with torch.no_grad():
            return _probability(net(columns.of(others))[:, 0])

    return predict


class _Remembers(nn.Module):
    """A GRU over the laps of a car, and the log-odds of a stop at the end of each."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self._gru = nn.GRU(columns, _GRU_WIDTH, batch_first=True)
        self._odds = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(_GRU_WIDTH + columns, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[car, lap] log-odds of [car, lap, column]."""
        seen, _ = self._gru(x)
        odds: torch.Tensor = self._odds(torch.cat([seen, x], dim=2))[..., 0]
        return odds


def gru(cases: StopCases) -> Callable[[StopCases], Floats]:
    """A learner: a recurrent net on all laps of a car so far."""
    columns = _Columns(cases)
    x, y = columns.of(cases), torch.tensor(cases.stopped, dtype=torch.float32)
    cars = list(_cars(cases))
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        net = _Remembers(x.shape[1])
        optimiser = torch.optim.Adam(net.parameters(), _RATE, weight_decay=_DECAY)
        for _ in range(_GRU_EPOCHS):
            for batch in torch.split(torch.randperm(len(cars)), _GRU_BATCH):
                rows, real = _padded([cars[i] for i in batch.tolist()])
                _step(optimiser, net(x[rows])[real], y[rows][real])

    def predict(others: StopCases) -> Floats:
        net.eval()
        out, given = np.zeros(len(others)), columns.of(others)
        rows, real = _padded(list(_cars(others)))
        with torch.no_grad():
            out[rows[real].numpy()] = _probability(net(given[rows])[real])
        return out

    return predict


class _Columns:
    """Features and compound, scaled as in the cases learned from."""

    def __init__(self, cases: StopCases) -> None:
        self._mean, self._sd = cases.features.mean(axis=0), cases.features.std(axis=0) + 1e-6

    def of(self, cases: StopCases) -> torch.Tensor:
        """[case, column]"""
        on = np.eye(COMPOUNDS, dtype=np.float32)[cases.compound]
        return torch.tensor(np.hstack([(cases.features - self._mean) / self._sd, on]), dtype=torch.float32)


def _cars(cases: StopCases) -> Iterator[torch.Tensor]:
    """Row numbers of each car of each race, in the order of its laps."""
    order = np.lexsort((cases.lap, cases.car, cases.race))
    new = (cases.race[order][1:] != cases.race[order][:-1]) | (cases.car[order][1:] != cases.car[order][:-1])
    for rows in np.split(order, np.flatnonzero(new) + 1):
        yield torch.tensor(rows)


def _padded(cars: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """[car, lap] row numbers, and which of them are laps."""
    rows = nn.utils.rnn.pad_sequence(cars, batch_first=True)
    return rows, torch.arange(rows.shape[1]) < torch.tensor([len(car) for car in cars])[:, None]


def _step(optimiser: torch.optim.Optimizer, odds: torch.Tensor, stopped: torch.Tensor) -> None:
    optimiser.zero_grad()
    nn.functional.binary_cross_entropy_with_logits(odds, stopped).backward()  # type: ignore[no-untyped-call]  # torch's
    optimiser.step()


def _probability(odds: torch.Tensor) -> Floats:
    return np.asarray(torch.sigmoid(odds).numpy(), np.float64)
