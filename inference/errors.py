"""Everything that can go wrong below the viewer.

* InsulaError                 one sentence that says what happened, and a hint that says what to do
  - InputRefused              the input cannot be used as it is                    (exit 3)
    - OtherRegion             the image shows another part of the body than the task is made for
    - GeometryMismatch        two grids that must be one are not
  - EngineError               a model could not be made ready or did not answer     (exit 4)
    - ManifestInvalid         a bundle's manifest has unknown, missing or wrong fields
    - BackendMissing          the runtime library is not installed
    - PrecisionAbsent         this backend cannot run that precision on this machine
    - BadOutput               the network answered NaN, infinity or one constant
    - MemoryRefused           the job needs more memory than the machine has free
    - EngineCrashed           the engine's process ended by a fault of its own
    - EngineKilled            the system ended the engine's process
    - EngineHung              the engine gave no sign of life for too long
  - JobCancelled              the user stopped the job                             (exit 5)
"""

from __future__ import annotations

from typing import Any, ClassVar


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

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross from the engine host; what a subclass asks of its own constructor does not matter there."""
        return _again, (type(self), self.message, self.hint)


def _again(kind: type[InsulaError], message: str, hint: str) -> InsulaError:
    error = kind.__new__(kind)
    InsulaError.__init__(error, message, hint)
    return error


class InputRefused(InsulaError):
    """The input cannot be used as it is."""

    code = "input_refused"
    exit_code = 3


class OtherRegion(InputRefused):
    """The image shows another part of the body than the task is made for."""


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


class MemoryRefused(EngineError):
    """The job needs more memory than the machine has free."""

    code = "memory_refused"


class EngineCrashed(EngineError):
    """The engine's process ended by a fault of its own."""

    code = "engine_crashed"


class EngineKilled(EngineError):
    """The system ended the engine's process."""

    code = "engine_killed"


class EngineHung(EngineError):
    """The engine gave no sign of life for too long."""

    code = "engine_hung"


class JobCancelled(InsulaError):
    """The user stopped the job."""

    code = "cancelled"
    exit_code = 5

    def __init__(self) -> None:
        super().__init__("The job was cancelled.", "Start it again when you need it.")
