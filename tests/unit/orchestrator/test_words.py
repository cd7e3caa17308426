"""Words, typing mistakes, numbers and names, one by one."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pitcall_orchestrator.names import Names, names_of
from pitcall_orchestrator.vocabulary import ALIASES, COMMON, MEANING
from pitcall_orchestrator.words import read

from pitcall.domain.race import CarState
from pitcall.errors import NotFound, NotUnderstood

pytestmark = pytest.mark.unit


@pytest.fixture
def names() -> Names:
    """As an imported log has them: codes, no driver names."""
    return names_of(CarState(car, number=number) for car, number in (("VER", "33"), ("HAM", "44"), ("STR", "18")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Undrcut   Me!!", "undercut me"),
        ("what's up", "what up"),
        ("in three laps", "in 3 laps"),
        ("which one", "which one"),
        ("one lap", "1 lap"),
        ("a couple of laps", "2 laps"),
        ("lap24 P3", "lap 24 position 3"),
        ("the SC", "the safety car"),
        ("shud", "should"),
    ],
)
def test_words_are_read_as_they_are_meant(names, text, words):
    """Mistakes are corrected, numbers are digits, short forms are spelled out."""
    assert read(text, names).text == words


@pytest.mark.parametrize("text", ["Verstappen", "verstappen", "verstapen", "VER", "ver", "#33", "car 33", "of 33"])
def test_a_surname_that_begins_with_the_code_is_the_car(names, text):
    """So an imported race understands surnames without a list of drivers."""
    assert read(f"box {text}", names).cars == ("VER",)


@pytest.mark.parametrize(
    "text", ["the strategy", "very strong", "straight", "versus", "lap 33", "in 33 laps", "44 laps"]
)
def test_a_plain_word_or_number_is_not_a_car(names, text):
    """Strategy is not Stroll, and lap 33 is not car 33."""
    assert read(f"box {text}", names).cars == ()


def test_a_first_name_beside_a_surname_is_part_of_it(names):
    """Full names work although the log has none."""
    assert read("should Lance Stroll box", names).cars == ("STR",)


def test_an_unknown_name_is_an_unknown_car(names):
    """Rather that than an answer about another car."""
    with pytest.raises(NotFound, match="'Bottas' in this race; cars: HAM, STR, VER"):
        read("should Bottas box", names)


def test_a_name_of_two_cars_has_to_be_told_apart():
    """Two drivers of one surname: which is meant cannot be guessed."""
    names = names_of([CarState("MSC", driver="Mick Schumacher"), CarState("RSC", driver="Ralf Schumacher")])
    with pytest.raises(NotUnderstood, match="MSC or RSC"):
        read("should Schumacher box", names)
    assert read("should Ralf Schumaher box", names).cars == ("RSC",)


def test_no_word_stands_in_two_lists():
    """A word has one meaning, and every alias is a word that is known."""
    assert not MEANING & COMMON
    assert not (MEANING | COMMON) & ALIASES.keys()
    known = MEANING | COMMON
    assert {word for meant in ALIASES.values() for word in meant.split()} <= known


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    """No input breaks the reader."""
    with contextlib.suppress(NotFound, NotUnderstood):
        read(text, names_of([CarState("VER", number="33", driver="Max Verstappen")]))


def test_cars_are_resolved_by_key_case_aside_or_number(names):
    """What a client may send as ``car``."""
    assert [names.resolve(given) for given in ("ver", "VER", "33", "#33")] == ["VER"] * 4
    with pytest.raises(NotFound, match="no car 'ALO'"):
        names.resolve("ALO")
