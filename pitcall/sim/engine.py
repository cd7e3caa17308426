"""Runs the kernel over path ranges on a few threads. Pure."""


class Engine:
    """Plays races. ``threads`` never changes a bit of the result."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def warm_up(self) -> None:
        """Compile or load the kernel and run it once."""

    def close(self) -> None:
        """Stop the threads."""
