"""What is minimised: the score of the simulator's own forecasts on finished races. Pure.

A race is read once, as the shipped path reads it; a ``Tuned`` changes only what is played, so an evaluation costs the
kernel a few milliseconds a state. All evaluations play the same possible races (common random numbers): two points
differ by what they change, not by luck.

Few paths make any forecast look worse, a vague one more than a sharp one: the expected excess of the ranked
probability score, F (1 - F) / (paths - 1) a place, is taken off (the "fair" score; Ferro 2014, doi 10.1002/qj.2270).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from pitcall.backtest import run
from pitcall.forecast import read
from pitcall.form import Form
from pitcall.model import Model
from pitcall.sim.outcome import Player
from pitcall.sim.race import Race
from pitcall.tuned import UNTUNED, Tuned

#: Simulated races of a state, and their seed.
PATHS: Final = 128
SEED: Final = 3


@dataclass(frozen=True, slots=True)
class State:
    """One moment of a race, as it is played, and how it ended."""

    race: str  #: id
    rest: Race  #: not tuned
    starters: int
    columns: tuple[int, ...]  #: of the scored cars in ``rest.grid``
    final: tuple[int, ...]  #: their ranks at the flag


def states(races: Sequence[run.Race], forms: Iterable[Form], model: Model) -> list[State]:
    """The states of finished races.

    Args:
        races: with their cases.
        forms: the form before each of them.
        model: reads them; what it was tuned to counts for nothing.
    """
    bare = replace(model, parameters=replace(model.parameters, tuned=UNTUNED))
    found = []
    for race, form in zip(races, forms, strict=True):
        known = replace(bare, form=form)
        for case in race.cases:
            rest = read(case.state, model=known).race
            columns = tuple(rest.grid.cars.index(car.car) for car in case.scored)
            found.append(State(case.race, rest, case.n, columns, tuple(car.final for car in case.scored)))
    return found


class Objective:
    """The mean fair RPS of each race's scored cars; less is better."""

    def __init__(self, states: Sequence[State], player: Player, paths: int = PATHS) -> None:
        self._states, self._player, self._paths = [state for state in states if state.columns], player, paths
        self.races: tuple[str, ...] = tuple(dict.fromkeys(state.race for state in self._states))

    def __call__(self, tuned: Tuned, races: Iterable[str]) -> dict[str, float]:
        """Race -> score."""
        chosen = frozenset(races)
        marks: dict[str, list[npt.NDArray[np.float64]]] = {race: [] for race in self.races if race in chosen}
        for state in self._states:
            if state.race in chosen:
                place = self._player.finish(tuned.race(state.rest), SEED, range(self._paths))
                marks[state.race].append(fair_rps(place[:, list(state.columns)], state.final, state.starters))
        return {race: float(np.concatenate(each).mean()) for race, each in marks.items()}

    def fingerprint(self) -> str:
        """Names what is evaluated: other races, another model or other paths have another one."""
        digest = hashlib.sha256(f"{self._paths} {SEED}".encode())
        for state in self._states:
            digest.update(repr(state).encode())
        return digest.hexdigest()


def fair_rps(place: npt.NDArray[np.uint8], final: Sequence[int], starters: int) -> npt.NDArray[np.float64]:
    """[car] the ranked probability score of [path, car] simulated places, as if there were paths without end."""
    paths, ranks = len(place), np.arange(1, starters)
    said = np.array([np.cumsum(np.bincount(column, minlength=starters + 1)[1:starters]) for column in place.T]) / paths
    seen = ranks[None, :] >= np.asarray(final)[:, None]
    excess = said * (1.0 - said) / max(1, paths - 1)
    return np.asarray(((said - seen) ** 2 - excess).sum(axis=1) / max(1, starters - 1))


def gains(with_it: Mapping[str, float], without: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """[race] by how much the score falls (below 0) or rises."""
    return np.array([with_it[race] - without[race] for race in with_it])
