"""The log of a search on disk."""

import pytest

from pitcall.adapters.evaluations import EvaluationLog
from pitcall.errors import InvalidRequest
from pitcall.tune.search import FOLDS, Evaluation, tune

pytestmark = pytest.mark.unit

ONE, OTHER = Evaluation(0, (0.1, -1 / 3), 0.0759), Evaluation(1, (0.1, -1 / 3), 0.0761)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "logs" / "search.jsonl"


def kept(file, fingerprint="abc"):
    log = EvaluationLog(file, fingerprint)
    for evaluation in (ONE, OTHER):
        log.add(evaluation)
    return log


def test_gives_back_what_was_kept(file):
    """By fold and point, to the last bit, in this process and the next."""
    for log in (kept(file), EvaluationLog(file, "abc")):
        assert len(log) == 2
        assert log.get(0, ONE.point) == ONE.score
        assert log.get(1, ONE.point) == OTHER.score
        assert log.get(2, ONE.point) is None


def test_half_a_line_is_forgotten(file):
    """Whoever was killed while it wrote goes on before that evaluation, and the log stays readable."""
    kept(file)
    file.write_bytes(file.read_bytes()[:-7])
    log = EvaluationLog(file, "abc")
    assert len(log) == 1
    log.add(OTHER)
    assert len(EvaluationLog(file, "abc")) == 2


def test_a_killed_search_goes_on_from_its_file(file):
    """To the same bits, and evaluates only what is missing."""
    races, done = ("2019-01", "2019-02", "2019-03"), 0

    def score(tuned, chosen):
        nonlocal done
        done += 1
        if done == 30:
            raise KeyboardInterrupt
        return dict.fromkeys(chosen, 0.07 + tuned.noise * tuned.pace)

    with pytest.raises(KeyboardInterrupt):
        tune(score, races, 48, EvaluationLog(file, "abc"))
    file.write_bytes(file.read_bytes()[:-5])
    again = tune(score, races, 48, EvaluationLog(file, "abc"))
    kept = 30 - 1 - 2 - 1  # the one that died, two to judge the first fold, the torn line
    assert done == 30 + 48 - kept + 2 * FOLDS
    assert again == tune(score, races, 48)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "a search on other races or another model; name another"),
        ("a letter\n", "is no log of a search; name another file"),
        ("a word", "is no log of a search"),
        ("[]\n", "a search on other races"),
    ],
)
def test_another_file_is_refused(file, text, message):
    """And stays as it is."""
    kept(file)
    if text is not None:
        file.write_text(text)
    before = file.read_bytes()
    with pytest.raises(InvalidRequest, match=message):
        EvaluationLog(file, "abc" if text else "abd")
    assert file.read_bytes() == before


def test_a_folder_is_no_file(tmp_path):
    """One sentence."""
    with pytest.raises(InvalidRequest, match=r"cannot use .*; name another file"):
        EvaluationLog(tmp_path, "abc")
