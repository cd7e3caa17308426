"""Calls that a pit wall can make. Pure."""

from dataclasses import dataclass

from pitcall.domain.race import CarState, RaceState, must_change_compound
from pitcall.domain.tyres import DRY, RAIN, Compound
from pitcall.errors import StaleFeed


@dataclass(frozen=True, slots=True)
class Call:
    """Box at the end of ``lap`` for ``compound``; both None: stay out to the flag."""

    lap: int | None = None
    compound: Compound | None = None

    def __post_init__(self) -> None:
        if (self.lap is None) != (self.compound is None):
            raise ValueError("a call names both lap and compound, or neither")

    @property
    def stays_out(self) -> bool:
        """True for the call that makes no further stop."""
        return self.lap is None


@dataclass(frozen=True, slots=True)
class Threat:
    """A car behind that would come out ahead if it stopped now and the asking car a lap later."""

    car: str
    gap_s: float
    margin_s: float  #: gained beyond the gap, > 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts behind a call. Positions are 1-based; a name is "" where there is no such car."""

    compound: str
    tyre_age_laps: int | None
    pit_loss_s: float
    wear_s_per_lap: float
    wear_sd_s_per_lap: float
    fresh_gain_s: float  #: second lap on the best option's tyres against staying out, per lap
    position: int
    ahead: str
    gap_ahead_s: float
    behind: str
    gap_behind_s: float
    rejoin_position: int
    rejoin_ahead: str
    rejoin_gap_ahead_s: float
    rejoin_behind: str
    rejoin_gap_behind_s: float
    undercut_threats: tuple[Threat, ...]


def legal_calls(state: RaceState, car: CarState) -> list[Call]:
    """Every legal call of one car: each lap left but the last, each compound that the track allows, and staying out.

    The two-compound rule (``must_change_compound``) forbids staying out while it is not met, and on
    the last lap on which a stop is possible it also forbids the compound already used. Earlier a
    repeat of the same compound is legal: a later stop can still meet the rule.

    Raises:
        StaleFeed: the race is over or the car is out of it.
    """
    if not car.racing or state.finished:
        raise StaleFeed(f"car {car.car} is {car.status.value}: there is no call left to make")
    first, last = car.laps_done + 1, state.total_laps - 1
    compounds = RAIN if state.wet else DRY
    must_change = state.series == "f1" and not state.wet and must_change_compound(car)
    calls = [] if must_change and first <= last else [Call()]
    for lap in range(first, last + 1):
        for compound in compounds:
            if must_change and lap == last and compound in car.compounds_used:
                continue
            calls.append(Call(lap, compound))
    return calls
