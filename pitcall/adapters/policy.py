"""Stop policies as bytes, and on disk: ``<folder>/policy.safetensors``.

Tensors ``stop`` f32[feature], ``circuit`` f32[circuit], ``compound_s`` f32[1]. What their entries are called is in the
header, so a file of other features is refused. Equal policies are equal bytes. Reading needs safetensors, not torch.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np

from pitcall.errors import Corrupt, InvalidRequest, NotFound
from pitcall.policy import StopPolicy
from pitcall.priors import DEFAULT_POLICY
from pitcall.sim.race import STOP_FEATURES, Policy

POLICY: Final = "policy.safetensors"
_HASH_DIGITS: Final = 12
#: The header's one entry: safetensors writes several in any order.
_NAMES: Final = "names"


def to_bytes(policy: StopPolicy) -> bytes:
    """The file of a policy."""
    from safetensors.numpy import save as to_file  # noqa: PLC0415  # who plays with the priors does without

    names = sorted(policy.circuits)
    tensors = {
        "stop": np.array(policy.policy.stop, np.float32),
        "circuit": np.array([policy.circuits[name] for name in names], np.float32),
        "compound_s": np.array([policy.policy.compound_s], np.float32),
    }
    return to_file(tensors, {_NAMES: json.dumps({"features": STOP_FEATURES, "circuits": names})})


def save(folder: Path, policy: StopPolicy) -> StopPolicy:
    """Write the file; a reader sees all of it or none. Returns it under the name of its content, ``policy@<hash>``.

    Raises:
        InvalidRequest: the folder cannot be written.
    """
    content = to_bytes(policy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{uuid4().hex}.part"
        part.write_bytes(content)
        part.replace(folder / POLICY)
    except OSError as exc:
        raise InvalidRequest(f"cannot write {folder}: {exc.strerror or exc}; name another folder with --out") from exc
    return from_bytes(content, str(folder / POLICY))


def load(folder: Path) -> StopPolicy:
    """A policy that ``save`` wrote.

    Raises:
        NotFound: it is not there.
        Corrupt: not such a file.
        InvalidRequest: of other features than this version has.
    """
    try:
        content = (folder / POLICY).read_bytes()
    except OSError as exc:
        raise NotFound(f"no {POLICY} in {folder}; `pitcall train policy FILES --out {folder}` makes one") from exc
    return from_bytes(content, str(folder / POLICY))


def from_bytes(content: bytes, where: str) -> StopPolicy:
    """The policy of a file; ``where`` names it. Raises Corrupt and InvalidRequest as ``load`` does."""
    from safetensors import SafetensorError, deserialize  # noqa: PLC0415  # as above

    try:
        tensors = {name: np.frombuffer(raw["data"], "<f4") for name, raw in deserialize(content)}  # type: ignore[no-untyped-call]
        header: dict[str, Any] = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        told = json.loads(header["__metadata__"][_NAMES])
        features, names = tuple(told["features"]), told["circuits"]
        stop, circuit, compound_s = tensors["stop"], tensors["circuit"], tensors["compound_s"]
        circuits = dict(zip(names, circuit.tolist(), strict=True))
    except (SafetensorError, KeyError, TypeError, ValueError) as exc:
        raise Corrupt(f"{where} is not a stop policy; train it again") from exc
    if features != STOP_FEATURES:
        raise InvalidRequest(f"{where} has the features {', '.join(features)}; this version needs others: train again")
    try:
        policy = Policy(
            stop=tuple(stop.tolist()),
            compound_s=float(compound_s[0]),
            young_laps=DEFAULT_POLICY.young_laps,
            last_laps=DEFAULT_POLICY.last_laps,
            cover_gap_s=DEFAULT_POLICY.cover_gap_s,
            crossover_s=DEFAULT_POLICY.crossover_s,
        )
    except (ValueError, IndexError) as exc:
        raise Corrupt(f"{where}: {exc}; train it again") from exc
    return StopPolicy(policy, circuits, f"policy@{hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]}")
