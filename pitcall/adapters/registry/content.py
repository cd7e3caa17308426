"""The files of a version: looked at when they are imported, uploaded, downloaded; never run, never believed."""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from pitcall import __version__
from pitcall.errors import Corrupt, InvalidRequest, ModelRefused, PitcallError
from pitcall.registry import fields, golden, tensors
from pitcall.registry.manifest import GOLDEN, MAX_FILES, File, Manifest, Origin, check_name, check_path, version_of
from pitcall.registry.tensors import Tensor

#: What may stand beside the weights. JSON is parsed, the others are text.
_JSON: Final = frozenset({".json"})
_TEXT: Final = frozenset({".txt", ".md", ".csv", ".yaml", ".jsonl", ""})
#: Largest file that is no tensor file: it is read whole.
_MAX_TEXT_BYTES: Final = 32 << 20


def describe(name: str, folder: Path, origin: Origin) -> Manifest:
    """Look through a folder and describe it as a version.

    Raises:
        InvalidRequest: no such folder, or no name for a model.
        ModelRefused: a file holds what a model must not.
        Corrupt: a tensor file is cut off.
        PitcallError: a file cannot be read.
    """
    check_name(name)
    files = files_in(folder)
    found = look(folder, files)
    if GOLDEN in found:
        _check_golden_names(found[GOLDEN])
    return Manifest(name, version_of(files), time.time(), __version__, origin, files, found)


def check_golden(folder: Path, manifest: Manifest, run: golden.Run) -> bool:
    """Ask a model its golden rows; False if it has none.

    Raises:
        ModelRefused: it answers otherwise than when it was made.
    """
    if GOLDEN not in manifest.tensors:
        return False
    from safetensors.numpy import load_file  # noqa: PLC0415  # who has no golden rows does without

    golden.check(run, load_file(folder / GOLDEN), manifest.origin.tolerance, f"{manifest.name} {manifest.version}")
    return True


def files_in(folder: Path) -> tuple[File, ...]:
    """The files below a folder, with their digests; hidden ones are left out.

    Raises:
        InvalidRequest: no such folder, nothing in it, or too much.
        ModelRefused: a link, or a name that no file of a model can have.
        PitcallError: a file cannot be read.
    """
    if not folder.is_dir():
        raise InvalidRequest(f"there is no folder {folder}")
    with _reading(folder):
        found = sorted((path.relative_to(folder).as_posix(), path) for path in _walk(folder))
    if not 0 < len(found) <= MAX_FILES:
        raise InvalidRequest(f"{folder} has {len(found)} files; a model has 1 to {MAX_FILES}")
    return tuple(File(check_path(name), path.stat().st_size, sha256(path)) for name, path in found)


def look(folder: Path, files: Iterable[File]) -> dict[str, dict[str, Tensor]]:
    """Look into each file; the tensors found, by file.

    Raises:
        ModelRefused: a file is not what its name says, or holds what a model must not.
        Corrupt: a tensor file is cut off.
        PitcallError: a file cannot be read.
    """
    return {
        file.path: inside for file in files if (inside := _look(folder / file.path, file.size, file.path)) is not None
    }


def check(folder: Path, manifest: Manifest) -> None:
    """The folder holds the files of the manifest, and they hold what it says.

    Raises:
        Corrupt: a file is missing, or not the one that was stored.
        ModelRefused: as ``look``, or the tensors are not those of the manifest.
        PitcallError: a file cannot be read.
    """
    check_digests(folder, manifest)
    found = look(folder, manifest.files)
    for path in sorted(set(found) | set(manifest.tensors)):
        _compare(found.get(path, {}), manifest.tensors.get(path, {}), f"{path} of {manifest.name} {manifest.version}")


def check_digests(folder: Path, manifest: Manifest) -> None:
    """The folder holds the files of the manifest, byte by byte. For files that ``check`` has seen once.

    Raises:
        Corrupt: a file is missing, or not the one that was stored.
        PitcallError: a file cannot be read.
    """
    for file in manifest.files:
        path = folder / file.path
        where = f"{file.path} of {manifest.name} {manifest.version}"
        if not path.is_file():
            raise Corrupt(f"{where} is missing in {folder}")
        if (size := path.stat().st_size) != file.size:
            raise Corrupt(f"{where} has {size:,} bytes in place of {file.size:,}: it is cut off, or another file")
        if sha256(path) != file.sha256:
            raise Corrupt(f"{where} does not have the digest that its manifest names: the bytes were changed")


def sha256(path: Path) -> str:
    """Digest of a file, hex.

    Raises:
        PitcallError: it cannot be read.
    """
    with _reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        for name in (name for name in names if not name.startswith(".")):
            path = Path(root, name)
            if path.is_symlink() or not path.is_file():
                raise ModelRefused(f"{path} is a link or no file; a model is made of plain files")
            yield path


def _look(path: Path, size: int, where: str) -> dict[str, Tensor] | None:
    """The tensors of a tensor file; None for another one."""
    suffix = path.suffix.lower()
    with _reading(path), path.open("rb") as file:
        if suffix == tensors.SUFFIX:
            placed = tensors.read_header(file, size, where)
            tensors.check_finite(file, placed, where)
            return {name: one.tensor for name, one in placed.items()}
        if suffix not in _JSON | _TEXT:
            kinds = ", ".join(sorted({tensors.SUFFIX} | _JSON | _TEXT - {""}))
            raise ModelRefused(f"{where}: a model keeps {kinds} only; save the weights as safetensors")
        if size > _MAX_TEXT_BYTES:
            raise ModelRefused(f"{where} has {size:,} bytes; beside the weights {_MAX_TEXT_BYTES:,} are enough")
        _check_text(file, where, is_json=suffix in _JSON)
    return None


def _check_text(file: BinaryIO, where: str, *, is_json: bool) -> None:
    text = file.read()
    if is_json:
        fields.parse(text, where)
        return
    try:
        clean = "\0" not in text.decode("utf-8")
    except UnicodeDecodeError:
        clean = False
    if not clean:
        raise ModelRefused(f"{where} is no text")


def _compare(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str) -> None:
    for name in sorted(set(found) | set(wanted)):
        here, there = found.get(name), wanted.get(name)
        if here != there:
            told = [f"{one.dtype} of shape {list(one.shape)}" if one else "nothing" for one in (here, there)]
            raise ModelRefused(f"{where}: tensor {name!r:.80} is {told[0]}, the manifest names {told[1]}")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A file that cannot be read is one sentence."""
    try:
        yield
    except OSError as exc:
        raise PitcallError(f"cannot read {path}: {exc.strerror}") from exc


def _check_golden_names(tensors: dict[str, Tensor]) -> None:
    """A golden file has questions and answers, nothing else."""
    starts = {name[: name.find(".") + 1] for name in tensors}
    if starts != {golden.IN, golden.OUT}:
        raise ModelRefused(
            f"{GOLDEN} must hold tensors in.<name> and out.<name>, both; it has {', '.join(sorted(tensors))[:80]}"
        )
