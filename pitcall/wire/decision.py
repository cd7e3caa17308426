"""Decisions to ``pitcall.wire.v1`` columns and back. Pure.

``decision_from_wire`` trusts nothing: a decision that cannot be true raises InvalidRequest that names the field.
What does not exist (a rejoin without a stop, a break-even out of reach) is NaN on the wire and None here.
"""

import dataclasses
import math
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Literal, cast

from pitcall.errors import InvalidRequest
from pitcall.sim.messages import BreakEven, Contingency, Decision, Option
from pitcall.wire import fields
from pitcall.wire.v1 import strategy_pb2 as pb

EventName = Literal["safety_car", "vsc", "rain", "rival_boxes"]
ParameterName = Literal["pit_loss_s", "wear", "caution_rate"]

_EVENTS: Final[tuple[EventName, ...]] = ("safety_car", "vsc", "rain", "rival_boxes")
_PARAMETERS: Final[tuple[ParameterName, ...]] = ("pit_loss_s", "wear", "caution_rate")
_EVENT_TO_WIRE: Final = {name: cast("pb.Event", pb.Event.Value(f"EVENT_{name.upper()}")) for name in _EVENTS}
_EVENT_FROM_WIRE: Final[dict[int, EventName]] = {wire: name for name, wire in _EVENT_TO_WIRE.items()}
_PARAMETER_TO_WIRE: Final = {
    name: cast("pb.Parameter", pb.Parameter.Value(f"PARAMETER_{name.upper()}")) for name in _PARAMETERS
}
_PARAMETER_FROM_WIRE: Final[dict[int, ParameterName]] = {wire: name for name, wire in _PARAMETER_TO_WIRE.items()}

#: Columns of an option with the same name on both sides, by what they may hold.
_NUMBERS: Final = (
    "mean_position", "delta_positions", "standard_error", "utility", "delta", "expected_points", "p_win", "p_target",
    "cvar_position",
)  # fmt: skip
_OR_NONE: Final = ("rejoin_position", "rejoin_gap_ahead_s", "rejoin_gap_behind_s", "wait_cost", "wait_cost_error")
_AS_THEY_ARE: Final = ("draws", "rejoin_ahead", "rejoin_behind")
_COLUMNS: Final = ("lap", "compound", *_NUMBERS, *_OR_NONE, *_AS_THEY_ARE)
_ROW: Final = attrgetter(*_COLUMNS)


def decision_to_wire(decision: Decision) -> pb.Decision:
    """A decision without its ``compute_ms``, which travels in Timings."""
    return pb.Decision(
        options=_options_to_wire(decision.options),
        best=decision.best,
        resolved=decision.resolved,
        rounds=decision.rounds,
        draws=decision.draws,
        final=decision.final,
        cut=decision.cut,
        tied=decision.tied,
        contingencies=_contingencies_to_wire(decision.contingencies),
        break_evens=_break_evens_to_wire(decision.break_evens),
    )


def decision_from_wire(message: pb.Decision) -> Decision:
    """The decision; ``compute_ms`` is 0. Raises InvalidRequest for one that cannot be true."""
    options = _options_from_wire(message.options)
    for name, rows in (
        ("best", (message.best,)),
        ("tied", message.tied),
        ("break_evens.other", message.break_evens.other),
    ):
        if any(row >= len(options) for row in rows):
            raise InvalidRequest(f"decision.{name}: {max(rows)} is no row of {len(options)} options")
    return Decision(
        options=options,
        best=message.best,
        resolved=message.resolved,
        rounds=message.rounds,
        draws=message.draws,
        final=message.final,
        cut=message.cut,
        tied=tuple(message.tied),
        contingencies=_contingencies_from_wire(message.contingencies),
        break_evens=_break_evens_from_wire(message.break_evens),
    )


def _options_to_wire(options: Sequence[Option]) -> pb.OptionColumns:
    columns: dict[str, Any] = dict(zip(_COLUMNS, zip(*map(_ROW, options), strict=True), strict=True))
    columns |= {name: [math.nan if value is None else value for value in columns[name]] for name in _OR_NONE}
    calls = map(fields.call_to_wire, columns["lap"], columns["compound"])
    columns["lap"], columns["compound"] = zip(*calls, strict=True)
    return pb.OptionColumns(p_position=chain.from_iterable(option.p_position for option in options), **columns)


