"""``pitcall bench serving``: rows a second, latency, start-up and memory, beside mosec and LitServe."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pitcall.cli import ports
from pitcall.cli.bench import mlp, peers
from pitcall.cli.bench.figures import cores
from pitcall.cli.bench.serving_load import Ask, Cell, measure, memory_mib
from pitcall.cli.options import Json
from pitcall.cli.output import exits, print_json, progress, stdout
from pitcall.errors import InvalidRequest, PitcallError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]

#: Rows in a request, and clients that ask at a time.
ROWS: Final = (1, 32, 256)
CLIENTS: Final = (1, 64)
#: Connections that gRPC clients share: a browser's orchestrator has few.
CHANNELS: Final = 4
#: Seconds until a server must answer, and between two looks.
READY_TIMEOUT_S: Final = 90.0
POLL_S: Final = 0.02
#: Seconds that a server has to end.
GRACE_S: Final = 5.0
#: Of the model in the store of the measurement.
NAME: Final = "bench"


@dataclass(frozen=True, slots=True)
class Found:
    """What one server made of it."""

    version: str
    ready_s: float  #: process started -> first right answer
    memory_mib: float  #: PSS after the load
    rows_per_s_core: float  #: with 256 rows a request and 64 clients
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Server:
    """How to start a server, and how to ask it."""

    name: str
    package: str
    command: Sequence[str]
    environment: Mapping[str, str]
    #: Opens connections, gives a maker of requests from rows.
    connect: Callable[[int], Any]
    port: int


def serving(
    seconds: Annotated[
        float, typer.Option(min=0.2, max=600, help="Of load for each number of rows and clients.")
    ] = 3.0,
    only: Annotated[str | None, typer.Option(help="pitcall, mosec or litserve.", show_default="all")] = None,
    as_json: Json = False,
) -> None:
    """Ask a 64-256-256-8 network with 1, 32 and 256 rows a request, as 1 client and as 64, on this machine."""
    with exits(as_json=as_json):
        if not Path("/proc/self/smaps_rollup").exists():
            raise InvalidRequest("CPU time and memory of the servers are read from /proc, which only Linux has")
        known = {"pitcall", "mosec", "litserve"}
        if only is not None and only not in known:
            raise InvalidRequest(f"--only must be one of {', '.join(sorted(known))}, not {only!r:.40}")
        with tempfile.TemporaryDirectory(prefix="pitcall-bench-") as folder:
            found = asyncio.run(_all(Path(folder), seconds, {only} if only else known))
        found |= {"seconds": seconds, "cores": cores(), "load": round(os.getloadavg()[0], 1)}
        if as_json:
            print_json(found)
        else:
            _print(found)


async def _all(folder: Path, seconds: float, names: set[str]) -> dict[str, Any]:
    from safetensors.numpy import load_file  # noqa: PLC0415  # torch's friend: only here

    mlp.write(folder / "network")
    golden = load_file(folder / "network" / "golden.safetensors")
    mlp.publish(NAME, folder / "network", store=str(folder / "store"))
    found: dict[str, Any] = {}
    for server in (_pitcall(folder), _mosec(folder), _litserve(folder)):
        if server.name not in names:
            continue
        try:
            number = version(server.package)
        except PackageNotFoundError:
            found[server.name] = {"missing": "pip install 'pitcall[bench]'"}
            continue
        found[server.name] = asdict(await _measure(server, number, golden, seconds))
    return found


async def _measure(server: Server, number: str, golden: "Mapping[str, Rows]", seconds: float) -> Found:
    began = time.perf_counter()
    with _process(server) as process:
        async with server.connect(server.port) as asker:
            await _ready(asker(golden["in.rows"], golden["out.rows"]), process, server)
            ready_s = time.perf_counter() - began
            cells = []
            for rows in ROWS:
                for clients in CLIENTS:
                    progress(f"{server.name}: {rows} rows, {clients} clients")
                    ask = asker(golden["in.rows"][:rows], golden["out.rows"][:rows])
                    cells.append(await measure(ask, process.pid, rows, clients, seconds))
        return Found(number, round(ready_s, 2), memory_mib(process.pid), cells[-1].rows_per_s_core, cells)


@contextmanager
def _process(server: Server) -> "Iterator[subprocess.Popen[bytes]]":
    with subprocess.Popen(  # noqa: S603  # our own interpreter and modules
        server.command,
        stdin=subprocess.PIPE,  # closes when this process dies, see serve.py
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={key: value for key, value in os.environ.items() if key != "PORT"} | dict(server.environment),
        start_new_session=True,  # it may have children that do not end with it
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_S)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


async def _ready(ask: Ask, process: "subprocess.Popen[bytes]", server: Server) -> None:
    """Wait for the first right answer.

    Raises:
        PitcallError: the server ended, or gave none in time.
    """
    ends = time.perf_counter() + READY_TIMEOUT_S
    while True:
        try:
            # A gRPC connection that is refused waits for seconds before its next try: this one is thrown away.
            await _knock(server.port)
            await asyncio.wait_for(ask(), 5.0)
        except Exception as exc:
            if process.poll() is not None:
                raise PitcallError(f"{server.name} ended with exit code {process.returncode}") from exc
            if time.perf_counter() > ends:
                raise PitcallError(f"{server.name} did not answer in {READY_TIMEOUT_S:.0f} s: {exc!r:.200}") from exc
            await asyncio.sleep(POLL_S)
        else:
            return


async def _knock(port: int) -> None:
    """Raises OSError while nobody listens."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        if writer.get_extra_info("sockname") == writer.get_extra_info("peername"):
            raise ConnectionRefusedError("it reached itself: TCP allows that where nobody listens")


