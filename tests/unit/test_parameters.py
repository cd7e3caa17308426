"""Parameter sets."""

import json
import math
from dataclasses import replace

import pytest

from pitcall import priors
from pitcall.errors import InvalidRequest
from pitcall.parameters import (
    DEFAULT,
    CircuitEffect,
    Parameters,
    SeasonEffect,
    TeamEffect,
    TyreShift,
)
from pitcall.synth import before_the_start

pytestmark = pytest.mark.unit

SHIFTS = (TyreShift(-0.2, 1.5, 0.8), *(TyreShift(),) * 4)
SET = replace(
    DEFAULT,
    version="test",
    circuits={
        "Monza": CircuitEffect(
            races=4, base_lap_s=85.0, pit_loss_s=24.0, pit_road_s=20.0, tyres=SHIFTS, track_s=0.5, noise=0.8,
            dirty_air=0.5, pass_logit=0.4, caution=1.2,
        )
    },
    seasons={
        "2019": SeasonEffect(21, tyres=SHIFTS, pass_logit=0.1, failure=1.5, station_s=1.8),
        "2021": SeasonEffect(22, failure=0.5),
    },
    teams={"2021 Ferrari": TeamEffect(starts=44, stops=60, failure=0.7)},
)  # fmt: skip


class TestDefault:
    @pytest.mark.parametrize(("laps", "lap_s"), [(57, 90.0), (44, 106.3), (78, 74.2)])
    def test_is_the_hand_set_numbers(self, laps, lap_s):
        """``prior@2`` stays what it was: circuit, tyres and everything else of a race."""
        grid = before_the_start(1, laps=laps).grid
        circuit = DEFAULT.circuit(None, laps, lap_s)
        assert circuit == priors.default_circuit(laps, lap_s)
        assert DEFAULT.tyres(None, None, laps, lap_s) == priors.tyres_for(laps, lap_s)
        assert DEFAULT.race(circuit, grid, two_compounds=True) == priors.default_race(circuit, grid, two_compounds=True)

    def test_assumes_nothing_of_circuits_since_it_knows_none(self):
        """A set without circuits, seasons and teams falls back on no level."""
        assumed: list[str] = []
        DEFAULT.circuit("Monza", 53, 85.0, 2019, assumed)
        assert DEFAULT.failure(2019, "Ferrari", assumed) == 1.0
        assert assumed == []


class TestEffects:
    def test_a_circuit_changes_the_typical_one(self):
        """Pit lane replaced, noise and dirty air multiplied, passing added; the track's gain scales with the lap."""
        circuit, typical = SET.circuit("Monza", 50, 45.0, 2020), SET.circuit(None, 50, 45.0)
        assert (circuit.pit_loss_s, circuit.pit_road_s) == (24.0, 20.0)
        assert circuit.noise_s == pytest.approx(0.8 * typical.noise_s)
        assert circuit.dirty_air_s[0] == pytest.approx(0.5 * typical.dirty_air_s[0])
        assert circuit.pass_intercept == pytest.approx(typical.pass_intercept + 0.4 + 0.1)
        assert circuit.track_s == pytest.approx(0.5 / 50 * 0.5)

    def test_tyres_are_changed_by_circuit_and_season_together(self):
        """Offsets add, wear and life multiply; the other compounds stay."""
        soft, medium = SET.tyres("Monza", 2019, 50)[:2]
        kind = SET.kinds[0]
        assert soft.offset_s == pytest.approx(kind.offset_s - 0.4)
        assert soft.wear_s == pytest.approx(kind.wear_s * 2.25)
        assert soft.life_laps == round(kind.life_share * 0.64 * 50)
        assert medium == DEFAULT.tyres(None, None, 50)[1]

    def test_a_race_gets_cautions_failures_and_crews(self):
        """A circuit's factor moves accidents and what comes without one; a season's moves failures."""
        circuit = SET.circuit("Monza", 50, season=2019)
        race = SET.race(circuit, before_the_start(1).grid, "Monza", 2019, two_compounds=False)
        assert race.cautions.sc_hazard == pytest.approx(1.2 * SET.cautions.sc_hazard)
        assert race.reliability.accident_hazard == pytest.approx(1.2 * SET.reliability.accident_hazard)
        assert race.reliability.failure_hazard == pytest.approx(1.5 * SET.reliability.failure_hazard)
        assert race.stops.station_s == 1.8
        assert SET.failure(2021, "Ferrari") == 0.7


