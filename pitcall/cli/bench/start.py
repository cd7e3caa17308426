"""``pitcall bench start``: from the start of the sim worker's process until it can play."""

import http.client
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import typer

from pitcall.adapters import compiled
from pitcall.cli import ports
from pitcall.cli.bench.figures import Quantiles, cores, quantiles
from pitcall.cli.mesh import SERVICES
from pitcall.cli.options import Json
from pitcall.cli.output import exits, print_json, progress, stdout
from pitcall.cli.serve import GRACE_S
from pitcall.errors import PitcallError

#: Seconds until a worker must be ready; the very first start compiles.
READY_TIMEOUT_S: Final = 180.0
#: Seconds between two looks.
POLL_S: Final = 0.002


@dataclass(frozen=True, slots=True)
class Report:
    """What ``pitcall bench start --json`` prints."""

    ready_s: Quantiles  #: process started -> GET /ready answers 200
    slowest_s: float
    starts: int
    cores: int


def start(
    starts: Annotated[int, typer.Option(min=1, max=1_000, help="Starts, one after the other.")] = 10,
    as_json: Json = False,
) -> None:
    """Start the sim worker again and again with the compiled kernel on disk: seconds until it is ready."""
    with exits(as_json=as_json):
        if not compiled.there():
            progress("compiling the simulation, which takes half a minute and is done once")
        _start()  # not counted: fills the caches, ours and the file system's
        progress(f"{starts} starts")
        found = [_start() for _ in range(starts)]
        report = Report(quantiles(found), round(max(found), 2), starts, cores())
        if as_json:
            print_json(asdict(report))
        else:
            times = f"p50 {report.ready_s.p50:.2f} s, p95 {report.ready_s.p95:.2f} s"
            stdout.print(f"sim worker ready after {times} ({starts} starts, {report.cores} cores)")


def _start() -> float:
    """Seconds from process start to ready.

    Raises:
        PitcallError: it died or was not ready in time.
    """
    (port,) = ports.free("127.0.0.1", 1)
    environment = {key: value for key, value in os.environ.items() if key != "PORT"}
    environment |= {"PITCALL_SIM_HOST": "127.0.0.1", "PITCALL_SIM_PORT": str(port)}
    began = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "pitcall.cli.serve", SERVICES[0]],
        stdin=subprocess.PIPE,  # closes when this process dies, see serve.py
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        try:
            while not _ready(port):
                if process.poll() is not None:
                    raise PitcallError(f"the sim worker ended with exit code {process.returncode}; see: pitcall up")
                if time.perf_counter() - began > READY_TIMEOUT_S:
                    raise PitcallError(f"the sim worker was not ready after {READY_TIMEOUT_S:.0f} s; see: pitcall up")
                time.sleep(POLL_S)
            return time.perf_counter() - began
        finally:
            _stop(process)


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
