"""Facts of a race, on races of which every lap is known."""

import pytest

from pitcall.domain.events import Track
from pitcall.domain.tyres import Compound
from pitcall.report.facts import facts
from tests.unit.report.races import IN_S, LANE_S, OUT_S, log

pytestmark = pytest.mark.unit

HARD, SOFT, INTER = Compound.HARD, Compound.SOFT, Compound.INTERMEDIATE


class TestStops:
    def test_cost_is_what_the_stop_took_against_the_cars_own_laps(self):
        """In-lap and out-lap, less two laps as it drove them around the stop."""
        (stop,) = facts(log({"AAA": 90.0, "BBB": 91.0}, [("AAA", 6, HARD)])).stops
        assert (stop.car, stop.lap, stop.before, stop.after) == ("AAA", 6, Compound.MEDIUM, HARD)
        assert stop.loss_s == pytest.approx(IN_S + OUT_S)
        assert stop.lane_s == pytest.approx(LANE_S)
        assert stop.places == (1, 2)

    def test_no_cost_is_told_where_there_is_none_to_tell(self):
        """Laps that were not green, or from slicks to treads: the laps around the stop say nothing of it."""
        slow = facts(log({"AAA": 90.0}, [("AAA", 6, HARD)], shown=[(500.0, Track.SAFETY_CAR), (700.0, Track.GREEN)]))
        wet = facts(log({"AAA": 90.0}, [("AAA", 6, INTER)]))
        assert [(stop.track, stop.loss_s) for stop in slow.stops] == [(Track.SAFETY_CAR, None)]
        assert [(stop.track, stop.loss_s) for stop in wet.stops] == [(Track.GREEN, None)]

    def test_a_wait_behind_a_red_flag_is_no_stop(self):
        """Everybody waits then."""
        shown = [(500.0, Track.RED), (700.0, Track.GREEN)]
        assert facts(log({"AAA": 90.0}, [("AAA", 6, HARD)], shown=shown)).stops == ()

    def test_stints_are_the_laps_between_stops(self):
        """On their compounds."""
        stints = facts(log({"AAA": 90.0}, [("AAA", 4, HARD), ("AAA", 9, HARD)])).stints["AAA"]
        assert [(one.compound, one.laps[0].lap, one.laps[-1].lap) for one in stints] == [
            (Compound.MEDIUM, 1, 4),
            (HARD, 5, 9),
            (HARD, 10, 12),
        ]

    def test_the_ends_of_a_stint_are_its_first_and_last_flying_laps(self):
        """Medians of three, so that one lap behind a queue says nothing; a stint without six flying laps has none."""
        slow = {("AAA", lap): 0.1 * lap for lap in range(1, 13)} | {("AAA", 2): 0.2, ("AAA", 4): 30.0}
        first, second = facts(log({"AAA": 90.0}, [("AAA", 9, HARD)], slow=slow)).stints["AAA"]
        assert list(first.ends_s or ()) == pytest.approx([90.3, 90.7])  # of laps 2-4 and 6-8
        assert second.ends_s is None


class TestDuels:
    def test_an_undercut(self):
        """Who was behind stopped first, and is ahead after both stops: the other lost 3 s on his last lap before."""
        found = facts(log({"AAA": 90.0, "BBB": 90.0}, [("BBB", 5, HARD), ("AAA", 6, HARD)], slow={("AAA", 6): 3.0}))
        (duel,) = found.duels
        assert (duel.first, duel.second, duel.laps, duel.ahead, duel.winner) == ("BBB", "AAA", (5, 6), "AAA", "BBB")
        assert [duel.gap_s, duel.after_s] == pytest.approx([1.0, 2.0])
        assert (duel.undercut, duel.overcut) == (True, False)

    def test_an_overcut(self):
        """Who was behind stopped last, and is ahead after both stops."""
        found = facts(log({"AAA": 90.0, "BBB": 90.0}, [("AAA", 5, HARD), ("BBB", 7, HARD)], slow={("AAA", 7): 3.0}))
        (duel,) = found.duels
        assert (duel.ahead, duel.winner, duel.undercut, duel.overcut) == ("AAA", "BBB", False, True)

    def test_who_was_ahead_before_has_won_nothing(self):
        """The car in front stops first, is followed, and stays in front."""
        (duel,) = facts(log({"AAA": 90.0, "BBB": 90.0}, [("AAA", 5, HARD), ("BBB", 6, HARD)])).duels
        assert (duel.ahead, duel.winner, duel.undercut, duel.overcut) == ("AAA", "AAA", False, False)

    @pytest.mark.parametrize(
        ("stops", "options"),
        [
            ([("BBB", 3, HARD), ("AAA", 9, HARD)], {}),
            ([("BBB", 5, HARD), ("AAA", 6, HARD)], {"slow": {("BBB", 2): 9.0}}),
            ([("BBB", 5, HARD), ("AAA", 6, HARD)], {"shown": [(480.0, Track.VSC), (490.0, Track.GREEN)]}),
            ([("BBB", 5, HARD), ("AAA", 5, HARD)], {}),
            ([("BBB", 4, HARD), ("BBB", 6, SOFT), ("AAA", 7, HARD)], {}),
        ],
        ids=["long after one another", "far apart", "not green", "on one lap", "two stops of one"],
    )
    def test_what_is_none(self, stops, options):
        """The stops did not decide between the two, or something else may have."""
        assert [duel for duel in facts(log({"AAA": 90.0, "BBB": 90.0}, stops, **options)).duels if duel.undercut] == []


class TestNeutrals:
    def test_who_stopped_and_where_everybody_was_before_and_after(self):
        """Laps are the leader's."""
        shown = [(400.0, Track.YELLOW), (410.0, Track.SAFETY_CAR), (600.0, Track.GREEN)]
        (one,) = facts(log({"AAA": 90.0, "BBB": 90.0, "CCC": 90.0}, [("AAA", 5, HARD)], shown=shown)).neutrals
        assert (one.kind, one.laps, one.duration_s, one.over) == (Track.SAFETY_CAR, (5, 7), 190.0, True)
        assert one.stopped == {"AAA"}
        assert one.places == {"AAA": (1, 3), "BBB": (2, 1), "CCC": (3, 2)}

    def test_behind_a_red_flag_nobody_stops(self):
        """Everybody may change tyres there."""
        (one,) = facts(
            log({"AAA": 90.0}, [("AAA", 5, HARD)], shown=[(410.0, Track.RED), (600.0, Track.GREEN)])
        ).neutrals
        assert (one.kind, one.stopped) == (Track.RED, frozenset())

    def test_one_that_goes_on(self):
        """Nobody has gained by it yet."""
        (one,) = facts(log({"AAA": 90.0}, shown=[(1000.0, Track.VSC)], finish=False)).neutrals
        assert (one.kind, one.laps, one.over, one.places) == (Track.VSC, (12, 12), False, {})


def test_fastest_laps_leave_the_pit_lane_out():
    """Each car's own, fastest first."""
    found = facts(log({"AAA": 90.0, "BBB": 91.0}, [("BBB", 5, HARD)], slow={("BBB", 9): -2.0, ("BBB", 5): -20.0}))
    assert [(car, lap.lap, lap.lap_time_s) for car, lap in found.best] == [("BBB", 9, 89.0), ("AAA", 1, 90.0)]


def test_a_race_is_over_at_the_flag_or_on_its_last_lap():
    """A log may lack the flag."""
    assert facts(log({"AAA": 90.0})).over
    assert facts(log({"AAA": 90.0}, finish=False)).over
    assert not facts(log({"AAA": 90.0}, laps=12, finish=False)[:10]).over
