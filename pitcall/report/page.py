"""A race report as Markdown with front matter: good to read, and cut well by ``pitcall knowledge add``. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from pitcall.domain.events import Event, Track
from pitcall.domain.race import CarState, LapRecord, RaceState, gap_s, laps_down
from pitcall.domain.tyres import Compound
from pitcall.knowledge.chunk import MAX_CHARACTERS, clean
from pitcall.report.facts import ANSWER_LAPS, AROUND, CLOSE_S, ENDS, Duel, Facts, Neutral, Stint, Stop, facts, retired

#: Cars in the summary, of the fastest laps, and of those that gained or lost behind a neutralisation.
PODIUM: Final = 3
QUICK: Final = 5
MOVED: Final = 3
#: Fewest places that are told of.
PLACES: Final = 2

_NAMES: Final = {
    Track.VSC: "Virtual safety car",
    Track.SAFETY_CAR: "Safety car",
    Track.RED: "Red flag",
}


def report(events: Sequence[Event]) -> str:
    """The report of a race, finished or running.

    Raises:
        InvalidEvent: the log does not reduce to a race.
    """
    found = facts(events)
    sections = [
        ("Result" if found.over else f"Order after lap {found.state.laps_done}", _result(found)),
        ("Stints", _stints(found)),
        ("Pit stops", _stops(found)),
        ("Safety cars", _neutrals(found)),
        ("Places won by a pit stop", _duels(found)),
        ("Fastest laps", _fastest(found)),
        ("Tyres", _tyres(found)),
        ("How this report was made", [_made(found)]),
    ]
    head = [_front_matter(found.state), f"# {_title(found)}", _summary(found)]
    body = (f"## {heading}\n\n{_blocks(lines)}" for heading, lines in sections if lines)
    return "\n\n".join([*head, *body]) + "\n"


def _front_matter(state: RaceState) -> str:
    pairs = {"kind": "report", "series": state.series, "season": state.season, "circuit": state.circuit}
    lines = (f"{name}: {_plain(str(value))}" for name, value in pairs.items() if value)
    return "\n".join(["---", *lines, "---"])


def _title(found: Facts) -> str:
    state = found.state
    return f"{_plain(state.name) or _plain(state.race)}: race report{'' if found.over else ', race running'}"


def _summary(found: Facts) -> str:
    state, order = found.state, found.state.order()
    if not state.laps_done:
        return f"No lap is completed yet. {_count(len(order), 'car')}, {_count(state.total_laps, 'lap')}."
    winner = order[0]
    grid = f" from slot {winner.grid} of the grid" if winner.grid else ""
    verb = "won" if found.over else f"leads after lap {state.laps_done} of {state.total_laps}"
    behind = [f"{_who(car)} {_gap(car, winner)}" for car in order[1:PODIUM] if not retired(car)]
    text = f"{_who(winner)} {verb}{grid}{', ahead of ' + _listed(behind) if behind else ''}."
    stops = sum(stop.after is not None for stop in found.stops)
    kinds = Counter(each.kind for each in found.neutrals)
    calm = _listed([_count(n, _NAMES[kind].lower()) for kind, n in kinds.items()]) or "no neutralisation"
    out = sum(retired(car) for car in order)
    return f"{text} {_count(stops, 'tyre change')}, {calm}, {_count(out, 'retirement')}."


def _result(found: Facts) -> list[str]:
    order = found.state.order()
    places = [f"- P{place} {_entry(car, order[0])}" for place, car in enumerate(order, start=1) if not retired(car)]
    return [*places, *(f"- Out: {_entry(car, order[0])}" for car in order if retired(car))]


def _entry(car: CarState, leader: CarState) -> str:
    grid = f"grid {car.grid}" if car.grid else ""
    if retired(car):
        why = f" ({_plain(car.retired_reason)})" if car.retired_reason else ""
        done = f"retired after {_count(car.laps_done, 'lap')}{why}"
    else:
        done = f"{car.laps_done} laps" if car is leader else _gap(car, leader)
    parts = (_who(car), _plain(car.team), grid, done, _count(len(car.tyre_stops), "stop"))
    return f"{', '.join(part for part in parts if part)}."


def _stints(found: Facts) -> list[str]:
    """In the order of the result."""
    return [
        f"- {_plain(car.car)}: {', '.join(map(_stint, found.stints[car.car]))}."
        for car in found.state.order()
        if found.stints[car.car]
    ]


def _stint(stint: Stint) -> str:
    return f"{stint.compound.label} {_span(stint.laps[0].lap, stint.laps[-1].lap)}"


def _stops(found: Facts) -> list[str]:
    if not found.stops:
        return []
    changed = [stop for stop in found.stops if stop.after is not None]
    lane = [stop for stop in changed if stop.lane_s is not None]
    lost = [stop.loss_s for stop in changed if stop.loss_s is not None]
    lines = []
    if lane:
        quick = min(lane, key=lambda stop: stop.lane_s or 0.0)
        typical = median(stop.lane_s for stop in lane if stop.lane_s is not None)
        lines.append(
            f"In the lane a tyre change took {typical:.1f} s (median of {len(lane)}), the shortest "
            f"{quick.lane_s:.1f} s ({_plain(quick.car)}, lap {quick.lap})."
        )
    if lost:
        lines.append(f"A stop under green cost {median(lost):.1f} s against driving by (median of {len(lost)}).")
    return [*([" ".join(lines)] if lines else []), *map(_stop, found.stops)]


def _stop(stop: Stop) -> str:
    change = f"{stop.before.label} to {stop.after.label}" if stop.after is not None else "no new tyres"
    shown = "" if stop.track in (Track.GREEN, Track.YELLOW) else f"under the {_NAMES[stop.track].lower()}"
    lane = "" if stop.lane_s is None else f"{stop.lane_s:.1f} s in the lane"
    loss = "" if stop.loss_s is None else f"cost {stop.loss_s:.1f} s"
    places = "" if stop.places is None else f"P{stop.places[0]} to P{stop.places[1]}"
    parts = (f"- Lap {stop.lap}: {_plain(stop.car)}, {change}", shown, lane, loss, places)
    return f"{', '.join(part for part in parts if part)}."


def _neutrals(found: Facts) -> list[str]:
    if not found.neutrals:
        return ["No safety car, virtual safety car or red flag was shown."] if found.state.laps_done else []
    return [_neutral(each) for each in found.neutrals]


def _neutral(each: Neutral) -> str:
    laps = (
        f"from lap {each.laps[0]} on"
        if not each.over
        else f"lap{'s' * (each.laps[0] != each.laps[1])} {_span(*each.laps)}"
    )
    when = f"- {_NAMES[each.kind]}, {laps} ({each.duration_s / 60:.1f} min{'' if each.over else ' so far'})."
    stopped = f" Tyres changed meanwhile: {_listed(sorted(map(_plain, each.stopped)))}." if each.stopped else ""
    gained = sorted(each.places.items(), key=lambda one: (one[1][1] - one[1][0], one[0]))
    up = [_moved(each, car) for car, (was, is_) in gained[:MOVED] if was - is_ >= PLACES]
    down = [_moved(each, car) for car, (was, is_) in gained[: -MOVED - 1 : -1] if is_ - was >= PLACES]
    who = [f" Gained: {_listed(up)}." if up else "", f" Lost: {_listed(down)}." if down else ""]
    return f"{when}{stopped}{''.join(who)}"


def _moved(each: Neutral, car: str) -> str:
    was, is_ = each.places[car]
    did = "" if each.kind is Track.RED else ", stopped" if car in each.stopped else ", stayed out"
    return f"{_plain(car)} (P{was} to P{is_}{did})"


def _duels(found: Facts) -> list[str]:
    won = [each for each in found.duels if each.undercut or each.overcut]
    tried = [each for each in found.duels if each.ahead == each.winner == each.second]
    lines = [_duel(each) for each in won]
    if tried:
        lines.append(
            f"{_count(len(tried), 'undercut')} did not work: "
            + _listed([f"{_plain(one.first)} on {_plain(one.second)} (lap {one.laps[0]})" for one in tried])
            + "."
        )
    return lines


def _duel(each: Duel) -> str:
    winner, loser = (each.first, each.second) if each.undercut else (each.second, each.first)
    own, other = each.laps if each.undercut else each.laps[::-1]
    how = "undercut" if each.undercut else "overcut"
    return (
        f"- {_plain(winner)} passed {_plain(loser)} by an {how}: {each.gap_s:.1f} s behind before, in on lap {own} "
        f"against lap {other}, {each.after_s:.1f} s ahead after both stops."
    )


def _fastest(found: Facts) -> list[str]:
    return [f"- {_plain(car)}: {_clock(lap)}, lap {lap.lap}{_on(lap)}." for car, lap in found.best[:QUICK]]


def _on(lap: LapRecord) -> str:
    if lap.compound is Compound.UNKNOWN:
        return ""
    age = "" if lap.tyre_age is None else f" {_count(lap.tyre_age, 'lap')} old"
    return f", {lap.compound.label}s{age}"


def _tyres(found: Facts) -> list[str]:
    """What each compound did, as far as lap times show it."""
    sets: dict[Compound, list[Stint]] = defaultdict(list)
    for stint in (stint for stints in found.stints.values() for stint in stints):
        sets[stint.compound].append(stint)
    return [_compound(compound, sets[compound]) for compound in Compound if sets[compound]]


def _compound(compound: Compound, stints: Sequence[Stint]) -> str:
    longest = max(stints, key=lambda stint: len(stint.laps))
    laps = sum(len(stint.laps) for stint in stints)
    text = (
        f"- {compound.label.capitalize()}: {_count(len(stints), 'set')}, {_count(laps, 'lap')}, the longest stint "
        f"{_count(len(longest.laps), 'lap')} ({_plain(longest.car)})."
    )
    ends = {stint: stint.ends_s for stint in stints}
    drift = [last - first for first, last in (each for each in ends.values() if each is not None)]
    if drift:
        text += (
            f" From the first to the last {ENDS} green laps of a stint the times changed by {median(drift):+.1f} s "
            f"(median of {len(drift)})"
        )
        worst = max((stint for stint in stints if ends[stint]), key=lambda stint: _drift(ends[stint]))
        if _drift(ends[worst]) > 0:
            text += f", most by {_drift(ends[worst]):+.1f} s ({_plain(worst.car)}, {_stint(worst)})"
        text += "."
    return text


def _drift(ends: tuple[float, float] | None) -> float:
    return 0.0 if ends is None else ends[1] - ends[0]


def _made(found: Facts) -> str:
    return (
        f"Computed from the race's event log ({found.state.seq} events), nothing else. The cost of a stop is in-lap "
        f"and out-lap against the median of the car's green laps within {AROUND} laps; it is not told where one of "
        "them was not green, or where treads were changed for slicks or back. Places are those of the lap chart: of a "
        "stop, on the lap before and on the out-lap; of a safety car, on the lap before it and on the first one after "
        f"it. A place was won by a stop if two cars were within {CLOSE_S:.0f} s and both stopped under green within "
        f"{ANSWER_LAPS} laps. Lap times are as driven: fuel, traffic and the track are in them."
    )


def _blocks(lines: Iterable[str]) -> str:
    """Lines in paragraphs that fit into a passage each, so that none is cut."""
    blocks: list[list[str]] = []
    size = MAX_CHARACTERS
    for line in (line for line in lines if line):
        starts = size + 1 + len(line) > MAX_CHARACTERS or line.startswith("- ") != blocks[-1][-1].startswith("- ")
        if starts:
            blocks.append([])
            size = -1
        blocks[-1].append(line)
        size += 1 + len(line)
    return "\n\n".join("\n".join(block) for block in blocks)


def _plain(text: str) -> str:
    """On one line: what a feed wrote begins no heading and no front matter."""
    return " ".join(clean(text).split())


def _who(car: CarState) -> str:
    code, driver = _plain(car.car), _plain(car.driver)
    return f"{driver} ({code})" if driver and driver != code else code


def _gap(car: CarState, leader: CarState) -> str:
    down = laps_down(car, leader)
    if down:
        return f"+{_count(down, 'lap')}"
    gap = gap_s(car, leader)
    return "gap not known" if gap is None else f"+{gap:.1f} s"


def _clock(lap: LapRecord) -> str:
    seconds = lap.lap_time_s or 0.0
    minutes = int(seconds // 60)
    return f"{minutes}:{seconds - 60 * minutes:06.3f}"


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}-{last}"


def _listed(names: Sequence[str]) -> str:
    if not names:
        return ""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
