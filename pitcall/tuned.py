"""What no likelihood pins down: corrections of a fitted race model that were found on the score of its forecasts. Pure.

The fits of ``pitcall.calibrate`` explain laps, stops and passes one by one. How much of what is left open survives to
the flag, and how hard the order is to change, shows only in how races end; ``pitcall.tune`` looks for it there. A
``Tuned`` is part of a parameter set and is applied to the finished reading of a race, so one reading serves a search.
"""

from dataclasses import dataclass, fields, replace
from statistics import median
from typing import Final

from pitcall.sim.race import Grid, Race


@dataclass(frozen=True, slots=True)
class Tuned:
    """Multiples, and one logit. As it stands it changes no bit of a race."""

    pace: float = 1.0  #: multiple of each car's pace about the field's median
    pace_sd: float = 1.0  #: multiple of what the laps so far leave open of a car's pace
    wear_sd: float = 1.0  #: multiple of what is open of a car's wear
    noise: float = 1.0  #: multiple of the sd of a lap
    pass_logit: float = 0.0  #: added to the log-odds of passing

    def __post_init__(self) -> None:
        if wrong := [f.name for f in fields(self) if f.name != "pass_logit" and getattr(self, f.name) < 0]:
            raise ValueError(f"{', '.join(wrong)}: a multiple cannot be negative")

    def race(self, race: Race) -> Race:
        """The race as it is played."""
        if self == UNTUNED:
            return race
        circuit = race.circuit
        return replace(
            race,
            grid=self._grid(race.grid),
            circuit=replace(
                circuit,
                noise_s=circuit.noise_s * self.noise,
                pass_intercept=circuit.pass_intercept + self.pass_logit,
            ),
        )

    def _grid(self, grid: Grid) -> Grid:
        racing = [pace for pace, on in zip(grid.pace_s, grid.racing, strict=True) if on]
        middle = median(racing or grid.pace_s)
        return replace(
            grid,
            pace_s=tuple(middle + self.pace * (pace - middle) for pace in grid.pace_s),
            pace_sd_s=tuple(self.pace_sd * sd for sd in grid.pace_sd_s),
            wear_sd=tuple(self.wear_sd * sd for sd in grid.wear_sd),
        )


#: Changes nothing.
UNTUNED: Final = Tuned()
