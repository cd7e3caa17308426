"""The versioned parameter set of the race model: typical values, and what circuits, seasons and teams change. Pure.

``DEFAULT`` is hand-set (``pitcall.priors``); ``pitcall fit`` makes others from lap tables and
``pitcall.adapters.model`` loads the one that ships. Whoever plays a race asks a set for its parts:
``circuit``, ``tyres``, ``race``. A circuit, season or team that the set does not know gets the level
above, and a sentence that says so. docs/data.md has unit and source of every field.

Times are seconds at ``REFERENCE_LAP_S``; they scale with the lap. Multiples are about 1, logits about 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from pitcall import priors
from pitcall.calibrate.filter import DEFAULT as FILTER
from pitcall.calibrate.filter import Tuning
from pitcall.errors import InvalidRequest
from pitcall.plain import from_plain, to_plain
from pitcall.priors import REFERENCE_LAP_S
from pitcall.sim.race import (
    COMPOUNDS,
    STOP_FEATURES,
    Cautions,
    Circuit,
    Grid,
    Policy,
    Race,
    Reliability,
    Rules,
    Stops,
    Tyre,
    Weather,
    two_compound_rules,
)
from pitcall.tuned import UNTUNED, Tuned

#: Layout of the JSON form. A set of another layout is refused.
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Typical:
    """The circuit that nothing is known of: the fields of ``sim.race.Circuit`` that have a typical value."""

    full_fuel_s: float = priors.FULL_FUEL_S  #: what all the fuel of a race costs on its first lap
    full_track_s: float = 0.0  #: what the track gains by rubber from the first lap to the last
    noise_s: float = priors.NOISE_S
    noise_memory: float = 0.3
    mistake_hazard: float = 0.02
    mistake_s: float = 1.0
    pit_loss_s: float = priors.PIT_LOSS_S  #: does not scale with the lap
    pit_loss_weight: float = 2.0  #: seen stops that the prior pit loss is worth
    pit_road_s: float = 21.0  #: does not scale with the lap
    out_lap_share: float = priors.OUT_LAP_SHARE  #: of a stop's loss that falls on the out-lap
    dirty_air_s: tuple[float, float, float] = (0.6, 0.15, 0.05)
    dirty_air_gap_s: float = 2.0
    wake_wear: float = 0.1
    hold_gap_s: float = 0.5
    pass_intercept: float = -2.2
    pass_per_s: float = 1.463
    pass_aid: float = 0.0
    aid_gap_s: float = 1.0
    pass_bite: float = 0.0
    duel_s: float = 0.3
    blue_s: float = 0.5
    lapping_s: float = 0.1


@dataclass(frozen=True, slots=True)
class Unseen:
    """A car that has not driven in this race."""

    gap_s: float = priors.GRID_GAP_S  #: from one starting slot to the next, at the line
    pace_per_slot_s: float = 0.125  #: lap time lost per slot further back
    slot_sd_s: float = 0.4  #: sd of a car's pace about that
    pace_sd_s: float = 1.0  #: sd about the field once the others have driven
    wear_sd: float = 0.25  #: sd of its wear as a multiple of the field's


@dataclass(frozen=True, slots=True)
class Rain:
    """How wet it is by the tyres that the field has fitted, and how that changes a lap."""

    intermediate: float = 0.45  #: wetness when the field runs on intermediates
    wet: float = 0.85  #: wetness when it runs on wets
    damp: float = 0.1  #: wetness when it rains and the field is still on slicks
    rain_hazard: float = 0.02
    stop_hazard: float = 0.06
    wetting: float = 0.05
    drying: float = 0.03

    def weather(self, wetness: float, *, raining: bool) -> Weather:
        """The kernel's weather from here on."""
        return Weather(
            wetness=wetness,
            raining=raining,
            rain_hazard=self.rain_hazard,
            stop_hazard=self.stop_hazard,
            wetting=self.wetting,
            drying=self.drying,
        )


