"""A step of the ladder: one way to run a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engines.derive import graph_of
from engines.library import Bundle
from engines.vector import Sample
from inference.backends import graph, registry
from inference.backends.base import Arrays, Backend, Engine
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import BackendMissing
from inference.result import Precision

Given = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Place:
    """Who runs a step: "" where nobody does."""

    backend: str = ""
    version: str = ""
    device: str = ""
    kind: str = ""


class Step(Protocol):
    """One way to run a network. Open it, run it, close it; it may be opened again."""

    @property
    def name(self) -> str: ...

    @property
    def precision(self) -> Precision: ...

    @property
    def place(self) -> Place: ...

    @property
    def exact(self) -> bool:
        """Whether it shall compute the very numbers of the first step, but for the order of sums."""
        ...

    def graph(self) -> Path | None:
        """The ONNX graph it runs; None where there is none to look into."""
        ...

    def run(self, feed: Arrays) -> Given | None:
        """Answer one feed, None where it has no answer to it.

        Raises:
            EngineError: As `inference.backends.base.Engine.infer`.
        """
        ...

    def open(self, model: Path) -> Engine:
        """An engine of the same kind on another graph, for whoever looks inside."""
        ...

    def close(self) -> None: ...


class Stored:
    """What the bundle's test vector says; it answers the vector's own samples and nothing else."""

    name = "stored answer"
    place = Place()
    precision = Precision.FP32
    exact = True

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def graph(self) -> Path | None:
        return None

    def run(self, feed: Arrays) -> Given | None:
        found = [sample.answer for sample in self._samples if sample.feed is feed and sample.answer]
        return found[0] if found else None

    def open(self, model: Path) -> Engine:
        return OnnxRuntimeBackend(optimise=False).load(model, Precision.FP32, "CPU")

    def close(self) -> None:
        return


class Run:
    """An engine of one backend on one graph.

    Args:
        make: Gives the graph, derived on first use.
    """

    def __init__(
        self,
        name: str,
        backend: Backend,
        device: str,
        precision: Precision,
        make: Callable[[], Path],
        exact: bool = False,
    ) -> None:
        self.name, self.precision, self.exact = name, precision, exact
        self.backend, self.device = backend, device
        self._make = make
        self._engine: Engine | None = None

    @property
    def place(self) -> Place:
        kind = self.backend.support(self.precision, self.device).kind.value
        return Place(self.backend.name, self.backend.version, self.device, kind)

    def graph(self) -> Path | None:
        return self._make()

    def run(self, feed: Arrays) -> Given | None:
        if self._engine is None:
            self._engine = self.open(self._make())
        return self._engine.infer(feed)

    def open(self, model: Path) -> Engine:
        return self.backend.load(model, self.precision, self.device)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = None


def steps(bundle: Bundle, samples: Sequence[Sample], graphs: Sequence[Path] = (), every: bool = False) -> list[Step]:
    """The ladder of a bundle on this machine, from the stored answer to the lowest precision that it may run in.

    Args:
        samples: Of the bundle's test vector.
        graphs: Other ONNX graphs of the same network, rewritten or quantised: each runs on ONNX Runtime as written,
            and on OpenVINO where it is there.
        every: Every device of each backend, not its best alone.

    Raises:
        EngineError: A given graph is not readable.
    """
    strict = OnnxRuntimeBackend(optimise=False)
    found: list[Step] = [
        Stored(samples),
        Run("onnxruntime as written", strict, "CPU", Precision.FP32, lambda: bundle.model, exact=True),
    ]
    for file in graphs:
        found += _given(file, strict)
    usable = (offer for offer in registry.offers(every) if offer[1].value not in bundle.refused)
    offers = sorted(usable, key=lambda offer: _ORDER.index(offer[1]))
    found += [_rewritten(bundle, name, strict) for name in _rewriters(bundle, offers)]
    return found + [_offered(bundle, choice, precision) for choice, precision in offers]


_ORDER = (Precision.FP32, Precision.FP16, Precision.BF16, Precision.INT8)


def _rewriters(bundle: Bundle, offers: Sequence[tuple[registry.Choice, Precision]]) -> list[str]:
    """Backends that run another graph in fp32 than the bundle's own."""
    names = dict.fromkeys(choice.backend.name for choice, precision in offers if precision is Precision.FP32)
    return [name for name in names if _graph(bundle, name, Precision.FP32) != bundle.model]


def _rewritten(bundle: Bundle, name: str, strict: Backend) -> Run:
    """What a backend is given, run by the first step's own library: what rewriting costs, apart from the runtime."""
    made = partial(_graph, bundle, name, Precision.FP32)
    return Run(f"rewritten for {name}", strict, "CPU", Precision.FP32, made, exact=True)


def _graph(bundle: Bundle, backend: str, precision: Precision) -> Path:
    return graph_of(bundle, precision, backend)


def _offered(bundle: Bundle, choice: registry.Choice, precision: Precision) -> Run:
    name = f"{choice.backend.name} {choice.device} {precision.value}"
    return Run(
        name,
        choice.backend,
        choice.device,
        precision,
        partial(_graph, bundle, choice.backend.name, precision),
        precision is Precision.FP32,
    )


def _given(file: Path, strict: Backend) -> list[Step]:
    """A graph from outside, by the precision that it states itself."""
    precision = graph.read(file).precision
    exact = precision is Precision.FP32
    found: list[Step] = [Run(f"{file.name} as written", strict, "CPU", precision, lambda: file, exact)]
    with suppress(BackendMissing):
        fast = registry.named("openvino")
        found.append(Run(f"{file.name} openvino", fast, "CPU", precision, lambda: file, exact))
    return found
