"""Free TCP ports."""

import socket
from contextlib import ExitStack
from typing import Final

from pitcall.errors import PitcallError

#: Ports after the one asked for that are tried.
TRIED: Final = 20


def free(host: str, count: int) -> list[int]:
    """``count`` different ports that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(_bound(host, 0)) for _ in range(count)]
        return [int(sock.getsockname()[1]) for sock in sockets]


def first_free(host: str, port: int) -> int:
    """``port``, or the next one that is free; 0 = any.

    Raises:
        PitcallError: the address is not one of this machine, or the next ports are all busy.
    """
    if port == 0:
        return free(host, 1)[0]
    reason = ""
    for candidate in range(port, min(port + TRIED, 65_535) + 1):
        try:
            _bound(host, candidate).close()
        except OSError as exc:
            reason = exc.strerror or str(exc)
        else:
            return candidate
    raise PitcallError(f"cannot listen on {host}, ports {port} to {port + TRIED}: {reason}; choose another with --port")


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT is not busy
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
