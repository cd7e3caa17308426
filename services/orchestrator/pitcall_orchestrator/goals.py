"""What a call is worth, in the unit of the goal that it shall be best for. Pure words: the figures are the options'."""

from dataclasses import dataclass

from pitcall.sim.messages import Option, Utility


@dataclass(frozen=True, slots=True)
class Aim:
    """A utility and its words."""

    utility: Utility

    @property
    def chance(self) -> bool:
        """True where the unit is a probability."""
        return self.utility.goal in ("win", "target")

    def short(self, option: Option) -> str:
        """``P2.4``, ``11.3 points``, ``23.5 %``."""
        if self.chance:
            return f"{100 * option.utility:.1f} %"
        if self.utility.goal == "points":
            return f"{option.utility:.1f} points"
        return f"P{option.mean_position if self.utility.goal == 'position' else option.utility:.1f}"

    def expected(self, option: Option) -> str:
        """``P2.4 expected``, ``23.5 % to win``."""
        name = {
            "win": "to win",
            "target": f"for P{self.utility.target} or better",
            "cvar": f"expected in the worst {100 * self.utility.tail:.0f} % of the races",
        }.get(self.utility.goal, "expected")
        return f"{self.short(option)} {name}"

    def number(self, value: float) -> str:
        """A difference without its unit."""
        return f"{100 * value:.1f}" if self.chance else f"{value:.2f}"

    def more(self, value: float) -> str:
        """A difference that is compared: ``0.31`` better, ``1.20 points`` better."""
        return self.number(value) + self._unit("")

    def some(self, value: float) -> str:
        """A difference that stands alone: ``0.31 of a position``, ``2.5 percentage points``."""
        return self.number(value) + self._unit(" of a position")

    @property
    def zone(self) -> str:
        """Within what calls count as equally good; every question is asked with it."""
        value = self.utility.zone
        return f"{100 * value if self.chance else round(value, 2):g}{self._unit(' of a position')}"

    def error(self, value: float, bound: str = "") -> str:
        """The standard error of a difference, in brackets."""
        return f" (standard error {bound}{self.number(value)})"

    def better(self, option: Option, name: str) -> str:
        """By how much the best option is better than another."""
        return f"{self.more(option.delta)} better than {name}" if clear(option) else f"level with {name}"

    def costs(self, delta: float, error: float) -> str:
        """What it costs to do something else."""
        size = f"{self.some(delta)}{self.error(error)}"
        if delta > Z95 * error:
            return f"costs {size}"
        return (
            f"gains {self.some(-delta)}{self.error(error)}"
            if -delta > Z95 * error
            else f"makes no difference that shows: {size}"
        )

    def _unit(self, places: str) -> str:
        if self.chance:
            return " percentage points"
        return " points" if self.utility.goal == "points" else places


#: Standard errors on either side that hold 95 % of a normal distribution.
Z95 = 1.96


def clear(option: Option) -> bool:
    """True if the simulation shows, at 95 %, that the option is worse than the best one."""
    return option.delta > Z95 * option.standard_error
