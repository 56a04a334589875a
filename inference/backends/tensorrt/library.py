"""The tensorrt module, and what differs between its generations: a table, so that the code has one path."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from inference.errors import BackendMissing

INSTALL = "On a Jetson run `bash packaging/jetson.sh`, elsewhere `pip install 'insula[tensorrt]'`."


class Typing(Enum):
    """Who decides the number format of a layer."""

    WEAK = "weak"  # flags and constraints given to the builder
    STRONG = "strong"  # the graph


@dataclass(frozen=True, slots=True)
class Generation:
    """How one generation of TensorRT is spoken to.

    Attributes:
        first: The version it begins with.
        typing: Who decides the number format of a layer.
        explicit_batch: A network must be asked to count its batch among the dimensions.
        asks_native_norm: The parser makes instance norms a plugin unless asked for layers.
        bf16: The builder knows a flag for bfloat16.
        progress: The builder reports how far it is and can be stopped.
        dla: It can build for DLA cores where the device has some.
        adjusts_for_dla: The parser can rewrite what a DLA runs only in another form, and must be asked to.
    """

    first: tuple[int, ...]
    typing: Typing = Typing.WEAK
    explicit_batch: bool = False
    asks_native_norm: bool = False
    bf16: bool = True
    progress: bool = True
    dla: bool = True
    adjusts_for_dla: bool = False


# NVIDIA's release notes and headers; 10.8 to 11.4.0 build for no DLA, 11.4.1 (JetPack 7.2.2) does again.
GENERATIONS = (
    Generation((8, 5), explicit_batch=True, bf16=False, progress=False),
    Generation((8, 6), explicit_batch=True, asks_native_norm=True, bf16=False, progress=False),
    Generation((10, 0)),
    Generation((10, 8), dla=False),
    Generation((11, 0), Typing.STRONG, bf16=False, dla=False),
    Generation((11, 4, 1), Typing.STRONG, bf16=False, adjusts_for_dla=True),
)


def generation(version: str) -> Generation:
    """The row of the table that a version belongs to.

    Raises:
        BackendMissing: Older than the first row.
    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    fitting = [row for row in GENERATIONS if row.first <= numbers]
    if not fitting:
        raise BackendMissing(f"TensorRT {version} is too old.", "Use TensorRT 8.5 or newer.")
    return fitting[-1]


@cache
def tensorrt() -> Any:
    """The imported library.

    Raises:
        BackendMissing: It is absent or cannot start.
    """
    try:
        return importlib.import_module("tensorrt")
    except (ImportError, OSError, AttributeError) as error:
        raise BackendMissing("TensorRT is not installed or cannot start.", INSTALL) from error


def here() -> Generation:
    """The generation of the installed library."""
    return generation(str(tensorrt().__version__))
