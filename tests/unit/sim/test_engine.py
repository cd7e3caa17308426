"""The engine: threads, ranges and processes never change a bit. And what a kernel's race must be, whoever plays it."""

import hashlib
import math
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pitcall.sim import kernel
from pitcall.sim.engine import CACHE_LINE, Engine
from pitcall.sim.messages import Candidate
from pitcall.sim.model import pack
from pitcall.sim.outcome import joined
from pitcall.sim.race import Cautions, Stops, Tyre

from .conftest import QUIET, busy_race, make_race
from .scenarios import SCENARIOS, STAY

pytestmark = pytest.mark.unit

CALLS = [STAY, Candidate(14, 2), Candidate(20, 0)]


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, part), getattr(b, part)) for part in ("place", "rejoin", "gap_s"))


class TestSameBits:
    @pytest.mark.parametrize("threads", [1, 2, 3, 7])
    def test_on_any_number_of_threads(self, threads):
        """1 thread or 64: the same races of every scenario, asked and not."""
        one, other = Engine(1), Engine(threads)
        for scenario in SCENARIOS.values():
            asked = [engine.play(scenario.race, 5, range(130), scenario.car, scenario.calls) for engine in (one, other)]
            assert same(*asked)
            assert np.array_equal(one.finish(scenario.race, 5, range(130)), other.finish(scenario.race, 5, range(130)))
        one.close()
        other.close()

    @pytest.mark.parametrize("cuts", [(1, 2, 3), (31, 32, 33), (64,), (7, 8, 100, 129)])
    def test_in_any_split_into_ranges(self, engine, cuts):
        """A path is named by its number, not by when it is played, nor by which lane it is in."""
        for scenario in SCENARIOS.values():
            edges = (1_000, *(1_000 + cut for cut in cuts), 1_130)
            parts = [range(a, b) for a, b in pairwise(edges)]
            whole = engine.play(scenario.race, 5, range(1_000, 1_130), scenario.car, scenario.calls)
            assert same(joined([engine.play(scenario.race, 5, p, scenario.car, scenario.calls) for p in parts]), whole)
            free = np.concatenate([engine.finish(scenario.race, 5, part) for part in parts])
            assert np.array_equal(free, engine.finish(scenario.race, 5, range(1_000, 1_130)))

    def test_alone_or_among_other_calls(self, engine):
        """Common random numbers: a call meets the same races whatever it is compared with, first or last."""
        for scenario in SCENARIOS.values():
            together = engine.play(scenario.race, 5, range(64), scenario.car, scenario.calls)
            for k, call in enumerate(scenario.calls):
                alone = engine.play(scenario.race, 5, range(64), scenario.car, [call])
                assert np.array_equal(alone.place[:, 0], together.place[:, k])
                assert np.array_equal(alone.gap_s[:, 0], together.gap_s[:, k])

    def test_after_a_race_of_another_size(self):
        """The working memory is used again; nothing of an earlier race is left in it."""
        fresh, used = Engine(1), Engine(1)
        for scenario in SCENARIOS.values():
            used.play(scenario.race, 9, range(40), scenario.car, scenario.calls)
        race = make_race(3)
        assert same(*(engine.play(race, 5, range(40), 1, CALLS) for engine in (fresh, used)))
        fresh.close()
        used.close()

    def test_in_another_process(self, engine):
        """What one worker answers another one would have answered."""
        program = (
            "from pitcall.sim.engine import Engine\n"
            "from tests.unit.sim import test_engine\n"
            "engine = Engine(1)\n"
            "print(test_engine.digest(engine))\n"
            "engine.close()\n"
        )
        root = Path(__file__).parents[3]
        found = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=90, check=False, cwd=root
        )
        assert found.stdout.strip() == digest(engine), found.stderr


def digest(engine: Engine) -> str:
    """A hash of 64 races of every scenario."""
    total = hashlib.sha256()
    for scenario in SCENARIOS.values():
        played = engine.play(scenario.race, 2**64 - 1, range(64), scenario.car, scenario.calls)
        for part in (played.place, played.rejoin, played.gap_s, engine.finish(scenario.race, 3, range(64))):
            total.update(part.tobytes())
    return total.hexdigest()


def test_another_seed_gives_other_races(engine):
    """The seed matters."""
    a, b = (engine.play(busy_race(), seed, range(20), 2, CALLS).place for seed in (5, 6))
    assert not np.array_equal(a, b)


def test_working_memory_begins_on_a_cache_line(engine):
    """Whatever size comes next: a vector across two lines costs two loads."""
    for cars in (2, 3, 20):
        for memory in engine._scratch(pack(make_race(cars))):
            assert memory.ctypes.data % CACHE_LINE == 0


def test_no_threads_is_refused():
    """A pool of nothing would wait for ever."""
    with pytest.raises(ValueError, match="threads"):
        Engine(0)


def test_every_place_of_a_class_is_taken_once(engine):
    """Whatever happens in a scenario; and the retired of the grid are behind everybody else of their class."""
    for scenario in SCENARIOS.values():
        grid, places = scenario.race.grid, engine.finish(scenario.race, 5, range(500))
        klass = np.array(grid.klass or (0,) * len(grid.cars))
        for k in set(klass.tolist()):
            mine = places[:, klass == k]
            assert (np.sort(mine, axis=1) == np.arange(1, mine.shape[1] + 1)).all()
        out = ~np.array(grid.racing)
        if out.any():
            assert (places[:, out] > (~out).sum()).all()


