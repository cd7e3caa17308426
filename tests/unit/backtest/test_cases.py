"""States, cars and truth of a backtest."""

import pytest

from pitcall.adapters.laps import events_from_table, tables_from_laps
from pitcall.backtest.cases import cases, truth
from pitcall.backtest.score import figures, mark
from pitcall.backtest.transition import Transition
from pitcall.domain.race import CarStatus
from tests.unit.backtest.conftest import START, four_cars, lap, race, stint

pytestmark = pytest.mark.unit


class TestMadeRace:
    def test_the_moments_are_the_tenths_of_the_leader(self):
        """Lap 2, 4 ... 18 of 20."""
        found = cases(four_cars(), events_from_table)
        assert [(case.fraction, case.lap, case.left) for case in found] == [
            (k / 10, 2 * k, 20 - 2 * k) for k in range(1, 10)
        ]
        assert [case.state.t for case in found] == [pytest.approx(case.lap * 90.0) for case in found]

    def test_the_cars_are_those_that_go_on(self):
        """DDD drives half of the race: it is scored at 10 to 40 %, and no more when it has driven its last lap."""
        scored = [{car.car for car in case.scored} for case in cases(four_cars(), events_from_table)]
        assert (
            scored == [{"AAA", "BBB", "CCC", "DDD"}] * 4 + [{"AAA", "BBB", "CCC", "DDD"}] + [{"AAA", "BBB", "CCC"}] * 4
        )

    def test_the_truth_is_the_order_at_the_flag(self):
        """By laps, then by time; who covers 90 % is a finisher."""
        assert truth(four_cars()) == {"AAA": (1, True), "BBB": (2, True), "CCC": (3, True), "DDD": (4, False)}

    def test_the_rank_now_is_by_laps_and_time(self):
        """DDD is second until it stops; CCC falls behind."""
        first = cases(four_cars(), events_from_table)[0]
        assert [(car.car, car.rank, car.final) for car in first.scored] == [
            ("AAA", 1, 1), ("DDD", 2, 4), ("BBB", 3, 2), ("CCC", 4, 3),
        ]  # fmt: skip

    def test_a_car_that_stopped_still_holds_a_rank(self):
        """It is ahead of who has driven fewer laps."""
        rows = stint("AAA", 10) + stint("BBB", 5, late=1.0) + stint("CCC", 9, late=80.0, lap_s=100.0)
        ranks = {car.car: car.rank for car in cases(race(rows), events_from_table)[5].scored}
        assert ranks == {"AAA": 1, "CCC": 3}

    def test_a_starter_without_a_lap_is_counted_and_comes_last(self):
        """There are as many ranks as starters."""
        rows = [*stint("AAA", 10), *stint("BBB", 10, late=1.0), lap("CCC", 1, time_s=None)]
        found = cases(race(rows), events_from_table)
        assert {case.n for case in found} == {3}
        assert truth(race(rows))["CCC"] == (3, False)

    def test_nothing_after_the_moment_is_in_the_state(self):
        """A car that will come back after long repairs looks retired, as it did then."""
        rows = stint("AAA", 20) + stint("BBB", 5, late=1.0) + [lap("BBB", 6, time_s=START + 15 * 90 + 1.0)]
        found = cases(race(rows), events_from_table)
        assert found[4].state.car("BBB").status is CarStatus.RETIRED
        assert found[7].state.car("BBB").status is CarStatus.RUNNING


#: forecast_baselines.py, measured once: season -> (cars scored, RPS, RPS of finishers, log loss) of the transition
#: table fitted on the other seasons. Last digit: cars that stop at the same instant are ranked as the table has them.
TRANSITION = {
    2018: (3358, 0.08506, 0.06740, 2.236),
    2019: (3586, 0.08531, 0.07340, 2.313),
    2020: (2739, 0.08901, 0.07962, 2.350),
    2021: (3603, 0.07649, 0.06838, 2.158),
    2022: (1792, 0.09287, 0.07380, 2.280),
}


def test_five_real_seasons_give_the_figures_of_the_reference(data):
    """Same cars, same truth, same scores, same transition table as the published definition."""
    files = sorted(data.glob("**/laps_*.parquet"))
    if len(files) < 5:
        pytest.skip("needs the five lap tables under PITCALL_TEST_DATA")
    every = [case for path in files for table in tables_from_laps(path) for case in cases(table, events_from_table)]
    for season, (scored, rps, finishers, log_loss) in TRANSITION.items():
        table = Transition(case for case in every if case.season != season)
        test = [case for case in every if case.season == season]
        found = figures(mark(test, [table.forecast(case) for case in test]))
        assert found.cars_scored == scored
        assert found.rps == pytest.approx(rps, abs=5e-5)
        assert found.rps_finishers == pytest.approx(finishers, abs=5e-5)
        assert found.log_loss == pytest.approx(log_loss, abs=2e-3)
