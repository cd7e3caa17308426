"""The process: ``python -m pitcall_orchestrator``, settings from the environment."""

import signal
import socket
import sys
from typing import Final, NoReturn

import uvicorn

from pitcall.adapters import telemetry
from pitcall_orchestrator.app import create_app
from pitcall_orchestrator.sessions import Sessions
from pitcall_orchestrator.settings import Settings

#: Largest frame before the connection is closed, bytes; up to it one that is too large gets an error.
_MAX_FRAME: Final = 1 << 20
#: Time for connections to close after the sessions were drained, s.
_CLOSE_S: Final = 3


class Server(uvicorn.Server):
    """uvicorn that lets the sessions say good-bye before it closes their sockets."""

    def __init__(self, config: uvicorn.Config, sessions: Sessions) -> None:
        super().__init__(config)
        self._sessions = sessions

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then shut down."""
        await self._sessions.drain()
        await super().shutdown(sockets)


def serve(settings: Settings) -> Server:
    """The server, ready to run."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_max_size=_MAX_FRAME,
        # Frames are a few dozen kilobytes and mostly go to this machine: compressing costs more than it saves.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_CLOSE_S,
        log_config=None,
        access_log=False,
    )
    return Server(config, app.state.sessions)


def main() -> None:
    """Run until SIGTERM or SIGINT, then exit with 0. Exits with 1 if the port cannot be had."""
    # uvicorn raises the signal again when it is done: that is then a plain exit.
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    settings = Settings()
    telemetry.configure("orchestrator", settings.log_level)
    serve(settings).run()


def _exit(*_: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
