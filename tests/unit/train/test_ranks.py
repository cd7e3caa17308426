"""Training the learned forecast."""

from dataclasses import replace

import numpy as np
import pytest

from pitcall.learned.features import OWN, SHARED, Features

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from pitcall.train.ranks import Example, _Member, _network, _stack, train  # noqa: E402  # after torch is known to be there

pytestmark = pytest.mark.unit


def examples(n: int, cars: int = 5, seed: int = 0) -> list[Example]:
    """States whose simulated odds say little and whose first column says who wins."""
    rng = np.random.default_rng(seed)
    made = []
    for k in range(n):
        m = cars - k % 2
        strength = rng.normal(0, 1, m)
        own = rng.normal(0, 1, (m, len(OWN))).astype(np.float32)
        own[:, OWN.index("form_pace")] = strength
        odds = rng.normal(0, 0.3, (m, m)).astype(np.float32)
        f = Features(
            cars=tuple("ABCDEFG"[:m]),
            own=own,
            shared=rng.uniform(0, 1, len(SHARED)).astype(np.float32),
            ahead=odds - odds.T,
            team_mates=np.eye(m, dtype=np.float32),
            starters=cars,
        )
        made.append(Example(f, tuple(int(r) + 1 for r in np.argsort(np.argsort(strength)))))
    return made


def test_what_is_served_is_what_was_trained() -> None:
    """The NumPy network gives the ranks of the torch network, for full and padded states."""
    some = examples(6)
    torch.manual_seed(0)
    batch = _stack(some)
    width = len(OWN) + len(SHARED)
    member = _Member(torch.randn(width) * 0.1, torch.rand(width) + 0.5).eval()
    with torch.no_grad():
        member.out.weight *= 10
        member.odds.add_(torch.tensor([0.1, 0.5, -0.4]))
        theirs = member(batch, 5).numpy()
    served = _network([member], member.mean, member.sd)
    for k, example in enumerate(some):
        n = len(example.features.cars)
        ours = served.ranks(example.features)
        expected = theirs[k, :n] + 2e-4
        assert ours == pytest.approx(expected / expected.sum(axis=1, keepdims=True), abs=1e-4)


def test_training_learns_and_repeats() -> None:
    """The trained ensemble ranks unseen fields better than the simulated odds, and a second run gives equal weights."""
    learned = train(examples(64), members=1, epochs=100)
    again = train(examples(64), members=1, epochs=100)
    assert all(np.array_equal(a, b) for a, b in zip(learned.arrays().values(), again.arrays().values(), strict=True))
    unseen = examples(30, seed=9)
    places = np.arange(1, 6)

    def error(ranks: list[np.ndarray]) -> float:
        return float(np.mean([np.abs(r @ places - e.final).mean() for r, e in zip(ranks, unseen, strict=True)]))

    blind = replace(learned, out=np.zeros_like(learned.out))
    assert error([learned.ranks(e.features) for e in unseen]) < 0.7 * error([blind.ranks(e.features) for e in unseen])


def test_nothing_to_learn_from() -> None:
    """No example is an error, not an untrained network."""
    with pytest.raises(ValueError, match="examples"):
        train([])
