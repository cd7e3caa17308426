"""What a version of a model is: its files by digest, what is in them, and where they come from.

A version is named after its files (12 digits of a SHA-256), so equal content has one name everywhere, nobody can
store something else under it, and two people who upload the same do no harm to each other.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pitcall.errors import InvalidRequest, ModelRefused
from pitcall.registry import fields
from pitcall.registry.tensors import DTYPES, Tensor

#: Of the manifest; another number is of another Pitcall.
FORMAT: Final = 1
#: Largest manifest, bytes: a thousand files with ten thousand tensors.
MAX_BYTES: Final = 4 << 20
MAX_FILES: Final = 1000
#: The file of rows with the answers that the model gave when it was made: tensors ``in.<name>`` and ``out.<name>``.
GOLDEN: Final = "golden.safetensors"
_HASH_DIGITS: Final = 12

_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION: Final = re.compile(rf"[0-9a-f]{{{_HASH_DIGITS}}}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?<!\.)")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a version."""

    path: str  #: below the version, with slashes
    size: int  #: bytes
    sha256: str  #: hex


@dataclass(frozen=True, slots=True)
class Origin:
    """What only the maker of a model can tell."""

    licence: str  #: SPDX, such as Apache-2.0
    data: str = ""  #: that it was made from
    command: str = ""  #: that makes it again
    metrics: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 0.0  #: by which an answer may differ from the golden one; 0: not a bit


@dataclass(frozen=True, slots=True)
class Manifest:
    """A version of a model."""

    name: str
    version: str
    created: float  #: seconds since 1970
    pitcall: str  #: version of the package that wrote this
    origin: Origin
    files: tuple[File, ...]  #: in the order of their paths
    tensors: Mapping[str, Mapping[str, Tensor]]  #: safetensors file -> name -> type and shape

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def to_json(self) -> bytes:
        """The text that ``read`` takes."""
        return (
            json.dumps({"format": FORMAT} | asdict(self), indent=1, ensure_ascii=False, allow_nan=False).encode()
            + b"\n"
        )


def check_name(name: str) -> str:
    """The name, if a model can have it.

    Raises:
        InvalidRequest: it cannot.
    """
    if not is_name(name):
        raise InvalidRequest(
            f"{name!r:.80} cannot name a model: lower case letters, digits and single dashes, such as race-model"
        )
    return name


def check_version(version: str) -> str:
    """The version, if it is one.

    Raises:
        InvalidRequest: it is not.
    """
    if not is_version(version):
        raise InvalidRequest(
            f"{version!r:.80} is no version: it has {_HASH_DIGITS} digits; `pitcall model list` has them"
        )
    return version


def is_name(text: str) -> bool:
    """Whether ``check_name`` would pass: for what was found, not given."""
    return len(text) <= 63 and _NAME.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Whether ``check_version`` would pass."""
    return _VERSION.fullmatch(text) is not None


def check_path(path: str) -> str:
    """The path, if a file of a model can have it.

    Raises:
        ModelRefused: it leads elsewhere, or some system cannot have such a file.
    """
    parts = path.split("/")
    if len(path) > 200 or len(parts) > 8 or not all(_PART.fullmatch(part) for part in parts):
        raise ModelRefused(f"{path!r:.80} cannot be a file of a model: it leads out of its folder, or is no plain name")
    return path


def version_of(files: Sequence[File]) -> str:
    """The version that these files are."""
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path))
    return hashlib.sha256(lines.encode()).hexdigest()[:_HASH_DIGITS]


def read(text: bytes, where: str, name: str, version: str) -> Manifest:
    """The manifest in a text, of the model and version that it was found under.

    Raises:
        ModelRefused: it is not the manifest of this version.
    """
    raw = fields.parse(text, where)
    if isinstance(raw, dict) and raw.get("format", FORMAT) != FORMAT:
        raise ModelRefused(f"{where} is of format {raw['format']!r:.20}, this Pitcall reads {FORMAT}; update Pitcall")
    names = ("format", "name", "version", "created", "pitcall", "origin", "files", "tensors")
    raw = fields.table(raw, names, where)
    files = tuple(_file(one, where) for one in fields.of_kind(raw["files"], list, f"{where}, files"))
    _check_files(files, where)
    if (raw["name"], raw["version"]) != (name, version) or version_of(files) != version:
        raise ModelRefused(f"{where} is not the manifest of {name} {version}; upload that version again")
    tensors = {
        path: {tensor: _tensor(one, where) for tensor, one in fields.of_kind(inside, dict, where).items()}
        for path, inside in fields.of_kind(raw["tensors"], dict, f"{where}, tensors").items()
    }
    return Manifest(
        name=name,
        version=version,
        created=fields.number(raw["created"], f"{where}, created"),
        pitcall=fields.of_kind(raw["pitcall"], str, f"{where}, pitcall"),
        origin=_origin(raw["origin"], where),
        files=files,
        tensors=tensors,
    )


def _file(raw: Any, where: str) -> File:  # noqa: ANN401  # whatever the text holds
    raw = fields.table(raw, ("path", "size", "sha256"), f"{where}, files")
    path, size, sha256 = raw["path"], raw["size"], raw["sha256"]
    check_path(fields.of_kind(path, str, f"{where}, path"))
    if fields.of_kind(size, int, f"{where}, size") < 0 or not _SHA256.fullmatch(fields.of_kind(sha256, str, where)):
        raise ModelRefused(f"{where}: {path} needs a size and a SHA-256")
    return File(path, size, sha256)


def _check_files(files: Sequence[File], where: str) -> None:
    paths = [file.path for file in files]
    if not 0 < len(files) <= MAX_FILES or paths != sorted(set(paths)):
        raise ModelRefused(f"{where} must name 1 to {MAX_FILES} files, each once and in order")
    if len({path.lower() for path in paths}) != len(paths):
        raise ModelRefused(f"{where}: two files differ in upper and lower case only")


def _tensor(raw: Any, where: str) -> Tensor:  # noqa: ANN401  # as above
    raw = fields.table(raw, ("dtype", "shape"), f"{where}, tensors")
    shape = fields.of_kind(raw["shape"], list, f"{where}, shape")
    if fields.of_kind(raw["dtype"], str, f"{where}, dtype") not in DTYPES or not all(
        type(number) is int for number in shape
    ):
        raise ModelRefused(f"{where}: no tensor is {raw['dtype']!r:.40} of shape {shape!r:.60}")
    return Tensor(raw["dtype"], tuple(shape))


def _origin(raw: Any, where: str) -> Origin:  # noqa: ANN401  # as above
    raw = fields.table(raw, ("licence", "data", "command", "metrics", "tolerance"), f"{where}, origin")
    texts = {name: fields.of_kind(raw[name], str, f"{where}, {name}") for name in ("licence", "data", "command")}
    metrics = fields.of_kind(raw["metrics"], dict, f"{where}, metrics")
    numbers = {name: fields.number(value, f"{where}, {name:.60}") for name, value in metrics.items()}
    tolerance = fields.number(raw["tolerance"], f"{where}, tolerance")
    return Origin(metrics=numbers, tolerance=tolerance, **texts)
