"""The held-out figures of a bundle, as they stand in its card. `measure` runs the bundle as the viewer does."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines.training import card
from engines.training.measure_boxes import measure_boxes
from engines.training.measure_masks import measure_masks
from engines.training.measure_volumes import measure_volumes
from inference.backends.base import Engine
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Kind, Precision
from inference.task import Task, read_task
from inference.whole import write_whole

Figures = dict[str, Any]
Measure = Callable[[Task, Engine, Path | None, Path, int], Figures]

MEASURE: dict[Kind, Measure] = {
    Kind.BOXES: measure_boxes,
    Kind.VOLUME: measure_volumes,
    Kind.MASK: measure_masks,
}


def measure(bundle: Path, data: Path | None, *, heads: Path, phantom_cases: int = 8, write: bool = False) -> Figures:
    """Measure a bundle in fp32 with ONNX Runtime on heads it never saw, and on real cases where they are at hand.

    Args:
        bundle: Its folder.
        data: Folder of the data sets, or None: digital heads only.
        heads: Where digital heads are kept.
        phantom_cases: How many of them.
        write: Also write the figures into the bundle's card.

    Returns:
        Figures by name: first those on digital heads, then those on real cases.
    """
    task = read_task(bundle)
    engine = OnnxRuntimeBackend().load(task.model_path, Precision.FP32, "CPU")
    try:
        figures = MEASURE[task.kind](task, engine, data, heads, phantom_cases)
    finally:
        engine.close()
    if write:
        path = bundle / "card.md"
        write_whole(path, card.with_figures(path.read_text(encoding="utf-8"), card.as_table(figures, HOW)))
    return figures


def main() -> None:
    """Measure one bundle and print its figures as JSON."""
    parser = argparse.ArgumentParser(description="Held-out figures of a bundle.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the data sets; without it, digital heads only")
    parser.add_argument("--heads", type=Path, required=True, help="folder where digital heads are kept")
    parser.add_argument("--phantom-cases", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="write the figures into the bundle's card")
    words = parser.parse_args()
    figures = measure(words.bundle, words.data, heads=words.heads, phantom_cases=words.phantom_cases, write=words.write)
    print(json.dumps(figures, indent=2))


HOW = "Measured by `python -m engines.training.measure BUNDLE --data DIR --heads DIR --write`, fp32, ONNX Runtime."

if __name__ == "__main__":
    main()
