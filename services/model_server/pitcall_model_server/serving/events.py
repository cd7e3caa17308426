"""What happens to the versions of a model, said where people and machines look: a line in the log and a counter.

The counters are ``pitcall.model.swapped``, ``.refused`` and ``.withdrawn``, each with the attribute ``model``, in
whatever OpenTelemetry metrics reader the process has. What changed in the store stands in the alias too, for
``pitcall model status``.
"""

import logging

from opentelemetry import metrics

_log = logging.getLogger(__name__)
_meter = metrics.get_meter("pitcall")
_swapped = _meter.create_counter("pitcall.model.swapped", description="Versions that began to answer.")
_refused = _meter.create_counter("pitcall.model.refused", description="Versions that were not let in.")
_withdrawn = _meter.create_counter("pitcall.model.withdrawn", description="Versions taken out of service as bad.")


def swapped(name: str, version: str, before: str | None) -> None:
    """A version answers from now on."""
    _swapped.add(1, {"model": name})
    _log.info("%s: %s answers%s", name, version, f" in place of {before}" if before else "")


def refused(name: str, version: str, why: str, serving: str | None) -> None:
    """A version is not let in; what served before goes on."""
    _refused.add(1, {"model": name})
    _log.error("%s: %s is refused, %s goes on: %s", name, version, serving or "the package's model", why)


def withdrawn(name: str, version: str, why: str) -> None:
    """A version that answered is bad."""
    _withdrawn.add(1, {"model": name})
    _log.error("%s: %s is withdrawn: %s", name, version, why)
