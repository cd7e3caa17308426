"""What ``pitcall model`` prints."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from pitcall.cli.output import progress, stdout
from pitcall.errors import Corrupt, ModelRefused, PitcallError

if TYPE_CHECKING:
    from pitcall.adapters.objects import StorageSettings
    from pitcall.adapters.registry.cache import Entry
    from pitcall.adapters.registry.shelf import Shelf
    from pitcall.registry.alias import Alias
    from pitcall.registry.manifest import Manifest

Row = Mapping[str, Any]
#: Changes that ``status`` prints of a model.
_EVENTS: Final = 5


def described(manifest: "Manifest") -> dict[str, Any]:
    """A manifest for ``--json``."""
    return asdict(manifest) | {"created": when(manifest.created), "size": manifest.size}


def answering(name: str, alias: "Alias") -> dict[str, Any]:
    """An alias for ``--json``."""
    events = [asdict(event) | {"at": when(event.at)} for event in alias.events]
    told = asdict(alias) | {"name": name, "events": events}
    return {key: told[key] for key in ("name", "blessed", "previous", "canary", "events")}


def sentence(name: str, alias: "Alias") -> str:
    """What answers, in one line."""
    trial = f", {alias.canary.version} answers {alias.canary.percent:g} % of the races" if alias.canary else ""
    before = f", before it {', '.join(alias.previous)}" if alias.previous else ""
    return f"{name}: {alias.blessed or 'nothing'} is blessed{trial}{before}"


def rows(shelf: "Shelf", name: str, cached: "Mapping[tuple[str, str], Entry]") -> list[Row]:
    """The versions of a model, wherever they are: latest first, then those that are only on this machine."""
    alias, _ = shelf.alias(name)
    stored = shelf.versions(name)
    found: list[Row] = [
        {
            "name": name,
            "version": one.version,
            "size": one.size,
            "created": when(one.created),
            "store": True,
            "cache": (name, one.version) in cached,
            "role": _role(alias, one.version),
        }
        for one in stored
    ]
    known = {one.version for one in stored}
    for (model, version), entry in cached.items():
        if model == name and version not in known:
            found.append(
                {"name": name, "version": version, "size": entry.size, "created": None, "store": False, "cache": True,
                 "role": _role(alias, version)}
            )  # fmt: skip
    return found


def print_rows(found: Sequence[Row]) -> None:
    """``pitcall model list``."""
    _print_table(
        ("model", "version", "size", "created", "where", "role"),
        (
            (row["name"], row["version"], decimal(row["size"]), _short(row["created"]), _where(row), row["role"])
            for row in found
        ),
    )
    if not found:
        progress("no models; pitcall model import makes one")


def print_manifest(manifest: "Manifest") -> None:
    """``pitcall model show``."""
    made = manifest.origin
    lines = {
        "model": f"{manifest.name} {manifest.version}",
        "created": f"{when(manifest.created)} by pitcall {manifest.pitcall}",
        "licence": made.licence,
        "data": made.data,
        "command": made.command,
        "metrics": ", ".join(f"{name} {value:g}" for name, value in made.metrics.items()),
    }
    for name, value in lines.items():
        if value:
            stdout.print(f"{name:<8} {value}", markup=False, soft_wrap=True)
    _print_table(("file", "size", "sha256"), ((file.path, decimal(file.size), file.sha256) for file in manifest.files))
    tensors = [(path, name, one) for path, inside in manifest.tensors.items() for name, one in inside.items()]
    if tensors:
        _print_table(
            ("file", "tensor", "dtype", "shape"),
            ((path, name, one.dtype, " x ".join(map(str, one.shape))) for path, name, one in tensors),
        )


def status(settings: "StorageSettings") -> tuple[dict[str, Any], PitcallError | None]:
    """What ``pitcall model status`` tells, and why the store cannot be used, if it cannot."""
    from pitcall.adapters.registry import open_cache, open_shelf, store_url  # noqa: PLC0415 - numpy: only where it is used

    cache = open_cache(settings)
    entries = cache.entries()
    found: dict[str, Any] = {
        "store": store_url(settings),
        "configured": bool(settings.bucket),
        "reachable": False,
        "writable": False,
        "trouble": None,
        "cache": {
            "folder": str(cache.root), "bytes": cache.size(), "limit": cache.limit, "versions": len(entries),
            "not_uploaded": [f"{entry.name} {entry.version}" for entry in entries if entry.local],
        },
        "sync_on_startup": settings.sync_on_startup,
        "models": [],
    }  # fmt: skip
    trouble: PitcallError | None = None
    try:
        with open_shelf(settings) as shelf:
            found["store"] = shelf.url
            names = shelf.names()
            found["reachable"] = True
            found["models"] = [_model(shelf.alias(name)[0], name, entries) for name in names]
            shelf.check_writable()
            found["writable"] = True
    except (Corrupt, ModelRefused):
        raise
    except PitcallError as exc:
        trouble = exc
        found["trouble"] = exc.detail
        if not found["reachable"]:
            names = sorted({entry.name for entry in entries})
            known = {name: alias for name in names if (alias := cache.alias(name)) is not None}
            found["models"] = [
                _model(alias, name, entries) | {"as_of": when(at)} for name, (alias, at) in known.items()
            ]
    return found, trouble


def print_status(found: Row) -> None:
    """``pitcall model status``."""
    cache = found["cache"]
    store = found["store"] if found["configured"] else f"{found['store']} (no bucket is configured: this machine only)"
    reachable = "yes" if found["reachable"] else f"no: {found['trouble']}"
    allowed = "read and write" if found["writable"] else f"read only: {found['trouble']}" if found["reachable"] else "?"
    size = f"{decimal(cache['bytes'])} of {decimal(cache['limit'])}, {cache['versions']} versions in {cache['folder']}"
    for name, value in (("store", store), ("reachable", reachable), ("allowed", allowed), ("cache", size)):
        stdout.print(f"{name:<10} {value}", markup=False, soft_wrap=True)
    for one in cache["not_uploaded"]:
        stdout.print(f"           {one} is on this machine only", markup=False, soft_wrap=True)
    for model in found["models"]:
        trial = f", {model['canary']['version']} answers {model['canary']['percent']:g} %" if model["canary"] else ""
        as_of = f" (as of {model['as_of']})" if "as_of" in model else ""
        here = "cached" if model["cached"] else "not cached"
        blessed = f"{model['blessed']} is blessed, {here}" if model["blessed"] else "nothing is blessed"
        stdout.print(f"\n{model['name']}: {blessed}{trial}{as_of}", markup=False, soft_wrap=True)
        for event in model["events"][-_EVENTS:]:
            why = f" ({event['why']})" if event["why"] else ""
            stdout.print(f"  {event['at']}  {event['version']} {event['what']}{why}", markup=False, soft_wrap=True)


def print_removed(found: Sequence[Row], dropped: int, *, done: bool) -> None:
    """``pitcall model gc``."""
    if found:
        _print_table(
            ("model", "version", "size", "stays because"),
            ((row["name"], row["version"], decimal(row["size"]), row["spared"]) for row in found),
        )
    gone = sum(row["removed"] for row in found)
    cache = f"; {dropped} left the cache" if dropped else ""
    progress(f"{gone} versions {'removed' if done else 'would be removed, nothing was done'}{cache}")


def print_verified(found: Sequence[Row]) -> None:
    """``pitcall model verify``."""
    _print_table(
        ("model", "version", "verdict"), ((row["name"], row["version"], row["why"] or "good") for row in found)
    )


def when(seconds: float) -> str:
    """A time, for people and programs."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _short(time: str | None) -> str:
    return time[:16].replace("T", " ") if time else ""


def _model(alias: "Alias", name: str, entries: "Sequence[Entry]") -> dict[str, Any]:
    cached = any((entry.name, entry.version) == (name, alias.blessed) for entry in entries)
    return answering(name, alias) | {"cached": cached}


def _role(alias: "Alias", version: str) -> str:
    if version == alias.blessed:
        return "blessed"
    if alias.canary and version == alias.canary.version:
        return f"canary {alias.canary.percent:g} %"
    return f"previous {alias.previous.index(version) + 1}" if version in alias.previous else ""


def _where(row: Row) -> str:
    return ", ".join(place for place in ("store", "cache") if row[place])


def _print_table(headings: Iterable[str], lines: Iterable[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading == "size" else "left", overflow="fold")
    for line in lines:
        table.add_row(*(Text(str(cell)) for cell in line))
    stdout.print(table)