class TestFallback:
    def test_an_unknown_circuit_is_a_typical_one_and_says_so(self):
        """And its lap, when none was driven."""
        assumed: list[str] = []
        circuit = SET.circuit("Las Vegas", 50, None, 2021, assumed)
        assert circuit.pit_loss_s == SET.typical.pit_loss_s
        assert assumed == [
            "No race fitted at Las Vegas: a typical circuit taken.",
            "No clean lap yet: lap time taken as 90 s.",
        ]

    def test_a_known_circuit_knows_its_lap(self):
        """Before a lap is driven."""
        assumed: list[str] = []
        assert SET.circuit("Monza", 53, None, 2021, assumed).base_lap_s == 85.0
        assert assumed == ["No clean lap yet: lap time taken as 85 s."]

    @pytest.mark.parametrize(
        ("season", "failure", "sentence"),
        [
            (2019, 1.5, []),
            (2020, 1.5, ["No race of 2020 fitted: 2019 taken."]),
            (2026, 0.5, ["No race of 2026 fitted: 2021 taken."]),
            (2018, 1.0, ["No race of 2018 fitted: a typical season taken."]),
            (None, 1.0, ["No race of this season fitted: a typical season taken."]),
        ],
    )
    def test_an_unknown_season_is_the_last_one_before(self, season, failure, sentence):
        """None before: typical."""
        assumed: list[str] = []
        circuit = SET.circuit("Monza", 53, 85.0, season, assumed)
        race = SET.race(circuit, before_the_start(1, laps=53).grid, "Monza", season, two_compounds=True)
        assert race.reliability.failure_hazard == pytest.approx(failure * SET.reliability.failure_hazard)
        assert assumed == sentence

    def test_an_unknown_team_is_as_reliable_as_the_others(self):
        """A new name, or one of another season."""
        assumed: list[str] = []
        assert SET.failure(2026, "Cadillac", assumed) == 1.0
        assert assumed == ["No race of Cadillac in 2026 fitted: average reliability."]


class TestJson:
    def test_survives_the_journey(self):
        """Through text and back, equal."""
        assert Parameters.from_dict(json.loads(json.dumps(SET.to_dict()))) == SET

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda raw: raw.update(format=99), "reads format 1, not 99; fit them again"),
            (lambda raw: raw.pop("format"), "reads format 1, not None"),
            (lambda raw: raw["stop_features"].reverse(), "reads stop_features .*; fit them again"),
            (lambda raw: raw.pop("kinds"), "parameters: missing kinds"),
            (lambda raw: raw["typical"].update(wind=1.0), r"parameters\.typical: unknown wind"),
            (lambda raw: raw["typical"].update(noise_s=math.nan), r"typical\.noise_s must be finite, not nan"),
            (lambda raw: raw["typical"].update(noise_s=-1.0), "noise_s cannot be negative"),
            (lambda raw: raw["kinds"].pop(), "one entry per compound, 5"),
            (lambda raw: raw["circuits"]["Monza"].update(noise=-1.0), "circuit Monza: noise_s cannot be negative"),
            (lambda raw: raw["circuits"]["Monza"]["tyres"].pop(), "one entry per compound, 5"),
            (lambda raw: raw["seasons"].update(soon=raw["seasons"].pop("2019")), "seasons: years, not soon"),
            (lambda raw: raw["policy"]["stop"].pop(), r"parameters\.policy: stop: \d+ finite weights"),
        ],
    )
    def test_refuses_what_cannot_be_true(self, change, message):
        """With the name of the value."""
        raw = SET.to_dict()
        change(raw)
        with pytest.raises(InvalidRequest, match=message):
            Parameters.from_dict(raw)

    def test_refuses_what_is_no_set(self):
        """A list is not a set."""
        with pytest.raises(InvalidRequest, match="reads format 1"):
            Parameters.from_dict([])  # type: ignore[arg-type]  # what a file may hold
