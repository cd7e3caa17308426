"""A process that the registry's tests start: fetches a version, or holds one, and says when it is that far."""

import sys
from pathlib import Path

from pitcall.adapters.objects import read_settings
from pitcall.adapters.registry import open_cache, open_model


def main() -> None:
    """Arguments: open or hold, name, version. Settings come from the environment."""
    action, name, version = sys.argv[1:]
    if action == "hold":
        held = open_cache(read_settings()).hold(name, version)
        tell(held is not None)
        sys.stdin.read()
    else:
        opened = open_model(name, version, progress=tell)
        tell(f"{opened.source} {sum(path.stat().st_size for path in Path(opened.folder).rglob('*.safetensors'))}")


def tell(what: object) -> None:
    """One line."""
    print(what, flush=True)  # noqa: T201 - a program: this is its result


if __name__ == "__main__":
    main()
