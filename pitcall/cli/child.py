"""One service as a child process: its log file, its last words, its end."""

import json
import logging
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final, Protocol

#: Size at which a log file is moved to ``<service>.log.1``, bytes.
MAX_LOG: Final = 10 << 20
#: Lines that are repeated when a service dies.
LAST_LINES: Final = 8

_IMPORTANT: Final = frozenset({"WARNING", "ERROR", "CRITICAL"})


class Hear(Protocol):
    """Takes one line of a service's log, shortened for a person."""

    def __call__(self, line: str, *, important: bool) -> None: ...  # noqa: D102 - the class says it


class Child:
    """A running service. What it writes goes whole to ``log`` and shortened to ``hear``; its end goes to ``ended``."""

    def __init__(
        self, name: str, environment: Mapping[str, str], log: Path, hear: Hear, ended: "queue.SimpleQueue[Child]"
    ) -> None:
        self.name = name
        self.told_to_stop = False
        self._hear, self._ended = hear, ended
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = RotatingFileHandler(log, maxBytes=MAX_LOG, backupCount=1, encoding="utf-8")
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, a name from SERVICES
            [sys.executable, "-m", "pitcall.cli.serve", name],
            stdin=subprocess.PIPE,  # never written to: it closes when this process dies, see serve.py
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches only the parent, which stops its children in order
        )
        self._reader = threading.Thread(target=self._read, name=f"log-{name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        self.told_to_stop = True
        self._process.terminate()

    def join(self, timeout_s: float) -> None:
        """Wait for the end; SIGKILL after ``timeout_s``."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._finish()

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self.told_to_stop = True
        self._process.kill()
        self._finish()

    def obituary(self) -> str:
        """Name, exit code and last lines of a service that ended by itself."""
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        last = "".join(f"\n  {line}" for line in self._last)
        return f"{self.name} {how}; its log: {self._log.baseFilename}; last lines:{last or ' none'}"

    def _finish(self) -> None:
        self._process.wait()
        self._reader.join()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe, see above
        with self._process.stdout as lines:
            for line in lines:
                self._log.emit(logging.makeLogRecord({"msg": line.rstrip("\n")}))
                short, important = _shortened(self.name, line)
                self._last.append(short)
                if not self.told_to_stop:
                    self._hear(short, important=important)
        self._log.close()
        self._process.wait()
        self._ended.put(self)


def _shortened(name: str, line: str) -> tuple[str, bool]:
    """A log line for a person, and whether it needs attention. What is not JSON (a crash) does."""
    try:
        record = json.loads(line)
        severity, message = str(record["severity"]), str(record["message"])
    except (ValueError, KeyError, TypeError):
        return f"{name}: {line.rstrip()}", True
    exception = str(record.get("exception", "")).rstrip().rpartition("\n")[2]
    text = f"{name}: {severity.lower()}: {message}" + (f" ({exception})" if exception else "")
    return text, severity in _IMPORTANT
