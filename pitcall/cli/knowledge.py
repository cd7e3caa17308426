"""``pitcall knowledge``: the documents that answers cite. Add, list, search, remove them; keep copies."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pitcall.cli.options import Home
from pitcall.cli.output import exits, print_json, progress, stderr, stdout
from pitcall.errors import InvalidRequest, error_body

if TYPE_CHECKING:  # numpy: a quarter of a second that the other commands do without
    from pitcall.knowledge.library import Draft, Library
    from pitcall.knowledge.messages import Document, Filter, Hit
    from pitcall.knowledge.store import KnowledgeStore

app = typer.Typer(help="Documents that answers cite: add, list, search, remove; snapshots.", no_args_is_help=True)

T = TypeVar("T")

#: Fields of a Filter.
_LABELS: Final = ("series", "season", "circuit", "kind", "team")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=VALUE", help="Only such documents, such as series=f1; may be repeated."),
]


@app.command()
def add(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH...]", help="Files or folders: Markdown, text, HTML, PDF, CSV; - reads standard input."
        ),
    ] = None,
    pack: Annotated[
        bool,
        typer.Option("--pack", help="Instead: our own handbook, and a page for each circuit that the model knows."),
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the model that --pack writes the circuits from.", show_default="the one that ships"
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Where a person finds it, and its identity.", show_default="the file")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the document.", show_default="its own")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="What it is about: series, season, circuit, kind, team; may be repeated."
        ),
    ] = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Add documents, or replace them by their new version; what has not changed is left as it is."""
    from pitcall.adapters.knowledge import files  # noqa: PLC0415  # numpy: only for this command

    with exits(as_json=as_json):
        if pack:
            if paths or source or title or label:
                raise InvalidRequest("--pack adds our own documents; it takes no PATH, --source, --title or --label")
            _add_pack(model, as_json=as_json)
            return
        if not paths or model:
            raise InvalidRequest("--model goes with --pack" if paths else "name files or folders, or give --pack")
        given = {name: value[0] for name, value in _labels(label).items()}
        given |= {name: value for name, value in (("source", source), ("title", title)) if value}
        found = [file for path in paths for file in ([None] if path == "-" else files.files_in(Path(path)))]
        if (source or title) and len(found) > 1:
            raise InvalidRequest(f"--source and --title are for one document, not for {len(found)}")

        def read(file: Path | None) -> "Draft":
            return files.draft_of_bytes(sys.stdin.buffer.read(), given) if file is None else files.draft_of(file, given)

        failed = _run(lambda library: _add_all(library, found, read, as_json=as_json), embed=True)
        if failed:
            raise InvalidRequest(f"{len(failed)} of {len(found)} documents were not added: {'; '.join(failed)}")


async def _add_all(
    library: "Library", found: list[Path | None], read: "Callable[[Path | None], Draft]", *, as_json: bool
) -> list[str]:
    """Add each; a document that cannot be read does not keep the others out. Returns what is wrong with those."""
    failed: list[str] = []
    outcome: dict[str, list[Any]] = {"added": [], "unchanged": [], "failed": []}
    for number, file in enumerate(found, start=1):
        name = "standard input" if file is None else file.name
        try:
            with _bar(name, f"[{number}/{len(found)}]") as told:
                document, new = await library.add(read(file), told)
        except InvalidRequest as exc:
            failed.append(exc.detail)
            outcome["failed"].append({"path": str(file or "-"), **error_body(exc)})
            continue
        outcome["added" if new else "unchanged"].append(asdict(document))
        if not as_json:
            size = f"{document.passages} passage{'s' if document.passages > 1 else ''}"
            _say([f"{document.id}  {size}{'' if new else ', unchanged'}"])
    if as_json:
        print_json(outcome)
    return failed


