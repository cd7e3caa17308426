"""Makes the vectors that come with the package; needs the weights of MiniLM.

python -m pitcall.adapters.knowledge.prepare pitcall/data/knowledge/vectors.npz
"""

import argparse
from pathlib import Path

from pitcall.adapters.knowledge.open import open_weights
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.adapters.model import shipped
from pitcall.knowledge import pack
from pitcall.knowledge.prepared import prepare


def main() -> None:
    """Embed the pack and write the file.

    Raises:
        PitcallError: there are no weights.
    """
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path)
    file: Path = options.parse_args().file
    made = prepare(open_weights(KnowledgeSettings(device="cpu")), pack.documents(shipped().parameters))
    file.write_bytes(made.to_bytes())


if __name__ == "__main__":
    main()
