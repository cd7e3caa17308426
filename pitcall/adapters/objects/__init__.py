"""Object stores: a directory, Google Cloud Storage, S3, Azure Blob Storage. The contract: ``pitcall.ports``."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pitcall.adapters.objects.directory import DirectoryStore
from pitcall.adapters.objects.keys import check_prefix
from pitcall.adapters.objects.settings import StorageSettings, read_settings
from pitcall.adapters.objects.transfer import download
from pitcall.errors import InvalidRequest, PitcallError
from pitcall.ports import ObjectStore

__all__ = ["StorageSettings", "bucket_url", "download", "open_store", "read_settings"]

_CLOUD: Final = re.compile(r"(gs|s3|az)://([A-Za-z0-9][A-Za-z0-9._-]{1,221})(?:/(.*))?", re.DOTALL)


def open_store(url: str, settings: StorageSettings | None = None) -> ObjectStore:
    """The store at a URL: ``gs://``, ``s3://``, ``az://``, each with bucket and prefix; ``file:///`` or a path.

    Nothing is asked of the store yet.

    Raises:
        InvalidRequest: it is no such URL, or a setting that it needs is missing.
        Unauthenticated: the machine has no credentials for it.
        PitcallError: the vendor's library is not installed.
    """
    settings = settings if settings is not None else read_settings()
    if found := _CLOUD.fullmatch(url):
        scheme, bucket, inside = found[1], found[2], (found[3] or "").strip("/")
        return _open_cloud(scheme, bucket, check_prefix(f"{inside}/" if inside else ""), settings)
    if url.startswith("file://"):
        parts = urlsplit(url)
        if parts.netloc or parts.query or parts.fragment:
            raise InvalidRequest(f"{url!r:.120} names no folder of this machine: file:///FOLDER")
        return DirectoryStore(Path(unquote(parts.path)))
    if not url or "://" in url:
        raise InvalidRequest(f"{_shown(url)} is no object store: gs://BUCKET, s3://BUCKET, az://CONTAINER or a folder")
    return DirectoryStore(Path(url))


def bucket_url(settings: StorageSettings) -> str:
    """The URL of the configured bucket: a bare name, as in ``GCS_BUCKET``, is on GCS; a folder has a slash in it.

    Raises:
        InvalidRequest: none is configured.
    """
    if not settings.bucket:
        raise InvalidRequest("no bucket: give --bucket, or set PITCALL_STORAGE_BUCKET")
    return settings.bucket if "/" in settings.bucket else f"gs://{settings.bucket}"


def _open_cloud(scheme: str, bucket: str, prefix: str, settings: StorageSettings) -> ObjectStore:
    try:
        if scheme == "gs":
            from pitcall.adapters.objects.gcs import GcsStore  # noqa: PLC0415 - its library may not be installed

            return GcsStore(bucket, prefix, settings)
        if scheme == "s3":
            from pitcall.adapters.objects.s3 import S3Store  # noqa: PLC0415 - as above

            return S3Store(bucket, prefix, settings)
        from pitcall.adapters.objects.azure import AzureStore  # noqa: PLC0415 - as above

        return AzureStore(bucket, prefix, settings)
    except ImportError as exc:
        raise PitcallError(f"{scheme}:// needs a library that is not installed: pip install 'pitcall[stores]'") from exc


def _shown(url: str) -> str:
    """A URL for a message, without what may be a password."""
    return repr(re.sub(r"//[^/@]*@", "//...@", url.partition("?")[0]))[:120]
