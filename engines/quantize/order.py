"""The whole of quantisation after training: choose pictures, round, measure, spare layers, spell, write."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines import int8
from engines.quantize import partial
from engines.quantize.choose import Chosen, choose
from engines.quantize.cost import Cost, LayerCost, Spared, spare
from engines.quantize.pictures import Picture
from engines.quantize.spelling import Target, spelt, table
from inference.backends import graph
from inference.cache import sha256
from inference.errors import InputRefused, JobCancelled
from inference.result import CancelledFn, Precision, Progress, ProgressFn
from inference.task import Task
from inference.whole import write_whole


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted.

    Attributes:
        model: The fp32 ONNX.
        target: Who reads the result.
        count: Pictures to calibrate and measure with, at most.
        balanced: As many of each class.
        budget: Points that eight bits may cost; None rounds every layer and measures nothing.
        task: Whose score the points are of; None: shares of the output's range.
        tensorrt: The version that a DLA's table of ranges is for.
    """

    model: Path
    target: Target = Target.OPENVINO
    count: int = 500
    balanced: bool = False
    budget: float | None = None
    task: Task | None = None
    tensorrt: str = "8.5.2"


@dataclass(frozen=True, slots=True)
class Quantised:
    """What came of it.

    Attributes:
        file: The graph.
        table: The table of ranges beside it, for a DLA.
        classes: Class -> pictures that calibrated.
        before, after: Points lost with all layers in eight bits, and by what was written; None where not measured.
        layers: What each costs alone, dearest first; empty where not measured.
        sha256: Digest of the graph.
    """

    file: Path
    table: Path | None
    calibrated: int
    held: int
    classes: dict[str, int]
    before: float | None
    after: float | None
    layers: tuple[LayerCost, ...]
    int8_layers: int
    sha256: str


def quantise(
    order: Order,
    pool: Sequence[Picture],
    out: Path,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> Quantised:
    """Write an int8 graph (and a table of ranges for a DLA). The same order and pool give the same bytes.

    Raises:
        InputRefused: The model is not fp32, or there are no fitting pictures.
        PrecisionAbsent: Nothing in the graph can be rounded.
        BudgetMissed: The budget cannot be kept.
        JobCancelled: `cancelled` said so; nothing is written then.
    """
    import onnx

    if graph.read(order.model).precision is not Precision.FP32:
        raise InputRefused(f"{order.model.name} is not an fp32 graph.", "Quantise the fp32 model itself.")
    if order.count < 1 or (order.budget is not None and order.budget < 0):
        raise InputRefused("The number of pictures or the budget is negative.", "Correct the number.")
    chosen = choose(pool, order.count, order.balanced, order.budget is not None)
    if cancelled():
        raise JobCancelled
    source = onnx.load(order.model)
    with tempfile.TemporaryDirectory(prefix="insula-quantize-") as scratch:
        rounded = _rounded(order, chosen, Path(scratch), progress)
        spared = _spared(order, chosen, rounded, source, progress, cancelled)
        model = rounded if spared is None else spared.model
        whole = {cost.layer for cost in spared.layers if cost.left_out} if spared is not None else set()
        written = _written(order, model, source, chosen, whole, out, Path(scratch))
    return Quantised(
        out,
        written,
        len(chosen.calibrate),
        len(chosen.held),
        chosen.classes,
        None if spared is None else spared.before,
        None if spared is None else spared.after,
        () if spared is None else spared.layers,
        len(partial.layers(model)),
        sha256(out),
    )


def _rounded(order: Order, chosen: Chosen, scratch: Path, progress: ProgressFn) -> Any:
    import onnx

    progress(Progress("calibrate", 0, 1))
    names = chosen.calibrate[0].feed
    stacks: dict[str, Any] = {name: np.stack([p.feed[name] for p in chosen.calibrate]) for name in names}
    np.savez(scratch / "pictures.npz", **stacks)
    int8.write(order.model, scratch / "pictures.npz", scratch / "int8.onnx")
    progress(Progress("calibrate", 1, 1))
    return onnx.load(scratch / "int8.onnx")


def _spared(
    order: Order, chosen: Chosen, rounded: Any, source: Any, progress: ProgressFn, cancelled: CancelledFn
) -> Spared | None:
    if order.budget is None:
        return None
    cost = Cost(source, chosen.held, order.task)
    return spare(rounded, source, cost, order.budget, progress, cancelled)


def _written(
    order: Order, model: Any, source: Any, chosen: Chosen, whole: Collection[str], out: Path, scratch: Path
) -> Path | None:
    """Write the graph, each file under another name first. A DLA gets the fp32 graph and the table beside it."""
    import onnx

    onnx.checker.check_model(model)
    onnx.save(model, scratch / "whole.onnx")
    beside = out.with_suffix(".calibration") if order.target is Target.DLA else None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if beside is not None:
            feeds = (picture.feed for picture in chosen.calibrate)
            write_whole(beside, table(source, feeds, order.tensorrt, whole))
        write_whole(
            out, order.model.read_bytes() if beside is not None else spelt(scratch / "whole.onnx", order.target)
        )
    except OSError as error:
        raise InputRefused(f"{out.name} cannot be written ({error.strerror}).", "Choose another place.") from error
    return beside
