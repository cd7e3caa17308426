"""``pitcall model``: versions of models, here and in a bucket; which one answers, and the way back."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from pitcall.cli import model_view as view
from pitcall.cli.bars import bars
from pitcall.cli.model_setup import setup
from pitcall.cli.options import Home
from pitcall.cli.output import exit_code, exits, print_json, progress, stdout
from pitcall.errors import Corrupt, InvalidRequest, ModelRefused, NotFound, PitcallError

if TYPE_CHECKING:
    from pitcall.adapters.objects import StorageSettings
    from pitcall.adapters.registry import Cache, Shelf
    from pitcall.adapters.registry.cache import Held
    from pitcall.registry.alias import Alias

app = typer.Typer(help="Models: import, share, bless, try out, roll back.", no_args_is_help=True)
app.command()(setup)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Model, such as race-model.")]
AnyName = Annotated[str | None, typer.Argument(metavar="NAME", help="Only this model.", show_default="all models")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Its 12 digits.")]
Blessed = Annotated[
    str | None, typer.Argument(metavar="VERSION", help="Its 12 digits.", show_default="the blessed one")
]
Bucket = Annotated[
    str | None,
    typer.Option(
        help="gs://BUCKET, s3://BUCKET, az://CONTAINER or a folder.",
        show_default="PITCALL_STORAGE_BUCKET, GCS_BUCKET, a folder in the home",
    ),
]
Why = Annotated[str, typer.Option(help="A reason, for pitcall model status.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command("import")
def import_model(
    name: Name,
    source: Annotated[Path | None, typer.Option("--from", metavar="DIR", help="Folder with the files.")] = None,
    package: Annotated[
        str | None, typer.Option("--from-package", help="Installed package that holds weights, such as pitcall.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the model (SPDX).", show_default="known for shipped models")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="What it was made from.", show_default="as pitcall fit wrote")
    ] = None,
    command: Annotated[
        str | None, typer.Option(help="What makes it again.", show_default="as pitcall fit wrote")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="A score, such as rps=0.93; may be repeated.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0, help="How far an answer may be from the golden one.", show_default="known for shipped models, else 0"
        ),
    ] = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Check a folder and keep it as a version on this machine. Nobody else sees it before it is uploaded."""
    with exits(as_json=as_json):
        from pitcall.adapters.registry import describe, open_cache, race_model  # noqa: PLC0415 - numpy: only where it is used
        from pitcall.adapters.registry import package as packages  # noqa: PLC0415 - as above
        from pitcall.cli.model_origin import origin  # noqa: PLC0415 - as above

        if (source is None) == (package is None):
            raise InvalidRequest("name one source: --from DIR or --from-package NAME")
        folder = source if source is not None else packages.folder(str(package))
        manifest = describe(
            name,
            folder,
            origin(
                name, folder, licence=licence, data=data, command=command, metrics=metric or [], tolerance=tolerance
            ),
        )
        race_model.check(folder, manifest)
        cache = open_cache(_settings(None))
        cache.fetch(manifest, lambda file, path: _copy(folder / file.path, path), local=True).close()
        if as_json:
            print_json(view.described(manifest))
        else:
            stdout.print(manifest.version)
            progress(f"{name}: {len(manifest.files)} files; next: pitcall model upload {name} {manifest.version}")


@app.command()
def upload(
    name: Name,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Its 12 digits.", show_default="the one not uploaded yet")
    ] = None,
    bucket: Bucket = None,
    home: Home = None,  # noqa: ARG001  # as above
    as_json: Json = False,
) -> None:
    """Share an imported version. After a kill the same command goes on; it does not answer before it is blessed."""
    with exits(as_json=as_json), _places(bucket) as at:
        chosen = version or _only_local(at.cache, name)
        held = at.cache.hold(name, chosen)
        if held is None:
            raise NotFound(f"no {name} {chosen} on this machine; pitcall model import makes one")
        with held, bars(as_json=as_json) as shown:
            _can_serve(held)
            stored = at.shelf.publish(held.manifest, held.folder, shown.of(name, held.manifest.size))
        at.cache.uploaded(name, chosen)
        if as_json:
            print_json(view.described(stored))
        else:
            stdout.print(f"{at.shelf.url}/models/{name}/{chosen}", markup=False, soft_wrap=True)
            progress(f"next: pitcall model bless {name} {chosen}")


@app.command()
def download(
    name: Name,
    version: Blessed = None,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy the files there; it must not exist.")] = None,
    bucket: Bucket = None,
    home: Home = None,  # noqa: ARG001  # as above
    as_json: Json = False,
) -> None:
    """Bring a version into the cache of this machine, checked. Prints where its files are."""
    with exits(as_json=as_json), _places(bucket) as at:
        chosen = version or _blessed(at, name)
        with _fetched(at, name, chosen, as_json=as_json) as held:
            folder = held.folder if to is None else _copied_out(held.folder, to)
            if as_json:
                print_json(view.described(held.manifest) | {"folder": str(folder)})
            else:
                stdout.print(str(folder), markup=False, soft_wrap=True)