def _add_pack(model: Path | None, *, as_json: bool) -> None:
    from pitcall.adapters.model import load, shipped  # noqa: PLC0415  # numpy: only for this command
    from pitcall.knowledge import pack  # noqa: PLC0415  # as above

    drafts = pack.documents((shipped() if model is None else load(model)).parameters)

    async def bring(library: "Library") -> None:
        with _bar("documents") as told:
            brought = await pack.bring(library, drafts, told)
        version = pack.version(drafts)
        said = f"{len(brought.added)} added, {len(brought.unchanged)} unchanged, {len(brought.removed)} removed"
        _say([f"{version}  {said}"], {"version": version, **asdict(brought)}, as_json=as_json)

    _run(bring, embed=True)


@app.command("list")
def list_(
    label: Where = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """List the documents, with what the store holds in all."""
    with exits(as_json=as_json):
        where = _filter(label)

        async def look(store: "KnowledgeStore") -> None:
            info, documents = await store.info(), await store.documents(where)
            if as_json:
                print_json({"store": asdict(info), "documents": [asdict(one) for one in documents]})
            else:
                _print_documents(documents)
                progress(
                    f"{info.documents} documents, {info.passages} passages, {info.bytes / 1e6:.1f} MB in {info.where}; "
                    f"embedder {info.embedder}"
                )

        _run(lambda library: look(library.store))


@app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="QUESTION", help="What to look for, in your own words.")],
    hits: Annotated[int, typer.Option(min=1, max=100, help="Passages to show.")] = 5,
    per_document: Annotated[int, typer.Option(min=1, max=100, help="Most passages of one document.")] = 1,
    budget: Annotated[float, typer.Option(min=0.01, help="Seconds; a leg that takes longer is left out.")] = 10.0,
    label: Where = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Search by words and by meaning, and show the passages with where they stand."""
    with exits(as_json=as_json):
        where = _filter(label)

        async def find(library: "Library") -> None:
            found = await library.search(text, where, hits=hits, per_document=per_document, budget_s=budget)
            if as_json:
                rows = [{**asdict(hit), "link": hit.link} for hit in found.hits]
                print_json({"hits": rows, "missed": found.missed, "embedder": library.embedder})
                return
            for number, hit in enumerate(found.hits, start=1):
                _print_hit(number, hit)
            if found.missed:
                progress(f"not in time: {', '.join(found.missed)}")
            if not found.hits:
                progress("nothing matches")

        _run(find, embed=True)


@app.command()
def remove(
    documents: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Documents, as `list` prints them, or paths.")
    ],
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Remove documents with all their passages."""
    from pitcall.knowledge.library import document_id  # noqa: PLC0415  # as above

    with exits(as_json=as_json):
        names = [document_id(Path(one).resolve().as_uri()) if Path(one).is_file() else one for one in documents]

        async def drop(store: "KnowledgeStore") -> None:
            for name in names:
                await store.remove(name)
            if as_json:
                print_json({"removed": names})

        _run(lambda library: drop(library.store))


@app.command()
def reindex(home: Home = None, as_json: Json = False) -> None:  # noqa: ARG001  # the callback has used the home
    """Make every vector anew with the embedder of today. Searches go on meanwhile."""
    with exits(as_json=as_json):

        async def anew(library: "Library") -> None:
            with _bar("documents") as told:
                await library.reindex(told)
            if as_json:
                print_json({"store": asdict(await library.store.info())})

        _run(anew, embed=True)


@app.command()
def snapshot(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Of the copy.", show_default="the time, UTC")
    ] = None,
    all_: Annotated[bool, typer.Option("--list", help="List the snapshots there are, oldest first.")] = False,
    schedule: Annotated[
        bool, typer.Option("--schedule", help="Let Elasticsearch take one every 6 hours and keep each for 7 days.")
    ] = False,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Copy the store as it is at this instant, or list the copies."""
    with exits(as_json=as_json):

        async def copy(store: "KnowledgeStore") -> None:
            if all_:
                names = await store.snapshots()
                _say(names, {"snapshots": names}, as_json=as_json)
                return
            if schedule:
                policy = await store.schedule()
                _say([policy], {"policy": policy}, as_json=as_json)
                return
            chosen = name or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            where = await store.snapshot(chosen)
            _say([f"{chosen}  {where}"], {"name": chosen, "where": where}, as_json=as_json)

        _run(lambda library: copy(library.store))


@app.command()
def restore(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the copy, as `snapshot --list` prints it.")],
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Go back to a snapshot: all that was added or removed since is undone."""
    with exits(as_json=as_json):

        async def back(store: "KnowledgeStore") -> None:
            await store.restore(name)
            if as_json:
                print_json({"store": asdict(await store.info())})

        _run(lambda library: back(library.store))


