"""The watcher follows the alias, leaves bad versions alone, and takes them out here before it tells others."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from pitcall_model_server.serving import events
from pitcall_model_server.serving.versions import Answered, Pointer
from pitcall_model_server.serving.watch import LONGEST_S, Watcher

from pitcall.errors import InvalidRequest, ModelRefused, PermissionDenied, StoreUnavailable
from pitcall.registry.alias import Alias

pytestmark = pytest.mark.unit

A, B, C = (digit * 12 for digit in "abc")


class Store:
    """An alias in memory, with what goes wrong on request."""

    def __init__(self):
        self.now = Alias()
        self.number = 0
        self.reads = 0
        self.error = None
        self.read_only = False

    def set(self, alias):
        self.now, self.number = alias, self.number + 1

    async def generation(self, name):
        if self.error:
            raise self.error
        return str(self.number)

    async def alias(self, name):
        self.reads += 1
        return self.now, await self.generation(name)

    async def withdraw(self, name, version, why):
        if self.read_only:
            raise PermissionDenied("not allowed: aliases/wear.json")
        self.set(self.now.withdraw(version, 50.0, why))
        return self.now


class Host:
    """Versions in memory; those in ``bad`` are refused."""

    def __init__(self):
        self.at: Any = None
        self.bad = {}
        self.tried = []

    def _check(self, version):
        self.tried.append(version)
        if version in self.bad:
            raise self.bad[version]

    async def serve(self, name, version=None):
        self._check(version)
        before = self.at.blessed if self.at else None
        self.at = Pointer(version, before if before != version else self.at.previous)

    async def canary(self, name, version, percent=0.0):
        if version is not None:
            self._check(version)
        self.at = replace(self.at, canary=version, percent=percent)

    def pointer(self, name):
        return self.at


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def watcher(store, host):
    return Watcher(store, lambda _: host, lambda: ["wear"], 5.0)


class TestFollowing:
    async def test_what_is_blessed_is_served_and_read_once(self, store, host, watcher):
        """Looks that find nothing new cost one small question."""
        store.set(Alias().bless(A, 1.0))
        for _ in range(5):
            await watcher.look("wear")
        assert (host.at, store.reads, host.tried) == (Pointer(A), 1, [A])
        store.set(store.now.bless(B, 2.0))
        await watcher.look("wear")
        assert (host.at, store.reads) == (Pointer(B, A), 2)

    async def test_nothing_blessed_leaves_what_serves(self, store, host, watcher):
        """The package's model."""
        host.at = Pointer(A)
        await watcher.look("wear")
        assert host.at == Pointer(A)

    async def test_a_trial_begins_changes_and_ends(self, store, host, watcher):
        """As the alias says."""
        alias = Alias().bless(A, 1.0)
        for told, canary, percent in (
            (alias.try_out(B, 5, 2.0), B, 5),
            (alias.try_out(B, 50, 3.0), B, 50),
            (alias.try_out(C, 1, 4.0), C, 1),
            (alias, None, 0.0),
        ):
            store.set(told)
            await watcher.look("wear")
            assert (host.at.blessed, host.at.canary, host.at.percent) == (A, canary, percent)

    async def test_a_store_that_does_not_answer_changes_nothing_and_is_asked_less_often(self, store, host, watcher):
        """And what it then says is followed."""
        store.set(Alias().bless(A, 1.0))
        assert await watcher.round()
        store.set(store.now.bless(B, 2.0))
        store.error = StoreUnavailable("down")
        assert not await watcher.round()
        assert host.at == Pointer(A)
        store.error = None
        assert await watcher.round()
        assert host.at == Pointer(B, A)

    async def test_a_download_that_fails_is_tried_again_at_the_next_look(self, store, host, watcher):
        """Not the version is bad, the way is."""
        host.at = Pointer(A)
        host.bad[B] = StoreUnavailable("down")
        store.set(Alias().bless(B, 1.0))
        assert not await watcher.round()
        del host.bad[B]
        assert await watcher.round()
        assert host.at.blessed == B

    async def test_a_defect_does_not_end_the_watch(self, store, host, watcher, caplog):
        """It is in the log."""
        store.error = RuntimeError("defect")
        assert not await watcher.round()
        assert "RuntimeError: defect" in caplog.text


@pytest.mark.parametrize("error", [ModelRefused("a weight is NaN"), InvalidRequest("rows of another width")])
class TestRefused:
    async def test_the_old_one_goes_on_and_the_bad_one_is_left_alone(self, store, host, watcher, caplog, error):
        """Also when something else changes; until somebody chooses it anew."""
        host.bad[B] = error
        store.set(Alias().bless(A, 1.0))
        await watcher.look("wear")
        store.set(store.now.bless(B, 2.0))
        with caplog.at_level(logging.ERROR):
            await watcher.look("wear")
        assert caplog.messages == [f"wear: {B} is refused, {A} goes on: {error}"]
        store.set(store.now.try_out(C, 5, 3.0))
        await watcher.look("wear")
        assert (host.at.blessed, host.at.canary, host.tried) == (A, C, [A, B, C])
        del host.bad[B]
        store.set(replace(store.now, canary=None).bless(C, 4.0).bless(B, 5.0))
        await watcher.look("wear")
        assert host.at.blessed == B

    async def test_on_trial_too(self, store, host, watcher, error):
        """The blessed one answers all races; a trial that was before is over."""
        host.bad[C] = error
        alias = Alias().bless(A, 1.0)
        for told in (alias.try_out(B, 5, 2.0), alias.try_out(C, 5, 3.0), alias.try_out(C, 9, 3.0)):
            store.set(told)
            await watcher.look("wear")
        assert (host.at, host.tried) == (Pointer(A), [A, B, C])


