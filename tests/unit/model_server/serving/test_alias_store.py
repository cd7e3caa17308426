"""The alias as the server reads and changes it, over a folder."""

from functools import partial

import pytest
from pitcall_model_server.serving.store import AliasStore

from pitcall.adapters.objects import StorageSettings, open_store
from pitcall.adapters.registry import Shelf, open_cache
from pitcall.errors import Conflict, InvalidRequest, NotFound
from pitcall.registry.alias import Alias

pytestmark = pytest.mark.unit

A, B = "a" * 12, "b" * 12


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    return StorageSettings(bucket=str(tmp_path / "bucket"))


@pytest.fixture
def shelf(settings):
    return Shelf(open_store(settings.bucket, settings), settings)


@pytest.fixture
def store(settings):
    opened = AliasStore(settings)
    yield opened
    opened.close()


async def test_nothing_is_written_by_looking(store, tmp_path):
    """A laptop without a bucket gets no folders of one."""
    assert (await store.generation("wear"), await store.alias("wear")) == (None, (Alias(), None))
    assert list(tmp_path.iterdir()) == []


async def test_what_is_read_is_remembered_on_this_machine(store, shelf, settings):
    """A start without the store then knows what was blessed last."""
    shelf.change("wear", partial(Alias.bless, version=A, at=1.0))
    alias, generation = await store.alias("wear")
    assert (alias.blessed, generation) == (A, await store.generation("wear"))
    remembered = open_cache(settings).alias("wear")
    assert remembered is not None
    assert remembered[0] == alias


async def test_each_change_is_an_event(store, shelf):
    """With its reason."""
    await store.bless("wear", A, "first")
    await store.bless("wear", B, "better")
    await store.try_out("wear", A, 5.0)
    await store.withdraw("wear", A, "NaN")
    await store.roll_back("wear", None, "slow")
    events = shelf.alias("wear")[0].events
    assert [(one.what, one.version, one.why) for one in events] == [
        ("blessed", A, "first"),
        ("blessed", B, "better"),
        ("canary", A, "5 %"),
        ("canary ended", A, "NaN"),
        ("rolled back", A, "slow"),
    ]
    with pytest.raises(InvalidRequest):
        await store.roll_back("wear", None, "again")
    with pytest.raises(NotFound):
        await store.check_stored("wear", A)


async def test_a_withdrawal_is_decided_anew_when_somebody_was_faster_and_a_blessing_is_not(store, shelf, monkeypatch):
    """A bad version goes out whatever else changes; a person who blesses looks again first."""
    for at, version in enumerate((A, B)):
        shelf.change("wear", partial(Alias.bless, version=version, at=at))
    change = Shelf.change
    refused: list[object] = []

    def faster(self, name, what):
        if len(refused) < 3:
            refused.append(what)
            raise Conflict("somebody else changed it")
        return change(self, name, what)

    monkeypatch.setattr(Shelf, "change", faster)
    assert (await store.withdraw("wear", B, "NaN")).blessed == A
    refused.clear()
    with pytest.raises(Conflict):
        await store.bless("wear", B, "")
    assert len(refused) == 1
