"""What follows when the bands of a race model do not hold what they promise: the one before it answers again."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pitcall.errors import PitcallError
from pitcall.ledger import Skill, alarm

if TYPE_CHECKING:
    from pitcall.adapters.objects import StorageSettings
    from pitcall.registry.alias import Alias


def answer_alarms(figures: Iterable[Skill]) -> list[str]:
    """Withdraw race models that are not to be believed, on trial or in service. A sentence for each. Raises nothing.

    Args:
        figures: over all races that were graded.
    """
    found = {figure.model: why for figure in figures if (why := alarm(figure))}
    return [f"calibration alarm: {model}: {why}; {_withdrawn(model, why)}" for model, why in found.items()]


def _withdrawn(model: str, why: str) -> str:
    """What was done about it."""
    from pitcall.adapters.objects import read_settings  # noqa: PLC0415 - numpy: only after an alarm
    from pitcall.adapters.registry import open_shelf  # noqa: PLC0415 - as above
    from pitcall.adapters.registry.race_model import NAME  # noqa: PLC0415 - as above

    try:
        settings = read_settings()
        with open_shelf(settings) as shelf:
            version = _version_of(model, shelf.alias(NAME)[0], settings)
            if version is None:
                return f"it is neither blessed nor on trial in {shelf.url}, so nothing is done"
            after = shelf.change(NAME, lambda alias: alias.withdraw(version, time.time(), f"by itself: {why}"))
            if version == after.blessed:
                return f"nothing was blessed before {version}, so it goes on: pitcall model bless {NAME} ANOTHER"
            return f"{version} is withdrawn, {after.blessed} answers"
    except PitcallError as exc:
        return f"it cannot be withdrawn: {exc.detail}"


def _version_of(model: str, alias: "Alias", settings: "StorageSettings") -> str | None:
    """The version under which the registry has a model that answers name; None unless it answers now."""
    from pitcall.adapters.model import manifest  # noqa: PLC0415 - as above
    from pitcall.adapters.registry import open_model  # noqa: PLC0415 - as above
    from pitcall.adapters.registry.race_model import NAME  # noqa: PLC0415 - as above

    for version in filter(None, (alias.canary.version if alias.canary else None, alias.blessed)):
        with open_model(NAME, version, settings=settings) as found:
            if manifest(found.folder).version == model:
                return version
    return None
