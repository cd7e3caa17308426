"""``pitcall race``."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from pitcall.adapters.races import RaceStore
from pitcall.cli.output import ExitCode, exit_code, exits, fail
from pitcall.cli.race import app
from pitcall.cli.replay import SPEEDS, Player, press, print_laps
from pitcall.cli.timing import clock
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    NotUnderstood,
    PitcallError,
    SimulatorUnavailable,
    StaleFeed,
)
from pitcall.synth import synthesise
from pitcall.wire.view import race_view

pytestmark = pytest.mark.unit

RACE = synthesise(11, cars=6, laps=12, race="small", name="Small Prix")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Each test has its own races, and a terminal that is wide enough."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    RaceStore().save(RACE)
    return tmp_path / "home"


def pitcall(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def laps_file(path, rounds=(3, 12)):
    rows = [
        {
            "Season": 2019, "RoundNumber": number, "EventName": f"Round {number}", "Driver": car, "LapNumber": lap,
            "LapTime": 90.0, "Time": 2000.0 + 90.0 * lap + late, "Compound": "SOFT", "TyreLife": float(lap),
            "PitInTime": None, "PitOutTime": None, "TrackStatus": "1",
        }
        for number in rounds for lap in range(1, 6) for car, late in (("VER", 0.0), ("HAM", 1.5))
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


class TestImport:
    def test_one_race(self, tmp_path):
        """It is stored under season and round, and the result is on stdout alone."""
        result = pitcall("import", "laps", laps_file(tmp_path / "l.parquet"), "--season", 2019, "--round", 12)
        assert "2019-12" in result.stdout
        assert "[1/1] Round 12 2019" in result.stderr
        assert len(reduce_all(RaceStore().events("2019-12")).cars) == 2

    def test_all_races(self, tmp_path):
        """Every race of the file, as JSON."""
        result = pitcall("import", "laps", laps_file(tmp_path / "l.parquet"), "--all", "--json")
        assert [race["id"] for race in json.loads(result.stdout)] == ["2019-03", "2019-12"]
        assert {"2019-03", "2019-12"} <= {race.id for race in RaceStore().list()}

    def test_of_a_file_with_one_race_needs_no_more(self, tmp_path):
        """There is nothing to choose."""
        pitcall("import", "laps", laps_file(tmp_path / "l.parquet", rounds=[5]))
        assert RaceStore().summary("2019-05").name == "Round 5 2019"

    @pytest.mark.parametrize(
        ("options", "code", "says"),
        [
            ([], 2, "has 2 such races: name one with --season and --round, or give --all"),
            (["--round", 4], 5, "no such race; it has 2019 round 3, 2019 round 12"),
            (["--season", 2020, "--all"], 5, "no such race; it has"),
        ],
    )
    def test_that_names_no_race_says_what_there_is(self, tmp_path, options, code, says):
        """One line, no stack trace, the documented code."""
        result = pitcall("import", "laps", laps_file(tmp_path / "l.parquet"), *options, code=code)
        assert says in result.stderr
        assert result.stdout == ""

    def test_of_another_file_fails_clearly(self, tmp_path):
        """Missing is 5, not parquet is 2."""
        assert "no file" in pitcall("import", "laps", tmp_path / "x.parquet", code=5).stderr
        (tmp_path / "x.parquet").write_text("hello, this is not parquet")
        assert (
            "cannot be read as a parquet lap table" in pitcall("import", "laps", tmp_path / "x.parquet", code=2).stderr
        )


class TestSynth:
    def test_makes_a_race_that_can_be_asked_about(self):
        """Stored under the id and name that were given."""
        arguments = ("--seed", 5, "--cars", 4, "--laps", 6, "--series", "spec", "--id", "mine", "--name", "My Race")
        result = pitcall("synth", *arguments, "--json")
        assert json.loads(result.stdout) == [
            {"id": "mine", "name": "My Race", "series": "spec", "total_laps": 6, "cars": 4}
        ]
        assert RaceStore().events("mine") == synthesise(5, 4, 6, "spec", "mine", "My Race")

    def test_is_called_after_its_seed_otherwise(self):
        """So that it can be made again."""
        pitcall("synth", "--seed", 9, "--cars", 3, "--laps", 5)
        assert RaceStore().summary("synth-9").cars == 3

    @pytest.mark.parametrize(
        "wrong", [["--cars", 1], ["--laps", 4], ["--series", "karts"], ["--id", "../x"], ["--seed", -1]]
    )
    def test_with_a_wrong_option_is_a_usage_error(self, wrong):
        """Code 2, nothing stored."""
        pitcall("synth", "--seed", 1, *wrong, code=2)
        assert [race.id for race in RaceStore().list()] == ["demo", "small"]


class TestList:
    def test_shows_every_race(self):
        """Also the bundled one."""
        text = pitcall("list").stdout
        assert "Small Prix" in text
        assert "demo" in text

    def test_as_json_has_the_fields_of_a_race_info(self):
        """The names of the socket protocol."""
        assert {"id": "small", "name": "Small Prix", "series": "f1", "total_laps": 12, "cars": 6} in json.loads(
            pitcall("list", "--json").stdout
        )


class TestShow:
    def test_is_the_order_at_the_end(self):
        """Winner first."""
        text = pitcall("show", "small").stdout
        order = [car.car for car in reduce_all(RACE).order()]
        assert sorted(order, key=text.index) == order
        assert "chequered flag" in text

    def test_at_a_lap_is_what_was_known_then(self):
        """The same state as the replay."""
        shown = json.loads(pitcall("show", "small", "--lap", 4, "--json").stdout)
        assert shown == race_view(reduce_all(until_lap(RACE, 4)))
        assert (shown["lap"], shown["finished"], shown["cars"][0]["gap_s"]) == (4, False, 0.0)

    def test_at_lap_zero_is_the_grid(self):
        """Nothing has happened: no gaps, no lap times, no stops."""
        cars = json.loads(pitcall("show", "small", "--lap", 0, "--json").stdout)["cars"]
        assert [car["position"] for car in cars] == [1, 2, 3, 4, 5, 6]
        assert {(car["gap_s"], car["last_lap_s"], car["stops"], car["laps_down"]) for car in cars} == {
            (None, None, 0, 0)
        }

    def test_of_what_is_not_there_is_code_5(self):
        """Race or lap; the message says what there is."""
        assert "no race 'smal'; races: demo, small" in pitcall("show", "smal", code=5).stderr
        assert "no lap 13: the race has 12 laps" in pitcall("show", "small", "--lap", 13, code=5).stderr

    def test_fails_as_json_when_asked_to(self):
        """The one error shape, on stderr; stdout stays empty."""
        result = pitcall("show", "nope", "--json", code=5)
        assert json.loads(result.stderr)["error"] == "NotFound"
        assert result.stdout == ""


class TestReplayWithoutATerminal:
    def test_prints_a_line_per_lap(self):
        """And one more when the last car is home."""
        lines = pitcall("replay", "small", "--speed", 0).stdout.splitlines()
        assert [line.split()[1] for line in lines] == [f"{lap}/12" for lap in (*range(1, 13), 12)]

    def test_can_begin_and_end_anywhere(self):
        """After lap 4, up to lap 6."""
        lines = pitcall("replay", "small", "--speed", 0, "--from", 4, "--to", 6).stdout.splitlines()
        assert [line.split()[1] for line in lines] == ["5/12", "6/12"]

    def test_as_json_is_one_state_per_line(self):
        """The last one is the result."""
        lines = pitcall("replay", "small", "--speed", 0, "--json").stdout.splitlines()
        assert [json.loads(line)["lap"] for line in lines] == [*range(1, 13), 12]
        assert json.loads(lines[-1]) == race_view(reduce_all(RACE))

    def test_refuses_laps_that_make_no_sense(self):
        """Past the end is not there; backwards is a mistake."""
        pitcall("replay", "small", "--from", 13, code=5)
        assert "--to 3 is not after --from 3" in pitcall("replay", "small", "--from", 3, "--to", 3, code=2).stderr

    def test_takes_the_time_that_the_race_took(self):
        """Divided by the speed."""
        pauses: list[float] = []
        print_laps(Player(RACE, speed=20), lambda state: None, pauses.append)
        at_flag = reduce_all(until_lap(RACE, 12)).t
        assert len(pauses) == 12
        assert sum(pauses) == pytest.approx(at_flag / 20)


class TestPlayer:
    def test_moves_with_time_and_speed(self):
        """10 s at 20 race seconds per second are 200 s of race: every event until then, none after."""
        player = Player(RACE, speed=20)
        player.advance(10)
        assert player.state == reduce_all(event for event in RACE if event.t <= 200)

    def test_plays_an_event_at_its_very_moment(self):
        """Not a frame later."""
        first = next(event for event in RACE if event.t > 0)
        player = Player(RACE, speed=1)
        player.advance(first.t)
        assert player.state.t == first.t

    def test_stands_still_when_paused(self):
        """Space is pause and play."""
        player = Player(RACE, speed=20)
        press(player, " ")
        player.advance(100)
        assert player.state.laps_done == 0
        press(player, " ")
        player.advance(100)
        assert player.state.laps_done > 0

    def test_seeks_lap_by_lap_in_both_directions(self):
        """The state is the one that was known at that lap; before the grid and after the flag there is nothing."""
        player = Player(RACE, speed=20, first=5)
        press(player, "right")
        assert player.state == reduce_all(until_lap(RACE, 6))
        press(player, "left")
        assert player.state == reduce_all(until_lap(RACE, 5))
        for _ in range(9):
            press(player, "left")
        assert player.state == reduce_all(until_lap(RACE, 0))
        for _ in range(20):
            press(player, "right")
        assert player.ended
        assert player.state == reduce_all(RACE)

    def test_changes_its_speed_within_bounds(self):
        """Plus and minus."""
        player = Player(RACE, speed=20)
        press(player, "+")
        assert player.speed == 30
        press(player, "-")
        assert player.speed == 20
        for _ in range(50):
            press(player, "+")
        assert player.speed == SPEEDS[1]
        for _ in range(50):
            press(player, "-")
        assert player.speed == SPEEDS[0]

    def test_stops_after_the_last_lap_asked_for(self):
        """Not a single event later."""
        player = Player(RACE, speed=20, last=3)
        player.advance(1e6)
        assert player.ended
        assert player.state == reduce_all(until_lap(RACE, 3))


class TestTerminal:
    """A real process on a real pseudo terminal."""

    @staticmethod
    def start(*arguments):
        master, slave = pty.openpty()
        code = f"from pitcall.cli.race import app; app({list(arguments)!r})"
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        return process, master, slave

    @staticmethod
    def read_until(master, text, limit_s=20.0):
        seen = b""
        end = time.monotonic() + limit_s
        while text not in seen:
            assert time.monotonic() < end, seen[-500:]
            seen += os.read(master, 65_536)
        return seen

    def test_keys_pause_seek_and_quit(self):
        """Space pauses, right goes a lap on, q ends with 0 and leaves the terminal as it was."""
        process, master, slave = self.start("replay", "small", "--speed", "1")
        try:
            self.read_until(master, b"q quit")
            os.write(master, b" ")
            self.read_until(master, b"paused")
            os.write(master, b"\x1b[C")
            self.read_until(master, b"lap 1/12")
            os.write(master, b"q")
            assert process.wait(20) == 0
            assert termios.tcgetattr(slave)[3] & (termios.ICANON | termios.ECHO) == termios.ICANON | termios.ECHO
        finally:
            process.kill()
            process.wait()
            os.close(master)
            os.close(slave)

    def test_interrupt_ends_with_130_and_no_stack_trace(self):
        """Ctrl-C in a script, between two laps."""
        command = [sys.executable, "-m", "pitcall.cli", "race", "replay", "small", "--speed", "200"]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"lap  1/12")
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (130, b"")


class TestExitCodes:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (PitcallError("x"), 1),
            (StaleFeed("x"), 1),
            (InvalidRequest("x"), 2),
            (NotUnderstood("x"), 2),
            (SimulatorUnavailable("x"), 3),
            (DeadlineExceeded("x"), 3),
            (NotFound("x"), 5),
            (Cancelled("x"), 130),
        ],
    )
    def test_follow_from_the_kind_of_error(self, error, code):
        """A script can tell what to do from the number alone."""
        assert exit_code(error) == code

    def test_say_who_may_not(self):
        """A status 401 or 403 is 4, whatever the class is called."""

        class Forbidden(PitcallError):
            http = 403

        assert exit_code(Forbidden()) is ExitCode.AUTH

    def test_end_a_command_by_raising(self, capsys):
        """Returning an Exit would end it with 0."""
        with pytest.raises(typer.Exit) as ended:
            fail(NotFound("no race [bold]x[/bold]"))
        assert ended.value.exit_code == 5
        assert capsys.readouterr().err == "error: no race [bold]x[/bold]\n"

    def test_cover_an_interrupt(self):
        """Ctrl-C is no failure and no stack trace."""
        with pytest.raises(typer.Exit) as ended, exits():
            raise KeyboardInterrupt
        assert ended.value.exit_code == 130


@pytest.mark.parametrize(
    ("seconds", "digits", "text"),
    [
        (83.4564, 3, "1:23.456"),
        (59.9996, 3, "1:00.000"),
        (5730.4, 0, "1:35:30"),
        (3599.7, 0, "1:00:00"),
        (0.0, 0, "0:00:00"),
    ],
)
def test_a_clock_rounds_before_it_splits(seconds, digits, text):
    """No 0:60.000."""
    assert clock(seconds, digits) == text
