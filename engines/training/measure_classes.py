"""Held-out figures of a network that finds cells and tells them apart: of marked cells alone, and end to end."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from engines.training import card
from engines.training.crops import as_input, crops
from engines.training.measure_cells import look, on_pictures
from engines.training.readers import read_boxes
from engines.training.recipe import Recipe, read_recipe
from engines.training.scores import Confusion
from engines.training.sources import folder_of
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import InputRefused, InsulaError
from inference.result import Precision
from inference.task import read_task


def measure_classes(
    recipe: Recipe, folder: Path, data: Path, int8: Path | None = None, part: str = "test"
) -> dict[str, Any]:
    """Figures on the set's test part, which neither learning nor early stopping has seen.

    Args:
        folder: The bundle that training wrote.
        int8: Measure this graph, derived from the bundle's, instead.
        part: "val" for choosing numbers; the last word is said on "test".

    Raises:
        InputRefused: The set has no such part.
    """
    found = read_boxes(folder_of(recipe.data, data), recipe.data)
    pictures = found.test if part == "test" else found.split.held_out
    if not pictures:
        raise InputRefused("The set has no test part.", "Add one; figures on cases that were looked at flatter.")
    task = read_task(folder)
    cut = crops(pictures, task.sampling.size[0], task.sampling.field)
    model, precision = (task.model_path, Precision.FP32) if int8 is None else (int8, Precision.INT8)
    engine = OnnxRuntimeBackend().load(model, precision, "CPU")
    try:
        name, output = task.model.input, task.model.outputs[0]
        logits = [engine.infer({name: as_input(pixels[None]).numpy()})[output][0] for pixels in cut.pixels]
        ends = on_pictures(task, look(task, engine, pictures), f"{part} part")
    finally:
        engine.close()
    seen = Confusion()
    kinds = np.stack(logits)[:, : len(found.classes)]  # of a given cell nobody asks whether it is one
    seen.add(np.argmax(kinds, axis=1), cut.labels, len(found.classes))
    return _figures(seen, found.classes, f"{part} part, {len(pictures)} pictures") | ends


def _figures(seen: Confusion, classes: tuple[str, ...], part: str) -> dict[str, Any]:
    counts, recall, precision = seen.counts, seen.recall(), seen.precision()
    figures: dict[str, Any] = {
        f"{part}: balanced accuracy of marked cells": round(seen.balanced_accuracy(), 4),
        f"{part}: accuracy of marked cells": round(float(np.trace(counts) / counts.sum()), 4),
        f"{part}: accuracy of always saying the commonest class": round(float(counts.sum(1).max() / counts.sum()), 4),
    }
    for n, name in enumerate(classes):
        said = ", ".join(f"{other} {counts[n, m]}" for m, other in enumerate(classes))
        figures[f"{name}, marked: recall, precision"] = [_rounded(recall[n]), _rounded(precision[n])]
        figures[f"{name}: {counts[n].sum()} true ones were called"] = said
    return figures


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def main() -> int:
    """Measure one network and print its figures as JSON."""
    parser = argparse.ArgumentParser(description="Held-out figures of a network that finds cells and tells them apart.")
    parser.add_argument("recipe", help="the recipe that trained it")
    parser.add_argument("folder", type=Path, help="the folder that training wrote")
    parser.add_argument("--data", type=Path, required=True, help="as in training")
    parser.add_argument("--int8", type=Path, metavar="ONNX", help="measure this int8 graph instead")
    parser.add_argument("--part", choices=("test", "val"), default="test", help="val: for choosing numbers")
    parser.add_argument("--write", action="store_true", help="write the figures into the card")
    words = parser.parse_args()
    try:
        figures = measure_classes(read_recipe(words.recipe), words.folder, words.data, words.int8, words.part)
    except InsulaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if words.write and not words.int8:
        path = words.folder / "card.md"
        path.write_text(card.with_figures(path.read_text(encoding="utf-8"), card.as_table(figures, HOW)), "utf-8")
    print(json.dumps(figures, indent=2))
    return 0


HOW = "Measured by `python -m engines.training.measure_classes RECIPE FOLDER --data DIR --write`, fp32, ONNX Runtime."

if __name__ == "__main__":
    raise SystemExit(main())
