"""Files as drafts of documents: Markdown, plain text, HTML, PDF and tables (CSV)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pitcall.adapters.knowledge import pdf
from pitcall.errors import InvalidRequest, NotFound
from pitcall.knowledge import readers
from pitcall.knowledge.chunk import Outline
from pitcall.knowledge.library import Draft
from pitcall.knowledge.messages import Labels

#: Largest file, bytes; a season's regulations have 5 MB.
MAX_BYTES: Final = 100_000_000

_FORMATS: Final = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".csv": "table",
    ".tsv": "table",
}


@dataclass(frozen=True, slots=True)
class _Text:
    title: str
    outline: Outline
    written: Mapping[str, str]  #: what the file says about itself


def files_in(path: Path) -> list[Path]:
    """The file, or every readable file below a folder, by name; hidden ones are left out.

    Raises:
        NotFound: there is no such path.
        InvalidRequest: no file of a known format is there.
    """
    if not path.exists():
        raise NotFound(f"there is no {path}")
    if path.is_file():
        return [path]
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in _FORMATS
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not found:
        raise InvalidRequest(f"{path} has no file of a known format ({', '.join(_FORMATS)})")
    return found


def draft_of(path: Path, given: Mapping[str, str] | None = None) -> Draft:
    """Read a file.

    Args:
        path: its suffix names the format.
        given: ``source``, ``title``, ``series``, ``season``, ``circuit``, ``kind``, ``team``; each wins over what the
            front matter of the file says.

    Raises:
        NotFound: there is no such file.
        InvalidRequest: unknown format, not UTF-8, damaged, too large, or without text; the message names the file.
    """
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InvalidRequest(f"{path} is of no known format ({', '.join(_FORMATS)})")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidRequest(f"{path} has more than {MAX_BYTES // 1_000_000} MB; split it")
        data = path.read_bytes()
    except FileNotFoundError as exc:
        raise NotFound(f"there is no {path}") from exc
    except OSError as exc:
        raise InvalidRequest(f"cannot read {path}: {exc.strerror}") from exc
    return draft(data, kind, str(path), path.stem, {"source": path.resolve().as_uri(), **(given or {})})


def draft_of_bytes(data: bytes, given: Mapping[str, str]) -> Draft:
    """Read what has no file, such as standard input; the format is recognised by its beginning. ``given`` as above.

    Raises:
        InvalidRequest: as above, or ``given`` has no source.
    """
    if not given.get("source"):
        raise InvalidRequest("say where the document comes from, so that it can be cited: --source URL")
    head = data[:1_000].lstrip().lower()
    kind = (
        "pdf"
        if head.startswith(b"%pdf-")
        else "html"
        if re.match(rb"<(!doctype html|html|\?xml)", head)
        else "markdown"
    )
    return draft(data[: MAX_BYTES + 1], kind, "standard input", "", given)


def draft(data: bytes, kind: str, what: str, name: str, given: Mapping[str, str]) -> Draft:
    """Read bytes of a known format; ``name`` is the title if nothing else is."""
    if len(data) > MAX_BYTES:
        raise InvalidRequest(f"{what} has more than {MAX_BYTES // 1_000_000} MB; split it")
    text = _READERS[kind](data, what)
    about = {**text.written, **{key: value for key, value in given.items() if value}}
    title = about.get("title") or text.title or name or about["source"]
    season = about.get("season") or None
    if season is not None and not season.isdecimal():
        raise InvalidRequest(f"{what}: season {season!r:.40} is no year")
    labels = Labels(
        series=about.get("series", ""),
        season=int(season) if season else None,
        circuit=about.get("circuit", ""),
        kind=about.get("kind", ""),
        team=about.get("team", ""),
    )
    return Draft(about["source"], title, text.outline.sections(above=title), labels)


def _decoded(data: bytes, what: str) -> str:
    if b"\0" in data:
        raise InvalidRequest(f"{what} holds null bytes: it is no text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidRequest(f"{what} is not UTF-8 (byte {exc.start}); save it as UTF-8") from exc


def _markdown(data: bytes, what: str) -> _Text:
    written, text = readers.front_matter(_decoded(data, what))
    outline = readers.markdown(text)
    return _Text(outline.title, outline, written)


def _text(data: bytes, what: str) -> _Text:
    return _Text("", readers.plain_text(readers.numbered(_decoded(data, what))), {})


def _html(data: bytes, what: str) -> _Text:
    title, outline = readers.html(_decoded(data, what))
    return _Text(title or outline.title, outline, {})


def _pdf(data: bytes, what: str) -> _Text:
    title, lines = pdf.read(data, what)
    return _Text(title, readers.plain_text(lines), {})


def _table(data: bytes, what: str) -> _Text:
    return _Text("", readers.table(_decoded(data, what), what), {})


_READERS: Final[Mapping[str, Callable[[bytes, str], _Text]]] = {
    "markdown": _markdown,
    "text": _text,
    "html": _html,
    "pdf": _pdf,
    "table": _table,
}
