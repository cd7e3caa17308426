"""The race model as a version of the registry: read, asked its golden rows, or refused."""

from pathlib import Path
from typing import Final

from pitcall.adapters import model as folders
from pitcall.adapters.registry.content import check_golden
from pitcall.errors import InvalidRequest, ModelRefused, NotFound
from pitcall.learned import golden
from pitcall.model import Model
from pitcall.registry.manifest import Manifest

#: Its name in the registry.
NAME: Final = "race-model"


def read(folder: Path, manifest: Manifest) -> Model:
    """The model in a folder that the registry has checked.

    Raises:
        ModelRefused: it is no race model, or answers its golden rows otherwise than when it was made.
        Corrupt: a file is not the one that the model was saved with.
    """
    where = f"{manifest.name} {manifest.version}"
    try:
        model = folders.load(folder)
    except (InvalidRequest, NotFound) as exc:
        raise ModelRefused(f"{where} is no race model: {exc.detail}") from exc
    check_golden(folder, manifest, lambda asked: golden.answers(model, asked))
    return model


def check(folder: Path, manifest: Manifest) -> None:
    """See that a version can serve, if it is a race model. Of others only who serves them knows. Raises as ``read``."""
    if manifest.name == NAME:
        read(folder, manifest)
