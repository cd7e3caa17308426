"""Versions on this machine: whole or not there, bounded, shared by processes."""

import fcntl
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pitcall.adapters.registry import Cache
from pitcall.errors import Corrupt, InvalidRequest, ModelRefused, PitcallError, StoreUnavailable
from pitcall.registry.alias import Alias

pytestmark = pytest.mark.unit


def bring_from(folder: Path, brought: list[str] | None = None):
    def bring(file, path):
        if brought is not None:
            brought.append(file.path)
        shutil.copyfile(folder / file.path, path)

    return bring


def put(cache: Cache, folder: Path, described, **options):
    manifest = described(folder)
    with cache.fetch(manifest, bring_from(folder), **options):
        return manifest


@pytest.fixture
def versions(tmp_path, make_model, described):
    """Folders of three versions of about a mebibyte that share two files."""
    return [make_model(tmp_path / f"v{n}", n, padding=1 << 20) for n in range(3)]


class TestFetch:
    def test_brings_each_content_once(self, cache, versions, described):
        """Files that two versions share are stored and brought once; what is here is not asked for."""
        brought: list[str] = []
        for folder in (versions[0], versions[0], versions[1]):
            with cache.fetch(described(folder), bring_from(folder, brought)) as held:
                assert (held.folder / "config.json").read_bytes() == (folder / "config.json").read_bytes()
        assert len(brought) == 4 + 2
        assert 2 << 20 < cache.size() < 2.1 * (1 << 20)

    def test_what_is_brought_is_checked(self, cache, model, described):
        """A wrong byte, a NaN: nothing is shown, nothing is kept, and the right bytes are taken afterwards."""
        manifest = described(model)
        good = (model / "weights.safetensors").read_bytes()
        (model / "weights.safetensors").write_bytes(good[:-1] + b"\xff")
        with pytest.raises(Corrupt, match="digest"):
            cache.fetch(manifest, bring_from(model))
        assert (cache.hold("policy", manifest.version), cache.entries(), cache.size()) == (None, [], 0)
        (model / "weights.safetensors").write_bytes(good)
        cache.fetch(manifest, bring_from(model)).close()

    def test_a_right_digest_of_bad_weights_is_refused_too(self, cache, model, described, monkeypatch):
        """The maker of a manifest may be the one who is wrong."""
        save_file({"w": np.full((3, 2), np.nan, np.float32)}, model / "weights.safetensors")
        with monkeypatch.context() as patch:
            patch.setattr("pitcall.registry.tensors.check_finite", lambda *_: None)
            manifest = described(model)
        with pytest.raises(ModelRefused, match="NaN"):
            cache.fetch(manifest, bring_from(model))
        assert cache.entries() == []

    def test_an_error_on_the_way_leaves_nothing_to_see(self, cache, model, described):
        """What came before it is used the next time."""
        manifest, brought = described(model), list[str]()

        def fail(file, path):
            if file.path == "golden.safetensors":
                raise StoreUnavailable("down")
            bring_from(model, brought)(file, path)

        with pytest.raises(StoreUnavailable):
            cache.fetch(manifest, fail)
        assert cache.entries() == []
        assert list((cache.root / "tmp").iterdir()) == []
        first = list(brought)
        cache.fetch(manifest, bring_from(model, brought)).close()
        assert sorted(brought) == sorted({*brought})
        assert first

    def test_a_version_larger_than_the_cache_is_a_clear_error(self, tmp_path, versions, described):
        """It names the setting."""
        with pytest.raises(InvalidRequest, match="PITCALL_STORAGE_CACHE_BYTES"):
            Cache(tmp_path / "small", 1 << 20).fetch(described(versions[0]), bring_from(versions[0]))


