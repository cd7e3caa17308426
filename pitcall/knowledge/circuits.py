"""A page about each circuit, written from the parameters in use: pit loss, passing, tyres, safety cars. Pure.

Every figure is one of the set, or follows from it by the race model's own formulas; each is said with its unit and
beside the median circuit's. What was not fitted is said to be so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from pitcall.domain.tyres import DRY
from pitcall.parameters import CircuitEffect, Parameters

#: The attacker's advantage for which the chance of a pass is told, s a lap.
ADVANTAGE_S: Final = 1.0
#: Cars on the track and laps for which the chance of a neutralisation is told.
CARS: Final = 20
LAPS: Final = 20
#: Age of a set for which its wear is told, laps.
AGE_LAPS: Final = 15
#: Fewest green stops that tell anything about a pit lane.
FEW_STOPS: Final = 15
#: Differences from the median circuit that are worth a word: of a stop's cost, s; of the probability of a pass; of
#: wear, s per lap of age, mean of the dry compounds. Design choices: each sets about half of the circuits apart.
PIT_LOSS_S: Final = 0.6
PASS_P: Final = 0.06
WEAR_S: Final = 0.009
#: Differences from the median that are none, as a share of it.
_ALIKE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Figures:
    """What the model takes of one circuit."""

    lap_s: float  #: the field's green lap
    pit_loss_s: float  #: a green stop against driving by, standing included
    pit_loss_vsc_s: float
    pit_loss_sc_s: float
    pass_p: float  #: that an attack by a car ``ADVANTAGE_S`` a lap faster succeeds, on one lap
    air_s: float  #: lost per lap right behind another car
    noise_s: float  #: sd of one lap
    wear_s: tuple[float, float, float]  #: soft, medium, hard: lost per lap of age
    life: tuple[float, float, float]  #: the same: share of the race distance after which teams change the set
    caution: float  #: multiple of the typical chances of a neutralisation
    sc_p: float  #: that a safety car is called on a green, dry lap with ``CARS`` cars
    vsc_p: float


def figures(parameters: Parameters, name: str) -> Figures:
    """The figures of one circuit of the set. Raises KeyError: the set does not know it."""
    effect = parameters.circuits[name]
    circuit = parameters.circuit(name, total_laps=LAPS)
    tyres = parameters.tyres(name, None, LAPS, circuit.base_lap_s)
    kinds = [(parameters.kinds[compound], effect.tyres[compound]) for compound in DRY]
    soft, medium, hard = (tyres[compound].wear_s for compound in DRY)
    life = [kind.life_share * shift.life for kind, shift in kinds]
    logit = circuit.pass_intercept + circuit.pass_per_s * ADVANTAGE_S
    calls = parameters.cautions
    return Figures(
        lap_s=circuit.base_lap_s,
        pit_loss_s=circuit.pit_loss_s,
        pit_loss_vsc_s=_loss_s(parameters, effect, calls.vsc_pace),
        pit_loss_sc_s=_loss_s(parameters, effect, calls.sc_pace),
        pass_p=1 / (1 + math.exp(-logit)),
        air_s=circuit.dirty_air_s[0],
        noise_s=circuit.noise_s,
        wear_s=(soft, medium, hard),
        life=(life[0], life[1], life[2]),
        caution=effect.caution,
        sc_p=_called(parameters, effect.caution, calls.sc_hazard, calls.after_failure[2], calls.after_accident[2]),
        vsc_p=_called(parameters, effect.caution, calls.vsc_hazard, calls.after_failure[1], calls.after_accident[1]),
    )


def circuit_pages(parameters: Parameters, events: Mapping[str, Sequence[str]] | None = None) -> dict[str, str]:
    """A Markdown page for each circuit of the set, by its name.

    Args:
        parameters: of the model in use.
        events: the races that are held at a circuit, the one that it is known by first.
    """
    field = {name: figures(parameters, name) for name in parameters.circuits}
    every, held = list(field.values()), events or {}
    return {name: _Page(name, parameters, mine, every, held.get(name, ())).text() for name, mine in field.items()}


def _loss_s(parameters: Parameters, effect: CircuitEffect, pace: float) -> float:
    """As ``sim.race.Race.pit_loss_s``: the slower the field, the less the others gain on a car in the pit lane."""
    standing = parameters.stops.station_s + parameters.stops.scale_s
    return max(0.0, effect.pit_loss_s - standing - effect.pit_road_s * (pace - 1)) + standing


def _called(parameters: Parameters, caution: float, alone: float, by_failure: float, by_accident: float) -> float:
    """Probability per lap; a circuit's factor is one on accidents too, as in ``Parameters.race``."""
    reliability = parameters.reliability
    failure, accident = reliability.failure_hazard, reliability.accident_hazard * caution
    return 1 - (1 - alone * caution) * ((1 - failure * by_failure) * (1 - accident * by_accident)) ** CARS


