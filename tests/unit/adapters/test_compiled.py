"""Where compiled code is kept."""

import os

import pytest

from pitcall.adapters import compiled
from pitcall.errors import InvalidRequest
from pitcall.sim.source import fingerprint

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """None of the variables is set."""
    for name in ("NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "PITCALL_SIM_CPU"):
        monkeypatch.delenv(name, raising=False)


class TestFolder:
    def test_lies_in_the_home_and_is_named_after_source_and_cpu(self, monkeypatch, tmp_path):
        """So an edit, or another CPU, never meets code that was compiled before."""
        monkeypatch.setenv("PITCALL_HOME", str(tmp_path))
        assert compiled.folder() == tmp_path / "cache" / "numba" / f"sim-{fingerprint()}-native"
        assert compiled.folder("x86-64-v3").name == f"sim-{fingerprint()}-x86-64-v3"

    def test_follows_numbas_own_variable(self, monkeypatch, tmp_path):
        """Whoever sets NUMBA_CACHE_DIR chooses where."""
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
        assert compiled.folder().parent == tmp_path

    def test_a_child_process_uses_its_parents_root(self, monkeypatch, tmp_path):
        """Also when the source was edited, or the CPU changed, since the parent started: folders never nest."""
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "sim-0123456789ab-native"))
        assert compiled.folder("x86-64-v3") == tmp_path / f"sim-{fingerprint()}-x86-64-v3"

    def test_names_the_cpus_there_are(self, monkeypatch):
        """A wrong setting is one clear error."""
        monkeypatch.setenv("PITCALL_SIM_CPU", "pentium")
        with pytest.raises(InvalidRequest, match=r"^PITCALL_SIM_CPU: native, x86-64-v2, .* not 'pentium'"):
            compiled.folder()


class TestUse:
    def test_native_leaves_the_choice_to_numba(self, monkeypatch, tmp_path):
        """Only the folder is set."""
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
        here = compiled.use()
        assert os.environ["NUMBA_CACHE_DIR"] == str(here)
        assert here.is_dir()
        assert "NUMBA_CPU_NAME" not in os.environ

    def test_a_level_is_fixed_with_its_features(self, monkeypatch, tmp_path):
        """Without NUMBA_CPU_FEATURES Numba would add what this machine has on top."""
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
        monkeypatch.setenv("PITCALL_SIM_CPU", "x86-64-v3")
        compiled.use()
        assert (os.environ["NUMBA_CPU_NAME"], os.environ["NUMBA_CPU_FEATURES"]) == ("x86-64-v3", "")

    def test_removes_the_folders_that_were_used_longest_ago(self, monkeypatch, tmp_path):
        """A few are kept; what is not ours is left alone."""
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
        folders = [tmp_path / f"sim-{age:012x}-native" for age in range(6)]
        for age, folder in enumerate(folders):
            folder.mkdir()
            os.utime(folder, (1e9 - age, 1e9 - age))
        foreign = tmp_path / "somebody_else"
        foreign.mkdir()
        os.utime(foreign, (0, 0))
        here = compiled.use()
        assert set(tmp_path.iterdir()) == {here, foreign, *folders[: compiled.KEPT - 1]}

    def test_what_is_in_use_is_never_the_oldest(self, monkeypatch, tmp_path):
        """A folder counts as used when a process starts with it, not when it was made."""
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
        os.utime(compiled.use(), (0, 0))
        for age in range(compiled.KEPT):
            (tmp_path / f"sim-{age:012x}-native").mkdir()
        assert compiled.use().is_dir()

    def test_a_folder_that_cannot_be_written_is_no_error(self, monkeypatch, tmp_path):
        """Numba looks for another place, or compiles."""
        (tmp_path / "file").touch()
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
        compiled.use()


def test_it_is_there_once_the_kernel_is_compiled(monkeypatch, tmp_path):
    """Other functions in the folder do not count: a start would still compile."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    package = compiled.use() / "sim_0123"
    package.mkdir()
    (package / "twin.play_compiled-1.py311.1.nbc").touch()
    assert not compiled.there()
    (package / "kernel.play_block-1.py311.1.nbc").touch()
    assert compiled.there()
