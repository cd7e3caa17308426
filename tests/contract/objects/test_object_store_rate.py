"""How fast a download is, beside a plain copy through the same server, which checks nothing and cannot go on."""

import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pitcall.adapters.objects import StorageSettings, download, open_store

from .conftest import create_gcs_bucket, fake_gcs

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

MIB = 256
#: Runs of each, in turn: other work on the machine meets all alike.
RUNS = 9
SHARE = 0.8


def plain_copy(address: str, path: str, target: Path) -> None:
    """Socket to disk, one stream, a buffer of 1 MiB."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc)) as connection, target.open("wb") as file:
        connection.request("GET", path)
        response, buffer = connection.getresponse(), memoryview(bytearray(1 << 20))
        while got := response.readinto(buffer):
            file.write(buffer[:got])
        file.flush()
        os.fsync(file.fileno())


def test_a_checked_download_is_nearly_as_fast_as_a_plain_copy(tmp_path, capsys):
    """At least 80 % of it, both at their best of nine; fake-gcs-server on disk, without the gate."""
    with fake_gcs("-backend", "filesystem", "-filesystem-root", str(tmp_path / "disk")) as address:
        create_gcs_bucket(address, "rate")
        store = open_store("gs://rate", StorageSettings(endpoint=address, part_bytes=512 * 1024 * 1024))
        (tmp_path / "source").write_bytes(os.urandom(MIB << 20))
        store.put("model", tmp_path / "source")
        path = "/download/storage/v1/b/rate/o/model?alt=media"
        ways: dict[str, Callable[[], object]] = {
            "plain copy": lambda: plain_copy(address, path, tmp_path / "plain"),
            "pitcall": lambda: download(store, "model", tmp_path / "ours"),
        }
        if shutil.which("curl"):
            ways["curl"] = lambda: subprocess.run(
                ["curl", "-s", "-o", tmp_path / "curl", address + path], check=True, timeout=100
            )
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(RUNS):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                best[name] = min(best[name], time.perf_counter() - began)
        store.close()
    rates = {name: MIB / seconds for name, seconds in best.items()}
    with capsys.disabled():
        print("\n" + ", ".join(f"{name} {rate:.0f} MiB/s" for name, rate in rates.items()))  # noqa: T201 - the figures
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "source").read_bytes()
    assert rates["pitcall"] >= SHARE * rates["plain copy"]
