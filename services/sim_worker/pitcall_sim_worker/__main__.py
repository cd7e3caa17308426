"""Run the sim worker until SIGTERM or SIGINT."""

import os
import signal
import sys

import uvicorn

from pitcall.adapters import compiled, telemetry
from pitcall_sim_worker.app import create_app
from pitcall_sim_worker.settings import Settings
from pitcall_sim_worker.simulator import Simulator

#: Streams that are open at SIGTERM get this long; Cloud Run kills after 10 s.
GRACE_S = 8
#: Idle connections live longer than a model server's 30 s, so that it never meets one just closed.
KEEPALIVE_S = 75


def main() -> None:
    """Serve. Exits 0 after a signal, 1 if the port is taken or the kernel cannot be built."""
    settings = Settings()
    telemetry.configure("sim-worker", settings.log_level)
    compiled.use(settings.cpu)
    failed = False

    def give_up() -> None:
        nonlocal failed
        failed = server.should_exit = True

    def leave(*_: object) -> None:
        if not server.should_exit:  # the signal came before uvicorn took over; later it is uvicorn's, raised again
            sys.exit(0)

    simulator = Simulator(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, simulator, give_up),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=KEEPALIVE_S,
        )
    )
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        server.run()
    except SystemExit:  # uvicorn cannot listen, and has logged why
        failed = True
    if not simulator.warm:
        os._exit(int(failed))  # the compiler may still run in its thread: the interpreter would crash under it
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
