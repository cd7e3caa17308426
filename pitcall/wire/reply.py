"""Answers of the model server to ``pitcall.wire.v1`` messages and back. Pure.

``*_from_wire`` trusts nothing: a message that cannot be true raises InvalidRequest that names the field.
"""

from dataclasses import asdict, dataclass, replace

from pitcall.domain.strategy import Evidence, Threat
from pitcall.errors import InvalidRequest
from pitcall.sim.messages import Decision, Forecast, Option
from pitcall.sim.race import MAX_CARS
from pitcall.wire import fields
from pitcall.wire.decision import decision_from_wire, decision_to_wire
from pitcall.wire.knowledge import Grounding, grounding_from_wire, grounding_to_wire
from pitcall.wire.v1 import strategy_pb2 as pb


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer comes from."""

    model: str  #: name@version
    seed: int
    race_lap: int  #: laps that the asking car had completed; of the leader in a forecast
    state_t_s: float  #: event time of the state
    assumed: tuple[str, ...] = ()  #: what was not known and what was taken instead, for a person


@dataclass(frozen=True, slots=True)
class Timings:
    """Self times of the hops behind the orchestrator, ms."""

    model_server_ms: float
    sim_worker_ms: float


@dataclass(frozen=True, slots=True)
class Advice:
    """One AdviseResponse. ``timings.sim_worker_ms`` is ``decision.compute_ms``."""

    decision: Decision
    provenance: Provenance
    timings: Timings
    evidence: Evidence
    grounding: Grounding | None = None  #: of a final decision, where documents were asked


@dataclass(frozen=True, slots=True)
class Comparison:
    """One CompareResponse: plan A against plan B. Its decision is among their calls and no others."""

    advice: Advice
    a: int  #: row of the options: plan A, on its best tyre where none was named
    b: int

    @property
    def options(self) -> tuple[Option, Option]:
        """A and B."""
        rows = self.advice.decision.options
        return rows[self.a], rows[self.b]

    @property
    def difference(self) -> float:
        """Loss of B less loss of A, in the unit of the goal; above 0: A is better."""
        a, b = self.options
        return b.delta - a.delta

    @property
    def standard_error(self) -> float:
        """Of ``difference``. One of the two is the best call, so this is the paired error of the other."""
        a, b = self.options
        return b.standard_error if self.a == self.advice.decision.best else a.standard_error

    @property
    def told_apart(self) -> bool:
        """False: the difference could be none, or too small for anybody to care."""
        return not {self.a, self.b} - {self.advice.decision.best} <= set(self.advice.decision.tied)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One ForecastResponse. ``timings.sim_worker_ms`` is ``forecast.compute_ms``."""

    forecast: Forecast
    provenance: Provenance
    timings: Timings


def evidence_to_wire(evidence: Evidence) -> pb.Evidence:
    """The facts behind a call: the same names on both sides."""
    return pb.Evidence(**asdict(evidence))


def evidence_from_wire(message: pb.Evidence) -> Evidence:
    """The facts behind a call. Raises InvalidRequest for a number that is not finite."""
    threats = tuple(Threat(**fields.plain(Threat, t, "evidence.undercut_threats")) for t in message.undercut_threats)
    return Evidence(**fields.plain(Evidence, message, "evidence") | {"undercut_threats": threats})


def advice_to_wire(advice: Advice) -> pb.AdviseResponse:
    """One message of the Advise stream."""
    return pb.AdviseResponse(
        decision=decision_to_wire(advice.decision),
        provenance=pb.Provenance(**asdict(advice.provenance)),
        timings=pb.Timings(**asdict(advice.timings)),
        evidence=evidence_to_wire(advice.evidence),
        grounding=grounding_to_wire(advice.grounding) if advice.grounding else None,
    )


def advice_from_wire(message: pb.AdviseResponse) -> Advice:
    """One message of the Advise stream. Raises InvalidRequest for one that cannot be true."""
    timings = _timings_from_wire(message.timings)
    return Advice(
        decision=replace(decision_from_wire(message.decision), compute_ms=timings.sim_worker_ms),
        provenance=_provenance_from_wire(message.provenance),
        timings=timings,
        evidence=evidence_from_wire(message.evidence),
        grounding=grounding_from_wire(message.grounding) if message.HasField("grounding") else None,
    )


def comparison_to_wire(comparison: Comparison) -> pb.CompareResponse:
    """The answer of Compare."""
    advice = advice_to_wire(comparison.advice)
    return pb.CompareResponse(
        decision=advice.decision,
        a=comparison.a,
        b=comparison.b,
        difference=comparison.difference,
        standard_error=comparison.standard_error,
        told_apart=comparison.told_apart,
        provenance=advice.provenance,
        timings=advice.timings,
        evidence=advice.evidence,
        grounding=advice.grounding if advice.HasField("grounding") else None,
    )


def comparison_from_wire(message: pb.CompareResponse) -> Comparison:
    """The answer of Compare. Raises InvalidRequest for one that cannot be true."""
    advice = advice_from_wire(
        pb.AdviseResponse(
            decision=message.decision,
            provenance=message.provenance,
            timings=message.timings,
            evidence=message.evidence,
            grounding=message.grounding if message.HasField("grounding") else None,
        )
    )
    if advice.decision.best not in (message.a, message.b) or message.a == message.b:
        raise InvalidRequest("a, b: two rows, one of them the best")
    if max(message.a, message.b) >= len(advice.decision.options):
        raise InvalidRequest(f"a, b: no rows of {len(advice.decision.options)} options")
    return Comparison(advice, message.a, message.b)


def outlook_to_wire(outlook: Outlook) -> pb.ForecastResponse:
    """The answer of Forecast; the rows of ``p_position`` one after the other."""
    rows = outlook.forecast.p_position
    return pb.ForecastResponse(
        cars=outlook.forecast.cars,
        positions=len(rows[0]) if rows else 0,
        p_position=[p for row in rows for p in row],
        draws=outlook.forecast.draws,
        provenance=pb.Provenance(**asdict(outlook.provenance)),
        timings=pb.Timings(**asdict(outlook.timings)),
    )


def outlook_from_wire(message: pb.ForecastResponse) -> Outlook:
    """The answer of Forecast. Raises InvalidRequest for one that cannot be true."""
    n, width = len(message.cars), message.positions
    if n > MAX_CARS or width > MAX_CARS or len(message.p_position) != n * width:
        raise InvalidRequest(f"p_position: {len(message.p_position)} values for {n} cars and {width} positions")
    flat = fields.probabilities(message.p_position, "p_position")
    timings = _timings_from_wire(message.timings)
    return Outlook(
        forecast=Forecast(
            cars=tuple(message.cars),
            p_position=tuple(flat[row * width : (row + 1) * width] for row in range(n)),
            draws=message.draws,
            compute_ms=timings.sim_worker_ms,
        ),
        provenance=_provenance_from_wire(message.provenance),
        timings=timings,
    )


def _provenance_from_wire(message: pb.Provenance) -> Provenance:
    return Provenance(**fields.plain(Provenance, message, "provenance") | {"assumed": tuple(message.assumed)})


def _timings_from_wire(message: pb.Timings) -> Timings:
    return Timings(**fields.plain(Timings, message, "timings"))
