"""The way of a slice through one model: steps, each on a lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of a model's work on one slice.

    Attributes:
        lane: Name of the lane it runs on.
        label: Row text on the timeline.
        work: Takes what the step before gave, the slice itself at first; gives what the next takes, the answer at
            last. One runs at a time.
        cancel: Stops a running `work`, called from another thread.
        rank: Of the steps of one slice that wait for one lane, the lowest goes first.
    """

    lane: str
    label: str
    work: Callable[[Any], Any]
    cancel: Callable[[], None] = _nothing
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """A model's steps in their order."""

    model: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """One slice that every model has answered.

    Attributes:
        number: Counted from 0 in the order of arrival.
        answers: By model.
        due_s: When the slice arrived: `time.perf_counter` when it was taken up, or when the scanner's pace set it.
        done_s: When the last model had answered.
    """

    number: int
    answers: Mapping[str, Any]
    due_s: float
    done_s: float

    @property
    def latency_s(self) -> float:
        return self.done_s - self.due_s
