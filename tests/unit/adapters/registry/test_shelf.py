"""Models in a store, over a folder. The same over real servers: tests/contract/objects/test_registry_stores.py."""

import os
import time

import pytest

from pitcall.adapters.objects import StorageSettings, open_store
from pitcall.adapters.registry import Shelf
from pitcall.errors import Conflict, Corrupt, InvalidRequest, ModelRefused, NotFound

pytestmark = pytest.mark.unit


def publish(shelf, folder, described):
    manifest = described(folder)
    assert shelf.publish(manifest, folder) == manifest
    return manifest


def test_a_version_comes_back_as_it_was(shelf, cache, model, described):
    """And the keys are those that people look for."""
    moved: list[int] = []
    manifest = described(model)
    shelf.publish(manifest, model, moved.append)
    assert moved[-1] == manifest.size
    assert shelf.store.head(f"models/policy/{manifest.version}/manifest.json")
    assert shelf.store.head(f"models/policy/{manifest.version}/files/1_pool/notes.txt")
    assert (shelf.names(), shelf.versions("policy")) == (["policy"], [manifest])
    moved.clear()
    with cache.fetch(manifest, shelf.bring(manifest, moved.append)) as held:
        assert (held.folder / "weights.safetensors").read_bytes() == (model / "weights.safetensors").read_bytes()
    assert moved[-1] == manifest.size


def test_the_same_version_again_changes_nothing(shelf, model, described):
    """The first manifest stays, whoever comes second."""
    first = publish(shelf, model, described)
    second = described(model)
    assert shelf.publish(second, model) == first


def test_a_half_upload_is_not_there_and_is_ended_by_the_next(shelf, model, described, monkeypatch):
    """The manifest, which comes last, makes the version."""
    manifest, put = described(model), shelf.store.put

    def dies(key, *arguments, **options):
        if key.endswith("weights.safetensors"):
            raise KeyboardInterrupt
        return put(key, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shelf.store, "put", dies)
        with pytest.raises(KeyboardInterrupt):
            shelf.publish(manifest, model)
    assert (shelf.versions("policy"), shelf.folders("policy")) == ([], [manifest.version])
    with pytest.raises(NotFound, match=f"no model policy {manifest.version}"):
        shelf.manifest("policy", manifest.version)
    shelf.publish(manifest, model)
    assert shelf.versions("policy") == [manifest]


def test_another_file_under_a_versions_name_is_not_overwritten(shelf, model, described):
    """Somebody put it there by hand."""
    manifest = described(model)
    shelf.store.put(f"models/policy/{manifest.version}/files/config.json", b"{}")
    with pytest.raises(Conflict, match=r"config.json .* is another file"):
        shelf.publish(manifest, model)


class TestStored:
    def test_a_file_that_is_missing_or_another_is_found_without_reading_it(self, shelf, model, described):
        """Before anything is blessed."""
        manifest = publish(shelf, model, described)
        shelf.check_stored(manifest)
        key = f"models/policy/{manifest.version}/files/config.json"
        shelf.store.put(key, b'{"width": 3}')
        with pytest.raises(Corrupt, match=r"config.json .* is not the file"):
            shelf.check_stored(manifest)
        shelf.store.delete(key)
        with pytest.raises(Corrupt, match=r"config.json is missing"):
            shelf.check_stored(manifest)

    def test_a_file_of_another_length_is_not_brought(self, shelf, cache, model, described):
        """A bomb would have filled the disk before its digest was known."""
        manifest = publish(shelf, model, described)
        shelf.store.put(f"models/policy/{manifest.version}/files/config.json", b" " * 10_000_000)
        moved: list[int] = []
        with pytest.raises(Corrupt, match="10,000,000 bytes in place of 12"):
            cache.fetch(manifest, shelf.bring(manifest, moved.append))
        assert max(moved) < 10_000

    def test_a_manifest_without_end_is_not_read(self, shelf, model, described):
        """Nor an alias."""
        manifest = publish(shelf, model, described)
        shelf.store.put(f"models/policy/{manifest.version}/manifest.json", b" " * (5 << 20))
        with pytest.raises(ModelRefused, match="at most"):
            shelf.manifest("policy", manifest.version)
        shelf.store.put("aliases/policy.json", b" " * (1 << 20))
        with pytest.raises(ModelRefused, match="at most"):
            shelf.alias("policy")


