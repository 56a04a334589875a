"""Both graphs run node by node in ONNX Runtime: how far does a change move the answers?"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engines.surgery.net import Net
from engines.surgery.rewrites.base import SHARE, Exactness
from inference.backends import graph
from inference.backends.base import Arrays
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import EngineError

Real = TypeVar("Real", bound=np.floating[Any])
Answer = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two graphs are apart over some inputs.

    Attributes:
        most: Largest absolute difference, in the output's own unit.
        share: The same as a share of the range of that output.
    """

    most: float
    share: float

    def within(self, exactness: Exactness) -> bool:
        """Whether a claim holds: bitwise is 0, rounding 1e-5 of the range, approximate anything finite."""
        if exactness is Exactness.BITWISE:
            return self.most == 0
        return self.share <= SHARE if exactness is Exactness.ROUNDING else bool(np.isfinite(self.share))


def random_feeds(net: Net, count: int = 2, seed: int = 7) -> list[Arrays]:
    """Normal noise, and one impulse in the middle of nothing, for every input."""
    source = np.random.default_rng(seed)
    shapes = {value.name: net.fixed(value.name) for value in net.inputs}
    feeds = [{name: source.standard_normal(s).astype(np.float32) for name, s in shapes.items()} for _ in range(count)]
    impulse = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    for array in impulse.values():
        array[tuple(n // 2 for n in array.shape)] = 1
    return [*feeds, impulse]


def answers(model: Any, feeds: Sequence[Arrays]) -> list[Answer]:
    """What a graph says to each feed, its operations as written and one after another.

    Raises:
        EngineError: ONNX Runtime cannot run it.
    """
    import onnx

    with tempfile.TemporaryDirectory(prefix="insula-proof-") as scratch:
        file = Path(scratch) / "graph.onnx"
        onnx.save(model, file)
        backend = OnnxRuntimeBackend(optimise=False)
        with closing(backend.load(file, graph.read(file).precision, "CPU")) as engine:
            return [engine.infer(feed) for feed in feeds]


def turned(net: Net, feeds: Sequence[Arrays]) -> list[Arrays]:
    """The feeds as a graph wants them whose inputs may have been transposed from channels last to channels first."""
    return [{name: _like(array, net.fixed(name)) for name, array in feed.items()} for feed in feeds]


def difference(before: Sequence[Answer], after: Sequence[Answer]) -> Difference:
    """The worst over all outputs that both have; an answer may have been transposed at the border.

    The range of an output is that over all inputs: one of them may well give hardly anything.

    Raises:
        EngineError: The two have no output in common.
    """
    shared = [name for name in before[0] if name in after[0]]
    if not shared:
        raise EngineError("The two graphs share no output.", "Rewrite without changing the border.")
    found = [_one([one[name] for one in before], [other[name] for other in after]) for name in shared]
    return Difference(max(d.most for d in found), max(d.share for d in found))


def _one(before: Sequence[NDArray[np.float32]], after: Sequence[NDArray[np.float32]]) -> Difference:
    wide = [array.astype(np.float64) for array in before]
    most = max(float(np.abs(_like(a, b.shape) - b).max()) for a, b in zip(wide, after, strict=True))
    extent = max(float(a.max()) for a in wide) - min(float(a.min()) for a in wide)
    return Difference(most, most / (extent or max(float(np.abs(a).max()) for a in wide) or 1.0))


def _like(array: NDArray[Real], shape: tuple[int, ...]) -> NDArray[Real]:
    """The array with its channels in front, if only that brings it to a shape."""
    if array.shape == shape:
        return array
    return np.ascontiguousarray(np.moveaxis(array, -1, 1))
