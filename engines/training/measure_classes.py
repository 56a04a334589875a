"""Held-out figures of a network that tells marked things apart: recall and precision of each class."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from engines.training import card
from engines.training.crops import as_input, crops
from engines.training.readers import read_boxes
from engines.training.recipe import Recipe, read_recipe
from engines.training.scores import Confusion
from engines.training.sources import folder_of
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import InputRefused, InsulaError
from inference.result import Precision


def measure_classes(recipe: Recipe, model: Path, data: Path, precision: Precision = Precision.FP32) -> dict[str, Any]:
    """Figures on the set's test part, which neither learning nor early stopping has seen.

    Args:
        model: The ONNX file that training wrote, or one derived from it.
        precision: Of that file.

    Raises:
        InputRefused: The set has no test part.
    """
    found = read_boxes(folder_of(recipe.data, data), recipe.data)
    if not found.test:
        raise InputRefused("The set has no test part.", "Add one; figures on cases that were looked at flatter.")
    sampling = recipe.manifest["sampling"]
    cut = crops(found.test, int(sampling["size"][0]), int(sampling.get("field", sampling["size"][0])))
    engine = OnnxRuntimeBackend().load(model, precision, "CPU")
    try:
        name, output = engine.inputs[0].name, recipe.manifest["model"]["outputs"][0]
        logits = [engine.infer({name: as_input(pixels[None]).numpy()})[output][0] for pixels in cut.pixels]
    finally:
        engine.close()
    seen = Confusion()
    seen.add(np.argmax(logits, axis=1), cut.labels, len(found.classes))
    return _figures(seen, found.classes, len(found.test))


def _figures(seen: Confusion, classes: tuple[str, ...], pictures: int) -> dict[str, Any]:
    counts, recall, precision = seen.counts, seen.recall(), seen.precision()
    part = f"test part, {pictures} pictures"
    figures: dict[str, Any] = {
        f"{part}: balanced accuracy": round(seen.balanced_accuracy(), 4),
        f"{part}: accuracy": round(float(np.trace(counts) / counts.sum()), 4),
        f"{part}: accuracy of always saying the commonest class": round(float(counts.sum(1).max() / counts.sum()), 4),
    }
    for n, name in enumerate(classes):
        said = ", ".join(f"{other} {counts[n, m]}" for m, other in enumerate(classes))
        figures[f"{name}: recall, precision"] = [_rounded(recall[n]), _rounded(precision[n])]
        figures[f"{name}: {counts[n].sum()} true ones were called"] = said
    return figures


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def main() -> int:
    """Measure one network and print its figures as JSON."""
    parser = argparse.ArgumentParser(description="Held-out figures of a network that tells classes apart.")
    parser.add_argument("recipe", help="the recipe that trained it")
    parser.add_argument("folder", type=Path, help="the folder that training wrote")
    parser.add_argument("--data", type=Path, required=True, help="as in training")
    parser.add_argument("--int8", type=Path, metavar="ONNX", help="measure this int8 graph instead")
    parser.add_argument("--write", action="store_true", help="write the figures into the card")
    words = parser.parse_args()
    try:
        recipe = read_recipe(words.recipe)
        model, precision = words.folder / recipe.manifest["model"]["file"], Precision.FP32
        if words.int8:
            model, precision = words.int8, Precision.INT8
        figures = measure_classes(recipe, model, words.data, precision)
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
