"""Why a host ended, in one sentence."""

from __future__ import annotations

import signal

from inference.errors import EngineCrashed, EngineError, EngineHung, EngineKilled

AGAIN = "Run the task again; if it happens again, choose another backend or precision."
_FAULTS = {
    "SIGSEGV": "segmentation fault",
    "SIGBUS": "memory that is not there",
    "SIGABRT": "the library gave up",
    "SIGILL": "an instruction that this processor does not know",
    "SIGFPE": "an arithmetic fault",
}
# Windows names them by NTSTATUS: access violation, stack overflow, illegal instruction, abort.
_STATUSES = {
    0xC0000005: "segmentation fault",
    0xC00000FD: "stack overflow",
    0xC000001D: "an instruction that this processor does not know",
    0xC0000409: "the library gave up",
}


def ended(status: int) -> EngineError:
    """The error for a host that ended on its own while it had work.

    Args:
        status: As `subprocess.Popen.returncode`: minus the signal's number, or the exit status.
    """
    if status == -getattr(signal, "SIGKILL", 9):
        return EngineKilled(
            "The engine was ended by the system, most likely because memory ran out.",
            "Close other studies or programs, or choose a smaller precision, and run the task again.",
        )
    return EngineCrashed(f"The engine crashed ({_cause(status)}) and was started anew.", AGAIN)


def never_began(status: int | None) -> EngineError:
    """The error for a host that ended before it could listen."""
    how = "cannot be started" if status is None else f"ended before it was ready ({_cause(status)})"
    return EngineCrashed(f"The process of the engines {how}.", "Look at the log, or check with `insula doctor`.")


def hung(seconds: float) -> EngineError:
    """The error for an engine that was stopped because it went silent."""
    return EngineHung(
        f"The engine did not answer for {round(seconds, 1):g} s and was stopped.",
        "Run the task again, choose another backend, or allow more time with INSULA_ENGINE_PATIENCE_S.",
    )


def _cause(status: int) -> str:
    if status in _STATUSES:
        return _STATUSES[status]
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
    return _FAULTS.get(name, name)