@app.command()
def bless(
    name: Name,
    version: Version,
    why: Why = "",
    bucket: Bucket = None,
    home: Home = None,  # noqa: ARG001  # as above
    as_json: Json = False,
) -> None:
    """From now on this version answers. It is checked first; of two who bless at once one wins."""
    with exits(as_json=as_json), _places(bucket) as at:
        _check(at, name, version, as_json=as_json)
        _print_alias(
            at, name, at.shelf.change(name, lambda alias: alias.bless(version, time.time(), why)), as_json=as_json
        )


@app.command()
def canary(
    name: Name,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Its 12 digits.", show_default="none, with --percent 0")
    ] = None,
    percent: Annotated[float, typer.Option(min=0, max=100, help="Share of the races; 0 ends the trial.")] = 5.0,
    bucket: Bucket = None,
    home: Home = None,  # noqa: ARG001  # as above
    as_json: Json = False,
) -> None:
    """Let a version answer some of the races, beside the blessed one."""
    with exits(as_json=as_json), _places(bucket) as at:
        if percent == 0:
            alias = at.shelf.change(name, lambda alias: alias.end_trial(time.time()))
        elif version is None:
            raise InvalidRequest("name the VERSION to try out; --percent 0 ends a trial")
        else:
            _check(at, name, version, as_json=as_json)
            alias = at.shelf.change(name, lambda alias: alias.try_out(version, percent, time.time()))
        _print_alias(at, name, alias, as_json=as_json)


@app.command()
def rollback(
    name: Name,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="One of those before.", show_default="the one before")
    ] = None,
    why: Why = "",
    bucket: Bucket = None,
    home: Home = None,  # noqa: ARG001  # as above
    as_json: Json = False,
) -> None:
    """Go back to the version that was blessed before, at once. Ends a trial too."""
    with exits(as_json=as_json), _places(bucket) as at:
        alias = at.shelf.change(name, lambda alias: alias.roll_back(time.time(), version, why))
        _print_alias(at, name, alias, as_json=as_json)


@app.command("list")
def list_models(
    name: AnyName = None, bucket: Bucket = None, home: Home = None, as_json: Json = False,  # noqa: ARG001  # as above
) -> None:  # fmt: skip
    """List versions: where each is, and what it does."""
    with exits(as_json=as_json), _places(bucket) as at:
        cached = {(entry.name, entry.version): entry for entry in at.cache.entries() if name in (None, entry.name)}
        names = [name] if name else sorted({*at.shelf.names(), *(one for one, _ in cached)})
        rows = [row for one in names for row in view.rows(at.shelf, one, cached)]
        if as_json:
            print_json(rows)
        else:
            view.print_rows(rows)


@app.command()
def show(
    name: Name, version: Blessed = None, bucket: Bucket = None, home: Home = None, as_json: Json = False,  # noqa: ARG001  # as above
) -> None:  # fmt: skip
    """Show the manifest of a version: files, tensors, licence, data, command, metrics."""
    with exits(as_json=as_json), _places(bucket) as at:
        chosen = version or _blessed(at, name)
        held = at.cache.hold(name, chosen)
        manifest = held.manifest if held else at.shelf.manifest(name, chosen)
        if as_json:
            print_json(view.described(manifest))
        else:
            view.print_manifest(manifest)


@app.command()
def status(bucket: Bucket = None, home: Home = None, as_json: Json = False) -> None:  # noqa: ARG001  # as above
    """Say what is configured, reachable and allowed, what is cached, blessed and on trial, and what changed lately."""
    with exits(as_json=as_json):
        settings = _settings(bucket)
        found, trouble = view.status(settings)
        if as_json:
            print_json(found)
        else:
            view.print_status(found)
        if trouble is not None:
            raise typer.Exit(int(exit_code(trouble)))


@app.command()
def gc(
    name: AnyName = None,
    keep: Annotated[int, typer.Option(min=0, help="Latest versions that stay though nobody asks for them.")] = 3,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be removed.")] = False,
    bucket: Bucket = None,
    home: Home = None,  # noqa: ARG001  # as above
    as_json: Json = False,
) -> None:
    """Remove versions that are not blessed, were not lately and are not on trial; then shrink the cache."""
    with exits(as_json=as_json), _places(bucket) as at:
        rows = []
        for one in [name] if name else at.shelf.names():
            found = at.shelf.removable(one, keep)
            gone = [each.version for each in found if not each.spared]
            if gone and not plan:
                gone = list(at.shelf.remove(one, gone))
            rows += [asdict(each) | {"name": one, "removed": each.version in gone} for each in found]
        dropped = [] if plan else at.cache.shrink()
        if as_json:
            cache = [{"name": entry.name, "version": entry.version, "size": entry.size} for entry in dropped]
            print_json({"done": not plan, "versions": rows, "cache": cache})
        else:
            view.print_removed(rows, len(dropped), done=not plan)


