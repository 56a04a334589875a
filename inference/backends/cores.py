"""How many processor cores the calling thread is confined to: a lane pins its thread before it loads engines."""

from __future__ import annotations

import os


def confined_to() -> int | None:
    """Cores of this thread where they are fewer than its process may use; None where it is free, or nobody knows."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    own, process = os.sched_getaffinity(0), os.sched_getaffinity(os.getpid())
    return len(own) if own < process else None
