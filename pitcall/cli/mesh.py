"""The three services as child processes of this one, and the file by which other commands find them."""

import contextlib
import json
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

import httpx

from pitcall import __version__
from pitcall.adapters import compiled
from pitcall.adapters.home import home
from pitcall.cli import ports
from pitcall.cli.child import Child
from pitcall.cli.serve import GRACE_S, GROUP
from pitcall.errors import PitcallError

#: Seconds until all three must be ready. The first start compiles the kernel.
READY_TIMEOUT_S: Final = 180.0
#: Seconds that a question which may cite waits for the documents.
DOCUMENTS_TIMEOUT_S: Final = 10.0
#: Seconds between two looks at a service that is starting.
POLL_S: Final = 0.05

#: Order of start: the last one is the one that people talk to.
SERVICES: Final = ("sim-worker", "model-server", "orchestrator")


class Mesh:
    """Runs the three services while the ``with`` block lasts.

    ``say`` gets lines for a person: what is ready, and what a service warns of (``verbose``: all that it logs).
    With ``announce`` other commands find this mesh through ``home()/run/mesh.json``.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        announce: bool = False,
        verbose: bool = False,
    ) -> None:
        installed = {found.name for found in entry_points(group=GROUP)}
        if missing := [name for name in SERVICES if name not in installed]:
            raise PitcallError(f"not installed: {', '.join(missing)}; run: pip install 'pitcall[all]'")
        self._say, self._verbose, self._announce = say, verbose, announce
        self._ended: queue.SimpleQueue[Child] = queue.SimpleQueue()
        self._children: dict[str, Child] = {}
        chosen = ports.first_free(host, port)
        if port not in (0, chosen):
            say(f"port {port} is busy, taking {chosen}")
        self.ports = {"orchestrator": chosen} | dict(zip(SERVICES[:2], ports.free("127.0.0.1", 2), strict=True))
        self._host = host
        self.url = f"http://{_link_host(host)}:{chosen}"

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by service."""
        return {name: child.pid for name, child in self._children.items()}

    def __enter__(self) -> Self:
        """Start all, and return when a question can be asked.

        Raises:
            PitcallError: a service died, or was not ready in time; the others are stopped.
        """
        once = "" if compiled.there() else "; compiling the simulation, which takes half a minute and is done once"
        self._say(f"starting {', '.join(SERVICES)}{once}")
        try:
            for name in SERVICES:
                self._start(name)
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        if self._announce:
            _write_run_file({"url": self.url, "version": __version__, "pids": {"up": os.getpid(), **self.pids}})
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def wait_ready(self, *names: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until the services named (default: all) are ready.

        Raises:
            PitcallError: one died, or they were not ready in time.
        """
        started = time.monotonic()
        waiting = list(names or SERVICES)
        while waiting:
            self._raise_if_ended(wait_s=POLL_S)
            for name in [name for name in waiting if self._ready(name)]:
                waiting.remove(name)
                self._say(f"{name} is ready after {time.monotonic() - started:.1f} s")
            if waiting and time.monotonic() - started > timeout_s:
                raise PitcallError(f"not ready after {timeout_s:.0f} s: {', '.join(waiting)}; logs: {home() / 'logs'}")

    def wait_documents(self, timeout_s: float = DOCUMENTS_TIMEOUT_S) -> None:
        """Wait until the documents are there, so that an answer has its sources. Without them it comes all the same.

        Raises:
            PitcallError: a service died.
        """
        started = time.monotonic()
        while not self._documents_there():
            if time.monotonic() - started > timeout_s:
                self._say(f"the documents are not there after {timeout_s:.0f} s: the answer may come without sources")
                return
            self._raise_if_ended(wait_s=POLL_S)
        self._say(f"the documents are there after {time.monotonic() - started:.1f} s")

    def watch(self) -> None:
        """Wait for ever.

        Raises:
            PitcallError: a service died; the message holds its name, exit code and last lines.
        """
        while True:
            self._raise_if_ended(wait_s=None)

    def kill(self, name: str) -> None:
        """End one service at once, as a crash would, without the mesh taking note."""
        self._children[name].kill()

    def restart(self, name: str) -> None:
        """Start one service again, on the port that it had, and wait until it is ready."""
        self.kill(name)
        self._start(name)
        self.wait_ready(name)

    def stop(self) -> None:
        """Stop all: SIGTERM, and SIGKILL for those still there after a grace period."""
        for child in self._children.values():
            child.ask_to_stop()
        until = time.monotonic() + GRACE_S
        for child in self._children.values():
            child.join(max(0.0, until - time.monotonic()))
        if self._announce:
            _remove_run_file()

    def _start(self, name: str) -> None:
        self._children[name] = Child(
            name, self._environment(), home() / "logs" / f"{name}.log", self._hear, self._ended
        )

    def _hear(self, line: str, *, important: bool) -> None:
        if important or self._verbose:
            self._say(line)

    def _environment(self) -> dict[str, str]:
        # PORT would be taken by all three.
        inherited = {key: value for key, value in os.environ.items() if key != "PORT"}
        return inherited | {
            "PITCALL_HOME": str(home()),
            "NUMBA_CACHE_DIR": str(compiled.folder()),
            "PITCALL_SIM_HOST": "127.0.0.1",
            "PITCALL_SIM_PORT": str(self.ports["sim-worker"]),
            "PITCALL_MODEL_HOST": "127.0.0.1",
            "PITCALL_MODEL_PORT": str(self.ports["model-server"]),
            "PITCALL_MODEL_SIM_URL": f"http://127.0.0.1:{self.ports['sim-worker']}",
            "PITCALL_ORCHESTRATOR_HOST": self._host,
            "PITCALL_ORCHESTRATOR_PORT": str(self.ports["orchestrator"]),
            "PITCALL_ORCHESTRATOR_MODEL_SERVER": f"127.0.0.1:{self.ports['model-server']}",
        }

    def _ready(self, name: str) -> bool:
        if name == "model-server":
            return _serving(f"127.0.0.1:{self.ports[name]}")
        host = self._host if name == "orchestrator" else "127.0.0.1"
        return _answers(f"http://{_link_host(host)}:{self.ports[name]}/ready")

    def _documents_there(self) -> bool:
        answer = _answer(f"{self.url}/ready")
        try:
            return answer is not None and answer.json()["knowledge"] is True
        except (ValueError, KeyError):
            return False

    def _raise_if_ended(self, wait_s: float | None) -> None:
        try:
            child = self._ended.get(timeout=wait_s)
        except queue.Empty:
            return
        if child is self._children.get(child.name) and not child.told_to_stop:
            raise PitcallError(child.obituary())


def running() -> str | None:
    """The address of the mesh that ``pitcall up`` runs, or None. A file left by a crash is removed."""
    try:
        run = json.loads(_run_file().read_text())
        url, up = str(run["url"]), int(run["pids"]["up"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if _answers(f"{url}/health"):
        return url
    if not _alive(up):
        _run_file().unlink(missing_ok=True)
    return None


@contextlib.contextmanager
def running_or_own(say: Callable[[str], None]) -> Iterator[str]:
    """The address of the running mesh, or of one that is started for the block and has its documents."""
    if url := running():
        yield url
        return
    say("no mesh is running (pitcall up keeps one): starting one for this command")
    with Mesh(say) as mesh:
        mesh.wait_documents()
        yield mesh.url


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: by KeyboardInterrupt, so that children are stopped."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _answer(url: str) -> httpx.Response | None:
    try:
        # trust_env: a proxy from the environment cannot reach this machine's own ports.
        return httpx.get(url, timeout=1.0, trust_env=False)
    except httpx.HTTPError:
        return None


def _answers(url: str) -> bool:
    answer = _answer(url)
    return answer is not None and answer.status_code == httpx.codes.OK


def _serving(target: str) -> bool:
    import grpc  # noqa: PLC0415 - not an import of the CLI: the services bring it, and only starting them needs it
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415 - as above

    try:
        with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1.0)
            return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)
    except grpc.RpcError:
        return False


def _link_host(host: str) -> str:
    """The host by which a service that listens on ``host`` is reached from this machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{reachable}]" if ":" in reachable else reachable


def _run_file() -> Path:
    return home() / "run" / "mesh.json"


def _write_run_file(run: dict[str, object]) -> None:
    path = _run_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(json.dumps(run) + "\n")
    part.replace(path)


def _remove_run_file() -> None:
    """Remove the file unless a second mesh of the same home has written its own."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        if json.loads(_run_file().read_text())["pids"]["up"] == os.getpid():
            _run_file().unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