def fail(watcher, version, times=10):
    for _ in range(times):
        watcher.guard.saw(Answered("wear", version, "", 1, 0.0, ModelRefused("NaN"), nan=True))


class TestWithdrawal:
    @pytest.fixture
    async def blessed(self, store, watcher):
        """A, and then B a moment ago."""
        for at, version in ((1.0, A), (2.0, B)):
            store.set(store.now.bless(version, at))
            await watcher.look("wear")

    async def test_a_trial_ends_here_and_in_the_store(self, store, host, watcher, blessed):
        """With the reason for ``pitcall model status``."""
        store.set(store.now.try_out(C, 50, 3.0))
        await watcher.look("wear")
        fail(watcher, C)
        await watcher.settled()
        assert (host.at, store.now.canary) == (Pointer(B, A), None)
        assert store.now.events[-1].why.startswith("by itself: ")

    async def test_a_blessed_version_that_is_bad_gives_way_to_the_one_before(self, store, host, watcher, blessed):
        """And that one is not suspected, new as it is: a poisoned question does not undo one after the other."""
        store.set(store.now.bless(C, 3.0))
        await watcher.look("wear")
        fail(watcher, C)
        await watcher.settled()
        assert (host.at.blessed, store.now.blessed, store.now.events[-1].what) == (B, B, "rolled back")
        fail(watcher, B, 100)
        await watcher.settled()
        assert host.at.blessed == B

    async def test_what_a_person_went_back_to_is_not_suspected(self, store, host, watcher, blessed):
        """Whatever else was changed before the server looked."""
        store.set(store.now.roll_back(3.0).try_out(C, 5, 4.0))
        await watcher.look("wear")
        fail(watcher, A, 100)
        await watcher.settled()
        assert (host.at.blessed, host.at.canary) == (A, C)

    async def test_a_store_that_this_server_may_not_write_to_does_not_keep_it_here(
        self, store, host, watcher, blessed, caplog
    ):
        """It answers nothing here any more, and the log says that others cannot be told."""
        store.read_only = True
        store.set(store.now.try_out(C, 50, 3.0))
        await watcher.look("wear")
        fail(watcher, C)
        await watcher.settled()
        assert "others cannot be told: not allowed" in caplog.text
        store.set(replace(store.now, events=(*store.now.events,)))
        await watcher.look("wear")
        assert (host.at.canary, store.now.canary.version) == (None, C)

    async def test_the_first_version_of_all_gives_way_to_the_package(self, store, host, watcher):
        """Here; the alias has nothing to go back to, and remembers the alarm."""
        host.at = Pointer(A)
        store.set(Alias().bless(B, 1.0))
        await watcher.look("wear")
        assert host.at == Pointer(B, A)
        fail(watcher, B)
        await watcher.settled()
        assert (host.at.blessed, store.now.blessed, store.now.events[-1].what) == (A, B, "alarm")
        store.set(store.now.try_out(C, 5, 2.0))
        await watcher.look("wear")
        assert host.at.blessed == A

    async def test_another_server_that_was_faster_is_no_trouble(self, store, host, watcher, blessed):
        """The alias is as it should be already."""
        store.set(store.now.try_out(C, 50, 3.0))
        await watcher.look("wear")
        store.set(store.now.withdraw(C, 4.0, "by another"))
        fail(watcher, C)
        await watcher.settled()
        assert store.now.events[-1].why == "by another"
        assert host.at == Pointer(B, A)


def test_servers_look_at_different_moments_and_less_often_while_the_store_is_down(store, host):
    """Give or take a fifth; then twice as long each time, up to a minute."""
    low, high = (Watcher(store, lambda _: host, list, 5.0, chance) for chance in (lambda: 0.0, lambda: 1.0))
    assert (low.pause_s(0), high.pause_s(0)) == pytest.approx((4.0, 6.0))
    assert [high.pause_s(failures) for failures in (1, 2, 3, 9)] == [10.0, 20.0, 40.0, LONGEST_S]
    assert low.pause_s(9) == LONGEST_S / 2
    assert Watcher(store, lambda _: host, list, 600.0, lambda: 1.0).pause_s(5) == 600.0


def test_what_happens_is_counted(monkeypatch):
    """One counter for each thing that happens, by model."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    for name in ("swapped", "refused", "withdrawn"):
        monkeypatch.setattr(events, f"_{name}", meter.create_counter(f"pitcall.model.{name}"))
    events.swapped("wear", A, None)
    events.swapped("wear", B, A)
    events.refused("wear", C, "NaN", B)
    events.withdrawn("wear", B, "slow")
    read: Any = reader.get_metrics_data()
    metrics = read.resource_metrics[0].scope_metrics[0].metrics
    counted = {metric.name: [(p.value, dict(p.attributes)) for p in metric.data.data_points] for metric in metrics}
    assert counted == {
        "pitcall.model.swapped": [(2, {"model": "wear"})],
        "pitcall.model.refused": [(1, {"model": "wear"})],
        "pitcall.model.withdrawn": [(1, {"model": "wear"})],
    }