@dataclass(frozen=True, slots=True)
class _Page:
    """What the sections of one page are written from."""

    name: str
    parameters: Parameters
    mine: Figures
    every: Sequence[Figures]
    events: Sequence[str]

    @property
    def effect(self) -> CircuitEffect:
        return self.parameters.circuits[self.name]

    def text(self) -> str:
        sections = {
            "Pit loss": self._pit_loss(),
            "Overtaking": self._overtaking(),
            "Tyre wear": self._tyres(),
            "Safety cars": self._cautions(),
            "How sure these figures are": self._origin(),
        }
        title = f"{self.name} ({self.events[0]})" if self.events else self.name
        parts = (f"## {heading}\n\n{text}" for heading, text in sections.items())
        return "\n\n".join((f"# {title}", self._opening(), *parts)) + "\n"

    def _opening(self) -> str:
        known = f", known for the {_listed(self.events)}" if self.events else ""
        return (
            f"{self.name}{known}, as Pitcall takes it to be: a green lap takes the field {self.mine.lap_s:.1f} s. "
            f"{self._character()} Fitted on {_count(self.effect.races, 'race')}."
        )

    def _character(self) -> str:
        """What pit loss, passing and wear say together."""
        mine, every = self.mine, self.every
        if not self.effect.stops and not self.effect.pass_logit:
            return "No dry race of it was fitted: pit loss, passing and tyres below are those of a typical circuit."
        costs = _level(mine.pit_loss_s, [one.pit_loss_s for one in every], PIT_LOSS_S)
        passes = _level(mine.pass_p, [one.pass_p for one in every], PASS_P)
        wears = _level(fmean(mine.wear_s), [fmean(one.wear_s) for one in every], WEAR_S)
        stop = ("A pit stop is cheap here", "A pit stop costs as much as elsewhere", "A pit stop is expensive here")
        attack = ("passing is hard", "passing is neither hard nor easy", "passing is easy")
        tyres = ("tyres last", "tyres wear as they do elsewhere", "tyres wear fast")
        lean = wears + passes - costs - 1  # 0: as at the median circuit
        if lean >= 2:
            reading = "Together that speaks for fresh tyres over the place on the road, and for a further pit stop."
        elif lean <= -2:
            reading = "Together that speaks for the place on the road, and for few pit stops."
        else:
            reading = "That speaks neither for many pit stops nor for few: the race at hand decides."
        return f"{stop[costs]}, {attack[passes]}, and {tyres[wears]}. {reading}"

    def _pit_loss(self) -> str:
        mine, every, stops = self.mine, self.every, self.parameters.stops
        seen = f"Fitted on {self.effect.stops} pit stops under green."
        if not self.effect.stops:
            seen = "No pit stop under green was seen here: it is a typical circuit's."
        elif self.effect.stops < FEW_STOPS:
            seen = (
                f"Fitted on {_count(self.effect.stops, 'pit stop')} under green only: it is mostly a typical circuit's."
            )
        return (
            f"At {self.name} a pit stop under green costs {mine.pit_loss_s:.1f} s against driving by, "
            f"{_against(mine.pit_loss_s, [one.pit_loss_s for one in every], 's', 1)} {seen}\n\n"
            f"While the field is slow it costs less: {mine.pit_loss_vsc_s:.1f} s under a virtual safety car, "
            f"{mine.pit_loss_sc_s:.1f} s behind the safety car (median circuit "
            f"{_median(every, 'pit_loss_vsc_s'):.1f} s and {_median(every, 'pit_loss_sc_s'):.1f} s).\n\n"
            f"About {stops.station_s + stops.scale_s:.1f} s of it is the standing (stationary) time in the box, taken "
            f"to be the same at every circuit; {100 * stops.botch_p:.0f} % of pit stops go wrong and take "
            f"{stops.botch_s:.0f} s longer on average."
        )

    def _overtaking(self) -> str:
        mine, others = self.mine, [100 * one.pass_p for one in self.every]
        return (
            f"At {self.name} an attack by a car that is {ADVANTAGE_S:.0f} s a lap faster succeeds on a given lap with "
            f"a probability of {100 * mine.pass_p:.0f} %, {_against(100 * mine.pass_p, others, '%', 0)}\n\n"
            f"Following right behind another car costs {mine.air_s:.2f} s a lap in its dirty air (median circuit "
            f"{_median(self.every, 'air_s'):.2f} s); {self.parameters.typical.dirty_air_gap_s:.0f} s behind it costs "
            "nothing any more."
        )

    def _tyres(self) -> str:
        rows = []
        for compound in DRY:
            wear, life = self.mine.wear_s[compound], self.mine.life[compound]
            others = [one.wear_s[compound] for one in self.every]
            rows.append(
                f"- {compound.label}: {wear:.3f} s a lap of age, {_share(wear, median(others))}; after {AGE_LAPS} laps "
                f"{wear * AGE_LAPS:.1f} s a lap slower than new; changed after about {100 * life:.0f} % of the race "
                f"distance (median circuit {100 * median(one.life[compound] for one in self.every):.0f} %)."
            )
        head = f"Tyre wear (degradation) at {self.name} in a typical season, fuel and track taken out:"
        return f"{head}\n\n" + "\n".join(rows)

    def _cautions(self) -> str:
        mine, others = self.mine, [one.caution for one in self.every]
        laps = sum(n * p for n, p in enumerate(self.parameters.cautions.sc_laps, start=1))
        within = 1 - (1 - mine.sc_p) ** LAPS
        return (
            f"At {self.name} safety cars, virtual safety cars and red flags are called {mine.caution:.2f} times as "
            f"often as at a typical circuit (the {_rank(mine.caution, others)}, which reach from {min(others):.2f} to "
            f"{max(others):.2f}). With {CARS} cars on a dry track and lap 1 left out, a safety car is called on "
            f"{100 * mine.sc_p:.1f} % of the green laps and a virtual one on {100 * mine.vsc_p:.1f} %: within {LAPS} "
            f"laps a safety car comes with a probability of {100 * within:.0f} %. It stays out for {laps:.1f} laps on "
            "average, at any circuit."
        )

    def _origin(self) -> str:
        return (
            f"The figures for {self.name} are from the parameters {self.parameters.version}, fitted on "
            f"{_count(self.effect.races, 'race')} of Formula 1 here. Each is drawn towards a typical circuit's, the "
            "more so the less was seen of it. Another series, another layout or new asphalt make it another circuit. "
            "During a race Pitcall learns the pit loss and the wear of the day from its laps and stops; these figures "
            "are where it starts."
        )


