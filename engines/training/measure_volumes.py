"""Held-out figures of a generator: likeness inside the head, on phantoms and on registered real slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from engines.training import heads as digital
from inference.backends.base import Engine
from inference.metrics import likeness
from inference.steps import normalise
from inference.task import Task
from inference.volume import Floats

PAIRS = "pairs-harvard-aanlib"
ASSUMED_TOP_HU = 80.0
AIR_HU = -1000.0
BLACK = 0.03
Bools = NDArray[np.bool_]


def measure_volumes(task: Task, engine: Engine, data: Path | None, heads: Path, phantom_cases: int) -> dict[str, Any]:
    """Figures on phantom heads and on 8-bit registered CT / MRI slices, which may not train."""
    spec = task.channels[0]
    seeds = range(digital.HELD_OUT, digital.HELD_OUT + phantom_cases)
    made, true = [], []
    for head in digital.heads(digital.paired_head, seeds, heads, lambda _: None, lambda: False):
        pictures = normalise.window(head["ct"], spec.low, spec.high)
        made.append(np.stack([_generate(task, engine, picture) for picture in pictures]))
        true.append(digital.scaled_mr(head["mr"]))
    name = f"phantom, {phantom_cases} heads"
    figures = {f"{name}: {k}": v for k, v in compared(np.concatenate(made), np.concatenate(true)).items()}
    if data is not None and (data / PAIRS).is_dir():
        ct, mr = _real_pairs(data / PAIRS)
        pictures = normalise.window(_as_hu(ct), spec.low, spec.high)
        made_real = np.stack([_generate(task, engine, picture) for picture in pictures])
        real = compared(made_real, mr)
        name = f"real, {len(ct)} registered 8-bit slices (window unknown, read as 0..80 HU; MR of several contrasts)"
        figures |= {f"{name}: {k}": v for k, v in real.items()}
        figures |= {f"real: {k}": v for k, v in as_published(made_real, mr).items()}
        figures["real: SSIM of the CT picture itself against that MR"] = compared(ct * 2 - 1, mr)[
            "SSIM inside the head"
        ]
    return figures


def compared(made: Floats, true: Floats) -> dict[str, float]:
    """SSIM, PSNR and mean absolute error (shares of the range) of pictures [n, j, i] in [-1, 1], inside the head."""
    a, b = (made + 1.0) / 2.0, (true + 1.0) / 2.0
    inside = np.stack([head_of(picture) for picture in b])
    a, b = np.where(inside, a, 0.0).astype(np.float32), np.where(inside, b, 0.0).astype(np.float32)
    kept = [n for n in range(len(a)) if inside[n].mean() > 0.02]
    errors = (a - b)[inside]
    return {
        "SSIM inside the head": round(float(np.mean([likeness(a[n : n + 1], b[n : n + 1]).ssim for n in kept])), 3),
        "PSNR inside the head, dB": round(float(-10 * np.log10(max(np.mean(errors**2), 1e-12))), 2),
        "mean absolute error inside the head": round(float(np.abs(errors).mean()), 4),
    }


def as_published(made: Floats, true: Floats) -> dict[str, float]:
    """The first paper's own figures (section IV-A, equations 1 to 3): whole pictures of 8 bits, air and all.

    Its SSIM takes one mean and one variance of the whole picture, not of windows that slide; in percent.
    """
    a, b = ((x.astype(np.float64) + 1.0) * 127.5 for x in (made, true))
    over = (1, 2)
    squares = np.mean((a - b) ** 2, axis=over)
    mean_a, mean_b = a.mean(axis=over), b.mean(axis=over)
    both = np.mean(a * b, axis=over) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    whole = (mean_a**2 + mean_b**2 + c1) * (a.var(axis=over) + b.var(axis=over) + c2)
    return {
        "SSIM as the paper defines it, %": round(float(100 * np.mean(alike / whole)), 2),
        "PSNR as the paper defines it, dB": round(float(np.mean(10 * np.log10(255**2 / np.maximum(squares, 1e-9)))), 2),
        "MSE as the paper defines it": round(float(squares.mean()), 1),
    }


def head_of(picture: Floats) -> Bools:
    """The head in an MR picture in [0, 1]: what is not air, closed and filled."""
    return np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(picture > 0.06, iterations=3)))


def _generate(task: Task, engine: Engine, picture: Floats) -> Floats:
    feed = {task.model.input: np.asarray(picture, dtype=np.float32)[None, None]}
    return np.asarray(engine.infer(feed)[task.model.outputs[0]][0, 0], dtype=np.float32)


def _real_pairs(folder: Path) -> tuple[Floats, Floats]:
    """CT (0..1) and MRI ([-1, 1]) pictures of the same name."""
    names = sorted(f.name for f in (folder / "CT").glob("*.png") if (folder / "MRI" / f.name).is_file())
    ct, mr = (np.stack([_grey(folder / part / name) for name in names]) for part in ("CT", "MRI"))
    return ct, mr * 2.0 - 1.0


def _as_hu(picture: Floats) -> Floats:
    """8-bit CT (0..1) of an unknown brain window, read as 0..80 HU; black is air."""
    return np.where(picture > BLACK, picture * ASSUMED_TOP_HU, AIR_HU).astype(np.float32)


def _grey(file: Path) -> Floats:
    with Image.open(file) as image:
        return np.asarray(image.convert("L"), dtype=np.float32) / 255.0
