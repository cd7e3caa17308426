"""Plays a range of paths in blocks short enough to be cancelled. Imports numpy: load it after the port listens."""

from collections.abc import Iterator

import numpy as np

from pitcall.adapters.threads import Check
from pitcall.sim import outcome_bytes
from pitcall.sim.evaluate import EvaluateRequest
from pitcall.sim.outcome import Bytes, Outcome, Player, joined
from pitcall.sim.trial import Watch, beside


def evaluate(request: EvaluateRequest, player: Player, *, cancelled: Check) -> bytes:
    """The outcome as bytes (``pitcall.sim.outcome_bytes``). Blocks.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    paths = range(request.first_path, request.first_path + request.paths)
    watch = Watch(player.width, lambda: False, cancelled)  # a range has no time of its own: it is whole or nothing
    if request.car is None:
        return outcome_bytes.pack_finish(np.concatenate(list(_places(request, player, paths, watch))))
    return outcome_bytes.pack(joined(list(_outcomes(request, player, paths, watch))))


def _places(request: EvaluateRequest, player: Player, paths: range, watch: Watch) -> Iterator[Bytes]:
    for block in watch.blocks(paths):
        watch.look()
        yield player.finish(request.race, request.seed, block)


def _outcomes(request: EvaluateRequest, player: Player, paths: range, watch: Watch) -> Iterator[Outcome]:
    calls, car = request.candidates, request.race.grid.cars.index(request.car or "")
    for block in watch.blocks(paths, len(calls)):
        shares = watch.shares(len(calls), len(block))
        yield beside([player.play(request.race, request.seed, block, car, calls[some]) for some in shares])
