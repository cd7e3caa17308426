"""Versions beside each other: swapped, tried, unloaded; each request ends with the one it began with."""

import asyncio
import threading

import numpy as np
import pytest
from pitcall_model_server.serving.versions import Answered, Pointer, Versions, tried_on

from pitcall.adapters.registry import OpenModel, describe
from pitcall.cli.bench import mlp
from pitcall.errors import DeadlineExceeded, InvalidRequest, ModelRefused, NotFound
from pitcall.registry.manifest import Origin

pytestmark = pytest.mark.unit

NAME = "wear"
SIZES = (4, 8, 2)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Version -> folder: five of one width, latest last, and one of another."""
    found = {}
    for seed in range(6):
        folder = tmp_path_factory.mktemp("versions") / str(seed)
        mlp.write(folder, SIZES if seed < 5 else (3, 2), seed)
        manifest = describe(NAME, folder, Origin("Apache-2.0", tolerance=mlp.TOLERANCE))
        found[manifest.version] = (folder, manifest)
    return found


@pytest.fixture
def registry(folders):
    return Registry(folders)


class Registry:
    """What ``open_model`` is to ``Versions``."""

    def __init__(self, folders):
        self.folders, self.blessed = folders, next(iter(folders))
        self.bad = {}
        self.opened = []

    def __call__(self, name, version=None, *, accept=None):
        version = version or self.blessed
        self.opened.append(version)
        if version in self.bad:
            raise self.bad[version]
        if version not in self.folders:
            raise NotFound("no such version")
        folder, manifest = self.folders[version]
        accept(folder, manifest)
        return OpenModel(folder, manifest, "store")


@pytest.fixture
async def versions(registry):
    made = Versions(opener=registry)
    yield made
    await made.close()


@pytest.fixture
def heard(versions):
    found: list[Answered] = []
    versions.observers.append(found.append)
    return found


@pytest.fixture
def named(folders):
    return list(folders)


def rows(count=1, width=SIZES[0]):
    return np.random.default_rng(count).standard_normal((count, width), dtype=np.float32)


async def ask(versions, race="", version="", **more):
    return await versions.predict(NAME, rows(), race=race, version=version, deadline_s=30.0, **more)


def in_memory(versions):
    return {one.version for one in versions.listed(NAME)}


def break_it(versions, version, answer):
    """From now on this version answers so."""
    (served,) = [one for one in versions.listed(NAME) if one.version == version]
    served.network.run = answer
    return served


class Stuck:
    """A network whose passes do not end before ``go``."""

    def __init__(self, served):
        self._run, served.network.run = served.network.run, self.run
        self.begun, self.go = threading.Event(), threading.Event()

    def run(self, parts, size):
        self.begun.set()
        assert self.go.wait(10)
        return self._run(parts, size)


class TestServe:
    async def test_the_blessed_version_answers(self, versions, named):
        """And the answer names it; health hears of it."""
        await versions.serve(NAME)
        assert (await ask(versions)).version == named[0]
        assert versions.pointer(NAME) == Pointer(named[0])

    async def test_a_swap_is_for_those_who_come_after_it(self, versions, named):
        """A request that waits for the old version is answered by the old one, while the new one answers others."""
        stuck = Stuck(await versions.serve(NAME))
        before = asyncio.create_task(ask(versions))
        await asyncio.to_thread(stuck.begun.wait, 10)
        await versions.serve(NAME, named[1])
        after = asyncio.create_task(ask(versions))
        stuck.go.set()
        assert [(await one).version for one in (before, after)] == named[:2]
        assert versions.pointer(NAME) == Pointer(named[1], named[0])

    async def test_a_version_that_is_refused_changes_nothing(self, versions, registry, named):
        """Its reason is told, the old one answers, nothing of it stays in memory."""
        await versions.serve(NAME)
        registry.bad[named[1]] = ModelRefused("a weight is NaN")
        for change in (
            versions.serve(NAME, named[1]),
            versions.load(NAME, named[1]),
            versions.canary(NAME, named[1], 5),
        ):
            with pytest.raises(ModelRefused, match="a weight is NaN"):
                await change
        assert (await ask(versions)).version == named[0]
        assert in_memory(versions) == {named[0]}

    async def test_the_same_version_twice_is_loaded_once(self, versions, registry, named):
        """Also by two who ask at once; ``previous`` stays what it was."""
        await asyncio.gather(versions.serve(NAME, named[0]), versions.serve(NAME, named[0]))
        await versions.serve(NAME, named[1])
        await versions.serve(NAME, named[1])
        assert registry.opened == named[:2]
        assert versions.pointer(NAME) == Pointer(named[1], named[0])

    async def test_nothing_is_there_to_ask_before(self, versions, named):
        """Neither by name nor by version."""
        with pytest.raises(NotFound, match="no version of 'wear' answers here"):
            await ask(versions)
        with pytest.raises(NotFound, match="is not in memory"):
            await ask(versions, version=named[0])


class TestMemory:
    async def test_the_least_recently_used_goes_first_and_the_pinned_stay(self, versions, named):
        """Of blessed, previous and two spares in a memory of three, the spare that was asked last stays."""
        await versions.serve(NAME, named[0])
        await versions.serve(NAME, named[1])
        await versions.load(NAME, named[2])
        await versions.load(NAME, named[3])
        assert in_memory(versions) == {named[0], named[1], named[3]}
        await versions.serve(NAME, named[4])
        assert in_memory(versions) == {named[1], named[4], named[3]}
        assert (await ask(versions, version=named[3])).version == named[3]

    async def test_what_was_just_loaded_stays_beside_what_is_pinned(self, versions, named):
        """So that the next one can be blessed while another one is on trial; then the memory is as small as before."""
        await versions.serve(NAME, named[0])
        await versions.serve(NAME, named[1])
        await versions.canary(NAME, named[2], 5.0)
        await versions.load(NAME, named[3])
        assert in_memory(versions) == set(named[:4])
        await versions.load(NAME, named[4])
        assert in_memory(versions) == {*named[:3], named[4]}
        await versions.serve(NAME, named[4])
        assert in_memory(versions) == {named[1], named[2], named[4]}

    async def test_a_refused_version_drives_nothing_out(self, versions, registry, named):
        """What was there before is there after."""
        for version in named[:3]:
            await versions.load(NAME, version)
        registry.bad[named[3]] = ModelRefused("a weight is NaN")
        with pytest.raises(ModelRefused):
            await versions.load(NAME, named[3])
        assert in_memory(versions) == set(named[:3])

    async def test_what_is_pinned_is_not_unloaded(self, versions, named):
        """Blessed, previous, on trial; and what is not there is not found."""
        await versions.serve(NAME, named[0])
        await versions.serve(NAME, named[1])
        await versions.canary(NAME, named[2], 5.0)
        for version in named[:3]:
            with pytest.raises(InvalidRequest, match="it stays in memory"):
                await versions.unload(NAME, version)
        with pytest.raises(NotFound, match="is not in memory"):
            await versions.unload(NAME, named[3])

    async def test_unload_waits_for_open_answers(self, versions, named):
        """Nobody new gets it meanwhile; who has it gets its answer."""
        await versions.serve(NAME, named[0])
        stuck = Stuck(await versions.load(NAME, named[1]))
        asked = asyncio.create_task(ask(versions, version=named[1]))
        await asyncio.to_thread(stuck.begun.wait, 10)
        gone = asyncio.create_task(versions.unload(NAME, named[1]))
        await asyncio.sleep(0)
        with pytest.raises(NotFound):
            await ask(versions, version=named[1])
        assert not gone.done()
        stuck.go.set()
        assert (await asked).version == named[1]
        await gone

    async def test_health_is_told_what_is_there(self, registry, named):
        """By name and version, when it comes and when it goes."""
        told = []

        async def on_health(service, alive):
            told.append((service, alive))

        versions = Versions(opener=registry, on_health=on_health)
        await versions.load(NAME, named[0])
        await versions.unload(NAME, named[0])
        assert told == [(f"{NAME}@{named[0]}", True), (f"{NAME}@{named[0]}", False)]
        await versions.close()


class TestTrial:
    async def test_a_canary_answers_its_share_and_always_the_same_races(self, versions, named):
        """By the hash of the race; a question without a race is never on trial."""
        await versions.serve(NAME, named[0])
        await versions.canary(NAME, named[1], 50.0)
        races = [f"race {n}" for n in range(40)]
        first = [(await ask(versions, race)).version for race in races]
        again = [(await ask(versions, race)).version for race in races]
        assert first == again
        assert first == [named[tried_on(race, NAME, named[1], 50.0)] for race in races]
        assert set(first) == set(named[:2])
        await versions.canary(NAME, named[1], 100.0)
        assert [(await ask(versions, race)).version for race in ("spa", "")] == [named[1], named[0]]

    def test_shares_are_what_they_say(self):
        """Of 10,000 races; 0 and 100 percent exactly; two versions are tried on different races."""
        races = [f"2026-{n}" for n in range(10_000)]
        for percent in (1.0, 5.0, 50.0):
            share = sum(tried_on(race, NAME, "a" * 12, percent) for race in races) / 100
            assert share == pytest.approx(percent, abs=4 * (percent * (100 - percent)) ** 0.5 / 100)
        assert all(tried_on(race, NAME, "a" * 12, 100.0) for race in races)
        assert not any(tried_on(race, NAME, "a" * 12, 0.0) for race in races)
        of_a, of_b = ({race for race in races if tried_on(race, NAME, v * 12, 50.0)} for v in "ab")
        assert 2_000 < len(of_a & of_b) < 3_000

    async def test_no_race_pays_for_a_trial(self, versions, named, heard):
        """A canary that answers NaN, or breaks: the blessed version answers, and who watches hears of both."""
        await versions.serve(NAME, named[0])
        await versions.canary(NAME, named[1], 100.0)
        break_it(versions, named[1], lambda parts, size: np.full((size, 2), np.nan, np.float32))
        assert (await ask(versions, "spa")).version == named[0]
        break_it(versions, named[1], lambda parts, size: 1 / 0)
        assert (await ask(versions, "spa")).version == named[0]
        assert [(one.version, one.race, one.nan, one.error is None) for one in heard] == [
            (named[1], "spa", True, False),
            (named[0], "spa", False, True),
            (named[1], "spa", False, False),
            (named[0], "spa", False, True),
        ]
        assert heard[1].seconds > 0

    async def test_a_trial_ends(self, versions, named):
        """By None, by a swap, by its own blessing."""
        await versions.serve(NAME, named[0])
        await versions.canary(NAME, named[1], 100.0)
        await versions.canary(NAME, None)
        assert versions.pointer(NAME) == Pointer(named[0])
        await versions.canary(NAME, named[1], 100.0)
        await versions.serve(NAME, named[1])
        assert versions.pointer(NAME) == Pointer(named[1], named[0])
        await versions.canary(NAME, named[0], 100.0)  # what was before may be tried again
        assert versions.pointer(NAME) == Pointer(named[1], None, named[0], 100.0)

    @pytest.mark.parametrize(("which", "percent"), [(0, 5.0), (1, 0.0), (1, 101.0), (1, float("nan"))])
    async def test_a_trial_that_is_none_is_refused(self, versions, named, which, percent):
        """Of the blessed version, or of no share."""
        await versions.serve(NAME, named[0])
        with pytest.raises(InvalidRequest, match="cannot be tried"):
            await versions.canary(NAME, named[which], percent)

    async def test_a_canary_takes_the_rows_that_the_blessed_version_takes(self, versions, named):
        """Callers do not know which one answers them."""
        await versions.serve(NAME, named[0])
        with pytest.raises(InvalidRequest, match="takes rows of 3 numbers"):
            await versions.canary(NAME, named[5], 5.0)
        assert versions.pointer(NAME) == Pointer(named[0])


class TestAnswers:
    async def test_nan_from_the_blessed_version_is_an_error(self, versions, named, heard):
        """Never an answer; it counts as a failure of the version."""
        await versions.serve(NAME)
        served = break_it(versions, named[0], lambda parts, size: np.full((size, 2), np.inf, np.float32))
        with pytest.raises(ModelRefused, match="answers NaN or infinity"):
            await ask(versions)
        assert (served.answered, served.failed, heard[0].nan) == (1, 1, True)

    async def test_what_the_caller_does_wrong_is_not_held_against_a_version(self, versions, heard):
        """Wrong rows, no time."""
        served = await versions.serve(NAME)
        with pytest.raises(InvalidRequest):
            await versions.predict(NAME, rows(width=3), deadline_s=30.0)
        await ask(versions)
        with pytest.raises(DeadlineExceeded):
            await versions.predict(NAME, rows(), deadline_s=-1.0)
        assert (served.answered, served.failed, len(heard)) == (1, 0, 1)

    async def test_names_do_not_mix(self, versions, named):
        """Two models may have the same version in memory: each has its own pointer."""
        await versions.serve(NAME)
        assert versions.pointer("other") is None
        assert versions.listed("other") == []
        assert len(versions.listed()) == 1
