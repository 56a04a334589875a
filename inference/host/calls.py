"""One request on the viewer's side: what has come back for it so far."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass

from inference.errors import InsulaError
from inference.host.messages import Done, Failed, Message, Request, Step, Taken
from inference.host.process import HostProcess


@dataclass(frozen=True, slots=True)
class Lost:
    """The host is gone.

    Attributes:
        error: What to tell; None where the request had no part in it and can be made again.
    """

    error: InsulaError | None


class Call:
    """A request that waits for its answer.

    Args:
        patience_s: Silence allowed until the first sign of life.
    """

    def __init__(self, request: Request, process: HostProcess, patience_s: float) -> None:
        self.request, self.process = request, process
        # Not a SimpleQueue: its `get` waits for ever when a signal is handled for longer than its timeout.
        self.inbox: queue.Queue[Message | Lost] = queue.Queue()
        self.begun = False
        self._limit_s: float | None = patience_s
        self._sign = time.monotonic()

    @property
    def number(self) -> int:
        return self.request.number

    def next(self, timeout_s: float) -> Message | Lost | None:
        """What came next, or None when nothing did in time."""
        try:
            message = self.inbox.get(timeout=timeout_s)
        except queue.Empty:
            return None
        self._note(message)
        return message

    def ends_within(self, seconds: float) -> bool:
        """Whether the request comes to an end within this time, whatever else comes before."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if isinstance(self.next(left), Done | Failed | Lost):
                return True
        return False

    def silence(self, fixed_s: float | None) -> float | None:
        """The limit in seconds where the host has been silent for longer, else None.

        Args:
            fixed_s: Set by the user in place of the host's own.
        """
        if self._limit_s is None:
            return None
        limit = fixed_s if fixed_s is not None and self.begun else self._limit_s
        return limit if time.monotonic() - self._sign > limit else None

    def _note(self, message: Message | Lost) -> None:
        self._sign = time.monotonic()
        if isinstance(message, Taken):
            self._limit_s = None  # it waits in its lane: as long as those before it take
        elif isinstance(message, Step):
            self.begun, self._limit_s = True, message.patience_s
        elif isinstance(message, Done | Failed):
            self._limit_s = None
