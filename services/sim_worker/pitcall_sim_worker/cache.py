"""Answers by the hash of their request, bounded in bytes."""

import hashlib
from collections import OrderedDict

from pydantic import TypeAdapter

from pitcall.sim.evaluate import EvaluateRequest
from pitcall.sim.messages import DecideRequest, ForecastRequest

Adapter = TypeAdapter[DecideRequest] | TypeAdapter[ForecastRequest] | TypeAdapter[EvaluateRequest]

#: What one entry costs beside its bytes: key, dictionary slot and object headers.
ENTRY_BYTES = 256


def key_of(adapter: Adapter, request: object) -> bytes:
    """SHA-256 of the request's canonical JSON, so that white space, field order and 1 or 1.0 do not matter."""
    return hashlib.sha256(type(request).__name__.encode() + adapter.dump_json(request)).digest()  # type: ignore[arg-type]  # the caller pairs them


class Cache:
    """Least recently used goes first. Not thread-safe: one event loop uses it."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()
        self.bytes = 0

    def get(self, key: bytes) -> bytes | None:
        """The answer, which becomes the youngest; None for a miss."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer, dropping the oldest to make room; one larger than the cache is not kept."""
        if key in self._entries or len(answer) + ENTRY_BYTES > self._most:
            return
        self._entries[key] = answer
        self.bytes += len(answer) + ENTRY_BYTES
        while self.bytes > self._most:
            _, oldest = self._entries.popitem(last=False)
            self.bytes -= len(oldest) + ENTRY_BYTES
