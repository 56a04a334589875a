"""What a stopped run keeps of a trainee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Resumable:
    """A trainee whose whole state lies in some parts.

    Args:
        parts: Networks, optimisers and gradient scalers by the names of the checkpoint.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = parts

    def state(self) -> dict[str, Any]:
        """Everything a later run needs to go on."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Undo `state`."""
        for name, part in self._parts.items():
            if state[name]:  # a scaler that was never switched on keeps nothing
                part.load_state_dict(state[name])