@dataclass(frozen=True, slots=True)
class TyreKind:
    """One compound: the fields of ``sim.race.Tyre``, its life as a share of the race distance."""

    offset_s: float
    wear_s: float
    cliff_s: float
    life_share: float
    cold_s: float
    cliff_sd: float = 0.15
    wear2_s: float = 0.0
    wet_best: float = 0.05
    wet_over_s: float = 30.0
    wet_under_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TyreShift:
    """What a circuit or a season changes about one compound."""

    offset_s: float = 0.0  #: added
    wear: float = 1.0  #: multiple of wear and cliff
    life: float = 1.0  #: multiple


_NO_SHIFT: Final = (TyreShift(),) * COMPOUNDS


@dataclass(frozen=True, slots=True)
class CircuitEffect:
    """What one circuit changes about the typical one."""

    races: int  #: that it was fitted on
    base_lap_s: float  #: the field's green lap
    pit_loss_s: float
    pit_road_s: float
    stops: int = 0  #: green ones behind the two figures
    tyres: tuple[TyreShift, ...] = _NO_SHIFT  #: by compound
    track_s: float = 0.0  #: added to ``full_track_s``
    noise: float = 1.0  #: multiple
    dirty_air: float = 1.0  #: multiple
    pass_logit: float = 0.0  #: added
    caution: float = 1.0  #: multiple of the chances that a neutralisation begins


@dataclass(frozen=True, slots=True)
class SeasonEffect:
    """What one season's rules, tyres and cars change."""

    races: int
    tyres: tuple[TyreShift, ...] = _NO_SHIFT
    pass_logit: float = 0.0  #: added
    failure: float = 1.0  #: multiple of the failure hazard
    station_s: float = priors.DEFAULT_STOPS.station_s  #: shortest stop
    scale_s: float = priors.DEFAULT_STOPS.scale_s  #: median of what comes on top


@dataclass(frozen=True, slots=True)
class TeamEffect:
    """One team in one season."""

    starts: int
    stops: int
    failure: float = 1.0  #: multiple of the season's failure hazard
    scale_s: float = priors.DEFAULT_STOPS.scale_s  #: median of what comes on top of the shortest stop


def _kind(i: int, tyre: Tyre) -> TyreKind:
    return TyreKind(
        offset_s=tyre.offset_s,
        wear_s=tyre.wear_s,
        cliff_s=tyre.cliff_s,
        life_share=priors.LIFE_SHARE[i],
        cold_s=tyre.cold_s,
        cliff_sd=tyre.cliff_sd,
        wear2_s=tyre.wear2_s,
        wet_best=tyre.wet_best,
        wet_over_s=tyre.wet_over_s,
        wet_under_s=tyre.wet_under_s,
    )


