"""The fitted stop policy of the other cars: one set of weights, and what a circuit adds to the odds of a stop. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pitcall.sim.race import STOP_FEATURES, Policy


@dataclass(frozen=True, slots=True)
class StopPolicy:
    """``policy`` holds on a circuit that nothing is known of."""

    policy: Policy
    circuits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))  #: added to the log-odds
    version: str = ""

    def at(self, circuit: str | None) -> Policy:
        """The policy on one circuit, named as ``RaceState.circuit``."""
        more = self.circuits.get(circuit or "", 0.0)
        at = STOP_FEATURES.index("bias")
        return replace(self.policy, stop=tuple(w + more * (i == at) for i, w in enumerate(self.policy.stop)))
