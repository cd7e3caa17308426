"""Google Cloud Storage.

Small objects go up in one request, large ones in a resumable session whose address is kept (``sessions``). The
library signs in, retries, and checks small uploads; reads and parts of sessions go through its authorised transport,
since it neither streams a range as it arrives nor goes on with the session of a process that is gone.
"""

import base64
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import quote
from uuid import uuid4

from pitcall.adapters.objects.content import PIECE, ObjectContent, Pieces, pause
from pitcall.adapters.objects.keys import (
    PAGE,
    SHA256,
    WRITE,
    check_condition,
    check_folder,
    check_key,
    check_metadata,
    check_prefix,
    check_range,
)
from pitcall.adapters.objects.sessions import Session, session
from pitcall.adapters.objects.settings import StorageSettings
from pitcall.adapters.objects.source import Source, opened
from pitcall.errors import (
    Cancelled,
    Conflict,
    Corrupt,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    PitcallError,
    StoreUnavailable,
    Unauthenticated,
)
from pitcall.ports import ObjectInfo, Progress

if TYPE_CHECKING:
    from google.cloud.storage import Blob
    from requests import Response

#: Where the API is, unless the settings or the emulator's variable say otherwise.
_API: Final = "https://storage.googleapis.com"
_TYPE: Final = "application/octet-stream"
#: A part was taken, or: this is how far the upload is.
_GO_ON: Final = 308


