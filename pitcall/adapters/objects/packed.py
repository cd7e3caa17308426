"""Logs and checkpoints are stored as Zstandard frames and come back as they were.

``events.jsonl`` is ``events.jsonl.zst`` in every store: any ``zstd`` reads it, with Pitcall or without. Size and
digest of what was packed are in the metadata.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import uuid4

import zstandard

from pitcall.adapters.objects.source import BLOCK
from pitcall.adapters.objects.transfer import download
from pitcall.errors import Corrupt, InvalidRequest, PitcallError, StoreUnavailable
from pitcall.ports import ObjectInfo, ObjectStore, Progress

#: Ending of a packed object.
SUFFIX: Final = ".zst"
#: Metadata of a packed object: what it was before.
RAW_SIZE: Final = "rawsize"
RAW_SHA256: Final = "rawsha256"
#: Most bytes that an object of somebody else may unpack to; ours say how many they are.
MAX_UNDECLARED: Final = 4 * 1024**3

_LEVEL: Final = 9
_PACKED: Final = re.compile(r"(?:.*\.(?:jsonl|log)|checkpoint[^/]*\.(?:json|txt))")


def stored_key(key: str) -> str:
    """Where the file of a key lies in a store."""
    return key + SUFFIX if _PACKED.fullmatch(key.rpartition("/")[2]) else key


def file_key(key: str) -> str:
    """The opposite: what the file of an object is called."""
    plain = key.removesuffix(SUFFIX)
    return plain if stored_key(plain) == key else key


def upload_file(
    store: ObjectStore,
    key: str,
    path: Path,
    *,
    if_absent: bool = False,
    if_generation: str | None = None,
    progress: Progress | None = None,
) -> ObjectInfo:
    """Store a file under ``stored_key(key)``. The same file packs to the same bytes, so a killed upload goes on.

    Raises:
        InvalidRequest: there is no such file; and what ``ObjectStore.put`` raises.
        PitcallError: the file cannot be read, or there is no room to pack it.
    """
    kept = stored_key(key)
    if kept == key:
        return store.put(key, path, if_absent=if_absent, if_generation=if_generation, progress=progress)
    with tempfile.TemporaryFile() as packed:
        metadata = _pack(path, packed)
        packed.seek(0)
        return store.put(
            kept,
            packed,
            if_absent=if_absent,
            if_generation=if_generation,
            metadata=metadata,
            progress=progress,
        )


def download_file(
    store: ObjectStore,
    key: str,
    path: Path,
    *,
    generation: str | None = None,
    threads: int,
    part_bytes: int,
    progress: Progress | None = None,
) -> ObjectInfo:
    """Bring an object into a file, unpacked if ``stored_key`` packed it. The file appears when it is complete.

    Raises:
        Corrupt: it does not unpack to what was packed; the file is not touched. And what ``download`` raises.
    """
    options: dict[str, Any] = {"generation": generation, "threads": threads, "part_bytes": part_bytes}
    if file_key(key) == key:
        return download(store, key, path, **options, progress=progress)
    packed = path.with_name(f".{path.name[:100]}{SUFFIX}")
    info = download(store, key, packed, **options, progress=progress)
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        _unpack(info, store.url, packed, part)
        part.replace(path)
    except OSError as exc:
        raise PitcallError(f"cannot write {path}: {exc.strerror}") from exc
    finally:
        part.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)
    return info


def raw_size(info: ObjectInfo) -> int | None:
    """Bytes of the file of an object; None if it is packed and does not say."""
    if file_key(info.key) == info.key:
        return info.size
    size = info.metadata.get(RAW_SIZE, "")
    return int(size) if size.isdecimal() else None


def raw_sha256(info: ObjectInfo) -> str | None:
    """Digest of the file of an object, where it is known."""
    return info.sha256 if file_key(info.key) == info.key else info.metadata.get(RAW_SHA256)


def _pack(path: Path, packed: BinaryIO) -> dict[str, str]:
    digest, size = hashlib.sha256(), 0
    try:
        with (
            path.open("rb") as file,
            zstandard.ZstdCompressor(_LEVEL, write_checksum=True).stream_writer(packed, closefd=False) as out,
        ):
            while block := file.read(BLOCK):
                digest.update(block)
                size += len(block)
                out.write(block)
    except (FileNotFoundError, IsADirectoryError) as exc:
        raise InvalidRequest(f"there is no file {path}") from exc
    except OSError as exc:
        raise PitcallError(f"cannot pack {path}: {exc.strerror}") from exc
    return {RAW_SIZE: str(size), RAW_SHA256: digest.hexdigest()}


def _unpack(info: ObjectInfo, url: str, packed: Path, part: Path) -> None:
    """Write what an object held before it was packed; never more than it says."""
    where, declared = f"{info.key} in {url}", raw_size(info)
    digest, limit = hashlib.sha256(), MAX_UNDECLARED if declared is None else declared
    try:
        with packed.open("rb") as file, part.open("xb") as out:
            for block in zstandard.ZstdDecompressor().read_to_iter(file, write_size=BLOCK):
                digest.update(block)
                out.write(block)
                if out.tell() > limit:
                    raise Corrupt(f"{where} unpacks to more than {limit} bytes")
            size = out.tell()
            out.flush()
            os.fsync(out.fileno())
    except zstandard.ZstdError as exc:
        raise Corrupt(f"{where} is not the Zstandard frame that its name promises") from exc
    except FileNotFoundError as exc:
        raise StoreUnavailable(f"another process unpacked {where} at the same moment; try again") from exc
    if declared not in (None, size) or info.metadata.get(RAW_SHA256) not in (None, digest.hexdigest()):
        raise Corrupt(f"{where} does not unpack to what was packed; store it again")
