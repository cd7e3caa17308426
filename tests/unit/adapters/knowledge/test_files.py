"""Files as drafts of documents."""

import io

import pytest
from pypdf import PdfReader, PdfWriter

from pitcall.adapters.knowledge import files
from pitcall.errors import InvalidRequest, NotFound
from pitcall.knowledge.chunk import split
from pitcall.knowledge.messages import Labels

pytestmark = pytest.mark.unit


def pdf(*pages, title=None):
    """A PDF with these lines on its pages."""
    fonts = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    for lines in pages:
        shown = "".join(f"({line}) Tj T* " for line in lines)
        stream = f"BT /F1 10 Tf 14 TL 50 800 Td {shown} ET".encode("latin-1")
        page, content = len(objects) + 1, len(objects) + 2
        kids.append(f"{page} 0 R")
        parts = (b"<< /Type /Page /Parent 2 0 R /Resources ", fonts, f" /Contents {content} 0 R >>".encode())
        objects += [b"".join(parts), b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)]
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} /MediaBox [0 0 600 850] >>".encode()
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\n" % (size, table, size)
    out += b"startxref\n%d\n%%%%EOF\n" % out.index(b"xref\n0 ")
    if title is None:
        return bytes(out)
    return written(bytes(out), lambda writer: writer.add_metadata({"/Title": title}))


def written(content, change):
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    change(writer)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_a_pdf_of_rules_keeps_articles_and_pages(tmp_path):
    """Headers and footers are left out, an article goes on on the next page, and the link opens the page."""
    pages = [
        [
            "Sporting Regulations 2026",
            "30 SAFETY CAR",
            "30.1 The safety car is driven by somebody who knows how.",
            "It",
            "1/3",
        ],
        ["Sporting Regulations 2026", "has orange lights.", "30.2 Nobody overtakes behind it, except by order.", "2/3"],
        ["Sporting Regulations 2026", "31 RED FLAG", "31.1 Everybody stops in the pit lane, in a queue.", "3/3"],
    ]
    path = tmp_path / "rules.pdf"
    path.write_bytes(pdf(*pages, title="Rules of 2026"))
    draft = files.draft_of(path, {"series": "F1", "season": "2026", "kind": "rules"})
    assert (draft.title, draft.labels) == ("Rules of 2026", Labels("f1", 2026, kind="rules"))
    assert draft.source == path.as_uri()
    assert [(one.heading, one.text, one.location, one.anchor) for one in split(draft.sections)] == [
        (
            "30 SAFETY CAR > 30.1",
            "The safety car is driven by somebody who knows how. It has orange lights.",
            "pages 1-2",
            "page=1",
        ),
        ("30 SAFETY CAR > 30.2", "Nobody overtakes behind it, except by order.", "page 2", "page=2"),
        ("31 RED FLAG > 31.1", "Everybody stops in the pit lane, in a queue.", "page 3", "page=3"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.pdf", b"%PDF-1.4\nnothing", "damaged PDF"),
        ("a.pdf", b"", "damaged PDF"),
        ("a.pdf", pdf(["text"])[:300], "damaged PDF"),
        ("a.pdf", written(pdf(["x"]), lambda w: w.encrypt("secret", algorithm="RC4-128")), "locked with a password"),
        ("a.md", b"\xff\xfe# x", r"not UTF-8 \(byte 0\)"),
        ("a.txt", b"text\0with null", "null bytes"),
        ("a.csv", b'a,b\n"1', "no table"),
        ("a.docx", b"x", r"no known format \(\.md"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_reason(tmp_path, name, content, says):
    """One sentence with the file, no stack trace."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=says) as raised:
        files.draft_of(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content"), [("a.pdf", pdf([])), ("a.md", b""), ("a.html", b"<p></p>"), ("a.csv", b"a,b\n")]
)
def test_a_document_without_text_is_refused(tmp_path, name, content):
    """A scanned PDF would be found by nothing."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match="has no text"):
        split(files.draft_of(path).sections)


def test_what_is_given_wins_over_what_the_file_says(tmp_path):
    """Over front matter, which wins over the first heading, which wins over the name."""
    path = tmp_path / "notes.md"
    path.write_text("text without heading\n")
    assert files.draft_of(path).title == "notes"
    path.write_text("# Heading\ntext\n")
    assert files.draft_of(path).title == "Heading"
    path.write_text(
        "---\ntitle: Written\nseason: 2025\nteam: Bull\nsource: https://example.org/x\n---\n# Heading\ntext\n"
    )
    draft = files.draft_of(path, {"season": "2026"})
    assert (draft.title, draft.labels) == ("Written", Labels(season=2026, team="bull"))
    assert files.draft_of(path, {"title": "Given"}).title == "Given"


def test_front_matter_with_a_wrong_year_is_refused(tmp_path):
    """With the name of the file."""
    path = tmp_path / "notes.md"
    path.write_text("---\nseason: soon\n---\ntext\n")
    with pytest.raises(InvalidRequest, match=r"notes\.md: season 'soon' is no year"):
        files.draft_of(path)


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    """Before it is read."""
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    (tmp_path / "a.md").write_text("more than ten bytes")
    with pytest.raises(InvalidRequest, match="split it"):
        files.draft_of(tmp_path / "a.md")


@pytest.mark.parametrize(
    ("content", "heading"),
    [(b"<!DOCTYPE html><h1>A</h1>text", "A"), (b"# A\ntext", "A"), (pdf(["1.1 A", "text"]), "1.1 A")],
)
def test_standard_input_is_recognised_by_its_beginning(content, heading):
    """HTML, PDF, or Markdown."""
    draft = files.draft_of_bytes(content, {"source": "https://example.org/x", "title": "X"})
    assert [one.heading for one in split(draft.sections)] == [heading]


def test_standard_input_needs_a_source():
    """Else nobody could look it up."""
    with pytest.raises(InvalidRequest, match="--source URL"):
        files.draft_of_bytes(b"text", {})


def test_a_folder_gives_its_files_by_name(tmp_path):
    """Those of a known format, below it too; hidden ones are left out."""
    for name in ("b.md", "a.txt", "sub/c.PDF", ".git/d.md", ".hidden.md", "e.docx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [path.relative_to(tmp_path).as_posix() for path in files.files_in(tmp_path)] == [
        "a.txt",
        "b.md",
        "sub/c.PDF",
    ]
    with pytest.raises(NotFound, match="there is no"):
        files.files_in(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidRequest, match="no file of a known format"):
        files.files_in(tmp_path / "empty")
