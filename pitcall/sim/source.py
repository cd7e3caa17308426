"""What the compiled simulation was compiled from. Pure, and does not import numba.

Numba's disk cache watches the file of a cached function alone, not the modules that this one imports:
with an edited ``chance.py`` it would go on serving the old kernel. So whoever sets its folder
(``pitcall.adapters.compiled``) puts this fingerprint into the folder's name.
"""

import hashlib
from pathlib import Path
from typing import Final

#: The folder of this package.
SOURCE: Final = Path(__file__).parent


def fingerprint(source: Path = SOURCE) -> str:
    """12 hex digits that change with any byte, name or number of the Python files in ``source``."""
    found = hashlib.sha256()
    for path in sorted(source.glob("*.py")):
        found.update(f"{path.name}\n".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]
