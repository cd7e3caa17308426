"""What earlier races say of a car before it drives: pace and reliability of its driver and its team. Pure.

A race leaves one figure per car: by how much it lapped slower than the field on the same green laps,
in percent. ``Form`` is the list of those figures; ``prior`` reads from it what to expect of each car of
the next race, and how well that is known. Recent races count more, those of an earlier season little.
The constants are fitted on 92 races of 2018-2022 by the likelihood of each race given those before it
(docs/data.md#form).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean, median
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pitcall.domain.race import CarState, RaceState
from pitcall.errors import InvalidRequest

#: Races after which a figure counts half.
HALF_LIFE_RACES: Final = 5.4
#: What a figure of an earlier season counts, on top: cars and regulations change over the winter.
WINTER: Final = 0.14
#: Races that the team's figure is worth to its driver, and the field's average to the team.
TEAM_RACES: Final = 1.6
FIELD_RACES: Final = 1.0
#: Sd of a race's figure about what a long record says, and what a short record adds to it, %.
DAY_SD: Final = 0.45
RECORD_SD: Final = 0.52
#: Reliability: cars that the field's average is worth, and that average (2018-2022: 87 % cover 90 % of the distance).
FIELD_CARS: Final = 12.0
FIELD_RELIABILITY: Final = 0.87
#: Races kept of a driver and of a team; older ones would count less than 5 %.
KEPT: Final = 24
#: A lap this many percent off the field's median says nothing of pace; a car with fewer laps than this no figure.
WILD: Final = 5.0
FEWEST_LAPS: Final = 10
FEWEST_CARS: Final = 5
#: Share of the distance from which a car counts as having made it.
MADE_IT: Final = 0.9


class Result(NamedTuple):
    """One race of one car."""

    season: int
    number: int  #: of the race, counted over all races that the form has seen
    pace: float | None  #: %, slower than the field's median green lap; None: too few laps
    finished: bool  #: covered 90 % of the distance


@dataclass(frozen=True, slots=True)
class Prior:
    """What to expect of one car."""

    pace: float  #: %, slower than the field's median green lap
    sd: float  #: of that, %
    reliability: float  #: share of races in which the team's cars cover 90 % of the distance
    races: int  #: figures of the driver that this rests on


#: A car that nothing is known of.
UNKNOWN: Final = Prior(0.0, (DAY_SD**2 + RECORD_SD**2 / 0.5) ** 0.5, FIELD_RELIABILITY, 0)


@dataclass(frozen=True, slots=True)
class Form:
    """Results by driver and by team, oldest first. ``after`` makes the next one; nothing changes in place."""

    races: int = 0
    drivers: Mapping[str, tuple[Result, ...]] = field(default_factory=lambda: MappingProxyType({}))
    teams: Mapping[str, tuple[Result, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def after(self, race: RaceState) -> "Form":
        """The form once ``race`` is over."""
        drivers, teams = dict(self.drivers), dict(self.teams)
        pace = race_pace(race)
        covered = MADE_IT * race.laps_done
        for car in race.cars.values():
            if not car.laps:
                continue  # did not start
            result = Result(race.season or 0, self.races, pace.get(car.car), car.laps_done >= covered)
            drivers[car.driver or car.car] = (*drivers.get(car.driver or car.car, ()), result)[-KEPT:]
            if car.team:
                teams[car.team] = (*teams.get(car.team, ()), result)[-2 * KEPT :]
        return Form(self.races + 1, MappingProxyType(drivers), MappingProxyType(teams))

    def prior(self, race: RaceState) -> dict[str, Prior]:
        """What to expect of each car of ``race``, by car; the state's laps are not looked at."""
        return {car.car: self._prior(car, race.season or 0) for car in race.cars.values()}

    def _prior(self, car: CarState, season: int) -> Prior:
        team = [r for r in self.teams.get(car.team, ()) if car.team]
        own = self.drivers.get(car.driver or car.car, ())
        of_team, team_weight = self._mean(team, season)
        team_pace = team_weight * of_team / (team_weight + FIELD_RACES)
        of_driver, weight = self._mean(own, season)
        pace = (weight * of_driver + TEAM_RACES * team_pace) / (weight + TEAM_RACES)
        record = weight + TEAM_RACES * team_weight / (team_weight + FIELD_RACES)
        weights = [self._weight(r, season) for r in team]
        made_it = sum(w * r.finished for w, r in zip(weights, team, strict=True))
        return Prior(
            pace=pace,
            sd=(DAY_SD**2 + RECORD_SD**2 / (record + 0.5)) ** 0.5,
            reliability=(made_it + FIELD_CARS * FIELD_RELIABILITY) / (sum(weights) + FIELD_CARS),
            races=sum(r.pace is not None for r in own),
        )

    def _mean(self, results: Iterable[Result], season: int) -> tuple[float, float]:
        """(weighted mean of the paces, %; the weight in races)."""
        known = [(self._weight(r, season), r.pace) for r in results if r.pace is not None]
        weight = sum(w for w, _ in known)
        return (sum(w * pace for w, pace in known) / weight if weight else 0.0), weight

    def _weight(self, result: Result, season: int) -> float:
        """What a result counts before the next race; the newest one counts 1."""
        recent = 0.5 ** ((self.races - 1 - result.number) / HALF_LIFE_RACES)
        return float(recent) * (1.0 if result.season == season else WINTER)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; ``from_dict`` reads it back."""
        return {
            "races": self.races,
            "drivers": {name: [list(r) for r in results] for name, results in sorted(self.drivers.items())},
            "teams": {name: [list(r) for r in results] for name, results in sorted(self.teams.items())},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Form":
        """Raises InvalidRequest: a key is missing, or a result is not (season, number, pace, finished)."""
        try:
            return cls(int(data["races"]), _results(data["drivers"]), _results(data["teams"]))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise InvalidRequest(f"form: not what `pitcall fit` writes ({type(exc).__name__}: {exc})") from exc


def _results(table: Mapping[str, Any]) -> Mapping[str, tuple[Result, ...]]:
    return MappingProxyType(
        {
            name: tuple(
                Result(int(season), int(number), None if pace is None else float(pace), bool(finished))
                for season, number, pace, finished in rows
            )
            for name, rows in table.items()
        }
    )


def race_pace(race: RaceState) -> dict[str, float]:
    """By how much each car lapped slower than the field's median on the same green laps so far, %.

    Only cars with at least ``FEWEST_LAPS`` such laps; in- and out-laps and the first lap do not count.
    """
    return {car: fmean(laps.values()) for car, laps in lap_deltas(race).items() if len(laps) >= FEWEST_LAPS}


def lap_deltas(race: RaceState) -> dict[str, dict[int, float]]:
    """Per car and green lap: how much slower than the field's median on that lap, %."""
    by_lap: dict[int, list[tuple[str, float]]] = {}
    for car in race.cars.values():
        for r in car.laps:
            if r.green and r.lap > 1 and r.lap_time_s and not r.pit_in and not r.pit_out:
                by_lap.setdefault(r.lap, []).append((car.car, r.lap_time_s))
    deltas: dict[str, dict[int, float]] = {}
    for lap, times in by_lap.items():
        if len(times) < FEWEST_CARS:
            continue
        middle = median(time for _, time in times)
        for name, time in times:
            slower = 100.0 * (time / middle - 1.0)
            if abs(slower) < WILD:
                deltas.setdefault(name, {})[lap] = slower
    return deltas
