"""Plays a range of paths in blocks short enough to be cancelled. Imports numpy: load it after the port listens."""

import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Final, TypeVar

import numpy as np

from pitcall.adapters.threads import Check
from pitcall.errors import Cancelled
from pitcall.sim import outcome_bytes
from pitcall.sim.evaluate import EvaluateRequest
from pitcall.sim.outcome import Outcome, Player, joined

T = TypeVar("T")

#: Time between two looks at cancellation, s: well within the 20 ms in which it is honoured.
LOOK_S: Final = 0.005
#: Races of the first block, per thread, before the speed is known; also the most calls of any block.
FIRST_RACES: Final = 128


def evaluate(request: EvaluateRequest, player: Player, *, cancelled: Check) -> bytes:
    """The outcome as bytes (``pitcall.sim.outcome_bytes``). Blocks.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    race, seed = request.race, request.seed
    paths = range(request.first_path, request.first_path + request.paths)
    if request.car is None:
        first = FIRST_RACES * player.width
        places = _in_blocks(partial(player.finish, race, seed), paths, first, cancelled)
        return outcome_bytes.pack_finish(np.concatenate(places))
    car = race.grid.cars.index(request.car)
    columns = []
    for start in range(0, len(request.candidates), FIRST_RACES):
        calls = request.candidates[start : start + FIRST_RACES]
        first = FIRST_RACES // len(calls) * player.width
        play = partial(player.play, race, seed, car=car, calls=calls)
        columns.append(joined(_in_blocks(play, paths, first, cancelled)))
    return outcome_bytes.pack(_side_by_side(columns))


def _in_blocks(play: Callable[[range], T], paths: range, first: int, cancelled: Check) -> list[T]:
    """What ``play`` gives for each block of ``paths``; the blocks get as long as the time between two looks."""
    parts, at, size = [], paths.start, first
    while at < paths.stop:
        if cancelled():
            raise Cancelled("the range was taken back")
        block = range(at, min(at + size, paths.stop))
        began = time.perf_counter()
        parts.append(play(block))
        at = block.stop
        size = max(1, int(len(block) * LOOK_S / max(time.perf_counter() - began, 1e-6)))
    return parts


def _side_by_side(columns: list[Outcome]) -> Outcome:
    """Outcomes of the same paths and neighbouring calls as one."""
    names = [field.name for field in fields(Outcome)]
    return Outcome(**{name: np.concatenate([getattr(part, name) for part in columns], axis=1) for name in names})
