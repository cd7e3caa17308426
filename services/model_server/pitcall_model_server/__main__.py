"""Run the model server until SIGTERM or SIGINT."""

import asyncio
import logging
import signal
import sys

from pitcall.adapters import telemetry
from pitcall_model_server.server import ModelServer
from pitcall_model_server.settings import Settings

#: RPCs that are open at SIGTERM get this long; Cloud Run kills after 10 s.
GRACE_S = 8.0

_log = logging.getLogger(__name__)


async def _run(settings: Settings) -> int:
    """Serve until a signal. Returns the exit code."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    server = ModelServer(settings)
    try:
        await server.start()
    except RuntimeError:
        _log.exception("cannot listen on %s:%d", settings.host, settings.port)
        return 1
    loading, waiting = asyncio.create_task(server.load()), asyncio.create_task(told.wait())
    await asyncio.wait((loading, waiting), return_when=asyncio.FIRST_COMPLETED)
    failed = loading.done() and loading.exception() is not None
    if failed:
        _log.error("the models cannot be loaded", exc_info=loading.exception())
    else:
        await waiting
    loading.cancel()
    await server.stop(GRACE_S)
    return int(failed)


def main() -> None:
    """Serve. Exits 0 after a signal, 1 if the port is taken or the models cannot be loaded."""
    settings = Settings()
    telemetry.configure("model-server", settings.log_level)
    sys.exit(asyncio.run(_run(settings)))


if __name__ == "__main__":
    main()