def _run(work: "Callable[[Library], Awaitable[T]]", *, embed: bool = False) -> T:
    """Open what the environment names, work, close. Torch is only loaded for what embeds."""
    from pydantic import ValidationError  # noqa: PLC0415  # only here

    from pitcall.adapters.knowledge.open import open_embedder, open_store  # noqa: PLC0415  # numpy: only here
    from pitcall.adapters.knowledge.settings import KnowledgeSettings  # noqa: PLC0415  # as above
    from pitcall.knowledge.hashing import HashingEmbedder  # noqa: PLC0415  # as above
    from pitcall.knowledge.library import Library  # noqa: PLC0415  # as above

    try:
        settings = KnowledgeSettings()
    except ValidationError as exc:
        raise InvalidRequest(f"a setting is wrong: {exc.errors()[0]['loc'][0]}: {exc.errors()[0]['msg']}") from exc

    async def session() -> T:
        store = open_store(settings)
        try:
            return await work(Library(store, open_embedder(settings) if embed else HashingEmbedder()))
        finally:
            await store.close()

    return asyncio.run(session())


@contextmanager
def _bar(what: str, before: str = "") -> Iterator[Callable[[int, int], None]]:
    """A progress bar where there is a terminal, else a line."""
    if not stderr.is_terminal:
        progress(f"{before} {what}".strip())
        yield lambda done, total: None  # noqa: ARG005  # nobody looks
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as shown:
        task = shown.add_task(f"{before} {what}".strip(), total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _labels(given: list[str] | None) -> dict[str, list[str]]:
    """The values of each label that the options name."""
    found: dict[str, list[str]] = {}
    for one in given or ():
        name, _, value = one.partition("=")
        if name not in _LABELS or not value:
            raise InvalidRequest(f"--label {one!r:.60}: NAME=VALUE, where NAME is one of {', '.join(_LABELS)}")
        if name == "season" and not value.isdecimal():
            raise InvalidRequest(f"--label {one!r:.60}: a season is a year")
        found.setdefault(name, []).append(value)
    return found


def _filter(given: list[str] | None) -> "Filter":
    from pitcall.knowledge.messages import Filter  # noqa: PLC0415  # as above

    named = _labels(given)
    seasons = tuple(int(value) for value in named.pop("season", ()))
    return Filter(season=seasons, **{name: tuple(values) for name, values in named.items()})


def _say(lines: list[str], value: object = None, *, as_json: bool = False) -> None:
    if as_json:
        print_json(value)
        return
    for line in lines:
        stdout.print(line, markup=False, soft_wrap=True)


def _print_documents(documents: "list[Document]") -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "title", "about", "passages"):
        table.add_column(heading, justify="right" if heading == "passages" else "left", overflow="fold")
    for one in documents:
        about = " ".join(str(value) for value in asdict(one.labels).values() if value)
        table.add_row(*(Text(cell) for cell in (one.id, one.title, about, str(one.passages))))
    stdout.print(table)


def _print_hit(number: int, hit: "Hit") -> None:
    passage = hit.passage
    place = ", ".join(part for part in (hit.document.title, passage.heading, passage.location) if part)
    text = Text(passage.text)
    for start, end in hit.marks:
        text.stylize("bold", start, end)
    stdout.print(Text(f"[{number}] {place}", style="cyan"))
    stdout.print(text)
    stdout.print(Text(hit.link, style="dim"), soft_wrap=True)
    stdout.print()
