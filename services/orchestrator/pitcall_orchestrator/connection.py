"""One WebSocket connection: bytes in, bytes out. What they mean is the session's business."""

import asyncio
import contextlib
import logging
import time
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from pitcall.errors import InvalidRequest, PitcallError, error_body
from pitcall_orchestrator import protocol
from pitcall_orchestrator.session import Session
from pitcall_orchestrator.sessions import Sessions

#: A client that takes no frame for so long does not read any more, s.
STALLED_S: Final = 20.0
#: Time for the last frames to get out, s.
_CLOSE_S: Final = 1.0

_log = logging.getLogger(__name__)


class Connection:
    """Moves frames until the client goes, falls hopelessly behind, or ``close`` is called."""

    def __init__(self, socket: WebSocket, sessions: Sessions, stalled_s: float = STALLED_S) -> None:
        self._socket = socket
        self._sessions = sessions
        self._stalled_s = stalled_s
        self._session: Session | None = None
        self._sending: asyncio.Task[None] | None = None
        self._refused = 0  # errors before hello; they belong to no session
        self._over = asyncio.Event()
        self._gone = asyncio.Event()
        self._closing: tuple[int, str] | None = None

    async def serve(self) -> None:
        """Serve the connection to its end."""
        await self._socket.accept()
        reading = asyncio.create_task(self._read())
        try:
            await self._over.wait()
        finally:
            tasks = [reading, *([self._sending] if self._sending else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._closing is not None:
                with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                    async with asyncio.timeout(_CLOSE_S):
                        await self._part(*self._closing)
            if self._session is not None:
                self._sessions.detach(self._session, self)
            self._gone.set()

    def close(self, code: int, reason: str) -> None:
        """Begin to close. From now on no frame is taken from the session, unless it is a good-bye (1012)."""
        self._closing = (code, reason)
        if self._sending is not None:
            self._sending.cancel()
        self._over.set()

    async def gone(self) -> None:
        """Wait until it is closed; a second at most after ``close``."""
        await self._gone.wait()

    async def _part(self, code: int, reason: str) -> None:
        while code == 1012 and self._session is not None and self._session.outbox.backlog:
            await self._send_one(self._session)
        await self._socket.close(code, reason)

    async def _read(self) -> None:
        try:
            while (message := await self._socket.receive())["type"] != "websocket.disconnect":
                await self._handle(message.get("text"), time.perf_counter())
        finally:
            self._over.set()

    async def _handle(self, text: str | None, received: float) -> None:
        """One client frame: its effect, or exactly one error."""
        question = None
        try:
            raw = protocol.decode(text)
            question = protocol.question_id(raw)
            frame = protocol.parse(raw)
            if self._session is not None:
                await self._session.handle(frame, received)
            elif isinstance(frame, protocol.Hello):
                await self._hello(frame)
            else:
                raise InvalidRequest(f"{frame.type}: the first frame of a connection is hello")
        except PitcallError as exc:
            # A second question of the same id must not end the first one.
            about = None if self._session and question and self._session.is_open(question) else question
            await self._refuse(exc, about)
        except WebSocketDisconnect:
            self._over.set()
        except Exception:  # noqa: BLE001  # the client learns no more than that, the log all
            _log.exception("a frame failed")
            await self._refuse(PitcallError("the orchestrator failed; its log has the reason"), question)

    async def _hello(self, frame: protocol.Hello) -> None:
        session, welcome = await self._sessions.hello(frame, self)
        self._session = session
        await self._socket.send_text(welcome)
        if self._closing is None:
            self._sending = asyncio.create_task(self._send(session))

    async def _refuse(self, exc: PitcallError, question: str | None) -> None:
        if self._session is not None:
            self._session.error(exc, question)
            return
        self._refused += 1
        body = {"id": question, **error_body(exc)}
        with contextlib.suppress(WebSocketDisconnect):
            await self._socket.send_text(protocol.encode(self._refused, "error", body))

    async def _send(self, session: Session) -> None:
        """Frames of the session, in order, until the client no longer takes them."""
        try:
            while not session.outbox.lost:
                await self._send_one(session)
            reason = "too slow: frames were lost"
        except TimeoutError:
            reason = "too slow: nothing was read for a while"
        except WebSocketDisconnect:
            self._over.set()
            return
        self._closing = (1013, reason)
        self._over.set()

    async def _send_one(self, session: Session) -> None:
        text = await session.outbox.next()
        async with asyncio.timeout(self._stalled_s):
            await self._socket.send_text(text)
        session.outbox.sent += 1
