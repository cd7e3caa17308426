"""Which names all stores can hold. The strictest store decides, so that a bucket can be copied to any other."""

import re
from collections.abc import Mapping
from typing import Final

from pitcall.errors import InvalidRequest

#: Folder in which a directory keeps what a file cannot hold; no key has a part of this name, in any store.
OWN: Final = ".pitcall"
#: Bytes of UTF-8; S3 and GCS take 1,024 with the prefix of the store.
MAX_KEY_BYTES: Final = 900
#: Bytes of UTF-8 between two slashes; most file systems take 255 and a store adds a few of its own.
MAX_PART_BYTES: Final = 200
#: Characters of metadata, names and values; S3 takes 2 KiB.
MAX_METADATA: Final = 1024
#: Objects that a store lists per request.
PAGE: Final = 1000
#: Metadata that Pitcall itself writes: the digest, and which write it was.
SHA256: Final = "pitcallsha256"
WRITE: Final = "pitcallwrite"

_BAD: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*")  # Azure takes no "-", proxies in front of S3 drop "_"
_VALUE: Final = re.compile(r"[!-~]([ -~]*[!-~])?")


def check_key(key: str) -> str:
    """The key, if it is one.

    Raises:
        InvalidRequest: what is wrong with it.
    """
    if wrong := _wrong(key):
        raise InvalidRequest(f"{key!r:.120} cannot be the key of an object: {wrong}")
    return key


def is_key(key: str) -> bool:
    """Whether ``check_key`` would pass: for names that were found, not given."""
    return not _wrong(key)


def check_prefix(prefix: str) -> str:
    """The prefix, if a key can begin with it; may be empty.

    Raises:
        InvalidRequest: no key begins so.
    """
    if _BAD.search(prefix) or prefix.startswith("/") or {".", "..", ""} & set(prefix.split("/")[:-1]):
        raise InvalidRequest(f"{prefix!r:.120} cannot be the beginning of a key")
    return prefix


def check_folder(prefix: str) -> str:
    """The prefix, if it is empty or ends with a slash.

    Raises:
        InvalidRequest: it is no such prefix.
    """
    if prefix and not prefix.endswith("/"):
        raise InvalidRequest(f"{prefix!r:.120} is no folder: end it with a slash")
    return check_prefix(prefix)


def check_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """A copy of metadata that every store keeps as it is.

    Raises:
        InvalidRequest: a name or a value that some store would refuse or change.
    """
    for name, value in (metadata or {}).items():
        if not _NAME.fullmatch(name) or name in (SHA256, WRITE):
            raise InvalidRequest(f"{name!r:.80} cannot name metadata: lower case letters and digits, a letter first")
        if not _VALUE.fullmatch(value):
            raise InvalidRequest(f"metadata {name} can hold printable ASCII only, not {value!r:.80}")
    if sum(len(name) + len(value) for name, value in (metadata or {}).items()) > MAX_METADATA:
        raise InvalidRequest(f"metadata of more than {MAX_METADATA} characters: put it into an object of its own")
    return dict(metadata or {})


def check_condition(*, if_absent: bool, if_generation: str | None) -> None:
    """A write has one condition at most.

    Raises:
        InvalidRequest: it has two.
    """
    if if_absent and if_generation is not None:
        raise InvalidRequest("a write creates (if_absent) or replaces (if_generation), not both")


def check_range(key: str, start: int, end: int | None, size: int | None = None) -> None:
    """A range holds a byte; only all of an object may be empty. Without ``size`` its end is not known yet.

    Raises:
        InvalidRequest: it does not, or does not lie within the object.
    """
    last = start + 1 if end is None else end
    if (start, end) == (0, None) or (0 <= start < last and (size is None or last <= size)):
        return
    has = "" if size is None else f", which has {size} bytes"
    raise InvalidRequest(f"[{start}, {'' if end is None else end}) is no range of {key}{has}")


def _wrong(key: str) -> str:
    if _BAD.search(key):
        return "it holds a control character, a backslash or half a character"
    parts = key.split("/")
    if any(part in ("", ".", "..") or part.endswith(".") for part in parts):
        return "each part between slashes is a name, and does not end in a dot"
    if OWN in parts:
        return f"{OWN}/ is where a directory keeps its own files"
    if any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        return f"a part is longer than {MAX_PART_BYTES} bytes"
    return f"it is longer than {MAX_KEY_BYTES} bytes" if len(key.encode()) > MAX_KEY_BYTES else ""
