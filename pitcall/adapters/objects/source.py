"""What a ``put`` sends: bytes, a file or a stream, looked at before the first byte leaves."""

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from pitcall.errors import InvalidRequest, PitcallError

#: Bytes read at a time when the content is digested.
BLOCK: Final = 1 << 20


class Source:
    """Content of known size that several threads may read at once."""

    def __init__(self, content: bytes | BinaryIO, name: str, start: int = 0) -> None:
        self._content = content
        self._name = name
        self._start = start
        self._stamp = self._look()
        self.size = (len(content) if isinstance(content, bytes) else self._stamp[0]) - start
        if self.size < 0:
            raise InvalidRequest(f"{name} stands beyond its end")

    def part(self, offset: int, length: int) -> bytes:
        """Bytes ``[offset, offset + length)``; less at the end.

        Raises:
            PitcallError: the file cannot be read.
        """
        if isinstance(self._content, bytes):
            return self._content[offset : offset + length]
        found = io.BytesIO()
        try:
            while (missing := length - found.tell()) > 0:
                block = os.pread(self._content.fileno(), missing, self._start + offset + found.tell())
                if not block:
                    break
                found.write(block)
        except OSError as exc:
            raise PitcallError(f"cannot read {self._name}: {exc.strerror}") from exc
        return found.getvalue()

    def blocks(self) -> Iterator[bytes]:
        """All of it, in order."""
        for offset in range(0, self.size, BLOCK):
            yield self.part(offset, BLOCK)

    def sha256(self) -> str:
        """Digest of the content, hex."""
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()

    def check_unchanged(self) -> None:
        """A digest describes what was sent only if the file stood still.

        Raises:
            InvalidRequest: it was written to.
        """
        if self._look() != self._stamp:
            raise InvalidRequest(f"{self._name} changed while it was read: try again when nobody writes to it")

    def _look(self) -> tuple[int, int]:
        if isinstance(self._content, bytes):
            return len(self._content), 0
        stat = os.fstat(self._content.fileno())
        return stat.st_size, stat.st_mtime_ns


@contextmanager
def opened(source: bytes | Path | BinaryIO) -> Iterator[Source]:
    """Make ready what a ``put`` was given. A stream that cannot seek is brought to disk first.

    Raises:
        InvalidRequest: there is no such file.
        PitcallError: the file cannot be read.
    """
    if isinstance(source, bytes):
        yield Source(source, "the content")
        return
    with ExitStack() as stack:
        if isinstance(source, Path):
            try:
                file: BinaryIO = stack.enter_context(source.open("rb"))
            except (FileNotFoundError, IsADirectoryError) as exc:
                raise InvalidRequest(f"there is no file {source}") from exc
            except OSError as exc:
                raise PitcallError(f"cannot read {source}: {exc.strerror}") from exc
            yield Source(file, str(source))
        elif _is_file(source):
            yield Source(source, "the stream", source.tell())
        else:
            spool = stack.enter_context(tempfile.TemporaryFile())
            while block := source.read(BLOCK):
                spool.write(block)
            spool.flush()
            yield Source(spool, "the stream")


def _is_file(source: BinaryIO) -> bool:
    try:
        source.fileno()
        return source.seekable()
    except OSError:
        return False
