"""What a question asks for, beside the state: budget, utility, what is supposed, plans to compare. Pure.

``*_from_wire`` raises InvalidRequest that names the field.
"""

from dataclasses import dataclass
from typing import Final, cast

from pitcall.domain.events import MAX_LAPS, Track
from pitcall.domain.tyres import Compound
from pitcall.errors import InvalidRequest
from pitcall.sim.messages import ZONE, Budget, Goal, Utility
from pitcall.wire import fields
from pitcall.wire.v1 import strategy_pb2 as pb

#: Largest message that carries a question, bytes; gRPC itself refuses a longer one before it is read. The state of 64
#: cars after 2,000 laps has 3 million.
MAX_MESSAGE: Final = 4 << 20

_GOAL_TO_WIRE: Final[dict[Goal, pb.Goal]] = {
    goal: cast("pb.Goal", pb.Goal.Value(f"GOAL_{goal.upper()}")) for goal in ZONE
}
_GOAL_FROM_WIRE: Final[dict[int, Goal]] = {wire: goal for goal, wire in _GOAL_TO_WIRE.items()}


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What is supposed of the race; what is None is as it is."""

    track: Track | None = None  #: shown from now on
    rain_in_laps: int | None = None  #: laps of the leader until it begins; 0 = now
    boxes_now: str | None = None  #: the rival that comes in at the end of its current lap

    def __bool__(self) -> bool:
        """True if anything is supposed."""
        return self != WhatIf()


@dataclass(frozen=True, slots=True)
class Planned:
    """One plan of a comparison: box at the end of ``lap`` for ``compound``, whichever is best if None."""

    lap: int | None = None  #: None: stay out to the flag
    compound: Compound | None = None


def budget_from_wire(message: pb.Budget, max_paths: int = Budget().max_paths) -> Budget:
    """The simulation's budget; a field that is 0 takes its default. Raises InvalidRequest out of range."""
    default, most = Budget(), message.max_paths or max_paths
    try:
        return Budget(
            first_paths=message.first_paths or min(default.first_paths, most),
            max_paths=most,
            indifference=message.indifference or default.indifference,
        )
    except ValueError as exc:
        raise InvalidRequest(f"budget: {exc}") from exc


def utility_to_wire(utility: Utility) -> pb.Utility:
    """What the call shall be best for."""
    return pb.Utility(goal=_GOAL_TO_WIRE[utility.goal], target=utility.target, tail=utility.tail, points=utility.points)


def utility_from_wire(message: pb.Utility) -> Utility:
    """What the call shall be best for; a field that is not given takes its default."""
    default = Utility()
    goal = default.goal if message.goal == pb.GOAL_UNSPECIFIED else fields.known(_GOAL_FROM_WIRE, message.goal, "goal")
    try:
        return Utility(
            goal,
            target=message.target or default.target,
            tail=message.tail or default.tail,
            points=tuple(message.points) or default.points,
        )
    except ValueError as exc:
        raise InvalidRequest(f"utility: {exc}") from exc


def what_if_to_wire(what_if: WhatIf) -> pb.WhatIf:
    """What is supposed of the race."""
    return pb.WhatIf(
        track=pb.TRACK_UNSPECIFIED if what_if.track is None else fields.TRACK_TO_WIRE[what_if.track],
        rain_in_laps=what_if.rain_in_laps,
        boxes_now=what_if.boxes_now or "",
    )


def what_if_from_wire(message: pb.WhatIf, assume_track: int = pb.TRACK_UNSPECIFIED) -> WhatIf:
    """What is supposed of the race. ``assume_track``: the field of that name, which older callers use."""
    rain = message.rain_in_laps if message.HasField("rain_in_laps") else None
    if rain is not None and rain > MAX_LAPS:
        raise InvalidRequest(f"what_if.rain_in_laps: at most {MAX_LAPS}, not {rain}")
    track = message.track or assume_track
    if assume_track not in (pb.TRACK_UNSPECIFIED, track):
        raise InvalidRequest("assume_track: what_if.track supposes another one; give one of them")
    where = "what_if.track" if message.track else "assume_track"
    return WhatIf(
        track=None if track == pb.TRACK_UNSPECIFIED else fields.known(fields.TRACK_FROM_WIRE, track, where),
        rain_in_laps=rain,
        boxes_now=fields.text(message.boxes_now, "what_if.boxes_now") or None,
    )


def planned_to_wire(planned: Planned) -> pb.Call:
    """One plan of a comparison."""
    compound = pb.COMPOUND_UNSPECIFIED if planned.compound is None else fields.COMPOUND_TO_WIRE[planned.compound]
    return pb.Call(lap=planned.lap or 0, compound=compound)


def planned_from_wire(message: pb.Call, where: str) -> Planned:
    """One plan of a comparison. Whether it is legal is not looked at here."""
    if message.compound == pb.COMPOUND_UNSPECIFIED:
        return Planned(message.lap or None)
    lap, compound = fields.call_from_wire(message.lap, message.compound, where)
    return Planned(lap, None if compound is None else Compound(compound))
