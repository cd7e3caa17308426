"""Where an imported model comes from: what the person says, else what the folder tells."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from pitcall.adapters.registry.package import DEFAULTS
from pitcall.errors import InvalidRequest
from pitcall.registry.manifest import Origin


def origin(
    name: str, folder: Path, *, licence: str | None, data: str | None, command: str | None, metrics: Iterable[str],
    tolerance: float | None,
) -> Origin:  # fmt: skip
    """The origin of a folder's model.

    Raises:
        InvalidRequest: the licence is not known, or a metric is no number.
    """
    if licence is None and name not in DEFAULTS:
        raise InvalidRequest("say under which licence the model may be used: --licence Apache-2.0")
    told = _told(folder)
    return Origin(
        licence=licence or DEFAULTS[name].licence,
        data=data if data is not None else told.get("data", ""),
        command=command if command is not None else told.get("command", ""),
        metrics=dict(_metric(text) for text in metrics),
        tolerance=tolerance if tolerance is not None else DEFAULTS[name].tolerance if name in DEFAULTS else 0.0,
    )


def _metric(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not name or not math.isfinite(value):
        raise InvalidRequest(f"--metric {text!r:.60} is no NAME=NUMBER")
    return name, value


def _told(folder: Path) -> Mapping[str, str]:
    """What ``pitcall fit`` wrote beside the parameters; nothing if somebody else made the folder."""
    try:
        raw = json.loads((folder / "manifest.json").read_bytes())
        seasons = ", ".join(f"{year} ({int(races)} races)" for year, races in raw["seasons"].items())
        # Answers name the model by this: it is the name of its weights, whatever lies beside them.
        made = f"{raw['version']}, " if "version" in raw else ""
        return {"data": f"{made}seasons {seasons}", "command": str(raw["command"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
