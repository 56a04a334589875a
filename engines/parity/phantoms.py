"""Network inputs with their truth, cut from digital heads: made once from their seeds and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from engines.parity.cases import Case, Origin
from engines.parity.judge import boxes_of
from inference import cache
from inference.errors import JobCancelled
from inference.result import CancelledFn, Kind, Progress, ProgressFn
from inference.roads.outline import prepared
from inference.steps import normalise
from inference.steps.tiles import pad_to
from inference.task import Task
from inference.volume import Channel, Floats, Geometry, Volume

RECIPE = "1"
"""Raised whenever another input is cut from the same head."""
FIRST_SEED = 950_000
"""Training draws its heads below 801,000, and the cards' figures come from 900,000 on."""
SLICES = 3
BRIGHTEST_PERCENTILE = 99.7
Arrays = dict[str, Any]


def phantoms(
    task: Task,
    seeds: Sequence[int],
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> list[Case]:
    """Cases of these heads: three slices each, or the tile round the largest lesion. None where no phantom fits.

    Raises:
        EngineError: The cache folder cannot be written.
        JobCancelled: `cancelled` said so.
    """
    make, found = _maker(task), []
    for done, seed in enumerate(seeds if make is not None else ()):
        if cancelled():
            raise JobCancelled
        progress(Progress("digital heads", done, len(seeds)))
        assert make is not None
        found += _cases(task, seed, _kept(task, seed, make))
    return found


def _maker(task: Task) -> Callable[[Task, int], Arrays] | None:
    channels = tuple(spec.channel for spec in task.channels)
    known: Mapping[tuple[Kind, str, tuple[Channel, ...]], Callable[[Task, int], Arrays]] = {
        (Kind.MASK, "tiles", (Channel.DWI, Channel.ADC)): _stroke_tile,
        (Kind.BOXES, "slices", (Channel.CT,)): _bleeding_slices,
        (Kind.VOLUME, "slices", (Channel.CT,)): _paired_slices,
    }
    return known.get((task.kind, task.sampling.kind, channels))


def _kept(task: Task, seed: int, make: Callable[[Task, int], Arrays]) -> Arrays:
    what = repr((task.channels, task.sampling.spacing_mm, task.sampling.size))
    name = cache.key(make.__name__, what, str(seed), RECIPE, version("insula"))
    with np.load(cache.keep(f"phantoms/{name}.npz", partial(_write, make, task, seed))) as stored:
        return {name: stored[name] for name in stored.files}


def _write(make: Callable[[Task, int], Arrays], task: Task, seed: int, path: Path) -> None:
    np.savez_compressed(path, **make(task, seed))


def _cases(task: Task, seed: int, arrays: Arrays) -> list[Case]:
    pictures, name = arrays["pictures"], task.model.input
    truths: list[Any] = list(arrays["truth"]) if "truth" in arrays else []
    if task.kind is Kind.BOXES:
        truths = [boxes_of(arrays["boxes"][arrays["boxes"][:, 0] == n, 1:]) for n in range(len(pictures))]
    return [
        Case(f"head {seed}, {n}", Origin.PHANTOM, f"head {seed}", {name: np.ascontiguousarray(picture)}, truth)
        for n, (picture, truth) in enumerate(zip(pictures, truths, strict=True), start=1)
    ]


def _stroke_tile(task: Task, seed: int) -> Arrays:
    """The tile [1, 1, 2, k, j, i] round the largest lesion, and its lesions."""
    from engines.phantom.training import dwi_adc_case

    x, y, z = task.sampling.spacing_mm
    dwi, adc, lesion = dwi_adc_case(seed, (x, y, z))
    grid = Geometry.from_axes((dwi.shape[0], dwi.shape[1], dwi.shape[2]), (x, y, z))
    pair = Volume(dwi, grid, Channel.DWI), Volume(adc, grid, Channel.ADC, unit="1e-3 mm2/s")
    channels, _ = prepared(pair, task.channels, grid)
    tile = _round_largest(np.concatenate([channels, lesion[None].astype(np.float32)]), task.sampling.size)
    return {"pictures": tile[None, None, :-1], "truth": tile[None, -1].astype(np.uint8)}


def _round_largest(stack: Floats, size: tuple[int, ...]) -> Floats:
    """The tile of a stack [c, k, j, i] whose middle is nearest to that of the last channel's largest piece."""
    padded, _ = pad_to(stack, (size[0], size[1], size[2]))
    pieces, count = ndimage.label(padded[-1] > 0)
    sizes = np.bincount(pieces.ravel(), minlength=2)[1:]
    where = np.argwhere(pieces == 1 + int(sizes.argmax())) if count else np.array([padded[-1].shape]) // 2
    spans = zip(where.mean(axis=0), size, padded.shape[1:], strict=True)
    k, j, i = (slice(a, a + n) for a, n in ((int(np.clip(m - n / 2, 0, have - n)), n) for m, n, have in spans))
    return np.asarray(padded[:, k, j, i], dtype=np.float32)


def _bleeding_slices(task: Task, seed: int) -> Arrays:
    """Windowed slices [n, 1, 1, rows, columns], and boxes as rows (slice, class, x0, y0, x1, y1)."""
    from engines.phantom.training import ct_boxes_slices

    spec, sampling = task.channels[0], task.sampling
    voxels, boxes = ct_boxes_slices(seed, sampling.size[0], sampling.spacing_mm[0], slices=SLICES)
    rows = [(k, *box) for k, found in enumerate(boxes) for box in found]
    pictures = normalise.window(voxels, spec.low, spec.high)[:, None, None]
    return {"pictures": pictures, "boxes": np.array(rows, dtype=np.float64).reshape(-1, 6)}


def _paired_slices(task: Task, seed: int) -> Arrays:
    """Windowed CT slices [n, 1, 1, rows, columns], and the same head's MR [n, 1, rows, columns] in [-1, 1]."""
    from engines.phantom.training import ct_mr_slices

    spec, sampling = task.channels[0], task.sampling
    ct, mr = ct_mr_slices(seed, sampling.size[0], sampling.spacing_mm[0], slices=SLICES)
    truth = normalise.window(mr, 0.0, float(np.percentile(mr, BRIGHTEST_PERCENTILE)))
    return {"pictures": normalise.window(ct, spec.low, spec.high)[:, None, None], "truth": truth[:, None]}
