"""The race model's default parameters, each with unit and source: what holds of a race nobody has seen. Pure.

Hand-set from public figures until they are fitted to races. docs/data.md has one row per parameter;
tests/unit/test_season.py holds what the figures promise together: how often races are
neutralised, how many cars retire and stop. ``pitcall.forecast`` corrects what a race shows.
"""

from dataclasses import replace
from typing import Final

from pitcall.sim.race import (
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
    two_compound_rules,
)

#: Reference lap that the tyre and pit figures below are quoted for, s. Others scale with the lap.
REFERENCE_LAP_S: Final = 90.0
#: Time that all the fuel of a full race costs on the first lap, s: 0.0309 s/kg x 110 kg (docs/data.md#fuel).
FULL_FUEL_S: Final = 3.4
#: Green pit loss where no stop was seen yet, s (docs/data.md#pit-loss).
PIT_LOSS_S: Final = 22.0
#: Share of a stop's loss that falls on the out-lap: the pit box is behind the line on most circuits.
OUT_LAP_SHARE: Final = 0.88
#: Sd of a lap time, s.
NOISE_S: Final = 0.5
#: Gap between starting slots at the line, s.
GRID_GAP_S: Final = 0.25

#: Tyres at the reference lap; life as a share of the race distance, replaced by ``tyres_for``. docs/data.md#tyres.
LIFE_SHARE: Final = {0: 0.40, 1: 0.46, 2: 0.66, 3: 0.45, 4: 0.45}
_SLICK: Final = {"cliff_sd": 0.15, "wet_best": 0.05, "wet_over_s": 30.0}
DEFAULT_TYRES: Final = (
    Tyre(offset_s=-0.5, wear_s=0.108, cliff_s=0.10, life_laps=23, cold_s=0.8, **_SLICK),
    Tyre(offset_s=0.0, wear_s=0.060, cliff_s=0.10, life_laps=26, cold_s=0.9, **_SLICK),
    Tyre(offset_s=0.55, wear_s=0.047, cliff_s=0.10, life_laps=38, cold_s=1.1, **_SLICK),
    Tyre(
        offset_s=0.0, wear_s=0.060, cliff_s=0.10, life_laps=26, cold_s=0.8, cliff_sd=0.15,
        wet_best=0.30, wet_over_s=12.0, wet_under_s=30.0,
    ),
    Tyre(
        offset_s=0.0, wear_s=0.060, cliff_s=0.10, life_laps=26, cold_s=0.8, cliff_sd=0.15,
        wet_best=0.70, wet_over_s=4.0, wet_under_s=20.0,
    ),
)  # fmt: skip
#: Standing in the box, docs/data.md#standing.
DEFAULT_STOPS: Final = Stops(
    station_s=1.6, scale_s=1.0, shape=2.0, botch_p=0.05, botch_s=6.0, stack_s=2.0, repair_s=8.0
)  # fmt: skip
#: Who stops the race and how, docs/data.md#cautions.
DEFAULT_CAUTIONS: Final = Cautions(
    yellow_hazard=0.01,
    vsc_hazard=0.001,
    sc_hazard=0.0015,
    red_hazard=0.0003,
    after_failure=(0.30, 0.22, 0.08, 0.01),
    after_accident=(0.20, 0.12, 0.42, 0.06),
    sc_laps=(0.04, 0.18, 0.26, 0.24, 0.18, 0.06, 0.03, 0.01),
    vsc_laps=(0.479, 0.396, 0.021, 0.104),
    vsc_to_sc=0.02,
    sc_pace=1.6,
    catch_pace=1.35,
    vsc_pace=1.4,
    queue_gap_s=1.48,
    red_gap_s=1.0,
    yellow_s=0.4,
    unlap=True,
    restart_pass=0.5,
)
#: How cars fail, docs/data.md#reliability.
DEFAULT_RELIABILITY: Final = Reliability(
    failure_hazard=0.00105,
    accident_hazard=0.00078,
    first_lap=36.0,
    restart=4.0,
    wet=2.0,
    close=1.0,
    close_s=0.7,
    out_p=0.7,
    lost_s=9.0,
    damage_s=0.8,
    penalty_p=0.3,
    penalty_s=5.0,
)
#: The rival stop policy, docs/data.md#stop-policy: learned, but for the bias, which makes synthetic races stop as often
#: as real ones, and the weights of which lap tables tell too little.
_STOP_WEIGHTS: Final = {
    "bias": -8.07,
    "life_used": 2.95,
    "beyond_life": -2.84,
    "rule_open": 0.19,
    "rule_closing": 3.0,
    "race_left": 2.36,
    "lasts": 0.63,
    "last_laps": -2.0,
    "new_safety_car": 2.36,
    "safety_car": 0.84,
    "new_vsc": 2.15,
    "vsc": 0.46,
    "wear_s": 0.88,
    "wet_s": 3.0,
    "damage_s": 10.0,
    "pressed": 0.43,
    "undercut": 1.27,
    "cover": -0.1,
    "team_mate": 0.85,
    "places": -1.16,
    "behind_field": 0.69,
    "stops_lately": 3.79,
}
DEFAULT_POLICY: Final = Policy(compound_s=15.8, stop=tuple(_STOP_WEIGHTS[name] for name in STOP_FEATURES))


def default_circuit(total_laps: int, base_lap_s: float = REFERENCE_LAP_S) -> Circuit:
    """The prior of a circuit that nothing is known of. Sources: docs/data.md."""
    return Circuit(
        total_laps=total_laps,
        base_lap_s=base_lap_s,
        fuel_s=FULL_FUEL_S / total_laps * (base_lap_s / REFERENCE_LAP_S),
        noise_s=NOISE_S,
        noise_memory=0.3,
        mistake_hazard=0.02,
        mistake_s=1.0,
        pit_loss_s=PIT_LOSS_S,
        pit_road_s=21.0,
        dirty_air_s=(0.6, 0.15, 0.05),
        dirty_air_gap_s=2.0,
        wake_wear=0.1,
        hold_gap_s=0.5,
        pass_intercept=-2.2,
        pass_per_s=1.463,
        duel_s=0.3,
        blue_s=0.5,
        lapping_s=0.1,
    )


def default_race(circuit: Circuit, grid: Grid, *, two_compounds: bool) -> Race:
    """A race with the priors of this module for all that circuit and grid do not say."""
    return Race(
        circuit=circuit,
        tyres=tyres_for(circuit.total_laps, circuit.base_lap_s),
        grid=grid,
        policy=DEFAULT_POLICY,
        stops=DEFAULT_STOPS,
        cautions=DEFAULT_CAUTIONS,
        reliability=DEFAULT_RELIABILITY,
        rules=two_compound_rules() if two_compounds else Rules(),
    )


def tyres_for(total_laps: int, base_lap_s: float) -> tuple[Tyre, ...]:
    """The default tyres on a lap of this length and a race of this distance."""
    scale = base_lap_s / REFERENCE_LAP_S
    return tuple(
        replace(
            tyre,
            offset_s=tyre.offset_s * scale,
            wear_s=tyre.wear_s * scale,
            cliff_s=tyre.cliff_s * scale,
            life_laps=max(3, round(LIFE_SHARE[i] * total_laps)),
        )
        for i, tyre in enumerate(DEFAULT_TYRES)
    )
