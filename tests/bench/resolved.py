"""Is "resolved" true? Plays decisions on synthetic races, then the leading calls again at length on other races.

    python tests/bench/resolved.py --questions 60

Prints one JSON object: how many decisions were resolved, and for how many of these the named call
was within the indifference zone (0.15 position) of the best in an independent long run. The promise
is 95 %. Takes about a second a question on 2 cores.
"""

import argparse
import json
import random

import numpy as np

from pitcall import forecast as fc
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.sim.engine import Engine
from pitcall.sim.messages import DecideRequest, Utility
from pitcall.sim.work import work
from pitcall.synth import synthesise

#: Calls that are played again, and paths for each: its standard error is about 0.03 position.
LEADING = 12
LONG_PATHS = 8_192


def question(engine: Engine, rng: random.Random) -> tuple[bool, float]:
    """(resolved, how far the named call is from the best by the long run) of one random question."""
    laps = rng.randint(44, 70)
    log = synthesise(rng.getrandbits(32), cars=20, laps=laps)
    state = reduce_all(until_lap(log, rng.randint(5, laps - 8)))
    car = rng.choice([car.car for car in state.cars.values() if car.racing])
    race, calls = fc.read(state).race, fc.candidates(state, car)
    decision = work(DecideRequest(race, car, calls, rng.getrandbits(64)), engine).decision
    by_mean = sorted(range(len(calls)), key=lambda k: decision.options[k].mean_position)
    leading = list(dict.fromkeys([decision.best, *by_mean[:LEADING]]))
    at = race.grid.cars.index(car)
    again = engine.play(race, rng.getrandbits(64), range(LONG_PATHS), at, [calls[k] for k in leading])
    means = again.place.mean(axis=0)
    return decision.resolved, float(means[0] - means.min())


def main() -> None:
    """Run and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--questions", type=int, default=60)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    rng, engine = random.Random(chosen.seed), Engine(2)
    results = [question(engine, rng) for _ in range(chosen.questions)]
    gaps = np.array([gap for resolved, gap in results if resolved])
    zone = Utility().zone
    within = float((gaps <= zone).mean()) if len(gaps) else None
    found = {"questions": len(results), "resolved": len(gaps), "within_zone": within, "zone": zone}
    print(json.dumps(found | {"largest_gap": float(gaps.max(initial=0.0))}))  # noqa: T201  # a script's result


if __name__ == "__main__":
    main()
