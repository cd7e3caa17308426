"""Text of PDF files, page by page, by pypdf."""

import io
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from pitcall.errors import InvalidRequest
from pitcall.knowledge.chunk import Place

#: A line at the edge of this share of the pages is a header or footer.
_REPEATED: Final = 0.6
#: Fewer pages have no repetition to speak of.
_FEW_PAGES: Final = 3
#: Lines from the top and from the bottom where headers and footers stand.
_EDGE: Final = 3

_DIGITS: Final = re.compile(r"\d+")


def read(data: bytes, what: str) -> tuple[str, list[tuple[str, Place]]]:
    """The title in the file's properties, and each line with its page, without headers and footers.

    Raises:
        InvalidRequest: no PDF, damaged, or locked with a password.
    """
    from pypdf import PdfReader  # noqa: PLC0415  # only who adds a PDF needs it
    from pypdf.errors import PyPdfError  # noqa: PLC0415  # as above

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every quirk that it has repaired
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InvalidRequest(f"{what} is locked with a password; save a copy without one")
        pages = [page.extract_text().splitlines() for page in reader.pages]
        title = (reader.metadata.title if reader.metadata else None) or ""
    except InvalidRequest:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as exc:
        # A damaged file makes the library stumble anywhere.
        raise InvalidRequest(
            f"{what} is a damaged PDF ({type(exc).__name__}); open it in a viewer and save it again"
        ) from exc
    return title.strip(), list(_without_edges(pages))


def _without_edges(pages: list[list[str]]) -> Iterator[tuple[str, Place]]:
    counts = Counter(key for lines in pages for key in {_key(line) for line in _edges(lines)} if key)
    often = {key for key, count in counts.items() if len(pages) >= _FEW_PAGES and count >= _REPEATED * len(pages)}
    for number, lines in enumerate(pages, start=1):
        for at, line in enumerate(lines):
            edge = at < _EDGE or at >= len(lines) - _EDGE
            if not (edge and _key(line) in often):
                yield line, Place("page", number, number)


def _edges(lines: list[str]) -> Iterable[str]:
    return lines[:_EDGE] + lines[-_EDGE:]


def _key(line: str) -> str:
    """The same on every page, whatever its number."""
    return _DIGITS.sub("#", line.strip())