def _options_from_wire(columns: pb.OptionColumns) -> tuple[Option, ...]:
    """One option per row. Whole columns are read and checked at a time: a question has five answers of 200 rows."""
    where = "decision.options"
    read: dict[str, Sequence[Any]] = {name: list(getattr(columns, name)) for name in _COLUMNS}
    count = len(columns.lap)
    for name, column in read.items():
        if len(column) != count:
            raise InvalidRequest(f"{where}.{name}: {len(column)} values for {count} rows")
    for name in _NUMBERS:
        if not all(map(math.isfinite, read[name])):
            raise InvalidRequest(f"{where}.{name}: must be finite numbers")
    for name in _OR_NONE:
        if any(map(math.isinf, read[name])):
            raise InvalidRequest(f"{where}.{name}: must be finite numbers, or NaN for none")
        read[name] = [None if value != value else value for value in read[name]]  # noqa: PLR0124  # NaN
    calls = [fields.call_from_wire(*call, where) for call in zip(read["lap"], read["compound"], strict=True)]
    read["lap"], read["compound"] = [lap for lap, _ in calls], [compound for _, compound in calls]
    read["p_position"] = _distributions(tuple(columns.p_position), count, f"{where}.p_position")
    return tuple(map(Option, *(read[field.name] for field in dataclasses.fields(Option))))


def _distributions(p: tuple[float, ...], rows: int, where: str) -> list[tuple[float, ...]]:
    """The rows of a matrix that came flat."""
    cars = len(p) // max(rows, 1)
    if len(p) != rows * cars:
        raise InvalidRequest(f"{where}: {len(p)} values do not fill {rows} rows")
    if p and not (min(p) >= 0 and max(p) <= 1 + 1e-9 and math.isfinite(sum(p))):  # a sum of weights may round above 1
        raise InvalidRequest(f"{where}: probabilities are between 0 and 1")
    return [p[row * cars : (row + 1) * cars] for row in range(rows)]


def _contingencies_to_wire(found: Sequence[Contingency]) -> pb.ContingencyColumns:
    calls = [fields.call_to_wire(each.lap, each.compound) for each in found]
    return pb.ContingencyColumns(
        event=[_EVENT_TO_WIRE[each.event] for each in found],
        rival=[each.rival for each in found],
        lap=[lap for lap, _ in calls],
        compound=[compound for _, compound in calls],
        delta=[each.delta for each in found],
        standard_error=[each.standard_error for each in found],
        changes=[each.changes for each in found],
    )


def _contingencies_from_wire(columns: pb.ContingencyColumns) -> tuple[Contingency, ...]:
    where = "decision.contingencies"
    return tuple(
        Contingency(
            fields.known(_EVENT_FROM_WIRE, columns.event[row], f"{where}.event"),
            columns.rival[row],
            *fields.call_from_wire(columns.lap[row], columns.compound[row], where),
            fields.finite(columns.delta[row], f"{where}.delta"),
            fields.finite(columns.standard_error[row], f"{where}.standard_error"),
            columns.changes[row],
        )
        for row in range(fields.rows(columns, where))
    )


def _break_evens_to_wire(found: Sequence[BreakEven]) -> pb.BreakEvenColumns:
    return pb.BreakEvenColumns(
        parameter=[_PARAMETER_TO_WIRE[each.parameter] for each in found],
        now=[each.now for each in found],
        value=[fields.missing(each.value) for each in found],
        low=[fields.missing(each.low) for each in found],
        high=[fields.missing(each.high) for each in found],
        other=[each.other for each in found],
        tried_low=[each.tried_low for each in found],
        tried_high=[each.tried_high for each in found],
    )


def _break_evens_from_wire(columns: pb.BreakEvenColumns) -> tuple[BreakEven, ...]:
    where = "decision.break_evens"
    return tuple(
        BreakEven(
            fields.known(_PARAMETER_FROM_WIRE, columns.parameter[row], f"{where}.parameter"),
            now=fields.finite(columns.now[row], f"{where}.now"),
            value=fields.present(columns.value[row]),
            low=fields.present(columns.low[row]),
            high=fields.present(columns.high[row]),
            other=columns.other[row],
            tried_low=fields.finite(columns.tried_low[row], f"{where}.tried_low"),
            tried_high=fields.finite(columns.tried_high[row], f"{where}.tried_high"),
        )
        for row in range(fields.rows(columns, where))
    )
