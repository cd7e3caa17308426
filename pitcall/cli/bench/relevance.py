"""How good a ranking is, by judgements of which documents answer a question: the measures that BEIR takes."""

import math
from collections.abc import Mapping, Sequence


def ndcg(ranking: Sequence[str], judged: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain (Järvelin, Kekäläinen 2002) over the first ``depth`` places, 0 to 1.

    Args:
        ranking: documents, best first, each once.
        judged: how relevant a document is, at least one above 0; one that is not judged counts 0.
        depth: places that count.
    """
    ideal = _gain(sorted(judged.values(), reverse=True)[:depth])
    return _gain([judged.get(document, 0) for document in ranking[:depth]]) / ideal


def recall(ranking: Sequence[str], judged: Mapping[str, int], depth: int = 100) -> float:
    """Share of the relevant documents that are within the first ``depth`` places, 0 to 1."""
    relevant = {document for document, worth in judged.items() if worth > 0}
    return len(relevant.intersection(ranking[:depth])) / len(relevant)


def _gain(worths: Sequence[int]) -> float:
    return sum(worth / math.log2(place + 1) for place, worth in enumerate(worths, start=1))
