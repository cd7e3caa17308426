"""A process that the kill tests kill: moves one object and says how far it is, one number a line."""

import json
import sys
from pathlib import Path

from pitcall.adapters.objects import StorageSettings, download, open_store


def main() -> None:
    """Arguments: up or down, URL, settings as JSON, key, file."""
    direction, url, settings, key, file = sys.argv[1:]
    store = open_store(url, StorageSettings(**json.loads(settings)))

    def tell(moved: int) -> None:
        print(moved, flush=True)  # noqa: T201 - a program: this is its result

    tell(0)
    if direction == "up":
        store.put(key, Path(file), progress=tell)
    else:
        download(store, key, Path(file), threads=2, part_bytes=1 << 20, progress=tell)


if __name__ == "__main__":
    main()
