"""One question, one model: who is asked, who answers when it fails, and what the guard hears."""

import math
from contextlib import aclosing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from pitcall_model_server import race_models
from pitcall_model_server.race_models import NAME, RaceModels

from pitcall.adapters.objects import StorageSettings
from pitcall.adapters.registry import race_model
from pitcall.errors import InvalidRequest, ModelRefused, ModelServerUnavailable, NotFound, SimulatorUnavailable
from pitcall.model import HAND_SET
from pitcall.sim.messages import Forecast
from pitcall.wire.reply import Outlook, Provenance, Timings

pytestmark = pytest.mark.unit

A, B, C = (digit * 12 for digit in "abc")


def answered(version, p=1.0):
    return Outlook(Forecast(("HAM",), ((p,),), 8), Provenance(version, 0, 0, 0.0, ()), Timings(2.0, 5.0))


class FakeAdvisor:
    """Answers with the name of its model, or what a test says."""

    def __init__(self, version):
        self.version = version
        self.says = [answered(version)]
        self.asked = self.ended = 0

    async def ask(self):
        (answer,) = [one async for one in self.stream()]
        return answer

    async def stream(self):
        self.asked += 1
        try:
            for one in self.says:
                if isinstance(one, Exception):
                    raise one
                yield one
        finally:
            self.ended += 1


@pytest.fixture
def health():
    return {}


@pytest.fixture
async def models(tmp_path, monkeypatch, health):
    """A answers; all that is told is in ``told``."""
    made: dict[str, FakeAdvisor] = {}

    def opened(name, version=None, *, settings, accept):
        found = version or A
        if found == "f" * 12:
            raise ModelRefused("a weight is NaN")
        accept(tmp_path / found, SimpleNamespace(name=name, version=found))
        return Opened(found)

    class Opened:
        source, degraded = "store", ()

        def __init__(self, version):
            self.manifest = SimpleNamespace(version=version)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def read(folder, manifest):
        return replace(HAND_SET, parameters=replace(HAND_SET.parameters, version=manifest.version))

    def advise(model):
        return made.setdefault(model.version, FakeAdvisor(model.version))

    async def on_health(service, alive):
        health[service] = alive

    monkeypatch.setattr(race_models, "open_model", opened)
    monkeypatch.setattr(race_model, "read", read)
    models: Any = RaceModels(advise, StorageSettings(), on_health)
    models.told, models.made = [], made
    models.observers.append(lambda told, kind: models.told.append((told.version, kind, told.error, told.nan)))
    await models.start()
    return models


async def ask(models, race="r"):
    return (await models.ask(race, "forecast", lambda advisor: advisor.ask())).provenance.model


async def test_nothing_is_answered_before_there_is_a_model():
    """Try again in a second."""
    models = RaceModels(FakeAdvisor, StorageSettings())  # type: ignore[arg-type]  # nobody gets so far
    with pytest.raises(ModelServerUnavailable):
        await ask(models)
    with pytest.raises(NotFound):
        await models.canary(NAME, A, 5.0)


class TestVersions:
    async def test_the_one_before_stays_and_older_ones_go(self, models, health):
        """Back is at once; memory holds three at most."""
        for version in (B, C):
            await models.serve(NAME, version)
        assert [one.version for one in models.listed()] == [B, C]
        assert health == {f"{NAME}@{A}": False, f"{NAME}@{B}": True, f"{NAME}@{C}": True}
        assert (models.pointer(NAME).blessed, models.pointer(NAME).previous) == (C, B)
        assert models.pointer("wear") is None

    async def test_what_is_refused_changes_nothing(self, models):
        """Neither as the blessed one nor on trial."""
        before = models.pointer(NAME)
        with pytest.raises(ModelRefused):
            await models.serve(NAME, "f" * 12)
        with pytest.raises(ModelRefused):
            await models.canary(NAME, "f" * 12, 5.0)
        with pytest.raises(InvalidRequest, match="answers all races already"):
            await models.canary(NAME, A, 5.0)
        assert models.pointer(NAME) == before
        assert await ask(models) == A

    async def test_a_trial_takes_its_share_of_the_races_and_always_the_same_ones(self, models):
        """All races, none, half of them."""
        races = [f"race {n}" for n in range(200)]
        for percent, least, most in ((100.0, 200, 200), (50.0, 70, 130), (1e-9, 0, 0)):
            await models.canary(NAME, B, percent)
            first = [await ask(models, race) for race in races]
            assert least <= first.count(B) <= most
            assert first == [await ask(models, race) for race in races]
        await models.canary(NAME, None)
        assert {await ask(models, race) for race in races} == {A}
        assert [one.version for one in models.listed()] == [A]


class TestTrial:
    @pytest.fixture(autouse=True)
    async def trial(self, models):
        await models.canary(NAME, B, 100.0)

    @pytest.mark.parametrize(
        ("failure", "nan"),
        [
            (RuntimeError("overflow"), False),
            (InvalidRequest("cannot be simulated"), False),
            (answered(B, math.nan), True),
        ],
    )
    async def test_where_it_fails_the_blessed_one_answers(self, models, failure, nan):
        """Whatever it is, if the other one can answer the same question."""
        models.made[B].says = [failure]
        assert await ask(models) == A
        (bad, good) = models.told
        assert (bad[0], bad[2] is not None, bad[3]) == (B, True, nan)
        assert good == (A, "forecast", None, False)

    async def test_the_rest_of_a_bad_answer_is_not_waited_for(self, models):
        """The simulation behind it ends at once."""
        models.made[B].says = [answered(B, math.nan), answered(B)]
        async with aclosing(models.stream("r", "advise", lambda advisor: advisor.stream())) as answers:
            assert (await anext(answers)).provenance.model == A
            assert (models.made[B].asked, models.made[B].ended) == (1, 1)

    async def test_a_question_that_nobody_can_answer_is_not_its_fault(self, models):
        """The caller gets the error of the blessed one; the guard hears nothing."""
        for advisor in models.made.values():
            advisor.says = [NotFound("no such car")]
        with pytest.raises(NotFound):
            await ask(models)
        assert models.told == []

    async def test_a_simulator_that_is_away_is_nobodys_fault(self, models):
        """And is not asked twice."""
        models.made[B].says = [SimulatorUnavailable("no sim worker")]
        with pytest.raises(SimulatorUnavailable):
            await ask(models)
        assert (models.told, models.made[A].asked) == ([], 0)

    async def test_once_it_has_begun_to_answer_it_ends_the_answer(self, models):
        """Two models are never mixed: a failure in the middle is an error."""
        models.made[B].says = [answered(B), RuntimeError("overflow")]
        async with aclosing(models.stream("r", "advise", lambda advisor: advisor.stream())) as answers:
            assert (await anext(answers)).provenance.model == B
            with pytest.raises(RuntimeError):
                await anext(answers)
        assert models.made[A].asked == 0
        assert [(version, error is not None) for version, _, error, _ in models.told] == [(B, True)]


class TestBlessed:
    async def test_numbers_that_are_none_are_never_answered(self, models):
        """They are an error that says which version it was, and the guard hears it."""
        models.made[A].says = [answered(A, math.inf)]
        with pytest.raises(ModelRefused, match=f"{NAME} {A} answers NaN"):
            await ask(models)
        assert [(version, nan) for version, _, _, nan in models.told] == [(A, True)]

    async def test_who_leaves_early_says_nothing_of_the_model(self, models):
        """It answered as far as it was asked."""
        models.made[A].says = [answered(A)] * 3
        async with aclosing(models.stream("r", "advise", lambda advisor: advisor.stream())) as answers:
            await anext(answers)
        assert models.told == []
