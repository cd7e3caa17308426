"""All sessions of one orchestrator: who gets a new one, who gets the old one back, and when one ends."""

import asyncio
import secrets
from typing import Protocol

from pitcall import __version__
from pitcall.errors import InvalidRequest, Overloaded
from pitcall_orchestrator.hub import Hub
from pitcall_orchestrator.protocol import VERSION, Hello, encode
from pitcall_orchestrator.session import Session
from pitcall_orchestrator.settings import Settings
from pitcall_orchestrator.tools import Tools


class Link(Protocol):
    """A connection."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close it."""
        ...

    async def gone(self) -> None:
        """Wait until it is closed."""
        ...


class Sessions:
    """Sessions by token. At most one connection holds a session; the newest one wins."""

    def __init__(self, hub: Hub, tools: Tools, settings: Settings) -> None:
        self._hub = hub
        self._tools = tools
        self._settings = settings
        self._sessions: dict[str, Session] = {}
        self._links: dict[str, Link] = {}
        self._expiry: dict[str, asyncio.TimerHandle] = {}  # by token, longest without a connection first
        self._ending: set[asyncio.Task[None]] = set()
        self.draining = False

    async def hello(self, frame: Hello, link: Link) -> tuple[Session, str]:
        """The session of a new connection, and the ``welcome`` frame, which goes out before all others.

        Raises:
            InvalidRequest: ``last_seq`` is a frame that was never sent.
            Overloaded: there are too many sessions, or the server is going away.
        """
        if self.draining:
            raise Overloaded("this server is going away; connect again")
        races = await self._hub.races()
        old = self._sessions.get(frame.resume or "")
        if old is not None and frame.last_seq > old.outbox.seq:
            raise InvalidRequest(f"hello: last_seq: this session has sent {old.outbox.seq} frames")
        resumed = old is not None and old.outbox.holds(frame.last_seq)
        session = old if old is not None and resumed else self._new()
        body = {
            "version": VERSION,
            "session": session.token,
            "resumed": resumed,
            "races": races,
            "server": {"version": __version__},
        }
        if resumed:
            session.outbox.sent = frame.last_seq
            welcome = encode(frame.last_seq, "welcome", body)  # not a new frame: the next one is last_seq + 1
        else:
            session.outbox.add("welcome", body)
            welcome = await session.outbox.next()
            session.outbox.sent = session.outbox.seq
        self._attach(session, link)
        return session, welcome

    def detach(self, session: Session, link: Link) -> None:
        """The connection is gone; the session stays for a while."""
        if self._links.get(session.token) is link:
            del self._links[session.token]
            loop = asyncio.get_running_loop()
            self._expiry[session.token] = loop.call_later(self._settings.retention_s, self._end, session)

    async def drain(self) -> None:
        """Tell every client to go elsewhere, give open questions a last moment, close the connections."""
        self.draining = True
        for session in self._sessions.values():
            session.outbox.add("draining", {"reason": "the server is being replaced; connect again with the token"})
        questions = [task for session in self._sessions.values() for task in session.open_questions]
        if questions:
            await asyncio.wait(questions, timeout=self._settings.drain_s)
        links = tuple(self._links.values())
        for link in links:
            link.close(1012, "server restart")
        await asyncio.gather(*(link.gone() for link in links))

    async def close(self) -> None:
        """End every session."""
        for handle in self._expiry.values():
            handle.cancel()
        await asyncio.gather(*(session.close() for session in self._sessions.values()), *self._ending)
        self._sessions.clear()

    def _attach(self, session: Session, link: Link) -> None:
        if session.token in self._expiry:
            self._expiry.pop(session.token).cancel()
        if session.token in self._links:
            self._links[session.token].close(4001, "the session goes on in another connection")
        self._links[session.token] = link

    def _new(self) -> Session:
        if len(self._sessions) >= self._settings.sessions:
            waiting = next(iter(self._expiry), None)
            if waiting is None:
                raise Overloaded("too many clients are connected; try again later", retry_after_s=10.0)
            self._expiry[waiting].cancel()
            self._end(self._sessions[waiting])
        session = Session(secrets.token_urlsafe(24), self._hub, self._tools, self._settings)
        self._sessions[session.token] = session
        return session

    def _end(self, session: Session) -> None:
        del self._expiry[session.token]
        del self._sessions[session.token]
        task = asyncio.create_task(session.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
