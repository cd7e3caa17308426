"""A bad version is found out, a good one is let alone."""

import numpy as np
import pytest
from pitcall_model_server.serving.guard import ANSWERS, FAILURES, PROBATION_S, Guard
from pitcall_model_server.serving.versions import Answered

from pitcall.errors import ModelRefused, PitcallError

pytestmark = pytest.mark.unit

OLD, NEW = "a" * 12, "b" * 12


class Watched(Guard):
    """A guard on a clock that stands, over two versions; remembers what it condemned."""

    def __init__(self):
        self.now = 0.0
        self.condemned: list[tuple[str, str, str]] = []
        super().__init__(lambda name, version, why: self.condemned.append((name, version, why)), lambda: self.now)
        self.suspect("wear", NEW, OLD)

    def answers(self, version, times=1, *, ms=1.0, fails=False, nan=False, race="r", rows=1, own_time=True):
        error = ModelRefused("it answers NaN") if nan else PitcallError("it broke") if fails else None
        for _ in range(times):
            self.saw(Answered("wear", version, race, rows, 0.0 if error else ms / 1e3, error, nan, own_time))

    @property
    def why(self):
        assert [told[:2] for told in self.condemned] == [("wear", NEW)]
        return self.condemned[0][2]


@pytest.fixture
def guard():
    return Watched()


class TestTimes:
    def test_five_times_slower_is_condemned(self, guard):
        """Once there are enough answers of both, with the figures."""
        guard.answers(OLD, ANSWERS)
        guard.answers(NEW, ANSWERS - 1, ms=5.0)
        assert guard.condemned == []
        guard.answers(NEW, ms=5.0)
        assert guard.why == f"it takes 5.0 times as long as {OLD}: 5 ms in place of 1 ms"

    def test_noise_is_not(self, guard):
        """Half of the answers ten times slower than the other half, of both; or twice as slow all the time."""
        noise = np.random.default_rng(1).choice([1.0, 10.0], 2000)
        for ms in noise:
            guard.answers(OLD, ms=ms)
            guard.answers(NEW, ms=ms * 2.0)
        assert guard.condemned == []

    def test_a_few_slow_ones_are_not(self, guard):
        """A pause of the machine hits whoever is at work."""
        guard.answers(OLD, 100)
        for _ in range(20):
            guard.answers(NEW, 9)
            guard.answers(NEW, ms=1000.0)
        assert guard.condemned == []

    def test_microseconds_are_not(self, guard):
        """A pass of 0.02 ms may well take four times as long on a busy machine."""
        guard.answers(OLD, 200, ms=0.02)
        guard.answers(NEW, 200, ms=0.08)
        assert guard.condemned == []

    def test_only_the_same_kinds_of_question_are_compared(self, guard):
        """256 rows take longer than one."""
        guard.answers(OLD, 50, rows=1)
        guard.answers(NEW, 50, ms=100.0, rows=256)
        assert guard.condemned == []
        guard.answers(OLD, 50, ms=20.0, rows=256)
        guard.answers(NEW, 10, ms=100.0, rows=256)
        assert "5.0 times" in guard.why

    @pytest.mark.parametrize(("own_time", "found"), [(True, 1), (False, 0)])
    def test_a_busier_machine_makes_no_version_slow(self, guard, own_time, found):
        """What a clock on the wall said before the new version came is no measure of it; a thread's own time is."""
        guard.answers(OLD, 100, own_time=own_time)
        guard.suspect("wear", NEW, OLD)
        guard.answers(NEW, 100, ms=5.0, own_time=own_time)
        assert len(guard.condemned) == found
        if not found:
            guard.answers(OLD, 100, ms=5.0, own_time=own_time)
            guard.answers(NEW, 100, ms=5.0, own_time=own_time)
            assert guard.condemned == []

    def test_two_clocks_are_not_compared(self, guard):
        """A version on the CPU and one on a GPU."""
        guard.answers(OLD, 100, own_time=True)
        guard.answers(NEW, 100, ms=5.0, own_time=False)
        assert guard.condemned == []


