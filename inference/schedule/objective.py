"""What a schedule is good at."""

from __future__ import annotations

from enum import Enum


class Objective(Enum):
    """PERIOD: time between frames of a stream. MAKESPAN: time for one frame of every model."""

    PERIOD = "period"
    MAKESPAN = "makespan"
