"""Promises about the source itself."""

import ast
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PYTHON = [*(ROOT / "pitcall").rglob("*.py"), *(ROOT / "services").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
WRITTEN = [path for path in PYTHON if "wire/v1" not in path.as_posix()]


def exits_not_raised(source: str) -> list[int]:
    """Lines where ``typer.Exit`` is returned, or made and dropped: the command would end with 0."""
    lost = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Return | ast.Expr)]
    return [
        node.lineno for node in lost if node.value and "Exit" in ast.unparse(node.value).partition("(")[0].split(".")
    ]


class TestTyperExit:
    @pytest.mark.parametrize("line", ["return typer.Exit(3)", "typer.Exit(3)", "return Exit()", "return typer.Exit"])
    def test_the_check_sees_what_it_is_for(self, line):
        """Each of these ends a command with exit code 0."""
        assert exits_not_raised(f"def command():\n    {line}\n") == [2]

    @pytest.mark.parametrize("path", sorted((ROOT / "pitcall" / "cli").glob("*.py")), ids=lambda path: path.name)
    def test_exit_is_always_raised(self, path):
        """``return typer.Exit(3)`` exits 0; only ``raise`` works."""
        assert exits_not_raised(path.read_text()) == []


class TestSize:
    @pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
    def test_files_and_functions_are_short(self, path):
        """A file has at most 500 lines, a function at most 60."""
        source = path.read_text()
        assert source.count("\n") <= 500
        functions = [
            node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        assert [f.name for f in functions if f.end_lineno and f.end_lineno - f.lineno >= 60] == []


def pinned() -> dict[str, str]:
    """Name -> version of deploy/constraints.txt."""
    lines = (ROOT / "deploy" / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class TestConstraints:
    def test_every_dependency_is_pinned(self):
        """What is developed and tested is what is shipped."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        extras = project["optional-dependencies"].values()
        named = {normal(re.split(r"[\[<>=!~ ]", line, maxsplit=1)[0]) for extra in extras for line in extra} - {
            "pitcall"
        }
        assert named - {normal(name) for name in pinned()} == set()

    def test_the_tests_run_on_the_pinned_versions(self):
        """An environment that has drifted would test something else."""
        installed = {}
        for name in pinned():
            try:
                installed[name] = distribution(name).version.partition("+")[0]  # +cpu is a build of the same version
            except PackageNotFoundError:
                continue  # needed on another platform, or only where there is no Node
        assert installed == {name: version for name, version in pinned().items() if name in installed}


def committed() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def test_no_path_of_a_developers_machine_is_committed():
    """Test data and results are found by variables, so that every clone works."""
    elsewhere = re.compile(r"(?<![\w./-])/(?:work|home/\w+|root|Users/\w+)/|\.\./shared")
    texts = [
        path
        for path in committed()
        if path.suffix in {".py", ".md", ".toml", ".ts", ".tsx", ".json", ".sh", ".yaml", ""}
    ]
    found = [path.relative_to(ROOT).as_posix() for path in texts if elsewhere.search(path.read_text(errors="ignore"))]
    assert [name for name in found if name not in {".ci/run", "tests/unit/test_repository.py"}] == []
