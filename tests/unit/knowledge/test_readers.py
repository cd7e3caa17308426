"""Markdown, HTML, tables and plain text as outlines."""

import pytest

from pitcall.errors import InvalidRequest
from pitcall.knowledge import readers
from pitcall.knowledge.chunk import split

pytestmark = pytest.mark.unit


def passages(outline):
    return split(outline.sections())


def headings(outline):
    return [one.heading for one in passages(outline)]


MARKDOWN = """\
---
title: "The handbook"
series: f1
---
# Handbook

Intro.

## Undercut & overcut

First
paragraph.

```
# not a heading
```

Setext
------
Text.

## Undercut & overcut
Again.
"""


class TestMarkdown:
    def test_front_matter_is_about_the_document(self):
        """And not part of its text, while the lines keep their numbers."""
        about, text = readers.front_matter(MARKDOWN)
        assert about == {"title": "The handbook", "series": "f1"}
        assert "title" not in text
        assert text.splitlines()[4] == "# Handbook"
        assert readers.front_matter("# No front matter\n---\n") == ({}, "# No front matter\n---\n")

    def test_headings_of_both_kinds_with_their_anchors(self):
        """The anchors are GitHub's: one that comes again is numbered; fenced code has no headings."""
        found = passages(readers.markdown(readers.front_matter(MARKDOWN)[1]))
        assert [(one.heading, one.anchor, one.location) for one in found] == [
            ("Handbook", "handbook", "line 7"),
            ("Handbook > Undercut & overcut", "undercut--overcut", "lines 11-16"),
            ("Handbook > Setext", "setext", "line 20"),
            ("Handbook > Undercut & overcut", "undercut--overcut-1", "line 23"),
        ]
        assert "# not a heading" in found[1].text

    def test_a_list_above_a_rule_is_no_heading(self):
        """- item, then ---."""
        assert headings(readers.markdown("- item\n---\ntext\n")) == [""]

    def test_tags_are_no_part_of_a_heading(self):
        """Such as anchors made by hand."""
        assert headings(readers.markdown('## <a id="x"></a>Title\ntext\n')) == ["Title"]


RULES = """\
SPORTING REGULATIONS
30 SAFETY CAR ................ 12
31 RED FLAG .................. 14

30 SAFETY CAR
30.1 The safety car will be brought into operation to neutralise a race upon the order of the clerk of the
course, who decides alone.
30.2 Pit entry
a) Any car may enter the pit lane.
b) The pit lane may be
   closed.
Article 30 applies to practice as well.
200.5 kg is the mass of something else.
30.3.1 Very deep
Some text about it, with a hyphen-
ated word.
31 RED FLAG
Article 31.4 Resuming
The race resumes.
APPENDIX 1
1.1 Counts anew
From the beginning.
"""


class TestPlainText:
    def test_numbers_of_articles_are_headings(self):
        """Only those that continue the count: no table of contents, no quantity, no reference to an article."""
        found = passages(readers.plain_text(readers.numbered(RULES)))
        assert [(one.heading, one.text.replace("\n", " | ")) for one in found] == [
            ("", "SPORTING REGULATIONS"),
            (
                "30 SAFETY CAR > 30.1",
                "The safety car will be brought into operation to neutralise a race upon the order of the clerk of the "
                "course, who decides alone.",
            ),
            (
                "30 SAFETY CAR > 30.2 Pit entry",
                "a) Any car may enter the pit lane. | b) The pit lane may be closed. Article 30 applies to practice as "
                "well. 200.5 kg is the mass of something else.",
            ),
            (
                "30 SAFETY CAR > 30.3.1 Very deep",
                "Some text about it, with a hyphenated word.",
            ),
            ("31 RED FLAG > Article 31.4 Resuming", "The race resumes."),
            ("APPENDIX 1 > 1.1 Counts anew", "From the beginning."),
        ]
        assert found[1].location == "lines 6-7"

    def test_text_without_articles_is_text(self):
        """Paragraphs end at empty lines."""
        found = passages(readers.plain_text(readers.numbered("One line\nand another.\n\nA second paragraph.")))
        assert [(one.text, one.location) for one in found] == [
            ("One line and another.\nA second paragraph.", "lines 1-4")
        ]


class TestTable:
    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    def test_each_row_makes_sense_alone(self, mark):
        """Names stand with the values; empty cells are left out."""
        text = f"car{mark}lap{mark}note\nVER{mark}12{mark}boxed\nHAM{mark}13{mark}\n"
        (one,) = passages(readers.table(text, "x.csv"))
        assert one.text == "car: VER; lap: 12; note: boxed\ncar: HAM; lap: 13"
        assert one.location == "rows 2-3"

    def test_a_row_that_is_too_long_is_named(self):
        """With its number."""
        with pytest.raises(InvalidRequest, match=r"x\.csv: row 3 has 3 cells, the first row 2 names"):
            readers.table("a,b\n1,2\n1,2,3\n", "x.csv")

    def test_what_is_no_table_is_refused(self):
        """An open quote to the end of the file."""
        with pytest.raises(InvalidRequest, match=r"x\.csv is no table"):
            readers.table('a,b\n"1,2\n', "x.csv")


PAGE = """<!doctype html><html><head><title>Race  report</title><style>p{}</style></head><body>
<nav><a href="/">Home</a></nav><h1 id="top">Monza</h1><p>The race &amp; its <b>story</b>.</p>
<script>var x = "evil";</script>
<h2 id="stops">Stops</h2><ul><li>VER lap 20<li>HAM lap 25</ul><table><tr><td>a</td><td>b</td></tr></table>
<footer>Cookies</footer></body></html>"""


class TestHtml:
    def test_is_what_a_person_sees(self):
        """Headings with their anchors; no menus, scripts or footers."""
        title, outline = readers.html(PAGE)
        assert title == "Race report"
        assert [(one.heading, one.anchor, one.text) for one in passages(outline)] == [
            ("Monza", "top", "The race & its story."),
            ("Monza > Stops", "stops", "VER lap 20\nHAM lap 25\na b"),
        ]

    def test_that_is_broken_is_read_as_far_as_it_goes(self):
        """As browsers do."""
        assert passages(readers.html("<p>One<p>Two</div></b><h2>Three")[1])[0].text == "One\nTwo"
