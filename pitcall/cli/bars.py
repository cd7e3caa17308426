"""How far something is: a transfer in bytes with rate and time left, long work by its steps. On a terminal only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pitcall.cli.output import stderr

if TYPE_CHECKING:
    from pitcall.adapters.objects.sync import Step


class Bars:
    """Bars on a terminal, nothing elsewhere."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._moved: dict[str, int] = {}
        self._task: TaskID | None = None

    def of(self, name: str, size: int | None = None) -> "OneBar":
        """The bar of one transfer."""
        return OneBar(self._bars, self._bars.add_task(name.rpartition("/")[2], total=size))

    def total(self, steps: "list[Step]") -> None:
        """One bar for all steps: many files move at the same time."""
        size = sum(step.size for step in steps if step.action in ("upload", "download"))
        self._task = self._bars.add_task(f"{len(steps)} files", total=size)

    def step(self, step: "Step", moved: int) -> None:
        """Count what a step has moved; a packed file moves fewer bytes than it has."""
        self._moved[step.key] = min(moved, step.size)
        if self._task is not None:
            self._bars.update(self._task, completed=sum(list(self._moved.values())))


class OneBar:
    """Shows the bytes moved so far."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars = bars
        self._task = task
        self._began = False

    def __call__(self, moved: int) -> None:
        """Show this many; an ``ObjectStore`` counts from the beginning of the object."""
        if not self._began:  # what an earlier run moved says nothing of this one's rate
            self._bars.reset(self._task, completed=moved)
            self._began = True
        self._bars.update(self._task, completed=moved)


@contextmanager
def bars(*, as_json: bool) -> Iterator[Bars]:
    """Bars while the body runs; with ``--json`` and off a terminal they show nothing."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    shown = stderr.is_terminal and not as_json
    with Progress(*columns, console=stderr, transient=True, disable=not shown) as shown_bars:
        yield Bars(shown_bars)


@contextmanager
def steps() -> Iterator[Callable[[str, float | None], None]]:
    """A bar that is told what is done now, and how much of all work is done, 0 to 1; None: as much as before."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
