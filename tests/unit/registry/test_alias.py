"""Bless, try out, go back: what answers afterwards."""

import json

import pytest

from pitcall.errors import InvalidRequest, ModelRefused
from pitcall.registry import alias as aliases
from pitcall.registry.alias import Alias, Canary, Event

pytestmark = pytest.mark.unit

A, B, C, D, E = (digit * 12 for digit in "abcde")


def blessed(*versions: str) -> Alias:
    alias = Alias()
    for at, version in enumerate(versions):
        alias = alias.bless(version, at)
    return alias


def test_blessing_keeps_the_three_before():
    """Latest first; a version stands there once."""
    assert (blessed(A, B, C, D, E).blessed, blessed(A, B, C, D, E).previous) == (E, (D, C, B))
    assert (blessed(A, B, A).blessed, blessed(A, B, A).previous) == (A, (B,))


def test_blessing_what_is_blessed_changes_nothing():
    """So a script may say it twice."""
    assert blessed(A).bless(A, 9.0) == blessed(A)


def test_rolling_back_goes_one_step_and_forgets_the_bad_one():
    """Twice goes back two steps, not there and back."""
    once = blessed(A, B, C).roll_back(9.0)
    assert (once.blessed, once.previous) == (B, (A,))
    twice = once.roll_back(9.0)
    assert (twice.blessed, twice.previous) == (A, ())
    with pytest.raises(InvalidRequest, match="nothing was blessed before"):
        twice.roll_back(9.0)


def test_rolling_back_to_a_version_takes_one_of_those_before():
    """Another one is to be blessed, which checks it."""
    assert blessed(A, B, C).roll_back(9.0, A).blessed == A
    with pytest.raises(InvalidRequest, match=f"cannot go back to {D}; before it came {B}, {A}"):
        blessed(A, B, C).roll_back(9.0, D)


class TestWithdrawal:
    def test_a_trial_ends_and_a_blessed_version_gives_way(self):
        """The reason is remembered."""
        trial = blessed(A).try_out(B, 5, 1.0).withdraw(B, 2.0, "NaN")
        assert (trial.blessed, trial.canary, trial.events[-1]) == (A, None, Event(2.0, "canary ended", B, "NaN"))
        back = blessed(A, B).withdraw(B, 2.0, "slow")
        assert (back.blessed, back.previous, back.events[-1]) == (A, (), Event(2.0, "rolled back", A, "slow"))

    @pytest.mark.parametrize("version", [A, C])
    def test_what_does_not_answer_leaves_all_as_it_is(self, version):
        """Somebody was faster."""
        assert blessed(A, B).withdraw(version, 2.0, "slow") == blessed(A, B)

    def test_one_with_none_before_it_goes_on_and_the_alarm_is_remembered_once(self):
        """However many servers raise it."""
        alias = blessed(A).withdraw(A, 2.0, "slow")
        assert (alias.blessed, alias.events[-1]) == (A, Event(2.0, "alarm", A, "slow"))
        assert alias.withdraw(A, 3.0, "slow") == alias

    def test_when_a_version_was_chosen_last(self):
        """Blessed, tried, or gone back to; what else happened to it does not count."""
        alias = blessed(A, B).try_out(C, 5, 3.0).end_trial(4.0).roll_back(5.0)
        assert [alias.put_at(version) for version in (A, B, C, D)] == [5.0, 1.0, 3.0, 0.0]


class TestTrial:
    def test_a_version_answers_a_share_until_the_trial_ends(self):
        """The blessed one stays blessed."""
        trial = blessed(A).try_out(B, 5, 1.0)
        assert (trial.blessed, trial.canary) == (A, Canary(B, 5))
        assert trial.end_trial(2.0, "NaN").canary is None
        with pytest.raises(InvalidRequest, match="no version is on trial"):
            blessed(A).end_trial(2.0)

    def test_blessing_and_rolling_back_end_it(self):
        """Nobody is left on a trial against a version that is gone."""
        assert blessed(A).try_out(B, 5, 1.0).bless(B, 2.0).canary is None
        assert blessed(A).try_out(B, 5, 1.0).bless(A, 2.0).canary is None
        assert blessed(A, C).try_out(B, 5, 1.0).roll_back(2.0).canary is None

    @pytest.mark.parametrize(
        ("before", "version", "percent"),
        [(blessed(), B, 5), (blessed(B), B, 5), (blessed(A), B, 0), (blessed(A), B, 100.1)],
    )
    def test_it_needs_something_to_be_tried_against(self, before, version, percent):
        """And a share."""
        with pytest.raises(InvalidRequest):
            before.try_out(version, percent, 1.0)


def test_a_version_that_is_leaving_cannot_be_blessed():
    """And one that may be asked for cannot leave."""
    leaving = blessed(A, B).leave([C], 1.0)
    for change in (lambda: leaving.bless(C, 2.0), lambda: leaving.try_out(C, 5, 2.0)):
        with pytest.raises(InvalidRequest, match="is being removed"):
            change()
    assert leaving.leave([], 2.0).bless(C, 3.0).blessed == C
    for stays in (A, B):
        with pytest.raises(InvalidRequest, match="it stays"):
            blessed(A, B).leave([C, stays], 1.0)


def test_it_remembers_the_last_changes():
    """When, what, which, and why; the file does not grow for ever."""
    alias = blessed(A, B).roll_back(7.0, why="five times slower")
    assert alias.events[-1] == Event(7.0, "rolled back", A, "five times slower")
    for at in range(50):
        alias = alias.bless((A, B)[at % 2], at)
    assert len(alias.events) == aliases.EVENTS
    assert len(alias.to_json()) < aliases.MAX_BYTES


def test_it_reads_what_it_writes():
    """All of it."""
    alias = blessed(A, B, C).try_out(D, 2.5, 4.0).leave([E], 5.0)
    assert aliases.read(alias.to_json(), "x") == alias


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": 9}, "update Pitcall"),
        ({"blessed": "../x"}, "is no version"),
        ({"previous": [1]}, "must be str"),
        ({"canary": {"version": A, "percent": 200}}, "200 percent"),
        ({"events": [{}]}, "events must hold"),
        ({"x": 1}, "look at 'x'"),
    ],
)
def test_an_alias_of_somebody_else_is_not_believed(changes, why):
    """What is wrong is named."""
    text = json.dumps(json.loads(blessed(A).to_json()) | changes).encode()
    with pytest.raises(ModelRefused, match=why):
        aliases.read(text, "aliases/x.json")
