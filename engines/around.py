"""An engine that stands round another one."""

from __future__ import annotations

from inference.backends.base import Arrays, Engine, TensorSpec
from inference.volume import Floats


class Around:
    """See `inference.backends.base.Engine`: all is the inner one's; who watches overrides `infer`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._engine.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._engine.outputs

    def infer(self, feed: Arrays) -> dict[str, Floats]:
        return self._engine.infer(feed)

    def cancel(self) -> None:
        self._engine.cancel()

    def close(self) -> None:
        self._engine.close()
