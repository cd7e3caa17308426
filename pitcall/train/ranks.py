"""Trains the learned forecast: ``pitcall.learned.network`` in torch, fitted end to end on the score of the ranks.

The loss is the ranked probability score of every scored car plus a little log loss, so that what is
minimised is what is published. ``members`` networks differ in their first weights and in the order of
the states; their forecasts are averaged, which is worth more than a larger network on so few races.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from pitcall.learned.features import OWN, SHARED, Features
from pitcall.learned.network import FLOOR, NODES, ODDS_SCALE, PAIR, SURE, WEIGHTS, Network

#: Hidden units, networks, passes over the states, states per step, peak learning rate, weight decay, dropout.
HIDDEN: Final = 24
MEMBERS: Final = 5
EPOCHS: Final = 40
BATCH: Final = 64
RATE: Final = 4e-3
DECAY: Final = 2e-2
DROP: Final = 0.15
#: What the log loss counts beside the ranked probability score.
LOG_LOSS: Final = 0.02

_OWN, _SHARED = len(OWN), len(SHARED)


@dataclass(frozen=True, slots=True)
class Example:
    """One state and how it ended."""

    features: Features
    final: tuple[int, ...]  #: rank at the flag of each running car, 1-based; 0 = not scored


@dataclass(frozen=True, slots=True)
class _Batch:
    own: Tensor  #: [state, car, OWN]
    shared: Tensor  #: [state, SHARED]
    ahead: Tensor  #: [state, car, other]
    team_mates: Tensor
    running: Tensor  #: [state, car] 1 = a car, 0 = padding
    final: Tensor  #: [state, car]
    starters: Tensor  #: [state]

    def pick(self, index: Tensor) -> "_Batch":
        return _Batch(*(getattr(self, name)[index] for name in self.__slots__))


class _Member(nn.Module):
    """One network; the arithmetic of ``Network``, batched over states."""

    mean: Tensor
    sd: Tensor

    def __init__(self, mean: Tensor, sd: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("sd", sd)
        self.inputs = nn.Dropout(DROP / 2)
        self.hidden = nn.Linear(PAIR, HIDDEN)
        self.units = nn.Dropout(DROP)
        self.out = nn.Linear(HIDDEN, 1, bias=False)
        self.stop = nn.Linear(_OWN + _SHARED, 1)
        self.odds = nn.Parameter(torch.tensor([0.6, 0.0, 0.0]))
        self.rho = nn.Parameter(torch.tensor(-0.4))
        self.lost = nn.Parameter(torch.tensor(-1.9))
        with torch.no_grad():
            self.out.weight *= 0.1
            self.stop.weight *= 0.1
            self.stop.bias.fill_(-2.2)  # one car in ten

    def forward(self, batch: _Batch, ranks: int) -> Tensor:
        """[state, car, rank] probabilities."""
        ahead, stop = self._pairs(batch)
        cars = stop.shape[1]
        others = batch.running[:, None, :] * (1.0 - torch.eye(cars))
        behind = ((1.0 - stop)[:, None, :] * torch.sigmoid(-ahead)).clamp(SURE, 1.0 - SURE)
        rho = torch.sigmoid(self.rho)
        luck = torch.tensor(NODES, dtype=torch.float32)[:, None]
        given = torch.special.ndtr((torch.special.ndtri(behind)[:, :, None] + rho.sqrt() * luck) / (1.0 - rho).sqrt())
        given = given * others[:, :, None]
        rank = torch.zeros(*given.shape[:3], ranks)
        rank[..., 0] = 1.0
        for other in range(cars):
            q = given[..., other : other + 1]
            rank = rank * (1.0 - q) + nn.functional.pad(rank[..., :-1], (1, 0)) * q
        runs = (rank * torch.tensor(WEIGHTS, dtype=torch.float32)[:, None]).sum(2)
        below = batch.running.sum(1)[:, None] - 1.0 - torch.arange(ranks)
        lost = torch.where(below >= 0, torch.exp(-torch.exp(self.lost) * below.clamp(min=0.0)), torch.zeros(()))
        lost = lost / lost.sum(1, keepdim=True)
        return runs * (1.0 - stop)[..., None] + lost[:, None] * stop[..., None]

    def _pairs(self, batch: _Batch) -> tuple[Tensor, Tensor]:
        own = (batch.own - self.mean[:_OWN]) / self.sd[:_OWN]
        shared = (batch.shared - self.mean[_OWN:]) / self.sd[_OWN:]
        states, cars = own.shape[:2]
        pair = (states, cars, cars, -1)
        i, j = own[:, :, None].expand(pair), own[:, None].expand(pair)
        x = torch.cat(
            [
                i - j,
                i + j,
                shared[:, None, None].expand(pair),
                ODDS_SCALE * batch.ahead[..., None],
                batch.team_mates[..., None],
            ],
            -1,
        )
        g = self.out(self.units(nn.functional.silu(self.hidden(self.inputs(x)))))[..., 0]
        f = batch.shared[:, 0] - 0.5
        scale = (self.odds[0] + self.odds[1] * f + self.odds[2] * f * f)[:, None, None]
        car = torch.cat([own, shared[:, None].expand(states, cars, -1)], -1)
        return scale * batch.ahead + g - g.transpose(1, 2), torch.sigmoid(self.stop(car))[..., 0]


def train(examples: Sequence[Example], *, members: int = MEMBERS, epochs: int = EPOCHS,
          progress: Callable[[float], None] = lambda _: None) -> Network:  # fmt: skip
    """The ensemble fitted to ``examples``. Deterministic on one machine; ``progress`` gets the share done.

    Raises ValueError without examples.
    """
    if not examples:
        raise ValueError("examples: none")
    batch = _stack(examples)
    seen = batch.own[batch.running > 0]
    mean = torch.cat([seen.mean(0), batch.shared.mean(0)])
    sd = torch.cat([seen.std(0), batch.shared.std(0)]).nan_to_num(1.0) + 1e-3
    done = []
    for member in range(members):
        step = lambda share, k=member: progress((k + share) / members)  # noqa: E731  # a callback of one line
        done.append(_train_one(batch, mean, sd, member, epochs, step))
    return _network(done, mean, sd)


def _train_one(
    batch: _Batch, mean: Tensor, sd: Tensor, seed: int, epochs: int, progress: Callable[[float], None]
) -> _Member:
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _Member(mean, sd)
        decayed = [p for name, p in net.named_parameters() if "weight" in name]
        free = [p for name, p in net.named_parameters() if "weight" not in name]
        groups = [{"params": decayed, "weight_decay": DECAY}, {"params": free, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(groups, lr=RATE)
        states, ranks = len(batch.own), int(batch.starters.max())
        steps = epochs * -(-states // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for epoch in range(epochs):
            for index in torch.randperm(states, generator=generator).split(BATCH):  # type: ignore[no-untyped-call]  # torch's own annotation is missing
                some = batch.pick(index)
                loss = _loss(net(some, ranks), some)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch's own annotation is missing
                optimiser.step()
                schedule.step()
            progress((epoch + 1) / epochs)
    return net.eval()


def _loss(p: Tensor, batch: _Batch) -> Tensor:
    ranks = torch.arange(p.shape[-1])
    counted = (ranks < batch.starters[:, None]).float()[:, None]
    p = (p + FLOOR) * counted
    p = p / p.sum(-1, keepdim=True)
    reached = (ranks >= (batch.final - 1)[..., None]).float()
    rps = (((p.cumsum(-1) - reached) ** 2) * counted).sum(-1) / (batch.starters[:, None] - 1)
    log_loss = -torch.log(p.gather(-1, (batch.final - 1).clamp(min=0)[..., None])[..., 0] + 1e-7)
    scored = (batch.final > 0).float()
    return ((rps + LOG_LOSS * log_loss) * scored).sum() / scored.sum()


def _stack(examples: Sequence[Example]) -> _Batch:
    """Padded to the most cars of any state."""
    cars = max(len(e.features.cars) for e in examples)

    def padded(
        array: np.ndarray[tuple[int, ...], np.dtype[np.float32]], axes: int
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        width = [(0, cars - array.shape[axis]) if axis < axes else (0, 0) for axis in range(array.ndim)]
        return np.pad(array, width)

    def stack(arrays: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> Tensor:
        return torch.from_numpy(np.stack(arrays))

    each = [e.features for e in examples]
    return _Batch(
        own=stack([padded(f.own, 1) for f in each]),
        shared=stack([f.shared for f in each]),
        ahead=stack([padded(f.ahead, 2) for f in each]),
        team_mates=stack([padded(f.team_mates, 2) for f in each]),
        running=stack([padded(np.ones(len(f.cars), np.float32), 1) for f in each]),
        final=torch.tensor([[*e.final, *[0] * (cars - len(e.final))] for e in examples]),
        starters=torch.tensor([f.starters for f in each]),
    )


def _network(members: Sequence[_Member], mean: Tensor, sd: Tensor) -> Network:
    def stack(get: Callable[[_Member], Tensor]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        # Laid out as a file holds it: a product of the same numbers in another layout rounds otherwise.
        return np.ascontiguousarray(np.stack([get(m).detach().numpy() for m in members]), np.float32)

    return Network(
        mean=mean.numpy(),
        sd=sd.numpy(),
        hidden=stack(lambda m: m.hidden.weight.T),
        hidden_bias=stack(lambda m: m.hidden.bias),
        out=stack(lambda m: m.out.weight[0]),
        odds=stack(lambda m: m.odds),
        stop=stack(lambda m: m.stop.weight[0]),
        stop_bias=stack(lambda m: m.stop.bias[0]),
        rho=stack(lambda m: m.rho),
        lost=stack(lambda m: m.lost),
    )