def _against(value: float, others: Sequence[float], unit: str, digits: int) -> str:
    """``1.2 s less than at the median circuit (22.5 s), the 3rd lowest of 31.``"""
    middle = median(others)
    difference = round(abs(value - middle), digits)
    if not difference:
        return f"as at the median circuit ({middle:.{digits}f} {unit})."
    points = " points" if unit == "%" else f" {unit}"
    word = "more" if value > middle else "less"
    return (
        f"{difference:.{digits}f}{points} {word} than at the median circuit ({middle:.{digits}f} {unit}), the "
        f"{_rank(value, others)}."
    )


def _rank(value: float, others: Sequence[float]) -> str:
    """``3rd lowest of 31``, counted from the nearer end."""
    below, above = sum(one < value for one in others), sum(one > value for one in others)
    place, end = (below + 1, "lowest") if below < above else (above + 1, "highest")
    return f"{'' if place == 1 else _ordinal(place) + ' '}{end} of {len(others)}"


def _ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _share(value: float, middle: float) -> str:
    """``14 % more than at the median circuit``."""
    share = value / middle - 1 if middle else 0.0
    if abs(share) < _ALIKE:
        return "as at the median circuit"
    return f"{100 * abs(share):.0f} % {'more' if share > 0 else 'less'} than at the median circuit"


def _level(value: float, others: Sequence[float], margin: float) -> int:
    """0: less than the median by the margin; 2: more by it; 1: between."""
    apart = value - median(others)
    return 1 if abs(apart) < margin else 0 if apart < 0 else 2


def _median(every: Sequence[Figures], name: str) -> float:
    values: list[float] = [getattr(one, name) for one in every]
    return median(values)


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
