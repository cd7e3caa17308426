"""A race model whose bands do not hold is withdrawn when its calls are graded."""

import json
from dataclasses import replace
from functools import partial

import pytest
from typer.testing import CliRunner

from pitcall.adapters.ledger import SqliteLedger
from pitcall.adapters.model import manifest as fit_manifest
from pitcall.adapters.model import named, save, shipped
from pitcall.adapters.objects import open_store, read_settings
from pitcall.adapters.races import RaceStore
from pitcall.adapters.registry import Shelf, describe, package, race_model, store_url
from pitcall.cli.race import app
from pitcall.domain.reducer import reduce_all
from pitcall.errors import PermissionDenied
from pitcall.ledger import Call
from pitcall.registry.alias import Alias
from pitcall.synth import synthesise

pytestmark = pytest.mark.unit

NAME = race_model.NAME
RACES = [synthesise(seed, cars=6, laps=12, race=f"race-{seed}") for seed in range(11, 15)]
OLD = shipped()
NEW = named(replace(OLD, form=replace(OLD.form, races=OLD.form.races + 1)))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def shelf():
    settings = read_settings()
    return Shelf(open_store(store_url(settings), settings), settings)


@pytest.fixture
def versions(shelf, tmp_path):
    """The registry's names of both models."""
    made = []
    for model in (OLD, NEW):
        folder = tmp_path / model.version.replace("@", "-")
        save(folder, model, replace(fit_manifest(), version=model.version))
        made.append(describe(NAME, folder, package.DEFAULTS[NAME].origin))
        shelf.publish(made[-1], folder)
    return [manifest.version for manifest in made]


def graded(model, *, right):
    """Calls to stay out by a model that was sure of a position, in all races; grades them. Returns the alarms."""
    ledger = SqliteLedger()
    for events in RACES:
        RaceStore().save(events)
        state = reduce_all(events)
        order = [car.car for car in state.order()]
        for place, car in enumerate(order):
            sure = place if right else (place + 3) % len(order)
            p = tuple(float(n == sure) for n in range(len(order)))
            last = state.cars[car].laps_done  # nothing is left to depart from
            ledger.record(Call(state.race, car, last, state.t, model.version, 1, None, None, p, 64))
    for events in RACES:
        race = reduce_all(events).race
        result = CliRunner().invoke(app, ["grade", race, "--json"])
        assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["alarms"]


def test_a_blessed_model_gives_way_to_the_one_before(shelf, versions):
    """By the registry's name of what answers call fit@...; the alias says why."""
    old, new = versions
    for version in versions:
        shelf.change(NAME, partial(Alias.bless, version=version, at=1.0))
    graded(NEW, right=False)
    alias, _ = shelf.alias(NAME)
    assert (alias.blessed, alias.events[-1].what) == (old, "rolled back")
    assert alias.events[-1].why.startswith("by itself: its 80 % bands held 0 % of the time over 3 races")
    assert new not in alias.versions


def test_a_trial_ends(shelf, versions):
    """The blessed one stays."""
    old, new = versions
    shelf.change(NAME, partial(Alias.bless, version=old, at=1.0))
    shelf.change(NAME, partial(Alias.try_out, version=new, percent=50.0, at=2.0))
    graded(NEW, right=False)
    alias, _ = shelf.alias(NAME)
    assert (alias.blessed, alias.canary, alias.events[-1].version) == (old, None, new)


def test_a_model_that_holds_its_promise_stays(shelf, versions):
    """No alarm, no change."""
    for version in versions:
        shelf.change(NAME, partial(Alias.bless, version=version, at=1.0))
    assert graded(NEW, right=True) == []
    assert shelf.alias(NAME)[0].blessed == versions[1]


@pytest.mark.parametrize("blessed", [0, None])
def test_what_does_not_answer_any_more_is_left_as_it_is(shelf, versions, blessed):
    """The alarm says so."""
    if blessed is not None:
        shelf.change(NAME, partial(Alias.bless, version=versions[blessed], at=1.0))
    (alarm,) = graded(NEW, right=False)
    assert alarm.startswith(f"calibration alarm: {NEW.version}: its 80 % bands held 0 %")
    assert "it is neither blessed nor on trial" in alarm
    assert shelf.alias(NAME)[0].blessed == (None if blessed is None else versions[blessed])


def test_the_first_model_has_none_before_it(shelf, versions):
    """A person has to choose another one."""
    shelf.change(NAME, partial(Alias.bless, version=versions[1], at=1.0))
    (alarm,) = graded(NEW, right=False)
    assert f"nothing was blessed before {versions[1]}, so it goes on" in alarm
    assert shelf.alias(NAME)[0].blessed == versions[1]


def test_who_may_not_change_the_alias_still_gets_the_grades(shelf, versions, monkeypatch):
    """And is told."""
    shelf.change(NAME, partial(Alias.bless, version=versions[1], at=1.0))

    def refuse(*_):
        raise PermissionDenied("not allowed: aliases/race-model.json")

    monkeypatch.setattr(Shelf, "change", refuse)
    (alarm,) = graded(NEW, right=False)
    assert "it cannot be withdrawn: not allowed" in alarm
