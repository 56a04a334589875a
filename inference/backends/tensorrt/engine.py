"""One model made ready for one device."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from inference.backends import graph
from inference.backends.base import Arrays, TensorSpec, checked_answer, checked_feed
from inference.backends.tensorrt import cuda
from inference.backends.tensorrt.inspection import CORES, Inspection
from inference.backends.tensorrt.placement import Placement
from inference.backends.tensorrt.session import LayerTime, Session
from inference.errors import EngineError


class TensorRtEngine:
    """Answers on any thread: the CUDA context is made current around each piece of work.

    Args:
        session: Ready to run; the engine frees it, and the DLA places that `inspection` counts.
        inspection: What the library made of the model.
    """

    def __init__(
        self, session: Session, border: graph.Graph, gpu: cuda.Gpu, placement: Placement, inspection: Inspection
    ) -> None:
        self.inspection = inspection
        self._session: Session | None = session
        self._border = border
        self._gpu = gpu
        self._placement = placement
        self._turn = threading.Lock()
        self._cancelled = threading.Event()

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._border.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._border.outputs

    def infer(self, feed: Arrays) -> dict[str, NDArray[np.float32]]:
        """See `Engine.infer`."""
        ready = checked_feed(feed, self.inputs)
        with self._working() as session:
            answer = session.run(ready, self._cancelled.is_set)
        return checked_answer(answer)

    def profile(self, feed: Arrays, runs: int = 10) -> tuple[LayerTime, ...]:
        """Median time of each layer as the library reports it; a DLA piece is one entry and none of its layers.

        Raises:
            EngineError: A wrong name or shape, or the library failed.
        """
        ready = checked_feed(feed, self.inputs)
        with self._working() as session:
            return session.profile(ready, runs)

    def cancel(self) -> None:
        """See `Engine.cancel`. What the device has begun ends by itself; nobody waits for it but the next run."""
        if self._turn.locked():
            self._cancelled.set()

    def close(self) -> None:
        """See `Engine.close`."""
        with self._turn, self._gpu.current():
            if self._session is not None:
                self._session.settle()
                self._session.free()
                self._session = None
                CORES.give_back(self._placement, self.inspection.loadables)

    @contextmanager
    def _working(self) -> Iterator[Session]:
        with self._turn, self._gpu.current():
            if self._session is None:
                raise EngineError("The engine was closed before it was asked.", "Load it again.")
            self._cancelled.clear()
            try:
                yield self._session
            except cuda.driver().Error as error:
                raise EngineError("CUDA failed while it ran the model.", "Start the program again.") from error
