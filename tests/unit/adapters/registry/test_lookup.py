"""Cache, store, package, or one error that names all three."""

import logging
import shutil

import pytest

from pitcall.adapters.home import home
from pitcall.adapters.registry import Shelf, open_model, package
from pitcall.adapters.registry.package import Shipped
from pitcall.errors import InvalidRequest, ModelRefused, NotFound, StoreUnavailable

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))


@pytest.fixture
def stored(shelf, tmp_path, make_model, described):
    """Three versions in the store; the second is blessed, the first was before."""
    manifests = []
    for number in range(3):
        folder = make_model(tmp_path / f"v{number}", number)
        manifests.append(shelf.publish(described(folder), folder))
    for at, manifest in enumerate(manifests[:2]):
        shelf.change("policy", lambda alias, version=manifest.version, at=at: alias.bless(version, at))
    return [manifest.version for manifest in manifests]


def opened(settings, *arguments, **options):
    found = open_model("policy", *arguments, settings=settings, **options)
    found.close()
    return found.manifest.version, found.source


def harm(tmp_path, version, file="config.json"):
    (tmp_path / "bucket" / "models" / "policy" / version / "files" / file).write_bytes(b"x" * 12)


def test_the_store_is_asked_once(settings, stored, tmp_path):
    """Then the cache has it, also when the store is gone."""
    assert opened(settings) == (stored[1], "store")
    shutil.rmtree(tmp_path / "bucket")
    assert opened(settings) == (stored[1], "cache")


def test_a_version_may_be_named(settings, stored):
    """Blessed or not."""
    assert opened(settings, stored[2]) == (stored[2], "store")
    assert opened(settings, stored[2]) == (stored[2], "cache")


def test_with_sync_on_startup_what_is_blessed_is_asked_anew(settings, stored, shelf):
    """Without it the cache's word counts until somebody asks."""
    eager = settings.model_copy(update={"sync_on_startup": True})
    assert opened(settings)[0] == stored[1]
    shelf.change("policy", lambda alias: alias.bless(stored[2], 9.0))
    assert opened(settings) == (stored[1], "cache")
    assert opened(eager) == (stored[2], "store")
    assert opened(settings) == (stored[2], "cache")


def test_a_store_that_does_not_answer_leaves_the_last_one_serving(settings, stored, monkeypatch, caplog):
    """And the log says so."""
    opened(settings)

    def down(self, name):
        raise StoreUnavailable("the store is down")

    monkeypatch.setattr(Shelf, "alias", down)
    eager = settings.model_copy(update={"sync_on_startup": True})
    with caplog.at_level(logging.WARNING), open_model("policy", settings=eager) as found:
        assert (found.manifest.version, found.source) == (stored[1], "cache")
        assert found.degraded == ("the store is down",)
    assert "the store is down" in caplog.text


class TestRefused:
    def test_the_version_before_serves(self, settings, stored, tmp_path, caplog):
        """The reason is in the log and in the answer."""
        harm(tmp_path, stored[1])
        found = open_model("policy", settings=settings)
        assert found.manifest.version == stored[0]
        assert "config.json" in found.degraded[0]
        assert "config.json" in caplog.text
        found.close()

    def test_golden_rows_have_the_last_word(self, settings, stored):
        """``accept`` sees files that are checked already."""

        def accept(folder, manifest):
            assert (folder / "golden.safetensors").exists()
            if manifest.version == stored[1]:
                raise ModelRefused("answers otherwise")

        assert opened(settings, accept=accept) == (stored[0], "store")

    def test_a_named_version_is_not_replaced_by_another(self, settings, stored, tmp_path):
        """Who asks for one wants that one."""
        harm(tmp_path, stored[2])
        with pytest.raises(ModelRefused, match=r"config\.json"):
            open_model("policy", stored[2], settings=settings)

    def test_when_all_are_the_reasons_are_told(self, settings, stored, tmp_path):
        """Each of them."""
        for version in stored[:2]:
            harm(tmp_path, version)
        with pytest.raises(ModelRefused, match=rf"{stored[1]}.*{stored[0]}"):
            open_model("policy", settings=settings)


class TestPackage:
    @pytest.fixture(autouse=True)
    def shipped(self, monkeypatch, tmp_path, make_model):
        folder = make_model(tmp_path / "site" / "weights_of_policy", 7)
        (folder / "__init__.py").write_text("raise RuntimeError('its code is never run')")
        shutil.move(folder / "weights.safetensors", folder / "1_pool" / "weights.safetensors")
        (folder / "golden.safetensors").unlink()
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        monkeypatch.setattr(package, "DEFAULTS", {"policy": Shipped("weights_of_policy", "MIT")})

    def test_serves_when_nothing_is_blessed(self, settings):
        """No bucket, no account, no network."""
        found = open_model("policy", settings=settings)
        assert (found.source, found.folder.name) == ("package", "1_pool")
        assert opened(settings, found.manifest.version) == (found.manifest.version, "package")
        with pytest.raises(NotFound, match=f"Package: has {found.manifest.version}"):
            open_model("policy", "a" * 12, settings=settings)

    def test_serves_when_all_in_the_store_is_refused(self, settings, stored, tmp_path):
        """A race does not wait for a repair."""
        for version in stored[:2]:
            harm(tmp_path, version)
        assert opened(settings)[1] == "package"

    def test_gives_way_to_what_is_blessed(self, settings, stored):
        """The team's own model counts more."""
        assert opened(settings) == (stored[1], "store")


class TestFolder:
    def test_is_the_one_with_weights(self):
        """Found without importing the package."""
        assert (package.folder("pitcall") / "policy.safetensors").exists()

    def test_a_package_that_is_not_there(self):
        """Nor one that is no package."""
        for name in ("no_such_package", "os.path", "", "json.tool", "../x"):
            with pytest.raises(NotFound, match="is not installed"):
                package.folder(name)

    def test_a_package_without_weights(self):
        """Says how to name the folder."""
        with pytest.raises(InvalidRequest, match="--from"):
            package.folder("json")


def test_nothing_anywhere_names_all_three(settings, tmp_path):
    """Where it was looked for, and what was there."""
    with pytest.raises(NotFound) as caught:
        open_model("policy", settings=settings)
    for told in (
        f"Cache {home() / 'models'}",
        f"Store {tmp_path / 'bucket'}: nothing is blessed",
        "Package: brings no",
    ):
        assert told in caught.value.detail


def test_a_store_that_may_answer_later_is_told_as_such(settings, monkeypatch):
    """The caller may try again."""

    def down(self, name):
        raise StoreUnavailable("the store is down")

    monkeypatch.setattr(Shelf, "alias", down)
    with pytest.raises(StoreUnavailable, match="the store is down"):
        open_model("policy", settings=settings)


def test_a_setting_that_is_wrong_is_told_and_not_worked_around(settings):
    """The package would serve, and nobody would look."""
    with pytest.raises(InvalidRequest, match="is no object store"):
        open_model("race-model", settings=settings.model_copy(update={"bucket": "http://team"}))


def test_nothing_blessed_is_no_fault(settings):
    """The package's model is what should serve then."""
    with open_model("race-model", settings=settings) as found:
        assert (found.source, found.degraded) == ("package", ())


def test_a_name_that_no_model_has_is_a_mistake(settings):
    """Not an empty search."""
    for arguments in (("../x",), ("policy", "../x")):
        with pytest.raises(InvalidRequest):
            open_model(*arguments, settings=settings)
