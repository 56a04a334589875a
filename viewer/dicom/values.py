"""Reading single values from a pydicom data set without trusting it: a broken value is an absent value."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag

NUMBER_TEXT = re.compile(rb"[ \d+\-.eE\\]+\0?")
Key = str | tuple[int, int]


def value(data: Dataset, key: Key) -> Any:
    """The value behind a keyword or a (group, element) pair, or None where it is absent, empty or broken."""
    try:
        if isinstance(key, str):
            return data.get(key)
        element = data.get(tag(key))
        return None if element is None else element.value
    except Exception:  # pydicom raises many kinds of error on malformed values, all of which mean: not readable
        return None


def tag(key: tuple[int, int]) -> BaseTag:
    return Tag(key[0], key[1])


def text(data: Dataset, key: Key) -> str:
    """One line of text, or ""."""
    found = value(data, key)
    if isinstance(found, bytes):
        found = found.decode("ascii", "replace")
    if isinstance(found, (list, MultiValue)):
        found = found[0] if len(found) else None
    return "" if found is None else " ".join(str(found).replace("\0", " ").split())


def words(data: Dataset, key: Key) -> tuple[str, ...]:
    """Every value of a multi-valued text, in upper case."""
    found = value(data, key)
    if found is None:
        return ()
    many = found if isinstance(found, (list, tuple, MultiValue)) else str(found).split("\\")
    return tuple(str(word).strip().upper() for word in many)


def numbers(data: Dataset, key: Key, count: int = 0) -> tuple[float, ...]:
    """Every value as a finite float; () where one is not, or where `count` is asked and another number is there."""
    found = value(data, key)
    if found is None or isinstance(found, Dataset):
        return ()
    many = _plain(found)
    try:
        read = tuple(float(number) for number in many)
    except (TypeError, ValueError, OverflowError):
        return ()
    if not all(math.isfinite(number) for number in read) or (count and len(read) != count):
        return ()
    return read


def number(data: Dataset, key: Key) -> float | None:
    """The first value as a float, or None."""
    found = numbers(data, key)
    return found[0] if found else None


def whole(data: Dataset, key: Key, default: int = 0) -> int:
    """The first value as an int."""
    found = number(data, key)
    return default if found is None else int(found)


def items(data: Dataset, key: str) -> list[Dataset]:
    """The items of a sequence, or []."""
    found = value(data, key)
    if found is None or isinstance(found, (str, bytes)) or not isinstance(found, Iterable):
        return []
    return [item for item in found if isinstance(item, Dataset)]


def first(data: Dataset, key: str) -> Dataset:
    """The first item of a sequence, or an empty data set."""
    found = items(data, key)
    return found[0] if found else Dataset()


def _plain(found: Any) -> Iterable[Any]:
    """Private values in implicit VR come as bytes: text numbers ("1000\\\\8"), or one binary float."""
    if not isinstance(found, bytes):
        return found if isinstance(found, (list, tuple, MultiValue)) else (found,)
    if NUMBER_TEXT.fullmatch(found):
        return found.decode("ascii").strip(" \0").split("\\")
    return struct.unpack("<f", found) if len(found) == 4 else ()
