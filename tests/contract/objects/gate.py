"""A gate in front of fake-gcs-server that adds what Google's server does and it does not.

fake-gcs-server 1.54.0 ends a resumable upload when its status is asked (``bytes */N``), does not look at the condition
of an upload when it ends or of a delete, and knows neither credentials nor customers' keys. The gate follows the JSON
API's documentation in these points and passes the rest on.
"""

import http.client
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlencode, urlsplit
from uuid import uuid4

#: GCS keeps an interrupted part in steps of this.
STEP = 256 * 1024
#: Buckets that answer with a status of their own.
REFUSED = {"not-allowed": 403, "not-signed-in": 401}

_OBJECT = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/?]+)")
_HOP = {"connection", "content-length", "date", "server", "transfer-encoding", "host", "keep-alive"}


@dataclass
class Upload:
    bucket: str
    resource: dict[str, str]
    condition: str | None
    size: int
    key: str | None
    taken: bytearray = field(default_factory=bytearray)
    ended: tuple[int, bytes] | None = None


class Gate(ThreadingHTTPServer):
    """``forget`` drops the unfinished uploads, as Google does after a week; ``flip`` damages what is read of a name."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, backend: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.backend = urlsplit(backend).netloc
        self.uploads: dict[str, Upload] = {}
        self.keys: dict[tuple[str, str], str] = {}  # (bucket, object) -> digest of the customer's key
        self.flip: str | None = None
        self.writing = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def forget(self) -> None:
        self.uploads.clear()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Gate
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self._refused():
            return
        found = _OBJECT.match(self.path)
        locked = self.server.keys.get((found[1], unquote(found[2]))) if found else None
        if locked and "alt=media" in self.path and self.headers.get("x-goog-encryption-key-sha256") != locked:
            self._answer(400, _error("the object is encrypted by a customer-supplied key"))
            return
        self._pass(b"")

    def do_DELETE(self) -> None:
        if self._refused():
            return
        wanted = parse_qs(urlsplit(self.path).query).get("ifGenerationMatch")
        with self.server.writing:
            if wanted:
                status, _, body = self._backend("GET", urlsplit(self.path).path)
                if status == 200 and json.loads(body)["generation"] != wanted[0]:
                    self._answer(412, _error("Precondition failed"))
                    return
            self._pass(b"")

    def do_PATCH(self) -> None:
        self._pass(self._body())

    def do_POST(self) -> None:
        body = self._body()
        if self._refused():
            return
        query = parse_qs(urlsplit(self.path).query)
        bucket = self.path.split("/b/")[-1].split("/")[0]
        key = self.headers.get("x-goog-encryption-key-sha256")
        if query.get("uploadType") == ["resumable"]:
            self._start(bucket, query, json.loads(body or b"{}"), key)
            return
        if query.get("uploadType") == ["multipart"] and key:
            resource = json.loads(body.split(b"\r\n\r\n", 1)[1].split(b"\r\n", 1)[0])
            self.server.keys[bucket, resource["name"]] = key
        with self.server.writing:
            self._pass(body)

    def do_PUT(self) -> None:
        session = parse_qs(urlsplit(self.path).query).get("upload_id", [""])[0]
        upload = self.server.uploads.get(session)
        if upload is None:
            self._body()
            self._answer(404, _error("no such upload"))
            return
        span, _, total = self.headers["content-range"].removeprefix("bytes ").partition("/")
        if span != "*":
            self._take(upload, int(span.split("-")[0]))
        if upload.ended is None and len(upload.taken) == int(total) == upload.size:
            self._end(upload)
        if upload.ended is not None:
            self._answer(*upload.ended)
        else:
            there = {"range": f"bytes=0-{len(upload.taken) - 1}"} if upload.taken else {}
            self._answer(308, b"", there)

    def _start(self, bucket: str, query: dict[str, list[str]], resource: dict[str, str], key: str | None) -> None:
        status, _, _ = self._backend("GET", f"/storage/v1/b/{bucket}")
        if status != 200:
            self._answer(status, _error("no such bucket"))
            return
        resource.setdefault("name", query.get("name", [""])[0])
        session = uuid4().hex
        size = int(self.headers["x-upload-content-length"])
        condition = query["ifGenerationMatch"][0] if "ifGenerationMatch" in query else None
        self.server.uploads[session] = Upload(bucket, resource, condition, size, key)
        address = f"{self.server.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={session}"
        self._answer(200, b"", {"location": address})

    def _take(self, upload: Upload, start: int) -> None:
        """Keep a part; of one whose sender died, whole steps."""
        missing = int(self.headers["content-length"])
        taken = bytearray()
        try:
            while missing > 0 and (piece := self.rfile.read1(min(missing, 1 << 20))):
                taken += piece
                missing -= len(piece)
        except OSError:
            pass
        whole = len(taken) if not missing else len(taken) // STEP * STEP
        if upload.ended is None and start <= len(upload.taken):  # what overlaps is ignored
            upload.taken += taken[len(upload.taken) - start : whole]

    def _end(self, upload: Upload) -> None:
        """Write the object by one request that fake-gcs-server gets right, condition included."""
        content = bytes(upload.taken)
        query = {"uploadType": "multipart"}
        if upload.condition is not None:
            query["ifGenerationMatch"] = upload.condition
        body = (
            b"--=\r\ncontent-type: application/json\r\n\r\n" + json.dumps(upload.resource).encode()
            + b"\r\n--=\r\ncontent-type: application/octet-stream\r\n\r\n" + content + b"\r\n--=--"
        )  # fmt: skip
        with self.server.writing:
            status, _, answer = self._backend(
                "POST",
                f"/upload/storage/v1/b/{upload.bucket}/o?{urlencode(query)}",
                body,
                {"content-type": 'multipart/related; boundary="="'},
            )
        if upload.key:
            self.server.keys[upload.bucket, upload.resource["name"]] = upload.key
        upload.ended = status, answer
        upload.taken.clear()

    def _refused(self) -> bool:
        for bucket, status in REFUSED.items():
            if f"/b/{bucket}" in self.path:
                self._answer(status, _error("no"))
                return True
        return False

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _backend(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None):
        connection = http.client.HTTPConnection(self.server.backend)
        try:
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def _pass(self, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        status, found, answer = self._backend(self.command, self.path, body, headers)
        kept = {name: value for name, value in found.items() if name.lower() not in _HOP}
        if self.server.flip and self.server.flip in self.path and "alt=media" in self.path:
            answer = bytes([answer[0] ^ 1]) + answer[1:]
        self._answer(status, answer, kept)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"content-type": "application/json"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message}}).encode()
