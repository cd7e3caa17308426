"""``pitcall race``: bring races in, make them up, look at them, play them again, report on them, grade their calls."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from pitcall.adapters.laps import LapsRace, events_from_laps, races_in
from pitcall.adapters.ledger import SqliteLedger
from pitcall.adapters.races import RaceStore, RaceSummary
from pitcall.cli.calibration import answer_alarms
from pitcall.cli.grading import grades_json, print_grades
from pitcall.cli.options import Home
from pitcall.cli.output import exits, print_json, progress, stdout
from pitcall.cli.replay import Keys, Player, has_keys, print_laps, watch
from pitcall.cli.timing import lap_line, timing_table
from pitcall.domain.events import Event
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all, until_lap
from pitcall.errors import InvalidRequest, NotFound, RaceNotOver
from pitcall.ledger import graded, over, skill
from pitcall.wire.view import race_view

app = typer.Typer(help="Import, make, list, show, replay, report on and grade races.", no_args_is_help=True)
imports = typer.Typer(help="Turn timing data into races.", no_args_is_help=True)
app.add_typer(imports, name="import")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
RaceId = Annotated[str, typer.Argument(metavar="RACE", help="Id of the race, as `pitcall race list` prints it.")]

#: Race seconds per second of a replay, when nobody says otherwise.
REPLAY_SPEED: Final = 20.0


@imports.command("laps")
def import_laps(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Parquet, one row per car and lap, FastF1 column names.")
    ],
    season: Annotated[int | None, typer.Option(help="Year, such as 2019.")] = None,
    round_: Annotated[int | None, typer.Option("--round", help="Number of the race in its season.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every race of the file (of --season, if given).")] = False,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Import races from a table of laps. A race becomes SEASON-ROUND, such as 2019-12; an older import is replaced."""
    with exits(as_json=as_json):
        store = RaceStore()
        done = []
        chosen = _chosen(file, season, round_, every=all_)
        for number, race in enumerate(chosen, start=1):
            progress(f"[{number}/{len(chosen)}] {race.name} {race.season}")
            events = events_from_laps(file, race.season, race.round)
            store.save(events)
            done.append(store.summary(reduce_all(events).race))
        _print_races(done, as_json=as_json)


