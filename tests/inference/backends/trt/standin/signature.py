"""Signatures as pybind11 writes them into docstrings, and calls checked against them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

OPENING, CLOSING = "([{<", ")]}>"
PREFIX = "tensorrt_bindings.tensorrt."


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    optional: bool


@cache
def overloads(doc: str) -> tuple[tuple[Parameter, ...], ...]:
    """Each way to call a function, from its docstring."""
    lines = re.findall(r"^(?:\d+\. )?\w*\((.*)\)(?: -> .*)?$", doc.strip(), flags=re.MULTILINE)
    return tuple(_parameters(line) for line in lines if line != "*args, **kwargs")


def _parameters(text: str) -> tuple[Parameter, ...]:
    return tuple(_parameter(part.strip()) for part in _split(text) if part.strip() not in ("", "/", "*"))


def _parameter(text: str) -> Parameter:
    name, _, rest = text.partition(":")
    kind, _, default = rest.partition("=")
    return Parameter(name.strip(), kind.strip().replace(PREFIX, ""), bool(default))


def _split(text: str) -> list[str]:
    parts, depth, begin = [], 0, 0
    for place, sign in enumerate(text):
        if sign in OPENING:
            depth += 1
        elif sign in CLOSING and text[place - 1] != "-":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(text[begin:place])
            begin = place + 1
    return [*parts, text[begin:]]


def bind(name: str, doc: str, known: dict, args: tuple, kwargs: dict) -> dict:
    """The arguments by name as the first fitting overload takes them.

    Raises:
        TypeError: None fits, as the real library answers.
    """
    ways = overloads(doc)
    if not ways:
        raise AssertionError(f"{name} has no signature to check against")
    for way in ways:
        bound = _bound(way, known, args, kwargs)
        if bound is not None:
            return bound
    raise TypeError(f"{name}(): incompatible function arguments {args} {kwargs}; it takes {ways}")


def _bound(way: tuple[Parameter, ...], known: dict, args: tuple, kwargs: dict) -> dict | None:
    names = [parameter.name for parameter in way]
    if len(args) > len(names) or set(kwargs) - set(names[len(args) :]):
        return None
    given = dict(zip(names, args, strict=False)) | kwargs
    missing = [each for each in way if each.name not in given and not each.optional]
    if missing or not all(fits(given[each.name], each.type, known) for each in way if each.name in given):
        return None
    return given


def fits(value: object, kind: str, known: dict) -> bool:
    """Whether a value may be given for a type as pybind11 names it."""
    if kind in ("int", "typing.SupportsInt"):
        return hasattr(value, "__index__")
    if kind in ("float", "typing.SupportsFloat"):
        return hasattr(value, "__float__") or hasattr(value, "__index__")
    if kind in ("str", "bool"):
        return isinstance(value, {"str": str, "bool": bool}[kind])
    if kind in ("buffer", "typing_extensions.Buffer"):
        return isinstance(value, (bytes, bytearray, memoryview)) or hasattr(value, "__bytes__")
    plain = kind.replace("nvinfer1::", "").rsplit(".", maxsplit=1)[-1]
    if plain in known and plain != "Dims":
        return isinstance(value, known[plain]) and value._begun
    return True
