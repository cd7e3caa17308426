"""Outlines and passages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitcall.errors import InvalidRequest
from pitcall.knowledge.chunk import MAX_CHARACTERS, Outline, Place, clean, embedded_text, split

pytestmark = pytest.mark.unit


def page(number):
    return Place("page", number, number)


def test_a_passage_has_its_headings_from_the_outermost():
    """A heading ends those of its level and below it."""
    outline = Outline()
    outline.text("Before any heading.")
    outline.heading(1, "30 Safety car")
    outline.heading(2, "30.5 Pit entry")
    outline.text("Text of 30.5.")
    outline.heading(2, "30.6 Pit exit")
    outline.text("Text of 30.6.")
    outline.heading(1, "31 Red flag")
    outline.text("Text of 31.")
    assert [(one.heading, one.text) for one in split(outline.sections())] == [
        ("", "Before any heading."),
        ("30 Safety car > 30.5 Pit entry", "Text of 30.5."),
        ("30 Safety car > 30.6 Pit exit", "Text of 30.6."),
        ("31 Red flag", "Text of 31."),
    ]


def test_the_title_of_the_document_is_not_repeated():
    """A citation has it anyway."""
    outline = Outline()
    outline.heading(1, "Handbook")
    outline.text("What it is.")
    outline.heading(2, "Undercut")
    outline.text("How it works.")
    assert outline.title == "Handbook"
    assert [one.heading for one in split(outline.sections(above="Handbook"))] == ["", "Undercut"]


def test_a_heading_without_text_is_text_unless_others_stand_under_it():
    """A rule of one line must be found."""
    outline = Outline()
    for level, title in (
        (1, "30 Safety car"),
        (2, "30.1 Nobody overtakes"),
        (2, "30.2 Lights are orange"),
        (1, "31 End"),
    ):
        outline.heading(level, title)
    assert [one.text for one in split(outline.sections())] == [
        "30.1 Nobody overtakes",
        "30.2 Lights are orange",
        "31 End",
    ]


def test_paragraphs_stay_together_until_a_passage_is_full():
    """Whole ones are packed; the place goes from the first to the last."""
    outline = Outline()
    for number in range(1, 6):
        outline.text(f"{number} " + "x" * 300, page(number), anchor=f"page={number}")
    found = split(outline.sections())
    assert [(one.number, one.location, one.anchor) for one in found] == [
        (0, "pages 1-2", "page=1"),
        (1, "pages 3-4", "page=3"),
        (2, "page 5", "page=5"),
    ]
    assert all(len(one.text) <= MAX_CHARACTERS for one in found)


def test_a_long_paragraph_is_cut_between_sentences():
    """Never within one that fits."""
    outline = Outline()
    sentences = [f"Sentence number {n} says something about tyres." for n in range(60)]
    outline.text(" ".join(sentences))
    for one in split(outline.sections()):
        assert one.text.startswith("Sentence")
        assert one.text.endswith(".")


@given(
    paragraphs=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3_000), max_size=5),
)
def test_nothing_is_lost_and_nothing_is_too_long(paragraphs):
    """All characters but spaces, in order, once; whatever the text."""
    outline = Outline()
    for one in paragraphs:
        outline.text(one)
    wanted = "".join("".join(clean(one).split()) for one in paragraphs)
    if not wanted:
        with pytest.raises(InvalidRequest, match="has no text"):
            split(outline.sections())
        return
    found = split(outline.sections())
    assert "".join("".join(one.text.split()) for one in found) == wanted
    assert all(0 < len(one.text) <= MAX_CHARACTERS for one in found)
    assert found == split(outline.sections())


def test_control_characters_are_taken_out():
    """They mark matches elsewhere, and no page shows them."""
    assert clean("a\x00b\x01 \x1fc\t d\n\n e\u00a0 f ") == "a b c d\ne f"


def test_an_embedder_reads_what_a_passage_is_about():
    """Title, heading, text; what is empty is left out."""
    assert embedded_text("Rules", "", "No overtaking.") == "Rules\nNo overtaking."
