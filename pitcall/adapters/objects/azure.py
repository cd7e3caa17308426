"""Azure Blob Storage.

A large object is staged in blocks, in parallel, each checked by its MD5, and appears when they are committed. Azure
keeps blocks that are not committed for a week, so a killed upload asks which of them are there; nothing is kept here.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from uuid import uuid4

from pitcall.adapters.objects.content import ObjectContent, Pieces, pause
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
from pitcall.adapters.objects.settings import StorageSettings
from pitcall.adapters.objects.source import Source, opened
from pitcall.errors import (
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
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobBlock, BlobClient, BlobProperties, StorageStreamDownloader

# Inside AzureStore the name ``list`` is the method.
_Blocks = list["BlobBlock"]

#: Most blocks of an object, by Azure.
_MAX_BLOCKS: Final = 50_000
#: Codes of a request that is signed wrongly; every other 401 and 403 is a matter of roles.
_NOT_SIGNED: Final = frozenset({"AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"})

#: What codes and statuses of Azure mean here; the code counts first.
_MEANING: Final[Mapping[str | int, type[PitcallError]]] = {
    "InvalidBlockList": StoreUnavailable, "Md5Mismatch": Corrupt,
    403: PermissionDenied, 404: NotFound, 408: StoreUnavailable, 409: Conflict, 412: Conflict, 429: StoreUnavailable,
}  # fmt: skip


class AzureStore:
    """The port over a container, or a prefix in it.

    Raises:
        InvalidRequest: neither an account nor a connection string is set, or it is none.
    """

    def __init__(self, container: str, prefix: str, settings: StorageSettings) -> None:
        from azure.storage.blob import BlobServiceClient, ExponentialRetry  # noqa: PLC0415 - imported where it is used

        options: dict[str, Any] = {
            "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=settings.attempts - 1),
            "connection_timeout": settings.connect_timeout_s,
            "read_timeout": settings.read_timeout_s,
            "max_single_get_size": settings.part_bytes,
            "max_chunk_get_size": settings.part_bytes,
            "max_single_put_size": settings.part_bytes,
        }
        try:
            if settings.azure_connection_string is not None:
                service = BlobServiceClient.from_connection_string(
                    settings.azure_connection_string.get_secret_value(), **options
                )
            elif settings.account:
                from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - as above

                address = settings.endpoint or f"https://{settings.account}.blob.core.windows.net"
                service = BlobServiceClient(address, credential=DefaultAzureCredential(), **options)
            else:
                raise InvalidRequest("Azure needs PITCALL_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING")
        except ValueError as exc:
            raise InvalidRequest("AZURE_STORAGE_CONNECTION_STRING is no connection string") from exc
        self._settings = settings
        self._prefix = prefix
        self._container = service.get_container_client(container)

    @property
    def url(self) -> str:
        """``az://container/prefix``."""
        return f"az://{self._container.container_name}/{self._prefix}".rstrip("/")

    def head(self, key: str) -> ObjectInfo:
        """See ``ObjectStore.head``."""
        with self._errors(key):
            return self._info(self._blob(key).get_blob_properties())

    def get(self, key: str, *, start: int = 0, end: int | None = None, generation: str | None = None) -> ObjectContent:
        """See ``ObjectStore.get``."""
        check_range(key, start, end)
        first = [self._open(key, start, end, generation)]
        info = self._info(first[0].properties)
        check_range(key, start, end, info.size)
        stop = info.size if end is None else end

        def read(offset: int) -> Pieces:
            with self._errors(key):
                yield from (first.pop() if first else self._open(key, offset, stop, info.generation)).chunks()

        where = f"{key} in {self.url}"
        return ObjectContent(info, read, start=start, end=stop, attempts=self._settings.attempts, where=where)

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
        condition = _condition(if_generation, if_absent=if_absent)
        kept = check_metadata(metadata)
        blob = self._blob(key)
        with opened(source) as content:
            kept |= {SHA256: content.sha256(), WRITE: uuid4().hex}
            try:
                with self._errors(key):
                    if content.size <= self._settings.part_bytes:
                        done = self._put_small(blob, content, kept, condition)
                    else:
                        done = self._put_large(blob, content, kept, condition, progress)
            except Conflict:
                return self._own_write(key, kept[WRITE])
            if progress is not None:
                progress(content.size)
        digest = kept.pop(SHA256)
        del kept[WRITE]
        modified = done["last_modified"].timestamp()
        return ObjectInfo(key, content.size, done["etag"].strip('"'), modified, sha256=digest, metadata=kept)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See ``ObjectStore.list``."""
        with self._errors(prefix):
            for found in self._container.list_blobs(
                self._prefix + check_prefix(prefix), include=["metadata"], results_per_page=PAGE
            ):
                yield self._info(found)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """See ``ObjectStore.folders``."""
        from azure.storage.blob import BlobPrefix  # noqa: PLC0415 - vendors are imported where they are used

        inside = self._prefix + check_folder(prefix)
        with self._errors(prefix):
            for found in self._container.walk_blobs(inside, delimiter="/", results_per_page=PAGE):
                if isinstance(found, BlobPrefix):
                    yield found.name.removeprefix(self._prefix)

    def delete(self, key: str, *, if_generation: str | None = None) -> None:
        """See ``ObjectStore.delete``."""
        with self._errors(key):
            self._blob(key).delete_blob(**_condition(if_generation))

    def close(self) -> None:
        """Give the connections back."""
        self._container.close()

    def _blob(self, key: str) -> "BlobClient":
        return self._container.get_blob_client(self._prefix + check_key(key))

    def _info(self, properties: "BlobProperties") -> ObjectInfo:
        metadata = dict(properties.metadata or {})
        metadata.pop(WRITE, None)
        total = (properties.content_range or "").rpartition("/")[2]  # "bytes 0-9/100" of a part
        settings = properties.content_settings
        md5 = None if total else settings.content_md5  # of a part it would be the part's
        return ObjectInfo(
            str(properties.name).removeprefix(self._prefix),
            int(total or properties.size),
            str(properties.etag).strip('"'),  # a list has no quotes
            properties.last_modified.timestamp(),
            sha256=metadata.pop(SHA256, None),
            md5=bytes(md5).hex() if md5 else None,
            metadata=metadata,
        )

    def _open(self, key: str, start: int, end: int | None, generation: str | None) -> "StorageStreamDownloader[bytes]":
        with self._errors(key):
            return self._blob(key).download_blob(
                offset=start or (0 if end is not None else None),
                length=None if end is None else end - start,
                **_condition(generation),
            )

    def _put_small(
        self, blob: "BlobClient", content: Source, metadata: dict[str, str], condition: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        from azure.core import MatchConditions  # noqa: PLC0415 - vendors are imported where they are used

        whole = content.part(0, content.size)
        content.check_unchanged()
        fresh = condition.get("match_condition") is MatchConditions.IfMissing
        return blob.upload_blob(whole, overwrite=not fresh, metadata=metadata, validate_content=True, **condition)

    def _put_large(
        self,
        blob: "BlobClient",
        content: Source,
        metadata: dict[str, str],
        condition: Mapping[str, Any],
        progress: Progress | None,
    ) -> Mapping[str, Any]:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - vendors are imported where they are used

        for attempt in range(1, self._settings.attempts + 1):
            blocks = self._stage(blob, content, metadata[SHA256], progress)
            try:
                return blob.commit_block_list(blocks, metadata=metadata, **condition)
            except HttpResponseError as exc:
                # Whoever commits this key throws away the blocks that others staged for it.
                if getattr(exc, "error_code", "") != "InvalidBlockList" or attempt == self._settings.attempts:
                    raise
            pause(attempt)
        raise AssertionError  # the loop returns or raises

    def _stage(self, blob: "BlobClient", content: Source, digest: str, progress: Progress | None) -> _Blocks:
        """Bring every block that is not there yet to the store; the complete list, not committed."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - vendors: where they are used
        from azure.storage.blob import BlobBlock  # noqa: PLC0415 - as above

        length = max(self._settings.part_bytes, -(-content.size // _MAX_BLOCKS))
        # The name says what is in the block: of which content, from which byte, in which size of blocks.
        names = {f"{digest[:24]}-{length:010}-{start:014}": start for start in range(0, content.size, length)}
        try:
            there = {block.id: block.size for block in blob.get_block_list("uncommitted")[1]}
        except ResourceNotFoundError:
            there = {}

        def size(name: str) -> int:
            return min(length, content.size - names[name])

        def send(name: str) -> str:
            blob.stage_block(name, content.part(names[name], length), validate_content=True)
            return name

        missing = [name for name in names if there.get(name) != size(name)]
        moved = content.size - sum(map(size, missing))
        if progress is not None:
            progress(moved)
        with closing(in_order(send, missing, self._settings.threads)) as sent:
            for name in sent:
                moved += size(name)
                if progress is not None:
                    progress(moved)
        content.check_unchanged()
        return [BlobBlock(name) for name in names]

    def _own_write(self, key: str, write: str) -> ObjectInfo:
        """After a refusal: was it our own first try that won, and only its answer was lost?

        Raises:
            Conflict: no, it was somebody else.
        """
        refused = Conflict(f"{key} in {self.url} exists already, or was replaced since it was read")
        try:
            with self._errors(key):
                properties = self._blob(key).get_blob_properties()
        except NotFound:  # replaced and removed
            raise refused from None
        if (properties.metadata or {}).get(WRITE) != write:
            raise refused
        return self._info(properties)

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        from azure.core import exceptions as azure  # noqa: PLC0415 - vendors are imported where they are used

        where = f"{key} in {self.url}" if key else self.url
        try:
            yield
        except azure.ClientAuthenticationError as exc:
            code = getattr(exc, "error_code", None)
            if exc.status_code == 403 and code not in _NOT_SIGNED:
                raise PermissionDenied(f"not allowed: {where}; the account needs a role on the container") from exc
            raise Unauthenticated(f"{self.url} does not accept these credentials") from exc
        except azure.HttpResponseError as exc:
            raise self._meant(exc, where) from exc
        except azure.AzureError as exc:  # no answer, or half of one
            raise StoreUnavailable(f"{self.url} cannot be reached: {type(exc).__name__}; try again later") from exc

    def _meant(self, exc: "HttpResponseError", where: str) -> PitcallError:
        code, status = str(getattr(exc, "error_code", "") or ""), exc.status_code or 0
        if code == "ContainerNotFound":
            return NotFound(f"no container {self.url}")
        kind = _MEANING.get(code) or _MEANING.get(status)
        if kind is None:
            kind = StoreUnavailable if status == 0 or status >= 500 else InvalidRequest
        words = {
            NotFound: f"no object {where}",
            Conflict: f"{where} exists already, or was replaced since it was read",
            PermissionDenied: f"not allowed: {where}; the account needs a role on the container",
            Corrupt: f"{where}: what arrived is not what was sent",
            StoreUnavailable: f"{self.url} does not answer: {code or status}; try again later",
        }
        return kind(words.get(kind) or f"{where} was refused: {code or status}")


def _condition(generation: str | None, *, if_absent: bool = False) -> dict[str, Any]:
    from azure.core import MatchConditions  # noqa: PLC0415 - vendors are imported where they are used

    if if_absent:
        return {"match_condition": MatchConditions.IfMissing}
    if generation is None:
        return {}
    return {"match_condition": MatchConditions.IfNotModified, "etag": f'"{generation}"'}
