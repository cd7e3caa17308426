"""Final calls on their way into the ledger: behind the answer, never in front of it.

An answer is out before its call is stored, and no trouble with the ledger reaches who asked. It is logged
when it begins and when it ends, and ``degraded`` says it meanwhile.
"""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pitcall.domain.race import RaceState
from pitcall.domain.tyres import Compound
from pitcall.errors import PitcallError
from pitcall.ledger import Call, Ledger, Skill, skill
from pitcall.sim.messages import Utility
from pitcall.wire.reply import Advice

#: Calls that may wait for the disk; one more is lost, and counted.
MAX_WAITING: Final = 1_000
#: Time for those that wait when the server goes away, s.
CLOSE_S: Final = 3.0

_log = logging.getLogger(__name__)


class Recorder:
    """Stores calls one after the other in a thread of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._waiting: set[asyncio.Future[bool]] = set()
        self._lost = 0  # since the ledger last took a call

    @property
    def degraded(self) -> bool:
        """True while calls are answered, but not stored."""
        return self._lost > 0

    def note(self, state: RaceState, car: str, advice: Advice, utility: Utility, *, live: bool) -> None:
        """Store the call of a final answer, soon. Raises nothing."""
        try:
            call = _call(state, car, advice, utility, live=live)
            if len(self._waiting) >= MAX_WAITING:
                self._lose(f"{MAX_WAITING} calls are waiting for the ledger")
                return
            stored = asyncio.get_running_loop().run_in_executor(self._thread, self._ledger.record, call)
            self._waiting.add(stored)
            stored.add_done_callback(self._stored)
        except Exception:  # noqa: BLE001  # the answer is out: nothing may turn it into an error
            _log.exception("a call could not be noted")

    async def skill(self) -> list[Skill]:
        """The running figures. Raises what ``Ledger.tallies`` raises."""
        return skill(await asyncio.to_thread(self._ledger.tallies))

    async def close(self) -> None:
        """Store what waits, as far as the time goes."""
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=CLOSE_S)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _stored(self, stored: asyncio.Future[bool]) -> None:
        self._waiting.discard(stored)
        if stored.cancelled():
            self._lose("the server is going away")
        elif (failed := stored.exception()) is not None:
            if not isinstance(failed, PitcallError):
                _log.error("the ledger failed", exc_info=failed)
            self._lose(str(failed))
        elif self._lost:
            _log.warning("the ledger takes calls again; %d were not stored", self._lost)
            self._lost = 0

    def _lose(self, why: str) -> None:
        self._lost += 1
        if self._lost == 1:
            _log.error("calls are answered, but not stored: %s", why)


def _call(state: RaceState, car: str, advice: Advice, utility: Utility, *, live: bool) -> Call:
    decision, source = advice.decision, advice.provenance
    best = decision.options[decision.best]
    return Call(
        race=state.race,
        car=car,
        lap=source.race_lap,
        t_s=state.t,
        model=source.model,
        seed=source.seed,
        in_lap=best.lap,
        compound=None if best.compound is None else Compound(best.compound),
        p_position=best.p_position,
        draws=best.draws,
        goal=utility.goal,
        live=live,
        asked_at=time.time(),
    )
