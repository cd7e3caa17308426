"""JSON that others wrote, read strictly: no name twice, no number that is none, nothing of the wrong kind."""

import json
import math
from collections.abc import Iterable
from typing import Any, TypeVar

from pitcall.errors import ModelRefused

_T = TypeVar("_T")


class _WrongError(ValueError):
    """Found while the text was read."""


def parse(text: bytes, where: str) -> Any:  # noqa: ANN401  # whatever the text holds
    """The value of a JSON text.

    Raises:
        ModelRefused: it is no JSON, holds a name twice, a NaN or an infinity, or is nested without end.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
    except RecursionError as exc:
        raise ModelRefused(f"{where} is nested too deep") from exc
    except _WrongError as exc:
        raise ModelRefused(f"{where}: {exc}") from exc
    except ValueError as exc:
        raise ModelRefused(f"{where} is no JSON text") from exc


def table(value: object, names: Iterable[str], where: str) -> dict[str, Any]:
    """An object with exactly these names.

    Raises:
        ModelRefused: it is none, a name is missing, or there is another one.
    """
    wanted = set(names)
    if not isinstance(value, dict):
        raise ModelRefused(f"{where} must hold {', '.join(sorted(wanted))}")
    if wrong := sorted(set(value) ^ wanted):
        raise ModelRefused(f"{where} must hold {', '.join(sorted(wanted))}; look at {wrong[0]!r:.60}")
    return value


def of_kind(value: object, kind: type[_T], where: str) -> _T:
    """The value, if it is of this type.

    Raises:
        ModelRefused: it is of another.
    """
    if type(value) is not kind:  # True is no int here
        raise ModelRefused(f"{where} must be {kind.__name__}, not {value!r:.60}")
    return value


def number(value: object, where: str) -> float:
    """The value, if it is a number.

    Raises:
        ModelRefused: it is none.
    """
    return float(value) if type(value) is int and abs(value) < 1 << 53 else of_kind(value, float, where)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _WrongError("a name stands in it twice")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _WrongError(f"{text:.20} is no number")
    return value
