"""The compiled kernel: its twin as oracle, on races that together use every feature."""

import inspect
import sys
from dataclasses import fields
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pytest

from pitcall.sim import rare
from pitcall.sim.race import Race, Tyre

from .scenarios import DRY, FEATURES, SCENARIOS, STAY, by_compiled_twin, by_twin, differences

pytestmark = pytest.mark.unit

#: Races of the interpreted and of the compiled twin per scenario.
INTERPRETED = 20
COMPILED = 2_000
#: Races per scenario that are traced line by line.
TRACED = 12


@pytest.mark.parametrize("name", SCENARIOS)
def test_kernel_agrees_with_the_interpreted_twin(engine, name):
    """Same place, rejoin and gaps to the bit on every path, for every call and when nobody asks."""
    race, car, calls = SCENARIOS[name].race, SCENARIOS[name].car, SCENARIOS[name].calls
    paths = range(40, 40 + INTERPRETED)
    for k, call in enumerate(calls):
        some = range(paths.start + k, paths.stop, len(calls))
        for path in some:
            got = engine.play(race, 99, range(path, path + 1), car, [call])
            place, rejoin, gap_s = (x[:, None] for x in by_twin(race, 99, range(path, path + 1), car, call))
            assert not differences(got, car, place, rejoin, gap_s), (path, call)
    assert np.array_equal(engine.finish(race, 99, paths), by_twin(race, 99, paths, -1, STAY)[0])


@pytest.mark.parametrize("name", SCENARIOS)
def test_kernel_agrees_with_the_compiled_twin(engine, name):
    """As above, on a hundred times as many races; the seed and the path numbers are large ones."""
    race, car, calls = SCENARIOS[name].race, SCENARIOS[name].car, SCENARIOS[name].calls
    seed, paths = 2**64 - 3, range(2**40, 2**40 + COMPILED)
    assert not differences(
        engine.play(race, seed, paths, car, calls), car, *by_compiled_twin(race, seed, paths, car, calls)
    )
    assert np.array_equal(engine.finish(race, seed, paths), by_compiled_twin(race, seed, paths, -1, (STAY,))[0][:, 0])


class TestCoverage:
    """The scenarios are worth comparing: whatever the model can do happens in them, and matters."""

    @pytest.mark.parametrize("feature", FEATURES)
    def test_every_feature_changes_the_outcome_of_its_scenario(self, engine, feature):
        """Without it some of 512 races end in another order; what changes nothing is not covered."""
        name, without = FEATURES[feature]
        scenario, changed = SCENARIOS[name], without(SCENARIOS[name].race)
        assert changed != scenario.race

        def places(race):
            asked = engine.play(race, 5, range(512), scenario.car, scenario.calls).place
            return np.hstack([asked, engine.finish(race, 5, range(512))])

        assert not np.array_equal(places(changed), places(scenario.race))

    def test_every_scenario_and_every_field_of_a_race_is_used(self):
        """A field that is added to the model is added to the features, or this fails."""
        assert {name for name, _ in FEATURES.values()} == SCENARIOS.keys()
        changed = set()
        for name, without in FEATURES.values():
            before, after = SCENARIOS[name].race, without(SCENARIOS[name].race)
            changed |= {part for part in vars_of(before) if vars_of(before)[part] != vars_of(after)[part]}
        assert vars_of(DRY).keys() - changed == {"grid.cars", "grid.team", "grid.reliability"} - changed

    def test_the_scenarios_reach_every_line_of_the_model(self):
        """Every line of the twin and of the rules that it shares with the kernel runs in some scenario."""
        codes = _codes()
        heads, seen = {(code.co_filename, code.co_firstlineno) for code in codes}, set()

        def note(frame: FrameType, event: str, arg: Any) -> Any:
            seen.add((frame.f_code.co_filename, frame.f_lineno))
            return note

        def enter(frame: FrameType, event: str, arg: Any) -> Any:
            return note if (frame.f_code.co_filename, frame.f_code.co_firstlineno) in heads else None

        before = sys.gettrace()
        try:
            sys.settrace(enter)
            for scenario in SCENARIOS.values():
                for path in range(TRACED):
                    call = scenario.calls[path % len(scenario.calls)]
                    by_twin(scenario.race, 99, range(path, path + 1), scenario.car, call)
        finally:
            sys.settrace(before)
        lines = {
            (code.co_filename, line) for code in codes for *_, line in code.co_lines() if line != code.co_firstlineno
        }
        missed = sorted(f"{name.rsplit('/')[-1]}:{line}" for name, line in lines - seen if line is not None)
        assert codes
        assert not missed, " ".join(missed)


def vars_of(race: Race) -> dict[str, Any]:
    """Every field of a race by its name: ``circuit.noise_s``; tyres as columns."""
    found: dict[str, Any] = {"regime": race.regime, "regime_laps": race.regime_laps}
    for part in ("circuit", "grid", "policy", "stops", "cautions", "reliability", "weather", "rules"):
        found |= {f"{part}.{f.name}": getattr(getattr(race, part), f.name) for f in fields(getattr(race, part))}
    return found | {f"tyres.{f.name}": [getattr(t, f.name) for t in race.tyres] for f in fields(Tyre)}


def _codes() -> list[CodeType]:
    """What a race runs: the twin but for its front doors, and the rules that it shares with the kernel."""
    modules = [m for name, m in sys.modules.items() if name.startswith("pitcall.sim.twin") or m is rare]
    return [
        function.__code__
        for module in modules
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and name != "traced"
    ]