class TestAlias:
    def test_of_two_blessers_one_wins(self, shelf, settings):
        """The other one is told, and nothing of the winner is lost."""
        other = Shelf(open_store(settings.bucket, settings), settings)

        def slow(alias):
            other.change("policy", lambda alias: alias.bless("b" * 12, 2.0))
            return alias.bless("a" * 12, 1.0)

        with pytest.raises(Conflict, match="somebody else changed what is blessed for policy"):
            shelf.change("policy", slow)
        assert shelf.alias("policy")[0].blessed == "b" * 12

    def test_what_changes_nothing_writes_nothing(self, shelf):
        """A script may say it again."""
        shelf.change("policy", lambda alias: alias.bless("a" * 12, 1.0))
        generation = shelf.alias("policy")[1]
        shelf.change("policy", lambda alias: alias.bless("a" * 12, 9.0))
        assert shelf.alias("policy")[1] == generation


class TestRemove:
    @pytest.fixture
    def stored(self, shelf, tmp_path, make_model, described):
        return [publish(shelf, make_model(tmp_path / f"v{n}", n), described).version for n in range(4)]

    def test_takes_what_nobody_asks_for(self, shelf, stored):
        """Blessed, previous, on trial and the latest ones stay."""
        shelf.change("policy", lambda alias: alias.bless(stored[0], 1.0).bless(stored[1], 2.0))
        assert [one.version for one in shelf.removable("policy", keep=0)] == [stored[3], stored[2]]
        assert [one.version for one in shelf.removable("policy", keep=1)] == [stored[2]]
        assert list(shelf.remove("policy", [stored[2], stored[3]])) == [stored[2], stored[3]]
        assert shelf.folders("policy") == sorted(stored[:2])
        assert shelf.alias("policy")[0].leaving == ()
        with pytest.raises(InvalidRequest, match="it stays"):
            list(shelf.remove("policy", [stored[1]]))

    def test_and_a_blesser_do_not_pass_each_other(self, shelf, stored):
        """Who blesses while a version is removed is refused; who read the alias before is told by the condition."""
        steps = shelf.remove("policy", [stored[3], stored[2]])
        assert next(steps) == stored[3]
        with pytest.raises(InvalidRequest, match="is being removed"):
            shelf.change("policy", lambda alias: alias.bless(stored[2], 1.0))
        list(steps)

        def late(alias):
            list(shelf.remove("policy", [stored[1]]))
            return alias.bless(stored[1], 1.0)

        with pytest.raises(Conflict):
            shelf.change("policy", late)

    def test_spares_what_is_billed_anyway(self, shelf, settings, stored):
        """A minimum of days, as sync does."""
        careful = Shelf(shelf.store, settings.model_copy(update={"min_storage_days": 90}))
        assert all("is billed for 90" in one.spared for one in careful.removable("policy", keep=0))

    def test_takes_what_a_killed_upload_left_a_day_ago(self, shelf, settings, tmp_path):
        """A younger one may be on its way."""
        shelf.store.put(f"models/policy/{'a' * 12}/files/weights.safetensors", b"x")
        assert shelf.removable("policy", keep=0) == []
        path = tmp_path / "bucket" / "models" / "policy" / ("a" * 12) / "files" / "weights.safetensors"
        os.utime(path, (time.time() - 90_000,) * 2)
        assert [one.version for one in shelf.removable("policy", keep=0)] == ["a" * 12]


def test_names_that_no_model_has_are_left_out(shelf):
    """The bucket may hold more than models."""
    for key in ("models/Not A Model/x/y", "models/policy/latest/x", "aliases/Readme.txt"):
        shelf.store.put(key, b"x")
    assert shelf.names() == ["policy"]
    assert shelf.folders("policy") == []


def test_the_generation_changes_with_what_is_blessed(shelf):
    """And with nothing else; none before the first time."""
    assert shelf.generation("policy") is None
    first = shelf.change("policy", lambda alias: alias.bless("a" * 12, 1.0)), shelf.generation("policy")
    assert first == (shelf.alias("policy")[0], shelf.alias("policy")[1])
    shelf.change("policy", lambda alias: alias.bless("b" * 12, 2.0))
    assert shelf.generation("policy") not in (None, first[1])


def test_asking_whether_writing_is_allowed_writes_nothing(shelf):
    """It may be asked as often as somebody likes."""
    shelf.check_writable()
    assert list(shelf.store.list()) == []


def test_settings_have_the_defaults_of_a_laptop():
    """Nothing is asked of a bucket at a start unless somebody wants it."""
    assert StorageSettings().sync_on_startup is False
