"""What Pitcall asks of the world, in its own words. ``pitcall/adapters`` answers.

The calls block. The command line is synchronous, three of the four vendors' libraries are, and a server
moves whole objects a few times a day: ``asyncio.to_thread(store.head, key)`` costs it nothing, while an
asynchronous port would make every adapter wrap its vendor in threads and every command start a loop.
An ObjectStore may be used by several threads at once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

#: Called with the bytes moved so far; the first call of a resumed transfer counts what was there already.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of an object without its content."""

    key: str
    size: int  #: bytes, as stored
    generation: str  #: opaque, changes with the content (on S3 two versions of the same bytes share one)
    modified: float  #: seconds since 1970, by the store's clock
    sha256: str | None = None  #: hex, of the stored bytes; only ``head``, ``put`` and a whole ``get`` promise it,
    #: and only for what Pitcall wrote
    md5: str | None = None  #: hex, where the store has it: what remains to check an object of somebody else
    crc32c: str | None = None  #: hex; GCS has it of every object
    metadata: Mapping[str, str] = field(default_factory=dict)  #: as ``sha256``


class Content(Protocol):
    """An open object: iterate over it once, or ``read`` it; leave the ``with`` block early to drop the rest.

    Both raise what ``ObjectStore.get`` raises, and Corrupt after the last byte of a whole object whose
    digest is not the one that it was stored with.
    """

    @property
    def info(self) -> ObjectInfo:
        """Of exactly the version that is read."""
        ...

    def __iter__(self) -> Iterator[bytes]: ...

    def read(self) -> bytes:
        """All of it. For small objects."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ObjectStore(Protocol):
    """Objects under keys such as ``models/pit-policy/3/manifest.json``: whole or not there, never half.

    A key is up to 900 bytes of UTF-8 in parts between slashes; a part has up to 200 bytes, no control
    character and no backslash, and does not end in a dot. Reads see every write that has ended before.

    Every method raises, beside what it names itself:
        InvalidRequest: the key is none.
        Unauthenticated: no credentials, or wrong ones.
        PermissionDenied: these credentials may not do this here.
        StoreUnavailable: no answer after the retries; may work later.
        NotFound: there is no such bucket.
    """

    @property
    def url(self) -> str:
        """Such as ``gs://bucket/prefix``, for messages. Holds no secret."""
        ...

    def head(self, key: str) -> ObjectInfo:
        """Look at one object.

        Raises:
            NotFound: no such object.
        """
        ...

    def get(self, key: str, *, start: int = 0, end: int | None = None, generation: str | None = None) -> Content:
        """Open the bytes ``[start, end)`` of one version of an object; all of it by default.

        A whole object is checked against its digest. ``pitcall.adapters.objects.download`` brings one into a
        file: in parallel, checked, and resumable.

        Raises:
            NotFound: no such object.
            Conflict: it is no longer at ``generation``.
            InvalidRequest: the range is empty or not within the object.
        """
        ...

    def put(
        self,
        key: str,
        source: bytes | Path | BinaryIO,
        *,
        if_absent: bool = False,
        if_generation: str | None = None,
        metadata: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> ObjectInfo:
        """Write an object. Readers see the old one until the new one is complete.

        A large file whose upload was killed goes on where it stopped. A BinaryIO is read from where it stands.

        Args:
            key: where.
            source: the content; a file must not change while it is read.
            if_absent: create only.
            if_generation: replace only this version (of ``head``, ``get``, or an earlier ``put``).
            metadata: printable ASCII, 1 KiB in all; names are lower case letters and digits.
            progress: called now and then.

        Raises:
            Conflict: there is an object (``if_absent``) or it is not at ``if_generation``; nothing was written.
            Corrupt: what arrived is not what was sent; nothing was written.
            InvalidRequest: both conditions at once, or metadata that cannot be stored.
        """
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key starts with ``prefix``, in the order of the keys' UTF-8 bytes."""
        ...

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The prefixes one level below ``prefix``: "models/" has "models/pit-policy/". In order.

        Raises:
            InvalidRequest: ``prefix`` is neither empty nor ends with a slash.
        """
        ...

    def delete(self, key: str, *, if_generation: str | None = None) -> None:
        """Remove one object.

        Raises:
            NotFound: no such object.
            Conflict: it is not at ``if_generation``; nothing was removed.
        """
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...
