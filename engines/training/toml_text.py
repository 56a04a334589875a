"""Writes the few kinds of TOML that a manifest has, one key a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def toml_text(table: Mapping[str, Any], prefix: str = "") -> str:
    """A table of strings, numbers, lists of those, tables and lists of tables, as TOML."""
    plain = {k: v for k, v in table.items() if not _is_nested(v)}
    blocks = ["\n".join(f"{key} = {_value(v)}" for key, v in plain.items())]
    for key, value in table.items():
        if isinstance(value, Mapping):
            blocks.append(f"[{prefix}{key}]\n{toml_text(value, f'{prefix}{key}.')}".rstrip())
        elif _is_nested(value):
            blocks += [f"[[{prefix}{key}]]\n{toml_text(item, f'{prefix}{key}.')}".rstrip() for item in value]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(v) for v in value)}]"
    return json.dumps(value, ensure_ascii=False)
