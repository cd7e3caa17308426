"""The network behind LitServe: FastAPI before one worker process. POST /predict."""

import base64
import sys
from typing import Any

from litserve import LitAPI, LitServer

from pitcall.cli.bench.peers import BATCH, WAIT_MS, Mlp


class Rows(LitAPI):
    """Rows in, rows out."""

    def setup(self, device: str) -> None:  # noqa: ARG002, D102  # LitServe's
        self._network = Mlp()

    def decode_request(self, request: dict[str, str]) -> Any:  # noqa: ANN401, D102  # LitServe's
        return self._network.rows(base64.b64decode(request["rows"]))

    def batch(self, inputs: Any) -> Any:  # noqa: ANN401, D102  # LitServe's
        return inputs

    def predict(self, x: Any) -> Any:  # noqa: ANN401, D102  # LitServe's
        return self._network.answer(x)

    def unbatch(self, output: Any) -> Any:  # noqa: ANN401, D102  # LitServe's
        return output

    def encode_response(self, output: Any) -> Any:  # noqa: ANN401, D102  # LitServe's
        return {"rows": base64.b64encode(output.tobytes()).decode()}


if __name__ == "__main__":
    server = LitServer(Rows(max_batch_size=BATCH, batch_timeout=WAIT_MS / 1e3), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error")
