"""Who is fitted on what, and who sees which race when."""

import numpy as np
import pytest

from pitcall.adapters.laps import events_from_table
from pitcall.backtest.run import Fit, compare, leave_one_season_out, marks, play_back, prepared
from pitcall.backtest.transition import Transition
from pitcall.errors import InvalidRequest
from tests.unit.backtest.conftest import four_cars

pytestmark = pytest.mark.unit


class Notebook:
    """A forecaster that writes down what happens to it."""

    def __init__(self, diary):
        self.diary = diary

    def forecast(self, case):
        self.diary.append(f"forecast {case.race} {case.fraction}")
        return {car.car: np.full(case.n, 1 / case.n) for car in case.scored}

    def saw(self, race):
        self.diary.append(f"saw {race.key}")


def diary_of(run):
    """What a forecaster lives through, without the later moments of a race."""
    diary = []

    def fit(training):
        diary.append("fit " + " ".join(race.table.key for race in training))
        return Notebook(diary)

    run({"it": fit})
    return [line for line in diary if not line.startswith("forecast") or line.endswith(" 0.1")]


def ignore(what, share):
    """Progress that nobody watches."""


def test_races_pass_in_the_order_of_their_dates(races):
    """Each is forecast before it is seen, and an earlier race that was learned from is seen, too."""
    first, *rest = races
    assert diary_of(lambda fits: play_back(rest[:1], [*rest[1:], first], fits, ignore)) == [
        "fit 2019-01 2019-02 2018-01",
        "saw 2018-01", "forecast 2018-02 0.1", "saw 2018-02", "saw 2019-01", "saw 2019-02",
    ]  # fmt: skip


def test_each_season_is_forecast_by_the_others(races):
    """A fit never holds the season that it forecasts."""
    diary = diary_of(lambda fits: leave_one_season_out(races, fits, ignore))
    assert [line for line in diary if "saw" not in line] == [
        "fit 2019-01 2019-02", "forecast 2018-01 0.1", "forecast 2018-02 0.1",
        "fit 2018-01 2018-02", "forecast 2019-01 0.1", "forecast 2019-02 0.1",
    ]  # fmt: skip


def test_progress_grows_to_the_end(races):
    """A bar that never runs back."""
    shares = []
    leave_one_season_out(races, {"it": lambda _: Notebook([])}, lambda _, share: shares.append(share))
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] < 1


def test_a_watcher_sees_the_forecaster_before_it_sees_the_race(races):
    """What is measured beside the finish knows no more than the forecast did."""
    diary: list[str] = []

    class Watcher:
        def fitted(self, training, forecasters):
            diary.append("watched the fit")

        def race(self, race, forecasters):
            diary.append("watched the race")

    play_back(races[2:3], [], {"it": lambda _: Notebook(diary)}, ignore, Watcher())
    assert diary[0] == "watched the fit"
    assert diary[-2:] == ["watched the race", "saw 2019-01"]


def test_one_season_cannot_be_left_out(races):
    """There would be nothing to learn from."""
    with pytest.raises(InvalidRequest, match="at least two, and there is only 2018"):
        leave_one_season_out(races[:2], {}, ignore)


def test_a_race_cannot_be_there_twice():
    """In two files, say."""
    with pytest.raises(InvalidRequest, match=r"race 2019-01 \(Testing Grand Prix\) is in two files"):
        prepared([four_cars(), four_cars()], events_from_table)


def test_knowing_history_beats_knowing_nothing(races):
    """The comparison says by how much, at each share of the race."""
    fits: dict[str, Fit] = {
        "it": lambda _: Notebook([]),
        "history": lambda training: Transition(c for r in training for c in r.cases),
    }
    scored = marks(races, leave_one_season_out(races, fits, ignore))
    found = compare(scored["history"], scored["it"])
    assert found.rps.mean < -0.1
    assert found.rps.high < 0
    assert found.rps_finishers.mean < 0
    assert list(found.rps_by_fraction) == [f"0.{k}" for k in range(1, 10)]