def _pitcall(folder: Path) -> Server:
    (port,) = ports.free("127.0.0.1", 1)
    environment = {
        "PITCALL_HOME": str(folder / "home"),
        "PITCALL_STORAGE_BUCKET": str(folder / "store"),
        "PITCALL_MODEL_HOST": "127.0.0.1",
        "PITCALL_MODEL_PORT": str(port),
        "PITCALL_MODEL_SERVE": NAME,
        "PITCALL_MODEL_HANDBOOK": "false",
    }
    command = [sys.executable, "-m", "pitcall.cli.serve", "model-server"]
    return Server("pitcall", "pitcall", command, environment, _grpc, port)


def _mosec(folder: Path) -> Server:
    return _peer("mosec", folder, "inference", lambda rows: rows, lambda answer: answer)


def _litserve(folder: Path) -> Server:
    import orjson  # noqa: PLC0415  # only here

    return _peer(
        "litserve",
        folder,
        "predict",
        lambda rows: orjson.dumps({"rows": base64.b64encode(rows).decode()}),
        lambda answer: base64.b64decode(orjson.loads(answer)["rows"]),
    )


def _peer(
    name: str, folder: Path, path: str, pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes]
) -> Server:
    (port,) = ports.free("127.0.0.1", 1)
    command = [sys.executable, "-m", f"pitcall.cli.bench.peers.{name}", str(port)]
    environment = {peers.WEIGHTS: str(folder / "network" / "mlp.safetensors")}

    @asynccontextmanager
    async def connect(port: int) -> "AsyncIterator[Callable[[Rows, Rows], Ask]]":
        import aiohttp  # noqa: PLC0415  # only here

        connector = aiohttp.TCPConnector(limit=max(CLIENTS))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as session:

            def asker(rows: "Rows", expected: "Rows") -> Ask:
                body, check = pack(rows.tobytes()), _check(expected)

                async def ask() -> None:
                    async with session.post(
                        f"/{path}", data=body, headers={"content-type": "application/json"}, raise_for_status=True
                    ) as response:
                        check(unpack(await response.read()))

                return ask

            yield asker

    return Server(name, name, command, environment, connect, port)


@asynccontextmanager
async def _grpc(port: int) -> "AsyncIterator[Callable[[Rows, Rows], Ask]]":
    import grpc  # noqa: PLC0415  # only here

    from pitcall.wire.v1 import model_pb2 as pb  # noqa: PLC0415  # as above
    from pitcall.wire.v1 import model_pb2_grpc as rpc  # noqa: PLC0415  # as above

    async with AsyncExitStack() as stack:
        stubs = []
        for n in range(CHANNELS):
            # A channel with options of its own is a connection of its own.
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("pitcall.bench.channel", n)])
            await stack.enter_async_context(channel)
            stubs.append(rpc.ModelServiceStub(channel))  # type: ignore[no-untyped-call]  # generated

        def asker(rows: "Rows", expected: "Rows") -> Ask:
            request, check = pb.PredictRequest(name=NAME, rows=len(rows), values=rows.tobytes()), _check(expected)
            turn = 0

            async def ask() -> float:
                nonlocal turn
                turn += 1
                answer = await stubs[turn % CHANNELS].Predict(request, wait_for_ready=False)
                check(answer.values)
                return float(answer.server_ms)

            return ask

        yield asker


def _check(expected: "Rows") -> Callable[[bytes], None]:
    """Compares the first answer with what it must be, and the length of each."""
    import numpy as np  # noqa: PLC0415  # only here

    first = True

    def check(answer: bytes) -> None:
        nonlocal first
        if len(answer) != expected.nbytes:
            raise PitcallError(f"an answer of {len(answer)} bytes in place of {expected.nbytes}")
        if first:
            first = False
            worst = float(np.abs(np.frombuffer(answer, np.float32) - expected.ravel()).max())
            if not worst <= mlp.TOLERANCE:
                raise PitcallError(f"the answers differ by {worst:.2g} from what they must be")

    return check


def _print(found: Mapping[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415  # not needed for --json

    heads = ("", "rows", "clients", "rows/s a core", "rows/s", "p50 ms", "p99 ms", "server p50 ms", "CPU us", "failed")
    table = Table(*heads, box=None)
    for name in ("pitcall", "mosec", "litserve"):
        for cell in found.get(name, {}).get("cells", ()):
            server = "" if cell["server_p50_ms"] is None else f"{cell['server_p50_ms']:.2f}"
            figures = (f"{cell['rows_per_s_core']:,.0f}", f"{cell['rows_per_s']:,.0f}", f"{cell['p50_ms']:.2f}")
            rest = (f"{cell['p99_ms']:.2f}", server, f"{cell['cpu_us_per_request']:.0f}", str(cell["failed"]))
            table.add_row(name, str(cell["rows"]), str(cell["clients"]), *figures, *rest)
    stdout.print(table)
    for name in ("pitcall", "mosec", "litserve"):
        one = found.get(name)
        if one and "missing" in one:
            stdout.print(f"{name}: not installed: {one['missing']}", markup=False)
        elif one:
            stdout.print(f"{name} {one['version']}: ready after {one['ready_s']:.1f} s, {one['memory_mib']:.0f} MiB")
    stdout.print(f"{found['cores']} cores, load {found['load']}")