@app.command()
def synth(
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="The same seed makes the same race.")],
    cars: Annotated[int, typer.Option(min=2, max=30, help="Cars on the grid.")] = 20,
    laps: Annotated[int, typer.Option(min=5, max=200, help="Race distance.")] = 57,
    series: Annotated[
        str, typer.Option(help="f1 = two dry compounds must be used; spec = no such rule, equal cars.")
    ] = "f1",
    race: Annotated[str | None, typer.Option("--id", help="Id of the race.", show_default="synth-SEED")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the race.", show_default="made up")] = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Make up a complete, plausible race with the simulator: stops, safety cars, retirements, lapped cars."""
    from pitcall.synth import synthesise  # noqa: PLC0415  # numpy: the other commands do without

    with exits(as_json=as_json):
        progress(f"driving {laps} laps with {cars} cars")
        events = synthesise(seed, cars=cars, laps=laps, series=series, race=race, name=name)
        store = RaceStore()
        store.save(events)
        _print_races([store.summary(reduce_all(events).race)], as_json=as_json)


@app.command("list")
def list_races(
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """List the races that can be shown, replayed and asked about."""
    with exits(as_json=as_json):
        _print_races(RaceStore().list(), as_json=as_json)


@app.command()
def show(
    race: RaceId,
    lap: Annotated[
        int | None, typer.Option(min=0, help="When the first car completed this lap; 0 = grid.", show_default="the end")
    ] = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Show the order, gaps, tyres and stops at a lap, as they were known then."""
    with exits(as_json=as_json):
        events = RaceStore().events(race)
        state = reduce_all(events if lap is None else until_lap(events, _checked_lap(events, lap)))
        if as_json:
            print_json(race_view(state))
        else:
            stdout.print(timing_table(state))


@app.command()
def replay(
    race: RaceId,
    speed: Annotated[
        float, typer.Option(min=0, help="Race seconds per second; 0 = as fast as possible.")
    ] = REPLAY_SPEED,
    first: Annotated[int, typer.Option("--from", min=0, help="Lap to start after; 0 = the grid.")] = 0,
    last: Annotated[int | None, typer.Option("--to", min=1, help="Lap to stop after.", show_default="the flag")] = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Play a race again. In a terminal: space pauses, left and right jump a lap, + and - change the speed, q quits.

    Without a terminal it prints one line per lap of the leader; with --json, one object per lap.
    """
    with exits(as_json=as_json):
        events = RaceStore().events(race)
        for lap in (first, last):
            _checked_lap(events, lap)
        if last is not None and last <= first:
            raise InvalidRequest(f"--to {last} is not after --from {first}")
        player = Player(events, speed=speed, first=first, last=last)
        if not as_json and stdout.is_terminal and has_keys():
            with Keys() as keys:
                watch(player, stdout, keys)
            return
        print_laps(player, _shower(as_json=as_json))


@app.command("report")
def report_(
    race: RaceId,
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default="standard output")] = None,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
) -> None:
    """Write what happened, as Markdown: result, stints, stops, safety cars and who gained, undercuts, tyres.

    All of it is counted from the race's log, of a finished race or of a running one. `pitcall knowledge add` takes it.
    """
    from pitcall.report.page import report  # noqa: PLC0415  # numpy: the other commands do without

    with exits():
        text = report(RaceStore().events(race))
        if out is None:
            stdout.print(text, markup=False, soft_wrap=True, end="")
            return
        try:
            out.write_text(text, "utf-8")
        except OSError as exc:
            raise InvalidRequest(f"cannot write {out}: {exc.strerror}") from exc
        progress(f"{out}: {text.count(chr(10))} lines")


@app.command()
def grade(
    race: RaceId,
    home: Home = None,  # noqa: ARG001  # its callback has already used it
    as_json: Json = False,
) -> None:
    """Grade the calls that were made in a race, once the flag is out: which were followed, and was the forecast right?

    Only a followed call has a grade: what another one would have brought, nobody knows. Grading again replaces grades.
    A model whose bands do not hold what they promise, over three races and more, is rolled back.
    """
    with exits(as_json=as_json):
        state = reduce_all(RaceStore().events(race))
        ledger = SqliteLedger()
        calls = ledger.calls(race)
        if not calls:
            raise NotFound(f"no call is stored for race {race}: ask when to pit first")
        if not over(state):
            raise RaceNotOver(
                f"race {race} is at lap {state.laps_done} of {state.total_laps}: its calls are graded after the flag"
            )
        grades = [(call, graded(call, state)) for call in calls]
        ledger.grade(grades)
        figures = skill(ledger.tallies(race))
        alarms = answer_alarms(skill(ledger.tallies()))
        if as_json:
            print_json(grades_json(race, grades, figures) | {"alarms": alarms})
        else:
            print_grades(grades, figures)
            for alarm in alarms:
                progress(alarm)


def _shower(*, as_json: bool) -> Callable[[RaceState], None]:
    def as_line(state: RaceState) -> None:
        stdout.print(lap_line(state), markup=False, soft_wrap=True)

    return (lambda state: print_json(race_view(state))) if as_json else as_line


def _chosen(file: Path, season: int | None, round_: int | None, *, every: bool) -> list[LapsRace]:
    """The races of the file that the options name."""
    found = races_in(file)
    wanted = [race for race in found if season in (None, race.season) and round_ in (None, race.round)]
    if not wanted:
        there = ", ".join(f"{race.season} round {race.round}" for race in found) or "no race"
        raise NotFound(f"{file} has no such race; it has {there}")
    if len(wanted) > 1 and not every:
        raise InvalidRequest(f"{file} has {len(wanted)} such races: name one with --season and --round, or give --all")
    return wanted


def _checked_lap(events: list[Event], lap: int | None) -> int:
    total = reduce_all(events[:1]).total_laps
    if lap is not None and lap > total:
        raise NotFound(f"no lap {lap}: the race has {total} laps")
    return lap or 0


def _print_races(races: list[RaceSummary], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(race) for race in races])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "name", "series", "laps", "cars"):
        table.add_column(heading, justify="right" if heading in ("laps", "cars") else "left")
    for race in races:
        table.add_row(*(Text(cell) for cell in (race.id, race.name, race.series, str(race.total_laps), str(race.cars))))
    stdout.print(table)