def test_there_is_one_compilation_whatever_the_request(engine):
    """A second memory layout or type would compile for seconds inside somebody's race."""
    engine.play(make_race(), 1, range(7), 0, CALLS)
    engine.finish(busy_race(), 2**64 - 1, range(5, 9))
    for scenario in SCENARIOS.values():
        engine.play(scenario.race, 1, range(3), scenario.car, scenario.calls)
    assert len(kernel.play_block.signatures) == 1


class TestChances:
    """What the kernel draws has the distribution that the model's numbers say, over 20,000 races each."""

    PATHS = range(20_000)

    def standing(self, engine, stops):
        """Seconds in the box beyond the shortest stop, from the gap to a car that does not stop."""
        race = make_race(2, circuit=replace(QUIET, pit_loss_s=100.0), stops=stops)
        gap = engine.play(race, 7, self.PATHS, 0, [Candidate(11, 2)]).gap_s[:, 0, 0].astype(float)
        return gap - (100.0 - stops.station_s - stops.scale_s) + 1.0 - stops.station_s

    def test_the_crew_takes_log_logistic_time(self, engine):
        """Its quantiles are scale (p / (1 - p))^(1 / shape), median first."""
        extra = self.standing(engine, Stops(station_s=2.0, scale_s=0.6, shape=2.5))
        for p in (0.05, 0.25, 0.5, 0.75, 0.95):
            quantile = 0.6 * (p / (1 - p)) ** (1 / 2.5)
            assert (extra <= quantile).mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / len(self.PATHS)))
        assert extra.min() >= -1e-4

    def test_a_botched_stop_takes_exponential_time_on_top(self, engine):
        """One in ten, 5 s more in the mean."""
        extra = self.standing(engine, Stops(station_s=2.0, botch_p=0.1, botch_s=5.0))
        botched = extra[extra > 1e-4]
        assert len(botched) / len(extra) == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / len(extra)))
        assert botched.mean() == pytest.approx(5.0, abs=4 * 5.0 / math.sqrt(len(botched)))
        assert np.exp(-botched / 5.0).mean() == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / len(botched)))

    @pytest.mark.parametrize(
        ("changes", "gap_s", "softer", "z"),
        [
            ({}, 0.5, 0, -1.0 + 1.5),
            ({"pass_aid": 1.25}, 0.5, 0, -1.0 + 1.5 + 1.25),
            ({"pass_aid": 1.25, "aid_gap_s": 0.25}, 0.5, 0, -1.0 + 1.5),
            ({"pass_bite": -0.5}, 0.5, 2, -1.0 + 1.5 - 2 * 0.5),
        ],
    )
    def test_a_pass_succeeds_with_the_probability_of_its_logit(self, engine, changes, gap_s, softer, z):
        """One lap to go, one second faster: pace, aid within its reach, and compound steps."""
        circuit = replace(QUIET, pass_intercept=-1.0, pass_per_s=1.5, total_laps=11, **changes)
        race = make_race(
            2, circuit=circuit, time_s=(990.0, 990.0 + gap_s), pace_s=(91.0, 90.0), compound=(2, 2 - softer)
        )
        passed = (engine.finish(race, 7, self.PATHS)[:, 1] == 1).mean()
        p = 1 / (1 + math.exp(-z))
        assert passed == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / len(self.PATHS)))

    def test_the_aid_is_off_and_the_restart_helps_on_the_lap_after_a_safety_car(self, engine):
        """One green lap after it, nose to tail."""
        circuit = replace(QUIET, pass_intercept=-1.0, pass_per_s=1.5, pass_aid=3.0, total_laps=12)
        cautions = Cautions(sc_laps=(1.0,), queue_gap_s=0.5, restart_pass=0.75)
        race = make_race(2, circuit=circuit, cautions=cautions, regime=3, pace_s=(91.0, 90.0))
        passed = (engine.finish(race, 7, self.PATHS)[:, 1] == 1).mean()
        p = 1 / (1 + math.exp(-(-1.0 + 1.5 + 0.75)))
        assert passed == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / len(self.PATHS)))

    def test_pace_and_wear_are_drawn_with_their_correlation(self, engine):
        """Gaps after a lap on fresh tyres are the pace, after one on old tyres pace and wear."""
        found = {}
        for age in (0, 10):
            race = make_race(
                2, circuit=replace(QUIET, total_laps=12, pit_loss_s=100.0), tyres=(Tyre(0.0, 0.1, 0.0, 400, 0.0),) * 5,
                pace_sd_s=(0.0, 0.4), wear_sd=(0.0, 0.2), pace_wear=(0.0, -0.5),
                tyre_age=(age, age), wear=(1.0, 2.0),
            )  # fmt: skip
            gap = engine.play(race, 7, self.PATHS, 0, [Candidate(11, 1)]).gap_s[:, 0, 0].astype(float)
            found[age] = -gap  # a slower rival is nearer
        pace, both = found[0] - found[0].mean(), found[10] - found[10].mean()
        worn = both - pace  # 10 laps at 0.1 s: one second per unit of wear
        assert pace.std() == pytest.approx(0.4, rel=0.03)
        assert worn.std() == pytest.approx(0.2, rel=0.03)
        assert np.corrcoef(pace, worn)[0, 1] == pytest.approx(-0.5, abs=0.03)
