"""Frozen dataclasses from a parsed TOML or JSON table; every unknown, missing or wrong field is named."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from inference.errors import ManifestInvalid

T = TypeVar("T")


def build(cls: type[T], table: dict[str, Any], where: str) -> T:
    """Make `cls` from a table.

    Fields may be str, int, float, bool, Path, Enum, another dataclass, a tuple of those, a dict of those by name, or
    one of those or None.

    Args:
        where: Start of the sentence that names a fault: the file, then the field.

    Raises:
        ManifestInvalid: Fields are unknown, missing or of the wrong kind.
    """
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - set(known))
    missing = sorted(n for n, f in known.items() if _is_required(f) and n not in table)
    if unknown or missing:
        parts = [f"unknown: {', '.join(unknown)}"] * bool(unknown) + [f"missing: {', '.join(missing)}"] * bool(missing)
        raise ManifestInvalid(f"{where} has wrong fields ({'; '.join(parts)}).", "Correct the manifest.")
    return cls(**{n: _convert(hints[n], value, f"{where}: {n}") for n, value in table.items()})


def _is_required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _convert(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (h for h in get_args(hint) if h is not NoneType)
        return None if value is None else _convert(inner, value, where)
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(_convert(get_args(hint)[0], item, where) for item in value)
    if get_origin(hint) is dict and isinstance(value, dict):
        return {key: _convert(get_args(hint)[1], item, f"{where}.{key}") for key, item in value.items()}
    if is_dataclass(hint) and isinstance(value, dict):
        return build(hint, value, where)  # type: ignore[arg-type]
    return _plain(hint, value, where)


def _plain(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, type) and issubclass(hint, Enum) and value in [member.value for member in hint]:
        return hint(value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (str, int, bool, Path) and isinstance(value, hint) and (hint is bool) == isinstance(value, bool):
        return value
    raise ManifestInvalid(f"{where} has a wrong value: {value!r}.", "Correct the manifest.")
