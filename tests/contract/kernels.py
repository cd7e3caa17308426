"""A kernel for a sim worker whose questions last until they are taken back."""

import threading
from collections.abc import Iterator

from pitcall.errors import Cancelled
from pitcall.sim.messages import Decision


class Held:
    """Its ``decide`` yields ``first`` and then waits until it is cancelled; a forecast fails."""

    def __init__(self, *first: Decision) -> None:
        self.first = first
        self.began, self.stopped = threading.Event(), threading.Event()

    def decide(self, request, *, out_of_time, cancelled) -> Iterator[Decision]:
        self.began.set()
        yield from self.first
        pause = threading.Event()
        while not cancelled():
            pause.wait(0.001)
        self.stopped.set()
        raise Cancelled("taken back")

    def forecast(self, request, *, cancelled):
        raise ZeroDivisionError("the inside")

    def evaluate(self, request, *, cancelled):
        if request.car is None:
            self.forecast(request, cancelled=cancelled)
        (*_,) = self.decide(request, out_of_time=None, cancelled=cancelled)

    def close(self):
        """Nothing to stop."""
