"""Fitted models on disk: a folder whose ``manifest.json`` vouches for its files. And the one that ships.

``parameters.json`` is always there; ``policy.safetensors``, ``form.json`` and ``ranks.safetensors`` where they were
learned, and ``golden.safetensors`` with what these answered when they were. A model's version is the hash of its
content without the golden rows, so equal models have one name and a changed file is found out.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np

from pitcall.adapters import policy as stop_policy
from pitcall.errors import Corrupt, InvalidRequest, NotFound
from pitcall.form import Form
from pitcall.learned import golden
from pitcall.learned.network import Network
from pitcall.model import Model
from pitcall.parameters import FORMAT, Parameters
from pitcall.registry.golden import IN, OUT, Array
from pitcall.registry.manifest import GOLDEN

PARAMETERS: Final = "parameters.json"
POLICY: Final = stop_policy.POLICY
FORM: Final = "form.json"
RANKS: Final = "ranks.safetensors"
MANIFEST: Final = "manifest.json"
#: Digits of the hash in a version.
_HASH_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a set comes from."""

    version: str
    format: int
    seasons: dict[str, int]  #: year -> races
    counts: dict[str, int]  #: what the fits rest on: laps, stops, attacks ...
    command: str  #: that makes it again
    pitcall: str  #: version of the package that fitted it
    files: dict[str, str]  #: name -> SHA-256


def named(model: Model) -> Model:
    """The model under the name of its content: ``fit@<12 digits>``."""
    digest = hashlib.sha256()
    for name, content in sorted(_contents(_renamed(model, "")).items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return _renamed(model, f"fit@{digest.hexdigest()[:_HASH_DIGITS]}")


def save(folder: Path, model: Model, manifest: Manifest) -> None:
    """Write the files; a reader of the folder sees all of a file or none. The manifest, written last, vouches.

    Raises:
        InvalidRequest: the folder cannot be written.
    """
    contents = _contents(model) | _golden(model)
    told = asdict(
        replace(manifest, files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (POLICY, FORM, RANKS, GOLDEN):
            if name not in contents:
                (folder / name).unlink(missing_ok=True)
        for name, content in {**contents, MANIFEST: json.dumps(told, indent=1).encode() + b"\n"}.items():
            part = folder / f".{uuid4().hex}.part"
            part.write_bytes(content)
            part.replace(folder / name)
    except OSError as exc:
        raise InvalidRequest(f"cannot write {folder}: {exc.strerror or exc}; name another folder with --out") from exc


def load(folder: Path) -> Model:
    """A model that ``save`` wrote.

    Raises:
        NotFound: no such folder, or no model in it.
        Corrupt: a file is not the one that the manifest names.
        InvalidRequest: of another format, or one that cannot be true.
    """
    if not folder.is_dir():
        raise NotFound(f"no folder {folder}; `pitcall fit FILES --out {folder}` makes one")
    return _read(folder, str(folder))


@cache
def shipped() -> Model:
    """The model that comes with the package. Raises what ``load`` raises."""
    return _read(files("pitcall").joinpath("data", "model"), "the package's model")


def manifest(folder: Path | None = None) -> Manifest:
    """The manifest of a folder, or of the shipped set. Raises what ``load`` raises."""
    where = folder or files("pitcall").joinpath("data", "model")
    return _manifest(where, str(folder or "the package's model"))


def _renamed(model: Model, version: str) -> Model:
    return replace(model, parameters=replace(model.parameters, version=version))


def _contents(model: Model) -> dict[str, bytes]:
    """The bytes of each file."""
    contents = {PARAMETERS: _text(model.parameters.to_dict())}
    if model.policy is not None:
        contents[POLICY] = stop_policy.to_bytes(model.policy)
    if model.form.races:
        contents[FORM] = _text(model.form.to_dict())
    if model.ranks is not None:
        contents[RANKS] = _tensors(model.ranks.arrays())
    return contents


def _golden(model: Model) -> dict[str, bytes]:
    """The file of golden rows; none of a model that learned nothing."""
    asked = golden.questions(model)
    rows = {IN + name: array for name, array in asked.items()}
    rows |= {OUT + name: array for name, array in golden.answers(model, asked).items()}
    return {GOLDEN: _tensors(rows)} if rows else {}


def _tensors(arrays: Mapping[str, Array]) -> bytes:
    from safetensors.numpy import save as to_bytes  # noqa: PLC0415  # who plays with the priors does without

    # It writes memory as it lies: a transposed array must be laid out first.
    return to_bytes({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _text(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _read(folder: Traversable, name: str) -> Model:
    told = _manifest(folder, name)

    def part(file: str, parse: Callable[[bytes], Any]) -> Any:  # noqa: ANN401  # what ``parse`` makes
        if file not in told.files:
            return None
        content = _bytes(folder, file, name)
        if hashlib.sha256(content).hexdigest() != told.files[file]:
            raise Corrupt(f"{file} in {name} is not the file that {MANIFEST} names; fit again")
        return parse(content)

    parameters = part(PARAMETERS, lambda text: Parameters.from_dict(_json(text, PARAMETERS, name)))
    if parameters is None:
        raise Corrupt(f"{MANIFEST} in {name} names no {PARAMETERS}; fit again")
    return Model(
        parameters,
        part(POLICY, lambda content: stop_policy.from_bytes(content, f"{POLICY} in {name}")),
        part(FORM, lambda text: Form.from_dict(_json(text, FORM, name))) or Form(),
        part(RANKS, lambda content: _ranks(content, f"{RANKS} in {name}")),
    )


def _ranks(content: bytes, where: str) -> Network:
    from safetensors import SafetensorError  # noqa: PLC0415  # as above
    from safetensors.numpy import load as from_bytes  # noqa: PLC0415  # as above

    try:
        return Network.from_arrays(from_bytes(content))
    except SafetensorError as exc:
        raise Corrupt(f"{where} is not a safetensors file; fit again") from exc


def _manifest(folder: Traversable, name: str) -> Manifest:
    raw = _json(_bytes(folder, MANIFEST, name), MANIFEST, name)
    if (
        not isinstance(raw, dict)
        or raw.get("format") != FORMAT
        or set(raw) != {field.name for field in fields(Manifest)}
    ):
        raise InvalidRequest(f"{MANIFEST} in {name} is of another format; fit again with this version")
    return Manifest(**raw)


def _bytes(folder: Traversable, file: str, name: str) -> bytes:
    try:
        return folder.joinpath(file).read_bytes()
    except OSError as exc:
        raise NotFound(f"no {file} in {name}") from exc


def _json(text: bytes, file: str, name: str) -> Any:  # noqa: ANN401  # whatever the file holds
    try:
        return json.loads(text)
    except ValueError as exc:
        raise Corrupt(f"{file} in {name} is not JSON; fit again") from exc
