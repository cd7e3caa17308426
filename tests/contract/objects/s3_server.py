"""moto's S3 over HTTP, with what S3 does and moto 5.2.5 does not: ``If-Match`` at the end of a multipart upload.

Run as a program; it prints its address and serves until it is killed.
"""

import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

ACCOUNT = "123456789012"


class Application:
    """moto, one multipart upload ending at a time."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._ending = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        ends = environ["REQUEST_METHOD"] == "POST" and "uploadId" in parse_qs(environ["QUERY_STRING"])
        if not ends:
            return self._moto(environ, start_response)
        with self._ending:
            wanted = environ.get("HTTP_IF_MATCH")
            if wanted and wanted != self._etag(environ["PATH_INFO"]):
                body = b"<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>"
                start_response(f"412 {HTTPStatus(412).phrase}", [("content-type", "application/xml")])
                return [body]
            return self._moto(environ, start_response)

    @staticmethod
    def _etag(path: str) -> str | None:
        bucket, _, key = path.encode("latin-1").decode().lstrip("/").partition("/")
        found = s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
        return found.etag if found else None


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, Application(), threaded=True)
    print(f"serving on http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 - a program: this is its result
    server.serve_forever()
