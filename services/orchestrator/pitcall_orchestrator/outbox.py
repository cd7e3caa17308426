"""Numbered frames of one session, kept for a reconnect."""

import asyncio
from collections import deque
from typing import Any

from pitcall_orchestrator.protocol import encode


class Outbox:
    """The last frames of a session, bounded in number and bytes. One reader at a time sends them on.

    ``sent`` is how far that reader came. A frame dropped before it was sent is lost for the client:
    ``lost`` says so, and only a new session helps.
    """

    def __init__(self, frames: int, size: int) -> None:
        self._frames = frames
        self._size = size  # characters, which are bytes but for names with accents
        self._kept: deque[tuple[int, str]] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self.seq = 0
        self.sent = 0

    def add(self, kind: str, body: dict[str, Any]) -> None:
        """Number a frame and keep it."""
        self.seq += 1
        text = encode(self.seq, kind, body)
        self._kept.append((self.seq, text))
        self._bytes += len(text)
        while len(self._kept) > self._frames or (self._bytes > self._size and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft()[1])
        self._news.set()

    def holds(self, seq: int) -> bool:
        """True if every frame after ``seq`` is still here."""
        return seq == self.seq or (bool(self._kept) and self._kept[0][0] <= seq + 1)

    @property
    def lost(self) -> bool:
        """True when the reader can no longer send every frame."""
        return not self.holds(self.sent)

    @property
    def backlog(self) -> int:
        """Frames not sent yet."""
        return self.seq - self.sent

    async def next(self) -> str:
        """The frame after ``sent``, once there is one. The caller counts it as sent when it is."""
        while self.sent == self.seq:
            self._news.clear()
            await self._news.wait()
        return self._kept[self.sent + 1 - self._kept[0][0]][1]
