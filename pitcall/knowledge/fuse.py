"""Reciprocal rank fusion: the passages that several legs rank high, at most some of each document."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pitcall.knowledge.messages import Candidate, Leg

#: Cormack, Clarke, Büttcher 2009: how much less the second place counts than the first. Theirs, not tuned.
RANK_CONSTANT: Final = 60


@dataclass(frozen=True, slots=True)
class Fused:
    """A passage with its place in each leg, from 1."""

    key: str
    document: str
    score: float
    ranks: Mapping[Leg, int]


def fuse(legs: Mapping[Leg, Sequence[Candidate]], *, per_document: int = 1) -> list[Fused]:
    """All candidates, best first. Ties go to the better place in any leg, then to the key."""
    ranks: dict[str, dict[Leg, int]] = {}
    owner: dict[str, str] = {}
    for leg, candidates in legs.items():
        for place, candidate in enumerate(candidates, start=1):
            ranks.setdefault(candidate.key, {})[leg] = place
            owner[candidate.key] = candidate.document
    scored = [
        Fused(key, owner[key], sum(1.0 / (RANK_CONSTANT + place) for place in places.values()), places)
        for key, places in ranks.items()
    ]
    scored.sort(key=lambda one: (-one.score, min(one.ranks.values()), one.key))
    seen: Counter[str] = Counter()
    kept = []
    for one in scored:
        seen[one.document] += 1
        if seen[one.document] <= per_document:
            kept.append(one)
    return kept
