"""Our own documents: the strategy handbook, and a page for each circuit written from the parameters in use. Pure.

The handbook is package data, Markdown with front matter. Sources are ``pitcall:handbook/<page>`` and
``pitcall:circuit/<name>``, so every version of a page has the same identity and replaces the one before.
"""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from pitcall.knowledge.circuits import circuit_pages
from pitcall.knowledge.library import Draft, Library, ignore
from pitcall.knowledge.messages import Filter, Labels
from pitcall.knowledge.readers import front_matter, markdown
from pitcall.knowledge.store import Progress
from pitcall.parameters import Parameters

#: Sources of the pack begin with one of these; nobody else's do.
SOURCES: Final = ("pitcall:handbook/", "pitcall:circuit/")
HANDBOOK: Final = "handbook"
CIRCUIT: Final = "circuit"
#: Digits of the hash in a version.
_HASH_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of the documents of a pack: ids."""

    added: tuple[str, ...]  #: new, or in a new version
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]  #: of an older pack, and in this one no more


def documents(parameters: Parameters) -> list[Draft]:
    """Handbook and circuit pages, always in the same order.

    Args:
        parameters: of the model in use; the circuits that they know have a page.
    """
    return [*_handbook(), *_circuits(parameters)]


def version(drafts: Iterable[Draft]) -> str:
    """Name of this content: ``pack@<12 digits>``. It changes when a page does."""
    digest = hashlib.sha256()
    for draft in drafts:
        digest.update(repr(draft).encode() + b"\0")
    return f"pack@{digest.hexdigest()[:_HASH_DIGITS]}"


async def bring(library: Library, drafts: Sequence[Draft], progress: Progress = ignore) -> Brought:
    """Make the library hold exactly these of our documents; what is there unchanged is left as it is.

    Args:
        library: where to.
        drafts: as ``documents`` gives them.
        progress: told how many documents of how many are done.

    Raises:
        KnowledgeMismatch, KnowledgeReadOnly, KnowledgeUnavailable: see ``KnowledgeStore.put``. What was added stays:
            bringing the same pack again does the rest.
    """
    added: list[str] = []
    unchanged: list[str] = []
    for number, draft in enumerate(drafts):
        progress(number, len(drafts))
        document, new = await library.add(draft)
        (added if new else unchanged).append(document.id)
    kept = {*added, *unchanged}
    there = await library.store.documents(Filter(kind=(HANDBOOK, CIRCUIT)))
    stale = [one.id for one in there if one.source.startswith(SOURCES) and one.id not in kept]
    for name in stale:
        await library.store.remove(name)
    progress(len(drafts), len(drafts))
    return Brought(tuple(added), tuple(unchanged), tuple(stale))


def _handbook() -> list[Draft]:
    folder = files("pitcall").joinpath("data", "knowledge", "handbook")
    pages = sorted((page for page in folder.iterdir() if page.name.endswith(".md")), key=lambda page: page.name)
    return [_draft(f"{SOURCES[0]}{page.name.removesuffix('.md')}", page.read_text("utf-8")) for page in pages]


def _circuits(parameters: Parameters) -> list[Draft]:
    labels = [(name, Labels(series="f1", circuit=name, kind=CIRCUIT)) for name in sorted(parameters.circuits)]
    pages = circuit_pages(parameters, _events())
    return [_draft(f"{SOURCES[1]}{about.circuit}", pages[name], about) for name, about in labels]


def _events() -> dict[str, list[str]]:
    """Circuit -> the races held there: those of today first, then the oldest."""
    rows = csv.DictReader(files("pitcall").joinpath("data", "circuits.csv").read_text("utf-8").splitlines())
    found: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: (row["last"] != "", row["first"], row["event"])):
        found.setdefault(row["circuit"], []).append(row["event"])
    return {circuit: list(dict.fromkeys(events)) for circuit, events in found.items()}


def _draft(source: str, text: str, labels: Labels | None = None) -> Draft:
    written, body = front_matter(text)
    outline = markdown(body)
    labels = labels or Labels(series=written.get("series", ""), kind=HANDBOOK)
    return Draft(source, outline.title, outline.sections(above=outline.title), labels)
