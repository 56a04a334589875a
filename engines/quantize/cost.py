"""What eight bits cost: points lost on held-back pictures, for a whole graph and for each layer alone."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engines.parity.judge import judge_for
from engines.parity.numbers import Answer, differ
from engines.quantize import partial
from engines.quantize.pictures import Picture
from inference.backends import graph, registry
from inference.errors import InsulaError, JobCancelled
from inference.result import CancelledFn, Precision, Progress, ProgressFn
from inference.task import Task

# Always the same backend, so that a graph does not depend on what else is installed.
_REFERENCE = "onnxruntime"


class BudgetMissed(InsulaError):
    """Even with every layer that may be spared left out, eight bits cost more than allowed."""

    code = "budget_missed"


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer.

    Attributes:
        points: Lost when this layer alone runs in eight bits.
        rms: Then the root of the mean square of the difference, as a share of the output's range; decides where the
            points say nothing.
        left_out: It keeps its fp32 weights.
    """

    layer: str
    points: float
    rms: float
    left_out: bool = False


class Cost:
    """Measures graphs against the fp32 model's own answers, which need no truth.

    A point is a hundredth: of agreement in the task's own score (Dice, share of boxes matched, SSIM), or, without a
    task, of the output's range as the root of the mean square.

    Args:
        source: The fp32 model, an ONNX ModelProto.
    """

    def __init__(self, source: Any, held: Sequence[Picture], task: Task | None) -> None:
        self._held = held
        self._judge = None if task is None else judge_for(task)
        self._source = source
        self._truth = self._answers(source)

    def points(self, model: Any) -> float:
        """Mean over the held-back pictures."""
        return self._cost(model)[0]

    def _cost(self, model: Any) -> tuple[float, float]:
        """Points, and the root of the mean square as a share of the range."""
        pairs = list(zip(self._answers(model), self._truth, strict=True))
        points = [self._lost(answer, truth) for answer, truth in pairs]
        return float(np.mean(points)), float(np.mean([differ(answer, truth).rms_rel for answer, truth in pairs]))

    def of_layers(self, quantised: Any, progress: ProgressFn, cancelled: CancelledFn) -> list[LayerCost]:
        """Each layer alone in eight bits, the dearest first."""
        every = partial.layers(quantised)
        found = []
        for done, layer in enumerate(every):
            if cancelled():
                raise JobCancelled
            progress(Progress("layers", done, len(every)))
            alone = partial.without(quantised, self._source, set(every) - {layer})
            found.append(LayerCost(layer, *self._cost(alone)))
        return sorted(found, key=lambda cost: (-cost.points, -cost.rms, cost.layer))

    def _lost(self, answer: Answer, truth: Answer) -> float:
        if self._judge is None:
            return 100.0 * differ(answer, truth).rms_rel
        scores = self._judge.compare(self._judge.read(answer), self._judge.read(truth))
        return 100.0 * (1.0 - scores[self._judge.alike])

    def _answers(self, model: Any) -> list[Answer]:
        import onnx

        with tempfile.TemporaryDirectory(prefix="insula-quantize-") as scratch:
            file = Path(scratch) / "model.onnx"
            onnx.save(model, file)
            precision = graph.read(file).precision
            choice = registry.choose(_REFERENCE, Precision(precision), "CPU")
            with closing(choice.backend.load(file, precision, choice.device)) as engine:
                return [engine.infer(picture.feed) for picture in self._held]


@dataclass(frozen=True, slots=True, eq=False)
class Spared:
    """The answer of `spare`.

    Attributes:
        model: The int8 model without the layers left out.
        before, after: Points lost with every layer in eight bits, and by `model`.
        layers: Dearest first.
    """

    model: Any
    before: float
    after: float
    layers: tuple[LayerCost, ...]


def spare(
    quantised: Any, source: Any, cost: Cost, budget: float, progress: ProgressFn, cancelled: CancelledFn
) -> Spared:
    """Leave the dearest layers out, one after the other, until the cost is inside the budget.

    Raises:
        BudgetMissed: No int8 layer is left and the cost is still above it.
        JobCancelled: `cancelled` said so.
    """
    before = after = cost.points(quantised)
    ranked = cost.of_layers(quantised, progress, cancelled)
    model, out = quantised, 0
    while after > budget:
        out += 1
        if out >= len(ranked):
            raise BudgetMissed(
                f"Eight bits cost {before:.2f} points, and no part of the model stays within {budget:.2f}.",
                "Allow a larger budget, or run the model in fp16.",
            )
        if cancelled():
            raise JobCancelled
        progress(Progress("leaving layers out", out, len(ranked)))
        model = partial.without(quantised, source, _names(ranked[:out]))
        after = cost.points(model)
    costs = (replace(one, left_out=place < out) for place, one in enumerate(ranked))
    return Spared(model, before, after, tuple(costs))


def _names(costs: Collection[LayerCost]) -> set[str]:
    return {cost.layer for cost in costs}
