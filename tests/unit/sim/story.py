"""One race of the interpreted twin, told in arrays."""

from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from pitcall.sim import twin_state
from pitcall.sim.messages import Candidate
from pitcall.sim.model import TIME, pack
from pitcall.sim.race import Circuit, Race

from .conftest import QUIET, make_race
from .scenarios import play_twin

STAY: Final = Candidate()
ALONE: Final = 1_000.0  #: a gap in which nobody meets anybody, s


class Story(NamedTuple):
    """One race as it was driven; [lap, car] arrays. ``time_s`` is at the line, against a car that laps in 90 s."""

    time_s: Any
    compound: Any
    age: Any
    pitted: Any
    loss_s: Any
    new: Any
    out: Any
    regime: Any
    played: Any
    place: list[int]
    rejoin: list[int]
    gap_s: list[float]


def drive(race: Race, car: int = -1, call: Candidate = STAY, *, seed: int = 1, path: int = 0) -> Story:
    """Play ``path``; without ``car`` all follow the policy."""
    trace, place, rejoin, gap_s = play_twin(race, seed, path, car, call)
    packed = pack(race)
    trace[packed.n.first_lap_played - 1, :, twin_state.TR_TIME] = packed.cars_f[TIME]
    columns = (twin_state.TR_TIME, twin_state.TR_COMPOUND, twin_state.TR_AGE, twin_state.TR_PITTED, twin_state.TR_LOSS)
    more = (twin_state.TR_NEW, twin_state.TR_OUT, twin_state.TR_REGIME, twin_state.TR_PLAYED)
    time_s, compound, age, pitted, loss_s, new, out, regime, played = (trace[:, :, k] for k in columns + more)
    return Story(
        time_s, compound, age, pitted, loss_s, new, out, regime, played, place.tolist(), rejoin.tolist(), gap_s.tolist()
    )


def alone(cars: int = 1, *, lap: int = 10, **changes: Any) -> Race:
    """Cars so far apart that nobody meets anybody."""
    columns = {"time_s": tuple(90.0 * lap + ALONE * i for i in range(cars))}
    return make_race(cars, lap=lap, **(columns | changes))


def laps(story: Story, car: int = 0, first: int = 11) -> Any:
    """Lap times of one car, against 90 s, from lap ``first`` on."""
    return np.diff(story.time_s[first - 1 :, car])


def laps_of(story: Story, lap: int) -> Any:
    """Times of all cars on one lap, against 90 s."""
    return story.time_s[lap] - story.time_s[lap - 1]


def circuit(**changes: Any) -> Circuit:
    """The quiet circuit with these changes."""
    return replace(QUIET, **changes)


def times(race: Race, paths: int) -> list[Any]:
    """Times at the line of so many races."""
    return [drive(race, path=path).time_s.astype(float) for path in range(paths)]