class GcsStore:
    """The port over a bucket, or a prefix in it.

    Raises:
        Unauthenticated: the machine has no Google credentials.
    """

    def __init__(self, bucket: str, prefix: str, settings: StorageSettings) -> None:
        import google.auth  # noqa: PLC0415 - vendors are imported where they are used
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - as above
        from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415 - as above
        from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415 - as above
        from google.cloud import storage  # noqa: PLC0415 - as above
        from google.cloud.storage.retry import DEFAULT_RETRY  # noqa: PLC0415 - as above
        from requests.adapters import HTTPAdapter  # noqa: PLC0415 - as above

        endpoint = settings.endpoint or os.environ.get("STORAGE_EMULATOR_HOST")
        try:
            credentials, project = (AnonymousCredentials(), "local") if endpoint else google.auth.default()
        except DefaultCredentialsError as exc:
            raise Unauthenticated(
                "no Google credentials on this machine; sign in: gcloud auth application-default login"
            ) from exc
        self._settings = settings
        self._prefix = prefix
        self._api = (endpoint or _API).rstrip("/")
        self._client = storage.Client(
            project=project, credentials=credentials, client_options={"api_endpoint": self._api}
        )
        self._bucket = self._client.bucket(bucket)
        self._http = AuthorizedSession(credentials)
        self._http.mount(f"{self._api.split('://')[0]}://", HTTPAdapter(pool_maxsize=settings.threads))
        self._timeout = (settings.connect_timeout_s, settings.read_timeout_s)
        # Its tries are bounded by time: pauses of 1, 2, 4 .. s on average half of that, with jitter.
        self._retry = DEFAULT_RETRY.with_timeout(2.0 ** (settings.attempts - 1)) if settings.attempts > 1 else None
        self._key = base64.b64decode(settings.customer_key.get_secret_value()) if settings.customer_key else None

    @property
    def url(self) -> str:
        """``gs://bucket/prefix``."""
        return f"gs://{self._bucket.name}/{self._prefix}".rstrip("/")

    def head(self, key: str) -> ObjectInfo:
        """See ``ObjectStore.head``."""
        blob = self._blob(key)
        with self._errors(key):
            blob.reload(timeout=self._timeout, retry=self._retry)
        return self._info(blob)

    def get(self, key: str, *, start: int = 0, end: int | None = None, generation: str | None = None) -> ObjectContent:
        """See ``ObjectStore.get``."""
        check_key(key)
        if generation is not None and (start or end is not None):  # a part of a known version: one request, not two
            return self._open(key, generation, start, end, None)
        for _ in range(self._settings.attempts):
            info = self.head(key)
            if generation not in (None, info.generation):
                raise Conflict(f"{key} in {self.url} was replaced: it is no longer at {generation}")
            try:
                return self._open(key, info.generation, start, end, info)
            except Conflict:
                if generation is not None:
                    raise
        raise StoreUnavailable(f"{key} in {self.url} is replaced faster than it can be read; try again")

    def put(
        self,
        key: str,
        source: bytes | Path | BinaryIO,
        *,
        if_absent: bool = False,
        if_generation: str | None = None,
        metadata: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> ObjectInfo:
        """See ``ObjectStore.put``."""
        check_condition(if_absent=if_absent, if_generation=if_generation)
        condition = 0 if if_absent else self._number(key, if_generation)
        kept = check_metadata(metadata)
        blob = self._blob(key)
        with opened(source) as content:
            kept[SHA256] = content.sha256()
            named = (self.url, key, kept[SHA256], str(condition), repr(sorted(kept.items())))
            with session(*named) as unfinished:
                blob.metadata = kept | {WRITE: unfinished.state.get("write") or uuid4().hex}
                try:
                    with self._errors(key):
                        if content.size <= self._settings.part_bytes:
                            info = self._put_small(blob, content, condition)
                        else:
                            info = self._put_large(blob, content, condition, unfinished, progress)
                except Conflict:
                    info = self._own_write(key, blob.metadata[WRITE])
            if progress is not None:
                progress(content.size)
        return info

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See ``ObjectStore.list``."""
        with self._errors(prefix):
            for blob in self._client.list_blobs(
                self._bucket,
                prefix=self._prefix + check_prefix(prefix),
                page_size=PAGE,
                fields="items(name,size,generation,updated,md5Hash,crc32c,metadata),nextPageToken",
                timeout=self._timeout,
                retry=self._retry,
            ):
                yield self._info(blob)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """See ``ObjectStore.folders``."""
        with self._errors(prefix):
            found = self._client.list_blobs(
                self._bucket,
                prefix=self._prefix + check_folder(prefix),
                delimiter="/",
                page_size=PAGE,
                fields="prefixes,nextPageToken",
                timeout=self._timeout,
                retry=self._retry,
            )
            for _ in found.pages:  # each adds to ``prefixes``
                pass
        yield from (name.removeprefix(self._prefix) for name in sorted(found.prefixes))

    def delete(self, key: str, *, if_generation: str | None = None) -> None:
        """See ``ObjectStore.delete``."""
        blob = self._blob(key)
        with self._errors(key):
            blob.delete(if_generation_match=self._number(key, if_generation), timeout=self._timeout, retry=self._retry)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()
        self._client.close()

    def _blob(self, key: str) -> "Blob":
        return self._bucket.blob(self._prefix + check_key(key), encryption_key=self._key)

    def _info(self, blob: "Blob") -> ObjectInfo:
        metadata = dict(blob.metadata or {})
        metadata.pop(WRITE, None)
        return ObjectInfo(
            blob.name.removeprefix(self._prefix),
            int(blob.size),
            str(blob.generation),
            blob.updated.timestamp() if blob.updated else 0.0,
            sha256=metadata.pop(SHA256, None),
            md5=_hex(blob.md5_hash),
            crc32c=_hex(blob.crc32c),
            metadata=metadata,
        )

    def _info_of(self, resource: Mapping[str, Any]) -> ObjectInfo:
        """As ``_info``, of the JSON that an upload ends with."""
        metadata = dict(resource.get("metadata", {}))
        metadata.pop(WRITE, None)
        return ObjectInfo(
            str(resource["name"]).removeprefix(self._prefix),
            int(resource["size"]),
            str(resource["generation"]),
            datetime.fromisoformat(resource["updated"]).timestamp(),
            sha256=metadata.pop(SHA256, None),
            md5=_hex(resource.get("md5Hash")),
            crc32c=_hex(resource.get("crc32c")),
            metadata=metadata,
        )

    def _number(self, key: str, generation: str | None) -> int | None:
        if generation is None or generation.isdecimal():
            return int(generation) if generation else None
        raise Conflict(f"{key} in {self.url} was never at {generation:.40}, which is no generation of GCS")

    def _open(self, key: str, generation: str, start: int, end: int | None, info: ObjectInfo | None) -> ObjectContent:
        """Open one version of an object; without ``info`` what the answer's headers tell is all that is known."""
        check_range(key, start, end, info.size if info else None)
        if info is not None and info.size == 0:
            return ObjectContent(info, lambda _: _nothing())
        stop = end if end is not None else (info.size if info else None)

        def ask(offset: int) -> "Response":
            with self._errors(key):
                return self._tried(lambda: self._range(key, generation, offset, stop))

        first: list[Response] = [ask(start)]
        if info is None:
            info = _told(key, first[0])
            stop = info.size if stop is None else stop
            if stop > info.size:
                first.pop().close()
                check_range(key, start, end, info.size)

        def read(offset: int) -> Pieces:
            with self._errors(key), first.pop() if first else ask(offset) as response:
                yield from response.raw.stream(PIECE, decode_content=False)

        def release() -> None:
            if first:
                first.pop().close()

        where, attempts = f"{key} in {self.url}", self._settings.attempts
        return ObjectContent(info, read, start=start, end=stop, attempts=attempts, where=where, release=release)

    def _range(self, key: str, generation: str, start: int, stop: int | None) -> "Response":
        headers = {"range": f"bytes={start}-{'' if stop is None else stop - 1}", "accept-encoding": "gzip"}
        name = quote(self._prefix + key, safe="")
        address = f"{self._api}/download/storage/v1/b/{quote(self._bucket.name)}/o/{name}"
        response = self._http.get(
            address,
            params={"alt": "media", "generation": str(self._number(key, generation))},
            headers=headers | self._key_headers(),
            stream=True,
            timeout=self._timeout,
        )
        if response.status_code == 404:
            response.close()
            self.head(key)
            raise Conflict(f"{key} in {self.url} was replaced: it is no longer at {generation}")
        return _checked(response)

    def _put_small(self, blob: "Blob", content: Source, condition: int | None) -> ObjectInfo:
        whole = content.part(0, content.size)
        content.check_unchanged()
        blob.upload_from_file(
            io.BytesIO(whole),
            size=content.size,
            content_type=_TYPE,
            if_generation_match=condition,
            checksum="crc32c",
            timeout=self._timeout,
            retry=self._retry,
        )
        return self._info(blob)

    def _put_large(
        self,
        blob: "Blob",
        content: Source,
        condition: int | None,
        unfinished: Session,
        progress: Progress | None,
    ) -> ObjectInfo:
        blob.crc32c = _crc32c(content)  # GCS refuses to finish with other bytes
        address = unfinished.state.get("address")
        offset, done = self._status(address, content.size) if address else (None, None)
        if address is None or offset is None:
            address = blob.create_resumable_upload_session(
                content_type=_TYPE,
                size=content.size,
                if_generation_match=condition,
                timeout=self._timeout,
                retry=self._retry,
            )
            unfinished.save({"address": address, "write": blob.metadata[WRITE]})
            offset = 0
        try:
            while done is None:
                if progress is not None:
                    progress(offset)
                part = content.part(offset, self._settings.part_bytes)
                content.check_unchanged()
                offset, done = self._send(address, offset, part, content.size)
        except PitcallError as exc:
            if not exc.retryable and not isinstance(exc, Cancelled):  # it cannot end well
                unfinished.clear()
            raise
        unfinished.clear()
        return self._info_of(done)

    def _send(self, address: str, offset: int, part: bytes, size: int) -> tuple[int, Mapping[str, Any] | None]:
        """Send a part; how far the upload is now, and the object if that was the last."""
        span = f"bytes {offset}-{offset + len(part) - 1}/{size}"
        for attempt in range(1, self._settings.attempts + 1):
            try:
                with self._errors("a part"):
                    return _so_far(self._put_part(address, span, part))
            except NotFound as exc:
                raise StoreUnavailable(f"{self.url} forgot the upload; try again") from exc
            except StoreUnavailable:
                if attempt == self._settings.attempts:
                    raise
                pause(attempt)
                reached, done = self._status(address, size)
                if done is not None or reached not in (None, offset):
                    return reached or 0, done
        raise AssertionError  # the loop returns or raises

    def _status(self, address: str, size: int) -> tuple[int | None, Mapping[str, Any] | None]:
        """How far an upload is, None if it is forgotten, and the object if it is complete."""
        from google.api_core.exceptions import ClientError  # noqa: PLC0415 - vendors are imported where they are used

        with self._errors("an unfinished upload"):
            try:
                return _so_far(self._tried(lambda: self._put_part(address, f"bytes */{size}", b"")))
            except ClientError as exc:
                if exc.code not in (404, 410):
                    raise
                return None, None

    def _put_part(self, address: str, span: str, part: bytes) -> "Response":
        headers = {"content-range": span} | self._key_headers()
        return self._http.put(address, data=part, headers=headers, timeout=self._timeout)

    def _key_headers(self) -> dict[str, str]:
        """A customer's key goes with every request that touches the content."""
        if self._key is None:
            return {}
        return {
            "x-goog-encryption-algorithm": "AES256",
            "x-goog-encryption-key": base64.b64encode(self._key).decode(),
            "x-goog-encryption-key-sha256": base64.b64encode(hashlib.sha256(self._key).digest()).decode(),
        }

    def _tried(self, call: "Callable[[], Response]") -> "Response":
        """Call, and again when that can help; an error status is an exception of the library."""

        def once() -> "Response":
            return _checked(call())

        return once() if self._retry is None else self._retry(once)()

    def _own_write(self, key: str, write: str) -> ObjectInfo:
        """After a refusal: was it our own first try that won, and only its answer was lost?

        Raises:
            Conflict: no, it was somebody else.
        """
        refused = Conflict(f"{key} in {self.url} exists already, or was replaced or removed since it was read")
        blob = self._blob(key)
        try:
            with self._errors(key):
                blob.reload(timeout=self._timeout, retry=self._retry)
        except NotFound:
            raise refused from None
        if (blob.metadata or {}).get(WRITE) != write:
            raise refused
        return self._info(blob)

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        import requests  # noqa: PLC0415 - vendors are imported where they are used
        import urllib3  # noqa: PLC0415 - as above
        from google.api_core import exceptions as api  # noqa: PLC0415 - as above
        from google.auth import exceptions as auth  # noqa: PLC0415 - as above
        from google.cloud.storage.exceptions import DataCorruption  # noqa: PLC0415 - as above

        where = f"{key} in {self.url}" if key else self.url
        try:
            yield
        except api.Unauthorized as exc:
            raise Unauthenticated(f"{self.url} does not accept these credentials; sign in again") from exc
        except api.Forbidden as exc:
            raise PermissionDenied(f"not allowed: {where}; the account needs a role on the bucket") from exc
        except api.NotFound as exc:
            raise NotFound(f"no object {where}, or no such bucket" if key else f"no bucket {self.url}") from exc
        except api.PreconditionFailed as exc:
            raise Conflict(f"{where} exists already, or was replaced since it was read") from exc
        except (api.TooManyRequests, api.ServerError, api.RetryError, auth.TransportError) as exc:
            raise StoreUnavailable(f"{self.url} does not answer: {type(exc).__name__}; try again later") from exc
        except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError) as exc:
            raise StoreUnavailable(f"{self.url} cannot be reached: {type(exc).__name__}; try again later") from exc
        except auth.GoogleAuthError as exc:
            raise Unauthenticated(f"{self.url} does not accept these credentials; sign in again") from exc
        except DataCorruption as exc:
            raise Corrupt(f"{where}: what arrived is not what was sent") from exc
        except api.GoogleAPICallError as exc:
            if isinstance(exc, api.BadRequest) and "crc32c" in str(exc).lower():
                raise Corrupt(f"{where}: what arrived is not what was sent") from exc
            raise InvalidRequest(f"{where} was refused: {exc.message:.200}") from exc


