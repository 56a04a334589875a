"""A MONAI bundle's inference.json as plain data: references are looked up, expressions are never evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.errors import InputRefused

DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Part:
    """An object that the configuration describes: the last word of its `_target_`, and its arguments."""

    name: str
    arguments: Mapping[str, Any]


def refused(what: str, hint: str = "Import only what runs here exactly; ask the model's authors.") -> InputRefused:
    """The one way to say no."""
    return InputRefused(f"The MONAI bundle cannot run here: {what}.", hint)


class Config:
    """Content of inference.json."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table

    def has(self, name: str) -> bool:
        """Whether the top level has something of that name."""
        return name in self._table

    def part(self, name: str) -> Part:
        """The object under a name of the top level.

        Raises:
            InputRefused: There is none, or it is no object.
        """
        found = self.value(f"@{name}")
        if not isinstance(found, Mapping):
            raise refused(f"inference.json has no {name}")
        return self.object(found)

    def object(self, table: Any) -> Part:
        """An object with its references looked up one level deep."""
        if not isinstance(table, Mapping) or not isinstance(table.get("_target_"), str):
            raise refused("inference.json has something without a _target_ where a transform should be")
        arguments = {k: v for k, v in table.items() if not (k.startswith("_") and k.endswith("_"))}
        return Part(str(table["_target_"]).rpartition(".")[2], arguments)

    def parts(self, name: str) -> list[Part]:
        """The transforms of a Compose, those switched off left out."""
        whole = self.part(name)
        if whole.name != "Compose":
            raise refused(f"{name} is a {whole.name}, not a Compose")
        listed = self.value(whole.arguments.get("transforms", []))
        if not isinstance(listed, list):
            raise refused(f"{name} lists no transforms")
        tables = [self.value(one) for one in listed]
        return [self.object(table) for table in tables if not self._is_off(table)]

    def value(self, found: Any, depth: int = 0) -> Any:
        """Plain data with every reference in it replaced by what it names.

        Raises:
            InputRefused: It is an expression, names nothing, or goes round in a circle.
        """
        if depth > DEEPEST:
            raise refused("inference.json refers to itself")
        if isinstance(found, str) and found.startswith("@"):
            return self.value(self._named(found[1:]), depth + 1)
        if isinstance(found, str) and found.startswith("$"):
            raise refused(
                f"inference.json computes a value ({found[:60]})", "Write the value itself into inference.json."
            )
        if isinstance(found, list):
            return [self.value(one, depth + 1) for one in found]
        return found

    def _named(self, path: str) -> Any:
        found: Any = self._table
        for key in re.split(r"::|#", path):
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError) as error:
                raise refused(f"inference.json refers to {path}, which is not there") from error
        return found

    def _is_off(self, table: Any) -> bool:
        off = self.value(table.get("_disabled_", False)) if isinstance(table, Mapping) else False
        return off is True or (isinstance(off, str) and off.lower() == "true")
