"""S3: AWS, Wasabi, and any endpoint that honours ``If-Match`` and ``If-None-Match`` on writes.

Parts of a large object go up in parallel, each with its MD5, which every such store checks; boto3's newer checksums
are left off because many of them refuse these. boto3's own transfer manager is not used: it knows no condition, and
starts again after a kill. The ETag is the generation: two versions of the same bytes share one.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
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
from pitcall.adapters.objects.parallel import in_order
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

#: Most parts of an object, by S3.
_MAX_PARTS: Final = 10_000
#: An ETag that is the MD5 of the content; that of an object made of parts has a "-".
_MD5: Final = re.compile(r'"([0-9a-f]{32})"')

#: What the codes of S3 mean here; every other one is an InvalidRequest, or StoreUnavailable from status 500.
_MEANING: Final[Mapping[str, type[PitcallError]]] = {
    "404": NotFound, "NoSuchKey": NotFound, "NoSuchBucket": NotFound,
    "412": Conflict, "PreconditionFailed": Conflict, "ConditionalRequestConflict": Conflict,
    "401": Unauthenticated, "InvalidAccessKeyId": Unauthenticated, "SignatureDoesNotMatch": Unauthenticated,
    "ExpiredToken": Unauthenticated, "InvalidToken": Unauthenticated, "InvalidClientTokenId": Unauthenticated,
    "403": PermissionDenied, "AccessDenied": PermissionDenied, "AllAccessDisabled": PermissionDenied,
    "BadDigest": Corrupt, "InvalidDigest": Corrupt,
    "SlowDown": StoreUnavailable, "429": StoreUnavailable, "RequestTimeout": StoreUnavailable,
    "OperationAborted": StoreUnavailable, "NoSuchUpload": StoreUnavailable,
}  # fmt: skip


class S3Store:
    """The port over a bucket, or a prefix in it. Credentials are found as boto3 finds them."""

    def __init__(self, bucket: str, prefix: str, settings: StorageSettings) -> None:
        import boto3  # noqa: PLC0415 - vendors are imported where they are used
        from botocore.config import Config  # noqa: PLC0415 - as above

        self._settings = settings
        self._bucket = bucket
        self._prefix = prefix
        self._client: Any = boto3.session.Session().client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint,
            config=Config(
                connect_timeout=settings.connect_timeout_s,
                read_timeout=settings.read_timeout_s,
                retries={"mode": "standard", "total_max_attempts": settings.attempts},
                max_pool_connections=settings.threads,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def head(self, key: str) -> ObjectInfo:
        """See ``ObjectStore.head``."""
        with self._errors(key):
            return self._info(key, self._client.head_object(**self._at(key)))

    def get(self, key: str, *, start: int = 0, end: int | None = None, generation: str | None = None) -> ObjectContent:
        """See ``ObjectStore.get``."""
        check_range(key, start, end)
        first = [self._open(key, start, end, generation)]
        info = self._info(key, first[0])
        stop = info.size if end is None else end
        if stop > info.size:
            first.pop()["Body"].close()
            check_range(key, start, end, info.size)

        def read(offset: int) -> Pieces:
            response = first.pop() if first else self._open(key, offset, stop, info.generation)
            with self._errors(key), closing(response["Body"]) as body:
                yield from body.iter_chunks(PIECE)

        def release() -> None:
            if first:
                first.pop()["Body"].close()

        where, attempts = f"{key} in {self.url}", self._settings.attempts
        return ObjectContent(info, read, start=start, end=stop, attempts=attempts, where=where, release=release)

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
        condition = {"IfNoneMatch": "*"} if if_absent else {"IfMatch": if_generation} if if_generation else {}
        kept = check_metadata(metadata)
        check_key(key)
        with opened(source) as content:
            kept[SHA256] = content.sha256()
            part = max(self._settings.part_bytes, -(-content.size // _MAX_PARTS))
            named = (self.url, key, repr(condition), repr(sorted(kept.items())), str(part))
            with session(*named) as unfinished:
                kept[WRITE] = unfinished.state.get("write") or uuid4().hex
                write = _Write(key, content, part, condition, kept)
                try:
                    with self._errors(key):
                        info = (
                            self._put_small(write)
                            if content.size <= part
                            else self._put_large(write, unfinished, progress)
                        )
                except NotFound as exc:
                    if if_generation is None or _code(exc.__cause__) != "NoSuchKey":
                        raise
                    raise Conflict(f"{key} in {self.url} was removed since it was read") from exc
                except Conflict:
                    info = self._own_write(key, kept[WRITE])
            if progress is not None:
                progress(content.size)
        return info

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See ``ObjectStore.list``."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._errors(prefix):
            for page in pages.paginate(
                Bucket=self._bucket, Prefix=self._prefix + check_prefix(prefix), PaginationConfig={"PageSize": PAGE}
            ):
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self._prefix)
                    yield ObjectInfo(key, found["Size"], found["ETag"], found["LastModified"].timestamp())

    def folders(self, prefix: str = "") -> Iterator[str]:
        """See ``ObjectStore.folders``."""
        pages = self._client.get_paginator("list_objects_v2")
        inside = self._prefix + check_folder(prefix)
        with self._errors(prefix):
            for page in pages.paginate(
                Bucket=self._bucket, Prefix=inside, Delimiter="/", PaginationConfig={"PageSize": PAGE}
            ):
                for found in page.get("CommonPrefixes", ()):
                    yield found["Prefix"].removeprefix(self._prefix)

    def delete(self, key: str, *, if_generation: str | None = None) -> None:
        """See ``ObjectStore.delete``."""
        info = self.head(key)  # S3 deletes what is not there without a word
        if if_generation not in (None, info.generation):
            raise Conflict(f"{key} in {self.url} was replaced: it is no longer at {if_generation}")
        condition = {"IfMatch": if_generation} if if_generation else {}
        with self._errors(key):
            self._client.delete_object(**self._at(key), **condition)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._prefix + check_key(key)}

    def _encryption(self) -> dict[str, str]:
        chosen = {"ServerSideEncryption": self._settings.sse, "SSEKMSKeyId": self._settings.sse_kms_key}
        return {name: value for name, value in chosen.items() if value}

    def _info(self, key: str, response: Mapping[str, Any]) -> ObjectInfo:
        metadata = dict(response.get("Metadata", {}))
        metadata.pop(WRITE, None)
        etag = response["ETag"]
        total = response.get("ContentRange", "").rpartition("/")[2]  # "bytes 0-9/100" of a part
        plain = response.get("ServerSideEncryption") != "aws:kms" and _MD5.fullmatch(etag)
        return ObjectInfo(
            key,
            int(total or response["ContentLength"]),
            etag,
            response["LastModified"].timestamp(),
            sha256=metadata.pop(SHA256, None),
            md5=plain[1] if plain else None,
            metadata=metadata,
        )

    def _open(self, key: str, start: int, end: int | None, generation: str | None) -> Mapping[str, Any]:
        wanted: dict[str, str] = {}
        if start or end is not None:
            wanted["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        if generation is not None:
            wanted["IfMatch"] = generation
        with self._errors(key):
            response: Mapping[str, Any] = self._client.get_object(**self._at(key), **wanted)
            return response

    def _put_small(self, write: "_Write") -> ObjectInfo:
        body = write.content.part(0, write.content.size)
        write.content.check_unchanged()
        made = {"Metadata": write.metadata} | self._encryption() | write.condition
        return self._written(
            write,
            self._not_busy(
                lambda: self._client.put_object(**self._at(write.key), **made, Body=body, ContentMD5=_md5(body))
            ),
        )

    def _put_large(self, write: "_Write", unfinished: Session, progress: Progress | None) -> ObjectInfo:
        try:
            with self._errors(write.key):
                done = self._in_parts(write, unfinished, progress)
        except PitcallError as exc:
            if not exc.retryable and not isinstance(exc, Cancelled):  # it cannot end well
                with suppress(PitcallError), self._errors(write.key):
                    self._client.abort_multipart_upload(**self._at(write.key), UploadId=unfinished.state.get("upload"))
                unfinished.clear()
            raise
        unfinished.clear()
        return self._written(write, done)

    def _in_parts(self, write: "_Write", unfinished: Session, progress: Progress | None) -> Mapping[str, Any]:
        at = self._at(write.key)
        upload = unfinished.state.get("upload")
        there = self._parts(write, upload) if upload else None
        if there is None:
            upload = self._client.create_multipart_upload(**at, Metadata=write.metadata, **self._encryption())[
                "UploadId"
            ]
            there = {}
            unfinished.save({"upload": upload, "write": write.metadata[WRITE]})

        def send(number: int) -> tuple[int, str]:
            body = write.part(number)
            sent = self._client.upload_part(**at, UploadId=upload, PartNumber=number, Body=body, ContentMD5=_md5(body))
            return number, sent["ETag"]

        moved = sum(write.length(number) for number in there)
        if progress is not None:
            progress(moved)
        missing = [number for number in range(1, write.parts + 1) if number not in there]
        with closing(in_order(send, missing, self._settings.threads)) as sent:
            for number, etag in sent:
                there[number] = etag
                moved += write.length(number)
                if progress is not None:
                    progress(moved)
        write.content.check_unchanged()
        parts = [{"PartNumber": number, "ETag": there[number]} for number in sorted(there)]
        return self._not_busy(
            lambda: self._client.complete_multipart_upload(
                **at, UploadId=upload, MultipartUpload={"Parts": parts}, **write.condition
            )
        )

    def _parts(self, write: "_Write", upload: str) -> dict[int, str] | None:
        """ETags of the parts that are there already; None if the upload is forgotten."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - vendors are imported where they are used

        try:
            pages = list(self._client.get_paginator("list_parts").paginate(**self._at(write.key), UploadId=upload))
        except ClientError as exc:
            if _code(exc) in ("NoSuchUpload", "404"):
                return None
            raise
        found = [part for page in pages for part in page.get("Parts", ())]
        return {p["PartNumber"]: p["ETag"] for p in found if p["Size"] == write.length(p["PartNumber"])}

    def _not_busy(self, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Call, and again if S3 met another writer in the middle and asks for that."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - vendors are imported where they are used

        for attempt in range(1, self._settings.attempts):
            try:
                return call()
            except ClientError as exc:
                if _code(exc) != "ConditionalRequestConflict":
                    raise
            pause(attempt)
        return call()

    def _written(self, write: "_Write", response: Mapping[str, Any]) -> ObjectInfo:
        date = response["ResponseMetadata"]["HTTPHeaders"].get("date")
        metadata = dict(write.metadata)
        del metadata[WRITE]
        return ObjectInfo(
            write.key,
            write.content.size,
            response["ETag"],
            parsedate_to_datetime(date).timestamp() if date else time.time(),
            sha256=metadata.pop(SHA256),
            metadata=metadata,
        )

    def _own_write(self, key: str, write: str) -> ObjectInfo:
        """After a refusal: was it our own first try that won, and only its answer was lost?

        Raises:
            Conflict: no, it was somebody else.
        """
        refused = Conflict(f"{key} in {self.url} exists already, or was replaced or removed since it was read")
        try:
            with self._errors(key):
                response = self._client.head_object(**self._at(key))
        except NotFound:
            raise refused from None
        if response.get("Metadata", {}).get(WRITE) != write:
            raise refused
        return self._info(key, response)

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        from botocore import exceptions as boto  # noqa: PLC0415 - vendors are imported where they are used

        where = f"{key} in {self.url}" if key else self.url
        try:
            yield
        except boto.ClientError as exc:
            raise self._meant(exc, where) from exc
        except (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError) as exc:
            raise Unauthenticated(f"no credentials for {self.url}; set AWS_ACCESS_KEY_ID and its secret") from exc
        except (
            boto.ConnectionError,
            boto.HTTPClientError,
            boto.IncompleteReadError,
            boto.ResponseStreamingError,
        ) as exc:
            raise StoreUnavailable(f"{self.url} cannot be reached: {type(exc).__name__}; try again later") from exc
        except boto.BotoCoreError as exc:
            raise InvalidRequest(f"{where} was refused before it was sent: {exc}") from exc

    def _meant(self, exc: Any, where: str) -> PitcallError:  # noqa: ANN401 - a vendor's exception, imported where used
        code, status = _code(exc), exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = _MEANING.get(code, StoreUnavailable if status >= 500 else InvalidRequest)
        words = {
            NotFound: f"no object {where}" if code == "NoSuchKey" else f"no object {where}, or no such bucket",
            Conflict: f"{where} exists already, or was replaced since it was read",
            Unauthenticated: f"{self.url} does not accept these credentials: {code}",
            PermissionDenied: f"not allowed: {where}; the account needs a policy on the bucket",
            Corrupt: f"{where}: what arrived is not what was sent",
            StoreUnavailable: f"{self.url} does not answer: {code}; try again later",
        }
        if code == "NoSuchBucket":
            return NotFound(f"no bucket {self.url}")
        return kind(words.get(kind) or f"{where} was refused: {code}")


class _Write:
    """One object on its way: what, where, under which condition, in how many parts."""

    def __init__(
        self, key: str, content: Source, part_bytes: int, condition: dict[str, str], metadata: dict[str, str]
    ) -> None:
        self.key = key
        self.content = content
        self.condition = condition
        self.metadata = metadata
        self._part_bytes = part_bytes
        self.parts = -(-content.size // part_bytes)

    def length(self, number: int) -> int:
        """Bytes of a part; the first is 1."""
        return min(self._part_bytes, self.content.size - (number - 1) * self._part_bytes)

    def part(self, number: int) -> bytes:
        """Content of a part."""
        return self.content.part((number - 1) * self._part_bytes, self._part_bytes)


def _code(exc: Any) -> str:  # noqa: ANN401 - a vendor's exception, imported where used
    return str(exc.response.get("Error", {}).get("Code", ""))


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
