"""Runs one service for ``pitcall up``: ``python -m pitcall.cli.serve NAME``. Not a command for people.

The service is found by its entry point (group ``pitcall.services``) and configured by its
environment. The process must not outlive ``pitcall up``, however that dies: it holds the reading
end of a pipe as its standard input, and the kernel closes the pipe with the last writer.
"""

import os
import signal
import sys
import threading
import time
from importlib.metadata import entry_points
from typing import Final

#: Entry point group that the services register in.
GROUP: Final = "pitcall.services"
#: Seconds between SIGTERM and SIGKILL.
GRACE_S: Final = 5.0


def main() -> None:
    """Run the service that the first argument names until it is told to stop."""
    (service,) = entry_points(group=GROUP, name=sys.argv[1])
    threading.Thread(target=_leave_with_parent, name="leave-with-parent", daemon=True).start()
    service.load()()


def _leave_with_parent() -> None:
    # os.read, not sys.stdin: a buffered reader that is locked at exit aborts the interpreter.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
