"""What an imported model's test vector is made of: tiles of a real case, or smooth noise where none is given."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from scipy import ndimage

from inference.errors import InputRefused
from inference.nnunet.plan import Plan, Spacing
from inference.nnunet.prepare import prepared
from inference.nnunet.tiles import Tile, tiles
from inference.steps.tiles import pad_to
from inference.volume import Floats

MOST = 3


def pictures(plan: Plan, files: tuple[Path, ...]) -> Floats:
    """Network inputs [n, 1, c, *patch], float32.

    Args:
        files: Of one case, as `read_images` takes them; none: smooth noise.
    """
    stack = _of_case(plan, *read_images(files)) if files else _smooth_noise(plan)
    return stack[:, :, :, 0] if plan.is_flat else stack


def read_images(files: tuple[Path, ...]) -> tuple[Floats, Spacing]:
    """float32 [c, k, j, i] and mm along k, j, i, from image files or one npz.

    Raises:
        InputRefused: They cannot be read, or do not lie on one grid.
    """
    if files[0].suffix == ".npz":
        with np.load(files[0]) as stored:
            k, j, i = (float(mm) for mm in stored["spacing"])
            return stored["channels"], (k, j, i)
    import SimpleITK as sitk

    try:
        images = [sitk.ReadImage(str(file)) for file in files]
    except RuntimeError as error:
        raise InputRefused("An example file cannot be read as an image.", "Give NIfTI files.") from error
    if len({image.GetSize() for image in images}) != 1:
        raise InputRefused("The example files are of different sizes.", "Give images of one case on one grid.")
    k, j, i = reversed(images[0].GetSpacing())
    return np.stack([sitk.GetArrayFromImage(image).astype(np.float32) for image in images]), (k, j, i)


def _of_case(plan: Plan, channels: Floats, spacing: Spacing) -> Floats:
    """The tiles that hold most."""
    if len(channels) != len(plan.channels):
        raise InputRefused(f"The model has {len(plan.channels)} channels.", "Give one example file for each.")
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        voxels, _ = prepared(channels, spacing, plan, workers)
    padded, _ = pad_to(voxels, plan.tile)
    plain = [t for t in tiles((padded.shape[1], padded.shape[2], padded.shape[3]), plan) if not t.mirrored]
    cuts = [Tile(t.start).cut(padded, plan.tile) for t in plain]
    fullest = sorted(cuts, key=lambda cut: -int(np.count_nonzero(np.abs(cut - np.median(cut)) > 1e-3)))
    return np.ascontiguousarray(np.stack(fullest[:MOST]))


def _smooth_noise(plan: Plan) -> Floats:
    noise = np.random.default_rng(0).standard_normal((2, 1, len(plan.channels), *plan.tile)).astype(np.float32)
    smooth = ndimage.gaussian_filter(noise, (0, 0, 0, *(1.5 if n > 1 else 0.0 for n in plan.tile)))
    return np.asarray(smooth / smooth.std(), dtype=np.float32)
