"""Held-out figures of a bundle that outlines: which digital patients and which real ones its recipe is measured on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engines.phantom.patients import PATIENTS
from engines.training.measure_organs import on_real as on_real_organs
from engines.training.measure_outlines import on_patients
from engines.training.measure_prostate import on_real as on_real_prostate
from engines.training.measure_strokes import measure_strokes
from engines.training.measure_tumours import on_real as on_real_tumours
from engines.training.recipe import read_recipe
from inference.backends.base import Engine
from inference.task import Task

OnReal = Callable[[Task, Engine, Path], dict[str, Any]]

ON_REAL: Mapping[str, OnReal] = {
    "organs": on_real_organs,
    "prostate-zones": on_real_prostate,
    "tumour-regions": on_real_tumours,
}
"""By recipe: figures on real cases."""


def measure_masks(task: Task, engine: Engine, data: Path | None, heads: Path, phantom_cases: int) -> dict[str, Any]:
    """Figures on digital patients, and on the real cases of the bundle's recipe where they are at hand."""
    phantom = read_recipe(task.name).phantom
    if not phantom:
        return measure_strokes(task, engine, data, heads, phantom_cases)
    figures = on_patients(task, engine, PATIENTS[phantom], phantom_cases)
    if data is not None and task.name in ON_REAL:
        figures |= ON_REAL[task.name](task, engine, data)
    return figures
