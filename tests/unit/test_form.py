"""What earlier races say of a car."""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from pitcall.domain import events as ev
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.errors import InvalidRequest
from pitcall.form import FIELD_RELIABILITY, TEAM_RACES, UNKNOWN, WINTER, Form, lap_deltas, race_pace

pytestmark = pytest.mark.unit

#: Driver -> (team, lap time, s). The field's median is 90 s.
FIELD = {"A": ("Red", 89.1), "B": ("Red", 89.55), "C": ("Blue", 90.0), "D": ("Blue", 90.45), "E": ("Green", 90.9)}


def race(
    season: int = 2020, laps: int = 20, field: Mapping[str, tuple[str, float]] = FIELD, retired: str = ""
) -> RaceState:
    log: list[ev.Event] = [ev.Session(t=0.0, race=f"r{season}", name="Toy Grand Prix", season=season, total_laps=laps)]
    log += [ev.Car(t=0.0, car=car, driver=car, team=team) for car, (team, _) in field.items()]
    crossings: list[ev.Event] = [
        ev.Lap(t=time * lap, car=car, lap=lap, lap_time_s=time)
        for car, (_, time) in field.items()
        for lap in range(1, (laps // 2 if car == retired else laps) + 1)
    ]
    return reduce_all(log + sorted(crossings, key=lambda event: event.t))


def test_pace_is_percent_of_the_fields_median_lap() -> None:
    """A car that laps 1 % quicker than the median on every lap has a pace of -1 %."""
    assert race_pace(race()) == pytest.approx({"A": -1.0, "B": -0.5, "C": 0.0, "D": 0.5, "E": 1.0})


def test_laps_that_say_nothing_do_not_count() -> None:
    """The first lap and laps into and out of the pits are left out."""
    state = race()
    cars = dict(state.cars)
    laps = list(cars["A"].laps)
    laps[4] = laps[4]._replace(pit_in=True, lap_time_s=110.0)
    laps[5] = laps[5]._replace(pit_out=True, lap_time_s=105.0)
    cars["A"] = replace(cars["A"], laps=tuple(laps))
    deltas = lap_deltas(replace(state, cars=MappingProxyType(cars)))["A"]
    assert set(deltas) == set(range(2, 21)) - {5, 6}
    assert all(slower == pytest.approx(-1.0) for slower in deltas.values())


def test_few_laps_give_no_figure() -> None:
    """A car that drove nine timed laps leaves no pace behind, but it started."""
    form = Form().after(race(laps=9))
    assert [result.pace for result in form.drivers["A"]] == [None]


def test_nothing_known() -> None:
    """Before any race every car is the field's average, as uncertain as a newcomer."""
    assert Form().prior(race())["A"] == UNKNOWN


def test_a_prior_moves_toward_the_record_and_gets_sharper() -> None:
    """Each race like the last brings the expected pace nearer to what was driven, and its sd down."""
    form, seen = Form(), []
    for _ in range(6):
        form = form.after(race())
        seen.append(form.prior(race())["A"])
    assert [p.pace for p in seen] == sorted((p.pace for p in seen), reverse=True)
    assert [p.sd for p in seen] == sorted((p.sd for p in seen), reverse=True)
    assert -1.0 < seen[-1].pace < -0.8
    assert seen[-1].races == 6


def test_a_new_driver_inherits_the_teams_pace() -> None:
    """Who has no record of their own is expected where the team has been, toward the field's average."""
    form = Form().after(race()).after(race())
    newcomer = form.prior(race(field={**FIELD, "N": ("Red", 90.0)}))["N"]
    stranger = form.prior(race(field={**FIELD, "N": ("", 90.0)}))["N"]
    assert newcomer.pace < -0.5
    assert stranger.pace == 0.0


def test_winter_forgets() -> None:
    """After a race of last season the expected pace is nearer to average than after one of this season."""
    form = Form().after(race(season=2020))
    now, later = form.prior(race(season=2020))["A"], form.prior(race(season=2021))["A"]
    assert now.pace < later.pace < 0.0
    assert later.sd > now.sd
    team = -0.75 * 2 * WINTER / (2 * WINTER + 1.0)  # two cars of the team, weighed down by the winter
    assert later.pace == pytest.approx((WINTER * -1.0 + TEAM_RACES * team) / (WINTER + TEAM_RACES))


def test_retirements_lower_the_teams_reliability() -> None:
    """A team whose car stopped is expected to finish less often than the field, the others more often."""
    prior = Form().after(race(retired="A")).prior(race())
    assert prior["A"].reliability == prior["B"].reliability < FIELD_RELIABILITY < prior["C"].reliability


def test_the_form_does_not_look_at_the_race_that_it_is_asked_about() -> None:
    """The prior of a race is the same on its grid and at its flag."""
    form = Form().after(race())
    assert form.prior(race()) == form.prior(race(laps=1))


def test_json_round_trip() -> None:
    """What is written is read back equal."""
    form = Form().after(race()).after(race(laps=5))
    assert Form.from_dict(json.loads(json.dumps(form.to_dict()))) == form


@pytest.mark.parametrize(
    "data", [{}, {"races": 1, "drivers": {"A": [[1]]}, "teams": {}}, {"races": 1, "drivers": 3, "teams": {}}]
)
def test_json_that_is_no_form(data: dict[str, object]) -> None:
    """Anything else is refused with the reason."""
    with pytest.raises(InvalidRequest, match=r"^form: not what"):
        Form.from_dict(data)
