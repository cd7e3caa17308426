"""``pitcall model setup``: where models are shared, as one line to paste or a table in the project's file."""

import base64
import json
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import typer

from pitcall.cli.options import Json
from pitcall.cli.output import exits, print_json, progress, stdout
from pitcall.errors import InvalidRequest


class Provider(StrEnum):
    """Who keeps the objects."""

    GCS = "gcs"
    S3 = "s3"
    AZURE = "azure"
    LOCAL = "local"


_SCHEMES: Final = {Provider.GCS: "gs", Provider.S3: "s3", Provider.AZURE: "az"}
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
#: What says where; the rest of the table is how.
_PLACE: Final = ("bucket", "region", "account", "endpoint")
#: The table of the project's file, up to the next one.
_TABLE: Final = re.compile(r"^\[storage\][^\n]*\n(?:(?!\[)[^\n]*(?:\n|\Z))*", re.MULTILINE)


def setup(
    provider: Annotated[Provider, typer.Option(help="gcs, s3, azure or local (a folder).")],
    bucket: Annotated[str, typer.Option(help="Name of the bucket or container; the folder with local.")],
    prefix: Annotated[str, typer.Option(help="Folder in the bucket.")] = "",
    region: Annotated[str | None, typer.Option(help="Region of an S3 bucket.")] = None,
    account: Annotated[str | None, typer.Option(help="Azure storage account.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Address of Wasabi, MinIO or an emulator.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write it into .pitcall.toml instead.")] = False,
    as_json: Json = False,
) -> None:
    """Print the line that tells every process where models and races are shared. It holds no secret."""
    with exits(as_json=as_json):
        from pitcall.adapters.objects.settings import BLOB, CONFIG_FILE  # noqa: PLC0415 - the other commands do without

        given = {"bucket": _url(provider, bucket, prefix), "region": region, "account": account, "endpoint": endpoint}
        values = {name: value for name, value in given.items() if value}
        _check(provider, values)
        blob = base64.b64encode(json.dumps(values).encode()).decode()
        if write:
            _write(Path(CONFIG_FILE), values)
        if as_json:
            print_json({"settings": values, "variable": BLOB, "value": blob, "file": CONFIG_FILE if write else None})
        elif write:
            stdout.print(CONFIG_FILE)
        else:
            stdout.print(f"export {BLOB}={blob}", markup=False, soft_wrap=True)
            progress("secrets stay in variables of their own; check with: pitcall model status")


def _url(provider: Provider, bucket: str, prefix: str) -> str:
    inside = prefix.strip("/")
    if provider is Provider.LOCAL:
        return str(Path(bucket).expanduser().resolve() / inside)
    if not _BUCKET.fullmatch(bucket):
        raise InvalidRequest("--bucket takes the bare name of a bucket, without gs:// or credentials")
    return f"{_SCHEMES[provider]}://{bucket}" + f"/{inside}" * bool(inside)


def _check(provider: Provider, values: dict[str, str]) -> None:
    from pitcall.adapters.objects import read_settings  # noqa: PLC0415 - as above

    for name, only in (("region", Provider.S3), ("account", Provider.AZURE)):
        if name in values and provider is not only:
            raise InvalidRequest(f"--{name} is for {only}")
    if "?" in values.get("endpoint", ""):
        raise InvalidRequest("--endpoint may hold a key after its '?'; give the address alone")
    read_settings(**values)


def _write(path: Path, values: dict[str, str]) -> None:
    """Put the values into the table ``[storage]``; its other settings and all else in the file stay."""
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        there = tomllib.loads(before)
        kept = {name: value for name, value in there.get("storage", {}).items() if name not in _PLACE}
        storage = kept | values
        # A JSON text, number or truth value is a TOML one.
        lines = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in storage.items())
        after = f"{_TABLE.sub('', before).rstrip()}\n\n[storage]\n{lines}".lstrip()
        if not _same(after, there | {"storage": storage}):
            raise InvalidRequest(f"{path} has settings of storage in a form that cannot be replaced; edit it by hand")
        part = path.with_name(f".{uuid4().hex}.part")
        part.write_text(after, encoding="utf-8")
        part.replace(path)
    except tomllib.TOMLDecodeError as exc:
        raise InvalidRequest(f"{path} is no TOML: {exc}") from exc
    except OSError as exc:
        raise InvalidRequest(f"cannot write {path}: {exc.strerror}") from exc


def _same(text: str, wanted: dict[str, object]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False
