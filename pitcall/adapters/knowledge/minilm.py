"""The embedder all-MiniLM-L6-v2 (Apache-2.0; Wang et al. 2020, Reimers and Gurevych 2019), run by torch.

Six BERT layers of width 384 with 12 heads, the mean over the tokens, unit length. The weights are data: this module
reads ``model.safetensors`` and ``tokenizer.json`` and runs no code of whoever packed them.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pitcall.errors import KnowledgeUnavailable
from pitcall.knowledge.messages import Vectors

if TYPE_CHECKING:
    from torch import Tensor

NAME: Final = "minilm-l6-v2"
DIMS: Final = 384
#: Longer texts are cut: the length that the model was trained and evaluated with.
MAX_TOKENS: Final = 256
#: Texts in one pass: more only fills memory on a CPU.
BATCH: Final = 32
#: What the weights must be, whoever packed them: three packages of three authors agree on the first.
DIGESTS: Final = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

_LAYERS: Final = 6
_HEADS: Final = 12
_EPSILON: Final = 1e-12


def encode(weights: "dict[str, Tensor]", ids: "Tensor", mask: "Tensor") -> "Tensor":
    """Sentence vectors of unit length, f[text, dim], from token ids and their mask, i64[text, token]."""
    from torch.nn import functional as f  # noqa: PLC0415  # seconds to import

    def linear(x: "Tensor", name: str) -> "Tensor":
        return f.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(x: "Tensor", name: str) -> "Tensor":
        return f.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], _EPSILON)

    texts, tokens = ids.shape
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = (
        x
        + weights["embeddings.position_embeddings.weight"][:tokens]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    x = norm(x, "embeddings.LayerNorm")
    seen = mask.bool()[:, None, None, :]
    for number in range(_LAYERS):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            linear(x, f"{layer}.attention.self.{part}").view(texts, tokens, _HEADS, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed = f.scaled_dot_product_attention(query, key, value, attn_mask=seen).transpose(1, 2).reshape(x.shape)
        x = norm(x + linear(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        wide = f.gelu(linear(x, f"{layer}.intermediate.dense"))
        x = norm(x + linear(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    kept = mask[..., None].to(x.dtype)
    return f.normalize((x * kept).sum(1) / kept.sum(1), dim=1)


class MiniLM:
    """The embedder over a folder with ``model.safetensors`` and ``tokenizer.json``. Safe to use from several threads.

    Args:
        folder: where the two files are.
        device: ``cpu``, ``cuda``; None takes the graphics card if there is one.

    Raises:
        KnowledgeUnavailable: torch or a file is missing, or a file is not the one that is pinned.
    """

    id: Final = f"{NAME}@{DIGESTS['model.safetensors'][:8]}"
    dims: Final = DIMS
    semantic: Final = True

    def __init__(self, folder: Path, device: str | None = None) -> None:
        for name, digest in DIGESTS.items():
            check(folder / name, digest)
        try:
            import torch  # noqa: PLC0415  # only the model server's extra has it
            from safetensors.torch import load_file  # noqa: PLC0415  # as above
            from tokenizers import Tokenizer  # noqa: PLC0415  # as above
        except ImportError as exc:
            raise KnowledgeUnavailable(
                f"the embedder {NAME} needs {exc.name}: pip install 'pitcall[model-server]'"
            ) from exc
        self._torch = torch
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._weights = load_file(folder / "model.safetensors", device=self._device)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of unit length a text. Texts of similar length share a pass, so that little is padding."""
        rows = np.empty((len(texts), DIMS), np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda n: len(tokens[n]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            rows[chosen] = self._pass([tokens[n] for n in chosen])
        return rows

    def _pass(self, tokens: list[list[int]]) -> Vectors:
        torch = self._torch
        longest = max(len(ids) for ids in tokens)
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in tokens], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in tokens], device=self._device)
        with torch.inference_mode():
            vectors: Vectors = encode(self._weights, ids, mask).cpu().numpy()
        return vectors


def check(path: Path, digest: str) -> None:
    """Raise KnowledgeUnavailable unless the file is there and has this SHA-256."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise KnowledgeUnavailable(f"cannot read the embedder's {path}: {exc.strerror}") from exc
    if found != digest:
        raise KnowledgeUnavailable(
            f"{path} is not the pinned file: its SHA-256 is {found[:8]}…, not {digest[:8]}…; install it again"
        )
