"""Words, stems and marks."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from pitcall.knowledge.words import MAX_WORDS, STOP_WORDS, marks, stem, words

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("When should I pit?", ["pit"]),
        ("safety-car SAFETY car", ["safety", "car"]),
        ('pit* AND "box" NOT (x:y)', ["pit", "box", "x", "y"]),
        ("tyre_age 30.5", ["tyre", "age", "30", "5"]),
        ("to be or not to be", ["to", "be", "or", "not"]),
        ("São Paulo", ["são", "paulo"]),
        ("?!", []),
    ],
)
def test_of_a_question(text, found):
    """Without stop words, operators and repetitions; stop words alone are better than nothing."""
    assert words(text) == found


def test_are_not_without_end():
    """A page of text is cut, from its beginning."""
    assert words(" ".join(f"w{n}" for n in range(1000))) == [f"w{n}" for n in range(MAX_WORDS)]


def test_no_word_of_racing_is_a_stop_word():
    """What is asked at a pit wall is looked for."""
    assert {"pit", "box", "stop", "lap", "stay", "undercut", "safety", "rain"} & STOP_WORDS == set()


def test_stems_are_those_of_sqlite():
    """FTS5 finds each word by the stem that we make of it."""
    every = [
        "pitting",
        "pits",
        "relational",
        "hopping",
        "tyres",
        "tires",
        "degradation",
        "generously",
        "2026",
        "São",
        "über",
    ]
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='porter unicode61 remove_diacritics 2')")
        db.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')")
        db.executemany("INSERT INTO t (x) VALUES (?)", [(word,) for word in every])
        assert [row[0] for row in db.execute("SELECT term FROM v ORDER BY doc")] == [stem(word) for word in every]


def test_stems_can_be_made_by_many_threads():
    """The library's stemmer keeps its word in itself."""
    every = [
        f"{start}{end}" for start in ("pit", "stopp", "hopp", "relat") for end in ("ing", "ed", "s", "ional")
    ] * 200
    expected = {word: stem(word) for word in every}
    stem.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(stem, every)) == [expected[word] for word in every]


def test_marks_are_where_the_words_stand():
    """Whatever their ending or case; also behind letters that are longer in lower case."""
    text = "İ: Pitting early, the PITS and a pit-stop."
    assert [text[start:end] for start, end in marks(text, ["pit"])] == ["Pitting", "PITS", "pit"]
    assert marks(text, []) == ()
