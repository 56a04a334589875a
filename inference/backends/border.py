"""The border of an engine whose library works on whole arrays: checks, half rounding, one infer at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from inference.backends.base import Arrays, checked_answer, checked_feed, halved
from inference.backends.graph import Graph

Answer = dict[str, NDArray[np.float32]]


class Border:
    """What stands between a caller and a library.

    Args:
        graph: Names and shapes.
        half: Round what passes in and out to half precision.
    """

    def __init__(self, graph: Graph, half: bool) -> None:
        self.inputs = graph.inputs
        self.outputs = graph.outputs
        self.turn = threading.Lock()
        self._half = half

    def infer(self, feed: Arrays, run: Callable[[Arrays], Answer]) -> Answer:
        """Check, wait for the turn, run, check. See `Engine.infer`."""
        ready = checked_feed(feed, self.inputs)
        with self.turn:
            answer = run(halved(ready) if self._half else ready)
        return checked_answer(halved(answer) if self._half else answer)
