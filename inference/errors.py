"""Everything that can go wrong below the viewer.

* InsulaError                 one sentence that says what happened, and a hint that says what to do
  - InputRefused              the input cannot be used as it is                    (exit 3)
    - GeometryMismatch        two grids that must be one are not
  - EngineError               a model could not be made ready or did not answer     (exit 4)
    - ManifestInvalid         a bundle's manifest has unknown, missing or wrong fields
    - BackendMissing          the runtime library is not installed
    - PrecisionAbsent         this backend cannot run that precision on this machine
    - BadOutput               the network answered NaN, infinity or one constant
  - JobCancelled              the user stopped the job                             (exit 5)
"""

from __future__ import annotations

from typing import ClassVar


class InsulaError(Exception):
    """Root of every error that a user may see.

    Args:
        message: One sentence: what happened. No patient text.
        hint: One sentence: what to do next.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


class InputRefused(InsulaError):
    """The input cannot be used as it is."""

    code = "input_refused"
    exit_code = 3


class GeometryMismatch(InputRefused):
    """Two grids that must be one are not."""

    code = "geometry_mismatch"


class EngineError(InsulaError):
    """A model could not be made ready or did not answer."""

    code = "engine_failed"
    exit_code = 4


class ManifestInvalid(EngineError):
    """A bundle's manifest has unknown, missing or wrong fields."""

    code = "manifest_invalid"


class BackendMissing(EngineError):
    """The runtime library is not installed."""

    code = "backend_missing"


class PrecisionAbsent(EngineError):
    """This backend cannot run that precision on this machine."""

    code = "precision_absent"


class BadOutput(EngineError):
    """The network answered NaN, infinity or one constant."""

    code = "bad_output"


class JobCancelled(InsulaError):
    """The user stopped the job."""

    code = "cancelled"
    exit_code = 5

    def __init__(self) -> None:
        super().__init__("The job was cancelled.", "Start it again when you need it.")
