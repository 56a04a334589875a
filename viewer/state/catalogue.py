"""What is there to be shown: the study, its volumes as they arrive, the results as they are made. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inference.result import Kind, Precision, Result
from inference.volume import Channel, Volume
from viewer.study import Study

ResultKey = tuple[str, Precision]
"""(task name, precision)"""


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Everything loaded so far. A new one is made for each arrival; views hold no voxels of their own.

    Attributes:
        study: The study, or None before one is opened.
        volumes: Series uid -> volume read so far (while it loads, `Volume.valid` is False on slices still to come).
        results: (task, precision) -> result.
        result_source: (task, precision) -> series uid on whose grid the result lies.
        failures: (task, precision) -> one sentence.
        kinds: Task name -> what it makes, for every task on offer; tells which pane a failure belongs to.
        inputs: Task name -> channel -> uid of the series that feeds it, "" where the study lacks it.
    """

    study: Study | None = None
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    results: Mapping[ResultKey, Result] = field(default_factory=dict)
    result_source: Mapping[ResultKey, str] = field(default_factory=dict)
    failures: Mapping[ResultKey, str] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[Channel, str]] = field(default_factory=dict)
