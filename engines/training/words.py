"""What a recipe names must be there: one sentence with the names there are, for every kind of thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from inference.errors import InputRefused

T = TypeVar("T")


def named(table: Mapping[str, T], name: str, what: str) -> T:
    """The thing of that name.

    Raises:
        InputRefused: There is none.
    """
    if name not in table:
        raise InputRefused(
            f"There is no {what} {name!r} for a recipe of this kind.", f"Choose one of {', '.join(table)}."
        )
    return table[name]
