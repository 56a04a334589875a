"""Adds a model to the tasks of this program: the work runs in a process of its own, apart from the window."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inference.errors import EngineError, InputRefused, InsulaError
from inference.result import CancelledFn, Progress, ProgressFn


@dataclass(frozen=True, slots=True)
class Addition:
    """What a user asks for in the window; the fields are those of `engines.deploy.wish.Wish`."""

    source: Path
    channels: tuple[str, ...] = ()
    calibration: Path | None = None
    mirror: bool = True
    trust: bool = False


def add_model(wanted: Addition, progress: ProgressFn, cancelled: CancelledFn) -> str:
    """Deploy a model in a process of its own, which a fault of a library ends instead of this one.

    Returns:
        The name of the task that is installed now.

    Raises:
        InsulaError: See `engines.deploy.chain.deploy`. EngineError: The process ended without an answer.
        JobCancelled: `cancelled` became true.
    """
    from engines import child  # the window's start does not wait for it

    last: dict[str, Any] = {}

    def heard(line: str) -> None:
        said = json.loads(line)
        if "progress" in said:
            progress(Progress(**said["progress"]))
        last.update(said)

    code = child.follow("viewer.deploy", json.dumps(asdict(wanted), default=str) + "\n", heard, cancelled)
    if "error" in last:
        raise _error(last["error"], code)
    if "answer" not in last:
        raise EngineError(f"Adding the model ended with code {code}.", "Run `insula engines deploy` to see why.")
    return str(last["answer"]["task"])


def _error(said: dict[str, str], code: int) -> InsulaError:
    kind = InputRefused if code == InputRefused.exit_code else EngineError
    return kind(said["message"], said["hint"])
