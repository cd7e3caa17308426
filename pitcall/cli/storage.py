"""``pitcall storage``: race logs, embeddings, checkpoints and logs, here and in a bucket."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from pitcall.cli.bars import bars
from pitcall.cli.options import Home
from pitcall.cli.output import exits, print_json, progress, stdout
from pitcall.errors import InvalidRequest

if TYPE_CHECKING:
    from pitcall.adapters.objects import StorageSettings
    from pitcall.adapters.objects.sync import Step
    from pitcall.ports import ObjectInfo, ObjectStore

app = typer.Typer(help="List, upload, download and sync what is kept in a bucket.", no_args_is_help=True)

Bucket = Annotated[
    str | None,
    typer.Option(
        help="gs://BUCKET, s3://BUCKET, az://CONTAINER or a folder.", show_default="PITCALL_STORAGE_BUCKET, GCS_BUCKET"
    ),
]
Prefix = Annotated[str, typer.Option(help="Folder in the bucket, such as races/.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command("list")
def list_objects(
    bucket: Bucket = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """List objects: size as stored, time of the last change, key."""
    with exits(as_json=as_json), _opened(bucket) as (store, _):
        found = [_described(info) for info in store.list(prefix)]
        if as_json:
            print_json(found)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("size", "changed", "key"):
            table.add_column(heading, justify="right" if heading == "size" else "left", no_wrap=heading != "key")
        for one in found:
            table.add_row(decimal(int(str(one["size"]))), str(one["modified"]), Text(str(one["key"])))
        stdout.print(table)


@app.command()
def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to store; - is the standard input.")],
    key: Annotated[str | None, typer.Option(help="Key below the prefix.", show_default="the file's name")] = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Store a file. Logs and checkpoints are packed (.zst). After a kill the same command goes on."""
    with exits(as_json=as_json), _opened(bucket) as (store, _):
        from pitcall.adapters.objects.packed import upload_file  # noqa: PLC0415 - the other commands do without

        if str(file) == "-" and key is None:
            raise InvalidRequest("the standard input has no name: add --key")
        name = prefix + (key or file.name)
        with bars(as_json=as_json) as shown:
            if str(file) == "-":
                info = store.put(name, sys.stdin.buffer, progress=shown.of(name))
            else:
                info = upload_file(store, name, file, progress=shown.of(name, _size(file)))
        _print_done(info, store, as_json=as_json)


@app.command()
def download(
    key: Annotated[str, typer.Option(help="Key below the prefix, with or without .zst.")],
    target: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to.", show_default="the key's last part")
    ] = None,
    bucket: Bucket = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Bring an object into a file, unpacked. The file appears when it is complete; after a kill the command goes on."""
    with exits(as_json=as_json), _opened(bucket) as (store, settings):
        from pitcall.adapters.objects.packed import download_file, file_key  # noqa: PLC0415 - as above

        name = _stored(store, prefix + key)
        path = target or Path(file_key(name).rpartition("/")[2])
        if path.is_dir():
            path /= file_key(name).rpartition("/")[2]
        size = store.head(name).size
        with bars(as_json=as_json) as shown:
            info = download_file(
                store,
                name,
                path,
                threads=settings.threads,
                part_bytes=settings.part_bytes,
                progress=shown.of(name, size),
            )
        if as_json:
            print_json(_described(info) | {"file": str(path)})
        else:
            stdout.print(str(path), markup=False, soft_wrap=True)


@app.command()
def sync(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder here.")],
    bucket: Bucket = None,
    prefix: Prefix = "",
    up: Annotated[bool, typer.Option("--up", help="The store follows the folder.")] = False,
    down: Annotated[bool, typer.Option("--down", help="The folder follows the store.")] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="With --up or --down: remove what the leading side does not have.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be done.")] = False,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Make a folder and a prefix equal; only what differs moves. Without --up or --down each gets what it lacks."""
    with exits(as_json=as_json), _opened(bucket) as (store, settings):
        from pitcall.adapters.objects import sync as steps  # noqa: PLC0415 - as above

        if up and down:
            raise InvalidRequest("--up and --down exclude each other; without both, each side gets what it lacks")
        direction = steps.Direction.UP if up else steps.Direction.DOWN if down else steps.Direction.BOTH
        if not folder.is_dir():
            if direction is steps.Direction.UP:
                raise InvalidRequest(f"there is no folder {folder}")
            if not plan:
                folder.mkdir(parents=True, exist_ok=True)
        wanted = steps.plan(store, folder, prefix, direction, settings, delete=delete)
        done: list[Step] = []
        if not plan:
            with bars(as_json=as_json) as shown:
                shown.total(wanted)
                with closing(steps.carry_out(store, folder, wanted, settings, shown.step)) as finished:
                    done.extend(finished)
        _print_steps(wanted, done=not plan, as_json=as_json)


@contextmanager
def _opened(bucket: str | None) -> "Iterator[tuple[ObjectStore, StorageSettings]]":
    from pitcall.adapters.objects import bucket_url, open_store, read_settings  # noqa: PLC0415 - as above

    settings = read_settings(bucket=bucket)
    store = open_store(bucket_url(settings), settings)
    try:
        yield store, settings
    finally:
        store.close()


def _stored(store: "ObjectStore", key: str) -> str:
    """The key as it is stored: people know a log by the name of its file."""
    from pitcall.adapters.objects.packed import stored_key  # noqa: PLC0415 - as above
    from pitcall.errors import NotFound  # noqa: PLC0415 - as above

    packed = stored_key(key)
    if packed != key:
        try:
            return store.head(packed).key
        except NotFound:
            pass
    return key


def _size(file: Path) -> int | None:
    from pitcall.adapters.objects.packed import stored_key  # noqa: PLC0415 - as above

    return file.stat().st_size if file.is_file() and stored_key(file.name) == file.name else None


def _described(info: "ObjectInfo") -> dict[str, object]:
    changed = datetime.fromtimestamp(info.modified, UTC).isoformat(timespec="seconds")
    return {"key": info.key, "size": info.size, "modified": changed, "generation": info.generation}


def _print_done(info: "ObjectInfo", store: "ObjectStore", *, as_json: bool) -> None:
    if as_json:
        print_json(_described(info))
    else:
        stdout.print(f"{store.url}/{info.key}", markup=False, soft_wrap=True)


def _print_steps(steps: "list[Step]", *, done: bool, as_json: bool) -> None:
    if as_json:
        print_json({"done": done, "steps": [asdict(step) for step in steps]})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "size", "file", "why"):
        table.add_column(heading, justify="right" if heading == "size" else "left")
    for step in steps:
        table.add_row(step.action, decimal(step.size), Text(step.file), Text(step.why))
    if steps:
        stdout.print(table)
    progress(f"{len(steps)} steps{'' if done else ' planned, nothing was done'}" if steps else "nothing to do")
