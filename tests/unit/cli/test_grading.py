"""``pitcall race grade``."""

import json

import pytest
from typer.testing import CliRunner

from pitcall.adapters.ledger import SqliteLedger
from pitcall.adapters.races import RaceStore
from pitcall.cli.race import app
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.ledger import Call
from pitcall.synth import synthesise

pytestmark = pytest.mark.unit

RACE = synthesise(11, cars=6, laps=12, race="small", name="Small Prix")
END = reduce_all(RACE)
#: A car that made exactly one stop.
CAR = next(car for car in END.cars.values() if len(car.tyre_stops) == 1 and car.laps_done == 12)
STOP = CAR.tyre_stops[0].lap
TYRES = CAR.laps[STOP].compound
POSITION = 1 + [car.car for car in END.order()].index(CAR.car)
SURE = tuple(float(place == POSITION) for place in range(1, 7))


@pytest.fixture(autouse=True)
def ledger(tmp_path, monkeypatch):
    """Each test has its own home, and a terminal that is wide enough."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    RaceStore().save(RACE)
    return SqliteLedger()


def call(in_lap, compound, p=SURE, lap=0):
    return Call("small", CAR.car, lap, 0.0, "m@1", 1, in_lap, compound, p, 64)


def grade(*arguments, code=0):
    result = CliRunner().invoke(app, ["grade", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_it_says_what_was_followed_and_what_the_bands_held(ledger):
    """One call of three was followed; it was sure, and right."""
    for made in (call(STOP, TYRES), call(STOP + 1, TYRES), call(None, None)):
        ledger.record(made)
    said = grade("small").stdout
    assert f"box {STOP} {TYRES.label}" in said
    assert "m@1, replayed: 3 calls, 1 followed, 2 not followed (no grade)." in said
    assert "80 % bands held 100 % of the time (100 % expected; 95 % interval 21 to 100 %)" in said
    assert "over 1 followed call to 1 car; RPS 0.0000, log loss 0.000" in said


def test_json_holds_every_call_with_its_grade_and_the_figures(ledger):
    """What a script needs; grading twice gives the same."""
    ledger.record(call(STOP, TYRES, (1 / 6,) * 6))
    first, second = (json.loads(grade("small", "--json").stdout) for _ in range(2))
    assert first == second
    (one,) = first["calls"]
    assert (one["outcome"], one["position"], one["compound"]) == ("followed", POSITION, TYRES.label)
    assert len(one["score"]["held"]) == 3
    (figure,) = first["models"]
    assert (figure["model"], figure["followed"], figure["waiting"]) == ("m@1", 1, 0)
    assert [each["level"] for each in figure["bands"]] == [0.5, 0.8, 0.9]


def test_without_a_followed_call_there_is_no_figure(ledger):
    """Not a zero."""
    ledger.record(call(None, None))
    assert "No call was followed, so there is nothing to grade." in grade("small").stdout
    assert json.loads(grade("small", "--json").stdout)["models"][0]["rps"] is None


@pytest.mark.parametrize(
    ("race", "code", "error", "said"),
    [
        ("nowhere", 5, "NotFound", "no race 'nowhere'"),
        ("small", 5, "NotFound", "no call is stored for race small: ask when to pit first"),
        ("half", 1, "RaceNotOver", "race half is at lap 6 of 12: its calls are graded after the flag"),
        ("../x", 2, "InvalidRequest", "cannot be a race id"),
    ],
)
def test_what_cannot_be_graded_ends_with_its_code(ledger, race, code, error, said):
    """One sentence, no stack trace."""
    RaceStore().save(until_lap(synthesise(11, cars=6, laps=12, race="half"), 6))
    ledger.record(Call("half", CAR.car, 0, 0.0, "m@1", 1, None, None, SURE, 64))
    told = json.loads(grade(race, "--json", code=code).stderr)
    assert told["error"] == error
    assert said in told["detail"]


def test_a_damaged_ledger_is_said(ledger, tmp_path):
    """And left as it is."""
    file = tmp_path / "home" / "ledger.db"
    file.write_bytes(b"rubbish" * 1000)
    assert "is damaged" in grade("small", code=1).stderr
    assert file.read_bytes() == b"rubbish" * 1000
