"""The same network behind other servers: ``python -m pitcall.cli.bench.peers.mosec PORT``. Needs the extra ``bench``.

Not commands for people, but for ``pitcall bench serving``. Rows travel packed, as they do for us: raw in mosec;
LitServe reads JSON, so there in base64, the cheapest text. Both gather batches as their documentation shows.
"""

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]

#: Requests in a batch, and how long, ms, the first of them waits for others.
BATCH: Final = 64
WAIT_MS: Final = 1
#: Names the file with the weights, also to a worker process.
WEIGHTS: Final = "PITCALL_BENCH_WEIGHTS"


class Mlp:
    """The network of ``mlp.safetensors`` in torch, on one thread."""

    def __init__(self) -> None:
        import torch  # noqa: PLC0415  # in the worker process
        from safetensors.torch import load_file  # noqa: PLC0415  # as above

        torch.set_num_threads(1)
        tensors = load_file(os.environ[WEIGHTS])
        weights = sorted(name for name in tensors if name.endswith("weight"))
        self._layers = [(tensors[name], tensors[name.replace("weight", "bias")]) for name in weights]

    def rows(self, data: bytes) -> "Rows":
        """The rows of a request."""
        import numpy as np  # noqa: PLC0415  # as above

        return np.frombuffer(data, np.float32).reshape(-1, self._layers[0][0].shape[1])

    def answer(self, parts: "list[Rows]") -> "list[Rows]":
        """The answers to the rows of several requests."""
        import numpy as np  # noqa: PLC0415  # as above
        import torch  # noqa: PLC0415  # as above

        with torch.inference_mode():
            x = torch.from_numpy(np.concatenate(parts))
            for n, layer in enumerate(self._layers):
                x = torch.nn.functional.linear(torch.relu(x) if n else x, *layer)
            return np.split(x.numpy(), np.cumsum([len(part) for part in parts])[:-1])