def _checked(response: "Response") -> "Response":
    """The answer, if it is none of an error; else the library's exception for its status."""
    from google.api_core.exceptions import from_http_response  # noqa: PLC0415 - vendors are imported where they are used

    if response.status_code >= 400:
        raise from_http_response(response)
    return response


def _so_far(response: "Response") -> tuple[int, Mapping[str, Any] | None]:
    """What the answer to a part says: bytes that are safe, and the object when all are."""
    if _checked(response).status_code != _GO_ON:
        resource: Mapping[str, Any] = response.json()
        return int(resource["size"]), resource
    taken = response.headers.get("range", "")  # "bytes=0-1048575"; without it nothing is safe yet
    return (int(taken.rpartition("-")[2]) + 1 if taken else 0), None


def _told(key: str, response: "Response") -> ObjectInfo:
    """What the headers of a part tell of the object."""
    total = response.headers.get("content-range", "").rpartition("/")[2]
    return ObjectInfo(
        key,
        int(total or response.headers["content-length"]),
        response.headers["x-goog-generation"],
        parsedate_to_datetime(response.headers["last-modified"]).timestamp(),
    )


def _crc32c(content: Source) -> str:
    """As GCS writes it: base64 of four bytes, big end first."""
    import google_crc32c  # noqa: PLC0415 - vendors are imported where they are used

    digest = google_crc32c.Checksum()
    for block in content.blocks():
        digest.update(block)
    return base64.b64encode(digest.digest()).decode()


def _hex(digest: str | None) -> str | None:
    return base64.b64decode(digest).hex() if digest else None


def _nothing() -> Pieces:
    yield from ()