@app.command()
def verify(
    name: AnyName = None,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Its 12 digits.", show_default="all versions")
    ] = None,
    bucket: Bucket = None,
    home: Home = None,  # noqa: ARG001  # as above
    as_json: Json = False,
) -> None:
    """Read every byte of what is stored: digests, formats, shapes, NaN. Ends with 1 if a version is bad."""
    with exits(as_json=as_json), _places(bucket) as at:
        rows = []
        for one in [name] if name else at.shelf.names():
            for each in [version] if version else at.shelf.folders(one):
                wrong = _wrong(at, one, each, as_json=as_json)
                rows.append({"name": one, "version": each, "ok": not wrong, "why": wrong})
        if as_json:
            print_json(rows)
        else:
            view.print_verified(rows)
        if not all(row["ok"] for row in rows):
            raise typer.Exit(int(exit_code(PitcallError())))


@dataclass(frozen=True, slots=True)
class Places:
    """Where models are."""

    settings: "StorageSettings"
    cache: "Cache"
    shelf: "Shelf"


@contextmanager
def _places(bucket: str | None) -> Iterator[Places]:
    from pitcall.adapters.registry import open_cache, open_shelf  # noqa: PLC0415 - as above

    settings = _settings(bucket)
    with open_shelf(settings) as shelf:
        yield Places(settings, open_cache(settings), shelf)


def _settings(bucket: str | None) -> "StorageSettings":
    from pitcall.adapters.objects import read_settings  # noqa: PLC0415 - as above

    return read_settings(bucket=bucket)


def _only_local(cache: "Cache", name: str) -> str:
    versions = [entry.version for entry in cache.entries() if entry.name == name and entry.local]
    if len(versions) != 1:
        raise InvalidRequest(
            f"name the VERSION: {name} has {', '.join(versions)}"
            if versions
            else f"no version of {name} waits for its upload; pitcall model import makes one"
        )
    return versions[0]


def _blessed(at: Places, name: str) -> str:
    alias, _ = at.shelf.alias(name)
    if alias.blessed is None:
        raise NotFound(f"no version of {name} is blessed in {at.shelf.url}; pitcall model bless {name} VERSION")
    at.cache.remember(name, alias)
    return alias.blessed


@contextmanager
def _fetched(at: Places, name: str, version: str, *, as_json: bool) -> "Iterator[Held]":
    held = at.cache.hold(name, version)
    if held is None:
        manifest = at.shelf.manifest(name, version)
        with bars(as_json=as_json) as shown:
            held = at.cache.fetch(manifest, at.shelf.bring(manifest, shown.of(name, manifest.size)))
    with held:
        yield held


def _check(at: Places, name: str, version: str, *, as_json: bool) -> None:
    """The version is stored whole, and good."""
    at.shelf.check_stored(at.shelf.manifest(name, version))
    with _fetched(at, name, version, as_json=as_json) as held:
        _can_serve(held)


def _can_serve(held: "Held") -> None:
    from pitcall.adapters.registry import race_model  # noqa: PLC0415 - as above

    race_model.check(held.folder, held.manifest)


def _wrong(at: Places, name: str, version: str, *, as_json: bool) -> str:
    """What is wrong with a stored version; empty if nothing is."""
    from pitcall.adapters.home import home  # noqa: PLC0415 - as above
    from pitcall.adapters.registry import Cache  # noqa: PLC0415 - as above

    home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home(), prefix="verify-") as folder, bars(as_json=as_json) as shown:
        try:
            manifest = at.shelf.manifest(name, version)
            bring = at.shelf.bring(manifest, shown.of(f"{name} {version}", manifest.size))
            Cache(Path(folder), at.settings.cache_bytes).fetch(manifest, bring).close()
        except (Corrupt, ModelRefused, NotFound) as exc:
            return exc.detail
    return ""


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as exc:
        raise PitcallError(f"cannot copy {source}: {exc.strerror}") from exc


def _copied_out(folder: Path, to: Path) -> Path:
    """The files as a folder of the person's own; all of it or none."""
    if to.exists():
        raise InvalidRequest(f"{to} is there already; name a new folder")
    part = to.with_name(f".{uuid4().hex}.part")
    try:
        shutil.copytree(folder, part, copy_function=shutil.copyfile)
        part.rename(to)
    except OSError as exc:
        raise PitcallError(f"cannot write {to}: {exc.strerror or exc}") from exc
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return to


def _print_alias(at: Places, name: str, alias: "Alias", *, as_json: bool) -> None:
    at.cache.remember(name, alias)
    if as_json:
        print_json(view.answering(name, alias))
    else:
        stdout.print(view.sentence(name, alias), markup=False, soft_wrap=True)
