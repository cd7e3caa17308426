"""A real Elasticsearch, and an emulator of it that pip ships: started, killed, started again."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

#: Elasticsearch takes 11 s on a quiet machine.
START_S = 120.0
PASSWORD = "testpw456"  # noqa: S105  # of a server that lives as long as a test


def free_ports(count):
    """Ports that nobody listens on at this moment, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(url, process, log):
    """Return once the server answers; fail with the end of its log."""
    end = time.monotonic() + START_S
    with httpx.Client() as client:
        while time.monotonic() < end:
            try:
                # Yellow: what was on disk is there again.
                client.get(f"{url}/_cluster/health?wait_for_status=yellow", timeout=30).raise_for_status()
            except httpx.HTTPStatusError as exc:
                if exc.response.status_code == 401:  # it answers, and wants a password
                    return
            except httpx.TransportError:
                pass
            else:
                return
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
                break
    pytest.fail(f"{url} does not answer: {log.read_text(errors='replace')[-2000:]}")


class Server:
    """A real Elasticsearch from the zip: started, killed and started again over the same data."""

    def __init__(self, package: Path, *, auth: bool = False) -> None:
        self._auth = auth
        self.folder = Path(tempfile.mkdtemp(prefix="pitcall-elasticsearch-"))
        with zipfile.ZipFile(package) as packed:
            packed.extractall(self.folder)  # the tests' own package
        (self.home,) = self.folder.glob("elasticsearch-*")
        for tool in [*(self.home / "bin").iterdir(), *(self.home / "lib").rglob("*")]:
            tool.chmod(0o755)
        self.port, transport = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self._configure(transport)
        # It refuses to run as root.
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._user is not None:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        if auth:
            self._run("elasticsearch-users", "useradd", "svc", "-p", PASSWORD, "-r", "superuser")

    def _configure(self, transport):
        secure = str(self._auth).lower()
        (self.folder / "backups").mkdir()
        (self.home / "config" / "elasticsearch.yml").write_text(
            f"discovery.type: single-node\nhttp.port: {self.port}\ntransport.port: {transport}\n"
            f'path.repo: ["{self.folder}/backups"]\nnode.store.allow_mmap: false\n'
            "cluster.routing.allocation.disk.threshold_enabled: false\n"
            f"xpack.security.enabled: {secure}\nxpack.security.http.ssl.enabled: false\n"
            "xpack.security.transport.ssl.enabled: false\n"
        )

    def _options(self):
        java = Path(shutil.which("java") or "").resolve().parents[1]
        environment = {**os.environ, "ES_JAVA_HOME": str(java), "ES_JAVA_OPTS": "-Xms512m -Xmx512m"}
        who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        return {"cwd": self.folder, "env": {**environment, "HOME": str(self.folder)}, **who}

    def _run(self, tool, *arguments):
        return subprocess.run(
            [self.home / "bin" / tool, *arguments], **self._options(), capture_output=True, check=True
        )

    def start(self) -> None:
        log = self.folder / "start.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [self.home / "bin" / "elasticsearch"], **self._options(), stdout=out, stderr=out, start_new_session=True
            )
        wait_for(self.url, self._process, log)

    def kill(self) -> None:
        """As a machine that loses power: nothing is flushed by the server."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def package() -> Path:
    named = os.environ.get("PITCALL_TEST_ELASTICSEARCH")
    if not named:
        pytest.skip("needs a real Elasticsearch: set ELASTICSEARCH_URL, or PITCALL_TEST_ELASTICSEARCH to its zip")
    if shutil.which("java") is None:
        pytest.skip("needs Java 17 for the Elasticsearch of PITCALL_TEST_ELASTICSEARCH")
    return Path(named)


@contextmanager
def started(**options) -> Iterator[Server]:
    server = Server(package(), **options)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """noida-db: small, slow, and on every machine. Yields its URL."""
    program = Path(sysconfig.get_path("scripts")) / "noida-db"
    if not program.exists():
        pytest.skip("needs noida-db: pip install -e '.[dev]'")
    (port,) = free_ports(1)
    log, url = folder / "log", f"http://127.0.0.1:{port}"
    where = ["--data-dir", str(folder / "data"), "--host", "127.0.0.1", "--elasticsearch-port", str(port)]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [program, "start", "--only", "elasticsearch", *where], stdout=out, stderr=out, start_new_session=True
        ) as process,
    ):
        try:
            wait_for(url, process, log)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the program is a script that starts another one
