"""Learns a whole model from races that were driven: parameters, stop policy, form, and the weights of the paths."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pitcall.adapters import policy as policy_file
from pitcall.backtest.cases import Case
from pitcall.backtest.run import Race
from pitcall.backtest.stop_cases import joined, stop_cases
from pitcall.calibrate.assemble import assemble
from pitcall.calibrate.driven import driven
from pitcall.calibrate.fit import Found, look
from pitcall.domain.reducer import reduce_all
from pitcall.forecast import read
from pitcall.form import Form
from pitcall.learned.features import features
from pitcall.model import Model
from pitcall.sim.messages import FORECAST_PATHS
from pitcall.sim.outcome import Player
from pitcall.train import policy as stop_policy
from pitcall.train.ranks import MEMBERS, Example, train
from pitcall.tune.objective import Objective, states
from pitcall.tune.search import Found as Tuning
from pitcall.tune.search import Log, Memory, tune

#: Seed of the simulated races behind each state that is learned from.
SEED: Final = 2

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Learned:
    """A model and what it rests on."""

    model: Model
    found: Found  #: of the parameters
    stops: int  #: that the stop policy was learned from
    states: int  #: that the learned forecast was learned from; 0: there is none
    tuning: Tuning | None = None  #: what the search came to; None: there was none


@dataclass(frozen=True, slots=True)
class Search:
    """The fit on the score itself (``pitcall.tune``)."""

    evaluations: int  #: budget
    log: Callable[[Objective], Log] = lambda _: Memory()  #: of what an earlier run has evaluated


def learn(
    races: Sequence[Race],
    player: Player,
    progress: Progress = lambda *_: None,
    members: int = MEMBERS,
    search: Search | None = None,
    *,
    form: bool = True,
) -> Learned:
    """The model that ``races`` teach, in the order of their dates.

    The learned forecast sees each state as it was then: with the form of the races before it. Its
    simulated odds come from parameters that were fitted to the same races, so they are a little
    better than those that it will be given; with a handful of numbers per circuit that is little.

    Args:
        races: with their cases.
        player: simulates what the learned forecast starts from.
        progress: called with what is done now and how much of all is done, 0 to 1.
        members: networks of the learned forecast; 0: none, and nothing is simulated for them.
        search: looks for what no likelihood pins down; None: that stays as it is.
        form: False: the model does without, as it would in the first race of all.

    Raises:
        ValueError: no race, no stop, or no scored car.
        InvalidRequest: the search's budget is too small.
    """
    ordered = sorted(races, key=lambda race: race.date)
    found = look([driven(race.events) for race in ordered], lambda step: progress(f"fitting {step}", 0.0))
    model = Model(assemble(found, version=""))
    parts = []
    for done, race in enumerate(ordered):
        progress("reading stops", 0.1 + 0.2 * done / len(ordered))
        parts.append(stop_cases(race.events, lambda state: read(state, model=model).race))
    cases = joined(parts)
    policy = policy_file.from_bytes(policy_file.to_bytes(stop_policy.fit(cases)), "")  # as it will be read back
    *before, last = forms(ordered) if form else [Form()] * (len(ordered) + 1)
    model, tuning = replace(model, policy=policy, form=last), None
    if search is not None:
        objective = Objective(states(ordered, before, model), player)
        tuning = tune(
            objective, objective.races, search.evaluations, search.log(objective),
            lambda share: progress("searching on the score", 0.3 + 0.2 * share),
        )  # fmt: skip
        model = replace(model, parameters=replace(model.parameters, tuned=tuning.tuned))
    if not members:
        return Learned(model, found, int(cases.stopped.sum()), 0, tuning)
    examples = []
    for done, (race, known) in enumerate(zip(ordered, before, strict=True)):
        progress("simulating what ranks are learned from", 0.3 + 0.2 * done / len(ordered))
        examples += [example(case, replace(model, form=known), player) for case in race.cases]
    scored = [one for one in examples if any(one.final)]
    ranks = train(scored, members=members, progress=lambda share: progress("learning ranks", 0.5 + share / 2))
    return Learned(replace(model, ranks=ranks), found, int(cases.stopped.sum()), len(scored), tuning)


def forms(ordered: Sequence[Race]) -> Iterator[Form]:
    """The form before each race, and after the last."""
    form = Form()
    yield form
    for race in ordered:
        form = form.after(reduce_all(race.events))
        yield form


def example(case: Case, model: Model, player: Player) -> Example:
    """One state as the learned forecast sees it, and the ranks that the scored cars reached."""
    grid = (race := read(case.state, model=model).race).grid
    place = player.finish(race, SEED, range(FORECAST_PATHS))
    seen = features(case.state, grid.running, model.form.prior(case.state), grid.cars, place)
    reached = {scored.car: scored.final for scored in case.scored}
    return Example(seen, tuple(reached.get(car, 0) for car in seen.cars))
