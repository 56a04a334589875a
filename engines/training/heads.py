"""Digital heads as training cases: made once from their seeds, kept in a folder, read again.

Seeds of training and of measuring never meet: a run's heads start at `first_seed(run)`, held-out ones at HELD_OUT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engines.phantom import training as phantom
from engines.training.boxed_slices import BoxedSlices
from engines.training.lesion_tiles import LesionCase, lesion_case
from engines.training.paired_slices import PairedSlices
from inference.errors import JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn
from inference.steps import normalise
from inference.volume import Floats
from inference.whole import whole_file

HELD_OUT = 900_000
SEEDS_PER_RUN = 1_000
BRIGHTEST_PERCENTILE = 99.7

Arrays = dict[str, Any]
"""Arrays by name, as `MakeHead` functions below describe them."""

MakeHead = Callable[[int], Arrays]


def first_seed(run: int) -> int:
    """First phantom seed of training run `run`."""
    return SEEDS_PER_RUN * (run % 800 + 1)


def stroke_head(seed: int) -> Arrays:
    """DWI, ADC (1e-3 mm2/s), lesion, tissues and cover of the lesion on the 2 mm grid."""
    patient = phantom.stroke_patient(seed)
    pictures: Arrays = {"dwi": patient.dwi, "adc": patient.adc, "lesion": patient.truth.astype(bool)}
    return {**pictures, "tissues": patient.tissues, "cover": patient.cover}


def bleeding_head(seed: int) -> Arrays:
    """CT slices in HU and their boxes as rows (slice, class, x0, y0, x1, y1)."""
    voxels, boxes = phantom.ct_boxes_slices(seed)
    rows = [(k, *box) for k, found in enumerate(boxes) for box in found]
    return {"ct": voxels.astype(np.float32), "boxes": np.array(rows, dtype=np.float32).reshape(-1, 6)}


def paired_head(seed: int) -> Arrays:
    """CT slices in HU and T2 slices of the same head."""
    ct, mr = phantom.ct_mr_slices(seed)
    return {"ct": ct.astype(np.float32), "mr": mr.astype(np.float32)}


def heads(
    make: MakeHead, seeds: Iterable[int], folder: Path, progress: ProgressFn, cancelled: CancelledFn
) -> Iterator[Arrays]:
    """The heads of these seeds, from `folder` where they lie there already.

    Raises:
        JobCancelled: `cancelled()` became true.
    """
    wanted = list(seeds)
    folder.mkdir(parents=True, exist_ok=True)
    for done, seed in enumerate(wanted, start=1):
        if cancelled():
            raise JobCancelled
        file = folder / f"{make.__name__}-{seed}.npz"
        if not file.exists():
            with whole_file(file) as partial:
                np.savez_compressed(partial, **make(seed))
        with np.load(file) as stored:
            yield {name: stored[name] for name in stored.files}
        progress(Progress("digital heads", done, len(wanted)))


def as_lesion_case(head: Arrays) -> LesionCase:
    """A stroke head, as a network sees it and as tissues that new pictures are made of."""
    return lesion_case(head["dwi"], head["adc"], head["tissues"], head["cover"])


def as_pairs(head: Arrays, low: float, high: float) -> PairedSlices:
    """A paired head: CT in the network's window, T2 from 0 to nearly its brightest as [-1, 1]."""
    return PairedSlices(
        normalise.window(head["ct"], low, high).astype(np.float16), scaled_mr(head["mr"]).astype(np.float16)
    )


def scaled_mr(mr: Floats) -> Floats:
    """0 .. the 99.7th percentile of all slices -> [-1, 1]."""
    return normalise.window(mr, 0.0, float(np.percentile(mr, BRIGHTEST_PERCENTILE)))


def as_boxed(head: Arrays, low: float, high: float) -> BoxedSlices:
    """A bleeding head's slices in the network's window, as bytes."""
    pixels = np.rint((normalise.window(head["ct"], low, high) + 1.0) * 127.5).astype(np.uint8)
    of = [head["boxes"][head["boxes"][:, 0] == k] for k in range(len(pixels))]
    return BoxedSlices(
        pixels,
        tuple(rows[:, 2:].astype(np.float32) for rows in of),
        tuple(rows[:, 1].astype(np.int64) for rows in of),
        tuple("phantom" for _ in of),
    )