_KINDS: Final = tuple(_kind(i, tyre) for i, tyre in enumerate(priors.DEFAULT_TYRES))


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Parameters:
    """One set. ``circuits`` by name, ``seasons`` by year as text, ``teams`` by ``"2019 Ferrari"``."""

    version: str
    typical: Typical = Typical()
    kinds: tuple[TyreKind, ...] = _KINDS  #: soft, medium, hard, intermediate, wet
    unseen: Unseen = Unseen()
    rain: Rain = Rain()
    stops: Stops = priors.DEFAULT_STOPS
    cautions: Cautions = priors.DEFAULT_CAUTIONS
    reliability: Reliability = priors.DEFAULT_RELIABILITY
    policy: Policy = priors.DEFAULT_POLICY
    filter: Tuning = FILTER
    tuned: Tuned = UNTUNED  #: what was set on the score of forecasts; as it stands it changes nothing
    circuits: Mapping[str, CircuitEffect] = field(default_factory=_nothing)
    seasons: Mapping[str, SeasonEffect] = field(default_factory=_nothing)
    teams: Mapping[str, TeamEffect] = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        shifts = [e.tyres for e in self.circuits.values()] + [e.tyres for e in self.seasons.values()]
        if any(len(tyres) != COMPOUNDS for tyres in (self.kinds, *shifts)):
            raise ValueError(f"kinds, tyres: one entry per compound, {COMPOUNDS}")
        if wrong := [year for year in self.seasons if not year.isdecimal()]:
            raise ValueError(f"seasons: years, not {', '.join(wrong)}")
        self.circuit(None, total_laps=50)  # the kernel's own checks of what every race is made of
        self.tyres(None, None, total_laps=50)
        for name, effect in self.circuits.items():
            try:
                self.circuit(name, total_laps=50, base_lap_s=effect.base_lap_s)
                self.tyres(name, None, total_laps=50, base_lap_s=effect.base_lap_s)
            except ValueError as exc:
                raise ValueError(f"circuit {name}: {exc}") from exc

    def circuit(
        self,
        name: str | None,
        total_laps: int,
        base_lap_s: float | None = None,
        season: int | None = None,
        assumed: list[str] | None = None,
    ) -> Circuit:
        """The kernel's circuit.

        Args:
            name: as ``RaceState.circuit``; None: not known.
            total_laps: race distance.
            base_lap_s: the field's green lap; None: what the set knows.
            season: year; None: not known.
            assumed: gets a sentence for each level that the set does not know.
        """
        typical, effect, year = self.typical, self._circuit(name, assumed), self._season(season, assumed)
        base = base_lap_s or (effect.base_lap_s if effect else REFERENCE_LAP_S)
        if base_lap_s is None and assumed is not None:
            assumed.append(f"No clean lap yet: lap time taken as {base:.0f} s.")
        scale = base / REFERENCE_LAP_S
        change = effect or CircuitEffect(0, base, typical.pit_loss_s, typical.pit_road_s)
        first, second, third = (loss * change.dirty_air for loss in typical.dirty_air_s)
        return Circuit(
            total_laps=total_laps,
            base_lap_s=base,
            fuel_s=typical.full_fuel_s / total_laps * scale,
            track_s=(typical.full_track_s + change.track_s) / total_laps * scale,
            noise_s=typical.noise_s * change.noise,
            noise_memory=typical.noise_memory,
            mistake_hazard=typical.mistake_hazard,
            mistake_s=typical.mistake_s,
            pit_loss_s=change.pit_loss_s,
            pit_road_s=change.pit_road_s,
            dirty_air_s=(first, second, third),
            dirty_air_gap_s=typical.dirty_air_gap_s,
            wake_wear=typical.wake_wear,
            hold_gap_s=typical.hold_gap_s,
            pass_intercept=typical.pass_intercept + change.pass_logit + (year.pass_logit if year else 0.0),
            pass_per_s=typical.pass_per_s,
            pass_aid=typical.pass_aid,
            aid_gap_s=typical.aid_gap_s,
            pass_bite=typical.pass_bite,
            duel_s=typical.duel_s,
            blue_s=typical.blue_s,
            lapping_s=typical.lapping_s,
        )

    def tyres(
        self, circuit: str | None, season: int | None, total_laps: int, base_lap_s: float = REFERENCE_LAP_S
    ) -> tuple[Tyre, ...]:
        """The kernel's five tyres on a lap of this length and a race of this distance."""
        effect, year = self.circuits.get(circuit or ""), self._season(season)
        here, now = effect.tyres if effect else _NO_SHIFT, year.tyres if year else _NO_SHIFT
        scale = base_lap_s / REFERENCE_LAP_S
        return tuple(_tyre(*each, total_laps, scale) for each in zip(self.kinds, here, now, strict=True))

    def race(
        self,
        circuit: Circuit,
        grid: Grid,
        name: str | None = None,
        season: int | None = None,
        *,
        two_compounds: bool,
    ) -> Race:
        """A race of ``grid`` on ``circuit``; ``name`` and ``season`` pick the tyres, cautions, failures and stops."""
        year, effect = self._season(season), self.circuits.get(name or "")
        caution, failure = (effect.caution if effect else 1.0), (year.failure if year else 1.0)
        chances = ("yellow_hazard", "vsc_hazard", "sc_hazard", "red_hazard")
        # Most neutralisations follow an accident, so a circuit's factor is one on accidents too.
        return Race(
            circuit=circuit,
            tyres=self.tyres(name, season, circuit.total_laps, circuit.base_lap_s),
            grid=grid,
            policy=self.policy,
            stops=replace(self.stops, station_s=year.station_s, scale_s=year.scale_s) if year else self.stops,
            cautions=replace(self.cautions, **{key: getattr(self.cautions, key) * caution for key in chances}),
            reliability=replace(
                self.reliability,
                failure_hazard=self.reliability.failure_hazard * failure,
                accident_hazard=self.reliability.accident_hazard * caution,
            ),
            rules=two_compound_rules() if two_compounds else Rules(),
        )

    def failure(self, season: int | None, team: str, assumed: list[str] | None = None) -> float:
        """A team's multiple of its season's failure hazard, ``Grid.reliability``; 1 where the set does not know it."""
        effect = self.teams.get(f"{season} {team}")
        if effect is None and self.teams and assumed is not None:
            assumed.append(
                f"No race of {team or 'this team'} in {season or 'this season'} fitted: average reliability."
            )
        return effect.failure if effect else 1.0

    def to_dict(self) -> dict[str, Any]:
        """The JSON form. A set that was not tuned says nothing of it, as those from before there was a search."""
        plain = {**_head(), **to_plain(self)}
        if self.tuned == UNTUNED:
            del plain["tuned"]
        return plain

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Parameters":
        """The set of a JSON form.

        Raises:
            InvalidRequest: another format, a key too many or too few, a value of another type, not finite or out of
                bounds; the message names it.
        """
        head = _head()
        for key, mine in head.items():
            if not isinstance(raw, Mapping) or raw.get(key) != mine:
                found = raw.get(key) if isinstance(raw, Mapping) else raw
                raise InvalidRequest(f"parameters: this version reads {key} {mine}, not {found!r:.80}; fit them again")
        found = {"tuned": to_plain(UNTUNED), **raw}
        return from_plain(cls, "parameters", {key: value for key, value in found.items() if key not in head})

    def _circuit(self, name: str | None, assumed: list[str] | None) -> CircuitEffect | None:
        effect = self.circuits.get(name or "")
        if effect is None and self.circuits and assumed is not None:
            assumed.append(f"No race fitted at {name or 'this circuit'}: a typical circuit taken.")
        return effect

    def _season(self, season: int | None, assumed: list[str] | None = None) -> SeasonEffect | None:
        """The season's effect, else that of the last one before it: rules and cars change little by little."""
        last = max((int(year) for year in self.seasons if season is not None and int(year) <= season), default=None)
        if self.seasons and (last is None or last != season) and assumed is not None:
            taken = f"{last} taken" if last else "a typical season taken"
            assumed.append(f"No race of {season or 'this season'} fitted: {taken}.")
        return self.seasons[str(last)] if last else None


def _head() -> dict[str, Any]:
    """What the JSON form begins with. The weights of the stop policy are a list: this says of what."""
    return {"format": FORMAT, "stop_features": list(STOP_FEATURES)}


def _tyre(kind: TyreKind, of_circuit: TyreShift, of_season: TyreShift, total_laps: int, scale: float) -> Tyre:
    wear = of_circuit.wear * of_season.wear * scale
    life = kind.life_share * of_circuit.life * of_season.life
    return Tyre(
        offset_s=(kind.offset_s + of_circuit.offset_s + of_season.offset_s) * scale,
        wear_s=kind.wear_s * wear,
        wear2_s=kind.wear2_s * wear,
        cliff_s=kind.cliff_s * wear,
        life_laps=max(3, round(life * total_laps)),
        cold_s=kind.cold_s,
        cliff_sd=kind.cliff_sd,
        wet_best=kind.wet_best,
        wet_over_s=kind.wet_over_s,
        wet_under_s=kind.wet_under_s,
    )


#: Today's hand-set numbers.
DEFAULT: Final = Parameters(version="prior@2")
