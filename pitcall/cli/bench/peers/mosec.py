"""The network behind mosec: a front written in Rust, one worker process. POST /inference."""

import sys
from typing import Any

from mosec import Server, Worker

from pitcall.cli.bench.peers import BATCH, WAIT_MS, Mlp


class Rows(Worker):
    """Rows in, rows out."""

    def __init__(self) -> None:
        self._network = Mlp()

    def deserialize(self, data: bytes) -> Any:  # noqa: ANN401, D102  # mosec's
        return self._network.rows(data)

    def serialize(self, data: Any) -> bytes:  # noqa: ANN401, D102  # mosec's
        return bytes(data.tobytes())

    def forward(self, data: Any) -> Any:  # noqa: ANN401, D102  # mosec's
        return self._network.answer(data)


if __name__ == "__main__":
    sys.argv[1:] = ["--address", "127.0.0.1", "--port", sys.argv[1], "--log-level", "warning"]
    server = Server()
    server.append_worker(Rows, num=1, max_batch_size=BATCH, max_wait_time=WAIT_MS)
    server.run()
