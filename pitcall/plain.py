"""Frozen dataclasses as plain values (dict, list, number, text) that JSON can hold, and back with every check. Pure.

Fields may be float, int, str, bool, another dataclass, a tuple or a mapping from text to one of these.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from pitcall.errors import InvalidRequest

_T = TypeVar("_T")
#: Field type -> what a JSON value of it may be.
_ACCEPTS: Final[dict[object, tuple[type, ...]]] = {float: (int, float), int: (int,), str: (str,), bool: (bool,)}


def to_plain(value: Any) -> Any:  # noqa: ANN401  # any field of any dataclass
    """``value`` in dicts, lists, numbers and texts; fields in their order, mappings by key."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[_T], where: str, raw: object) -> _T:
    """The ``kind`` that ``to_plain`` wrote. Every field must be there: a default of today is not what was meant then.

    Args:
        kind: the dataclass.
        where: what ``raw`` is called in messages.
        raw: the plain value.

    Raises:
        InvalidRequest: a key too many or too few, a value of another type, not finite, or refused by the dataclass.
    """
    if not isinstance(raw, Mapping):
        raise InvalidRequest(f"{where} must be an object, not {raw!r:.40}")
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable; mypy sees its instances
    unknown, missing = sorted(raw.keys() - hints.keys()), sorted(hints.keys() - raw.keys())
    if unknown or missing:
        wrong = [f"unknown {', '.join(map(str, unknown))}"] * bool(unknown)
        wrong += [f"missing {', '.join(missing)}"] * bool(missing)
        raise InvalidRequest(f"{where}: {'; '.join(wrong)}")
    values = {name: _value(hint, f"{where}.{name}", raw[name]) for name, hint in hints.items()}
    try:
        return kind(**values)
    except ValueError as exc:
        raise InvalidRequest(f"{where}: {exc}") from exc


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, where: str, raw: object) -> Any:  # noqa: ANN401  # as above
    if hint in _ACCEPTS:
        if not isinstance(raw, _ACCEPTS[hint]) or (isinstance(raw, bool) and hint is not bool):
            raise InvalidRequest(f"{where} must be {hint.__name__}, not {raw!r:.40}")
        if isinstance(raw, float) and not math.isfinite(raw):
            raise InvalidRequest(f"{where} must be finite, not {raw}")
        return float(raw) if hint is float else raw  # type: ignore[arg-type]  # int or float: checked above
    if is_dataclass(hint):
        return from_plain(hint, where, raw)  # type: ignore[arg-type]  # a class, not an instance
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        if not isinstance(raw, list) or (inner[-1] is not ... and len(raw) != len(inner)):
            size = "" if inner[-1] is ... else f" of {len(inner)}"
            raise InvalidRequest(f"{where} must be a list{size}, not {raw!r:.40}")
        return tuple(_value(inner[0], f"{where}[{i}]", item) for i, item in enumerate(raw))
    if not isinstance(raw, Mapping):
        raise InvalidRequest(f"{where} must be an object, not {raw!r:.40}")
    return MappingProxyType({str(key): _value(inner[1], f"{where}.{key}", item) for key, item in raw.items()})