class TestFailures:
    def test_one_that_fails_each_time_is_condemned_within_a_handful(self, guard):
        """With the last reason."""
        for _ in range(10):
            guard.answers(NEW, fails=True)
            guard.answers(OLD)
        assert guard.why == f"5 of its last 5 answers failed, 0 of 4 of {OLD}: it broke"

    def test_one_in_ten_is_found_out(self, guard):
        """Where the other one never fails."""
        for n in range(200):
            guard.answers(NEW, fails=n % 10 == 0)
            guard.answers(OLD)
        assert "it broke" in guard.why

    def test_questions_that_no_version_can_answer_condemn_none(self, guard):
        """Rows that overflow in the one overflow in the other."""
        for _ in range(200):
            guard.answers(NEW, nan=True, race="hostile")
            guard.answers(OLD, nan=True, race="hostile")
        assert guard.condemned == []

    def test_with_nothing_to_compare_with_most_must_fail(self, guard):
        """A version that answers all races from the first moment."""
        guard.answers(NEW, 17)
        guard.answers(NEW, FAILURES, fails=True)
        assert guard.condemned == []
        guard.answers(NEW, 20, fails=True)
        assert "with none to compare with" in guard.why

    def test_a_chance_failure_is_let_go(self, guard):
        """Three in a thousand, where the other had one."""
        guard.answers(OLD, fails=True)
        guard.answers(OLD, 999)
        for _ in range(3):
            guard.answers(NEW, fails=True)
            guard.answers(NEW, 60)
            guard.answers(OLD, 60)
        assert guard.condemned == []


class TestNaN:
    def test_one_is_enough_where_the_other_can_answer_the_same(self, guard):
        """Of thousands of good answers."""
        guard.answers(OLD, 300)
        guard.answers(NEW, 300)
        guard.answers(NEW, nan=True, race="Monza")
        guard.answers(OLD, race="Spa")
        assert guard.condemned == []
        guard.answers(OLD, race="Monza")
        assert guard.why == f"it answered NaN where {OLD} did not"

    def test_questions_of_several_races_cross(self, guard):
        """The second one fails before the first one is put to the other version."""
        guard.answers(NEW, nan=True, race="Monza")
        guard.answers(NEW, nan=True, race="Spa")
        guard.answers(OLD, race="Monza")
        assert guard.why == f"it answered NaN where {OLD} did not"

    def test_what_the_other_could_not_answer_is_settled(self, guard):
        """Its next answer to that race is to another question."""
        guard.answers(NEW, nan=True, race="Monza")
        guard.answers(OLD, nan=True, race="Monza")
        guard.answers(OLD, race="Monza")
        assert guard.condemned == []


class TestSuspicion:
    def test_a_blessed_version_is_under_suspicion_for_a_while(self, guard):
        """What has answered well so long does not turn bad by itself: its questions did."""
        guard.answers(OLD, 50)
        guard.now = PROBATION_S + 1
        guard.answers(NEW, 50, fails=True)
        assert guard.condemned == []

    def test_others_are_never_condemned(self, guard):
        """The old one fails always: the new one is not at fault, and there is nothing else to go to."""
        guard.answers(NEW, 50)
        guard.answers(OLD, 50, fails=True)
        assert guard.condemned == []

    def test_a_version_is_condemned_once(self, guard):
        """The answers that are on their way say nothing new."""
        guard.answers(OLD, 20)
        guard.answers(NEW, 50, fails=True)
        assert len(guard.condemned) == 1

    def test_a_new_suspicion_begins_anew(self, guard):
        """What it did in an earlier trial is forgotten."""
        guard.answers(OLD, 20)
        guard.answers(NEW, 2, fails=True)
        guard.suspect("wear", NEW, OLD)
        guard.answers(NEW, fails=True)
        assert guard.condemned == []

    def test_what_left_memory_is_forgotten(self, guard):
        """The guard holds no more than the server."""
        guard.answers(NEW, 2, fails=True)
        guard.keep("wear", frozenset({OLD}))
        assert {version for _, version in guard._records} <= {OLD}
        guard.answers(NEW, 50, fails=True)
        assert guard.condemned == []
