"""Plans that lie beside an imported model as JSON: a frozen dataclass with its schema's number, checked when read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from inference.errors import ManifestInvalid
from inference.table import build

SCHEMA = 1

P = TypeVar("P")


def read(cls: type[P], path: Path, faults: Callable[[P], list[str]]) -> P:
    """Read and check a plan.

    Args:
        faults: Rules between fields that do not hold, each as half a sentence.

    Raises:
        ManifestInvalid: It is missing, broken, or has unknown, missing or wrong fields (each is named).
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestInvalid(f"The plan {path} cannot be read.", "Import the model again.") from error
    if not isinstance(table, dict) or table.pop("schema", None) != SCHEMA:
        raise ManifestInvalid(f"{path} is not of schema {SCHEMA}.", "Import the model again or update Insula.")
    plan = build(cls, table, str(path))
    wrong = faults(plan)
    if wrong:
        raise ManifestInvalid(f"{path}: {'; '.join(wrong)}.", "Import the model again.")
    return plan


def text(plan: Any) -> str:
    """The content that `read` reads, of a dataclass."""
    return json.dumps({"schema": SCHEMA, **asdict(plan)}, indent=2, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else str(value)