class TestHold:
    @pytest.mark.parametrize("harm", ["flip", "cut", "remove", "manifest"])
    def test_a_version_that_was_harmed_is_not_here(self, cache, model, described, harm):
        """It is fetched again, from content that is good."""
        manifest = put(cache, model, described)
        folder = cache.root / "versions" / "policy" / manifest.version
        path = folder / ("manifest.json" if harm == "manifest" else "files/weights.safetensors")
        path.chmod(0o644)
        if harm == "remove":
            path.unlink()
        else:
            content = path.read_bytes()
            path.write_bytes(content[:-1] if harm == "cut" else content[:-1] + bytes([content[-1] ^ 1]))
        assert cache.hold("policy", manifest.version) is None
        with cache.fetch(manifest, bring_from(model)) as held:
            assert (held.folder / "weights.safetensors").read_bytes() == (model / "weights.safetensors").read_bytes()

    def test_files_of_the_cache_cannot_be_written_by_mistake(self, cache, model, described):
        """Versions share them."""
        put(cache, model, described)
        assert all(path.stat().st_mode & 0o222 == 0 for path in cache.root.rglob("files/*.*"))


class TestLimit:
    def test_the_least_recently_used_goes_first(self, tmp_path, versions, described):
        """Using a version counts; its content goes with it, what others share stays."""
        cache = Cache(tmp_path / "cache", int(2.5 * (1 << 20)))
        first, second = (put(cache, folder, described) for folder in versions[:2])
        age(cache, first.version, 100)
        age(cache, second.version, 50)
        used = cache.hold("policy", first.version)
        assert used is not None
        used.close()
        brought: list[str] = []
        third = described(versions[2])
        cache.fetch(third, bring_from(versions[2], brought)).close()
        assert sorted(brought) == ["golden.safetensors", "weights.safetensors"]
        assert (cache.root / "blobs" / third.files[0].sha256).exists()
        assert {entry.version for entry in cache.entries()} == {first.version, third.version}
        assert cache.size() <= cache.limit
        assert cache.hold("policy", first.version) is not None
        cache.shrink()
        assert {file.sha256 for file in (*first.files, *third.files)} == {
            path.name for path in (cache.root / "blobs").iterdir()
        }

    def test_what_is_in_use_stays(self, tmp_path, versions, described):
        """When nothing can go the new one is refused with the reason."""
        cache = Cache(tmp_path / "cache", int(1.5 * (1 << 20)))
        first = put(cache, versions[0], described)
        held = cache.hold("policy", first.version)
        assert held is not None
        with pytest.raises(PitcallError, match="in use or nowhere else"):
            put(cache, versions[1], described)
        assert (held.folder / "config.json").exists()
        held.close()
        put(cache, versions[1], described)
        assert not held.folder.exists()

    def test_what_is_nowhere_else_stays(self, tmp_path, versions, described):
        """An import that was not uploaded is somebody's work."""
        cache = Cache(tmp_path / "cache", int(1.5 * (1 << 20)))
        first = put(cache, versions[0], described, local=True)
        with pytest.raises(PitcallError, match="pitcall model upload"):
            put(cache, versions[1], described)
        cache.uploaded("policy", first.version)
        put(cache, versions[1], described)

    def test_shrinking_to_nothing_leaves_nothing(self, cache, versions, described):
        """Also what a killed process left."""
        put(cache, versions[0], described)
        (cache.root / "tmp" / "half").mkdir(parents=True)
        (cache.root / "blobs" / ("0" * 64)).write_bytes(b"nobody's")
        assert len(cache.shrink(0)) == 1
        assert (cache.size(), cache.entries()) == (0, [])
        assert not (cache.root / "tmp" / "half").exists()


def age(cache: Cache, version: str, seconds: float) -> None:
    folder = cache.root / "versions" / "policy" / version
    stat = folder.stat()
    os.utime(folder, (stat.st_atime, stat.st_mtime - seconds))


def test_what_was_blessed_is_remembered(cache):
    """With the time; damage is as good as nothing."""
    assert cache.alias("policy") is None
    alias = Alias().bless("a" * 12, 1.0)
    cache.remember("policy", alias)
    found = cache.alias("policy")
    assert found is not None
    assert found[0] == alias
    (cache.root / "aliases" / "policy.json").write_text("{")
    assert cache.alias("policy") is None


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, model, described):
    """Not a stack trace."""
    (tmp_path / "file").write_text("")
    with pytest.raises(PitcallError, match="the cache of models"):
        Cache(tmp_path / "file" / "cache", 1 << 30).fetch(described(model), bring_from(model))


def test_the_lock_is_given_back(cache, model, described):
    """After an error too."""
    with pytest.raises(PitcallError):
        cache.fetch(described(model), bring_from(Path("nowhere")))
    with (cache.root / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
