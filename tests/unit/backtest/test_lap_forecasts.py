"""Tier T0: forecasts of the next laps."""

import numpy as np
import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest import laps as t0
from pitcall.backtest.run import Race
from pitcall.domain.tyres import Compound
from pitcall.forecast import read
from tests.unit.backtest.conftest import LAP_S, START, lap, race, stint

pytestmark = pytest.mark.unit


def three_cars(*, season=2019, number=1, wild=None):
    """AAA stops at the end of lap 12, BBB has a yellow on lap 15, CCC goes through; all at a steady pace."""
    stop = START + 12 * LAP_S
    aaa = [
        row._replace(pit_in_s=stop - 3.0)
        if row.lap == 12
        else row._replace(pit_out_s=stop + 18.0)
        if row.lap == 13
        else row
        for row in stint("AAA", 30)
    ]
    aaa = [row if row.lap <= 12 else row._replace(tyre_age=row.lap - 12, compound=Compound.HARD) for row in aaa]
    bbb = [row._replace(track="12") if row.lap == 15 else row for row in stint("BBB", 30, late=5.0)]
    ccc = [row._replace(lap_time_s=wild) if wild and row.lap > 20 else row for row in stint("CCC", 30, late=10.0)]
    table = race(aaa + bbb + ccc, season=season, number=number)
    return Race(table, tuple(events_from_table(table)), ())


def row(season=2019, key="2019-01", ahead=1, actual=90.0, mean=90.0, sd=0.3, last=90.0, level=90.0, line=90.0):
    return t0.LapForecast(season, key, ahead, actual, mean, sd, last, level, line)


class TestForecasts:
    def test_are_of_green_laps_up_to_the_next_stop(self):
        """AAA's lap 12 is its in-lap and 13 its out-lap, BBB's lap 15 is yellow; nothing further than ten laps."""
        found = t0.forecasts(three_cars(), read)
        assert max(one.ahead for one in found) == t0.AHEAD
        # The leader is at lap 5, 8 ... 29, and the others have yet to complete that lap.
        leader = 6 + 3 + 0 + 10 + 10 + 10 + 7 + 4 + 1
        other = 6 * 10 + 8 + 5 + 2
        assert len(found) == leader + (other - 3) + other

    def test_hit_a_steady_race(self):
        """Cars that lap as before are forecast to, within the fuel that the hand-set car burns."""
        errors = [one.actual_s - one.mean_s for one in t0.forecasts(three_cars(), read)]
        assert np.abs(errors).mean() < 0.5

    def test_know_nothing_of_what_comes_after(self):
        """Whatever CCC does from lap 21 on, the forecasts made until then are the same, bit for bit."""
        quiet, wild = three_cars(), three_cars(wild=95.0)
        told = sum(state.laps_done <= 20 for state in t0.origins(quiet.events))
        assert told == 6
        one, other = ([(f.mean_s, f.sd_s) for f in t0.forecasts(work, read)] for work in (quiet, wild))
        early = 6 + 3 + 0 + 30 + (60 - 3) + 60  # laps that are forecast by then
        assert one[:early] == other[:early]
        assert one[early:] != other[early:]


class TestScore:
    def test_is_the_integral_of_the_squared_distance_of_the_distributions(self):
        """The closed form against the definition."""
        x = np.linspace(-30, 30, 60_001)
        for error, sd in ((0.0, 0.3), (1.7, 0.4), (-2.0, 1.0)):
            below = np.array([t0._normal(x / (k * sd)) for k in (t0.TAME_SD, t0.WILD_SD)])
            cdf = (1 - t0.WILD) * below[0] + t0.WILD * below[1]
            wanted = np.sum((cdf - (x >= error)) ** 2) * (x[1] - x[0])
            assert t0.crps(np.array([error]), np.array([sd]))[0] == pytest.approx(wanted, abs=2e-3)

    def test_finds_as_many_laps_in_a_band_as_it_promises(self):
        """Laps drawn from the forecast itself: 50 and 90 % of them in the bands."""
        rng = np.random.default_rng(1)
        wild = rng.random(20_000) < t0.WILD
        errors = rng.standard_normal(20_000) * np.where(wild, t0.WILD_SD, t0.TAME_SD) * 0.4
        rows = [row(key=f"2019-{i % 2}", actual=90 + e, sd=0.4) for i, e in enumerate(errors)]
        figures = t0.summary(rows)["all"]
        assert figures["coverage_50"] == pytest.approx(0.5, abs=0.012)
        assert figures["coverage_90"] == pytest.approx(0.9, abs=0.008)

    def test_fits_the_baseline_on_the_other_seasons_only(self):
        """Two seasons that revert to their level at different speeds: each is forecast at the other's."""
        rng = np.random.default_rng(2)
        rows = []
        for season, phi, laps in ((2018, 0.4, 300), (2019, 0.8, 200)):
            offs = rng.standard_normal(laps)
            rows += [row(season, f"{season}-01", actual=90 + phi * off, last=90 + off) for off in offs]
        found = t0.summary(rows)
        assert found["2018"]["crps_ar1"] > 0.2
        assert found["2019"]["crps_ar1"] > 0.2
        mean = (found["2018"]["crps_ar1"] + found["2019"]["crps_ar1"]) / 2
        assert found["all"]["crps_ar1"] == pytest.approx(mean)

    def test_takes_the_baselines_reversion_to_the_level_into_account(self):
        """Where both seasons revert alike, AR(1) knows the next lap."""
        offs = np.random.default_rng(3).standard_normal(200)
        rows = [row(2018 + i % 2, f"{i % 2}", actual=90.1 + 0.6 * off, last=90 + off) for i, off in enumerate(offs)]
        found = t0.summary(rows)["all"]
        assert found["crps_ar1"] < 0.01
        assert found["crps_last"] > 0.1

    def test_needs_two_races(self):
        """A baseline that was fitted on the race it is scored on is none."""
        with pytest.raises(ValueError, match="two races"):
            t0.summary([row(), row()])


def test_a_stint_is_a_line_from_three_laps_on():
    """Two laps are no trend: the last one counts."""
    assert t0._line([(5, 90.0), (6, 90.5)], 9) == 90.5
    assert t0._line([(5, 90.0), (6, 90.5), (7, 91.0)], 9) == pytest.approx(92.0)


def test_cars_in_the_pits_out_of_the_race_or_on_treads_are_not_forecast():
    """Nothing is known of the set that they get, or of the track that they meet."""
    table = race(
        [lap("AAA", n, compound=Compound.INTERMEDIATE) for n in range(1, 12)]
        + stint("BBB", 11, late=2.0)
        + stint("CCC", 11, late=4.0)
    )
    found = t0.forecasts(Race(table, tuple(events_from_table(table)), ()), read)
    assert len(found) == 2 * (7 + 4 + 1)  # BBB and CCC have yet to complete the leader's laps 5, 8 and 11
