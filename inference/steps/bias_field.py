"""The smooth brightness that a coil lays over an MR image, found and divided out (N4, Tustison et al. 2010).

Training and inference call this same function: the manifest's channel says `bias_field = true`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import InputRefused
from inference.steps.head import mr_foreground
from inference.volume import Channel, Floats, Volume

WORKING_MM = 4.0
ITERATIONS = (50, 50, 30)
SMALLEST = 1e-3


def without_bias_field(volume: Volume) -> Volume:
    """The volume divided by its bias field, on the same grid.

    The field is fitted on a grid of about 4 mm over the foreground, where it is smooth anyway, and applied to every
    voxel, as SimpleITK's own example does.

    Raises:
        InputRefused: It is a CT, whose values are absolute, or it shows nothing.
    """
    if volume.channel is Channel.CT:
        raise InputRefused("A CT has no bias field.", "Leave bias_field out for CT channels.")
    field = _field(volume.voxels, volume.geometry.spacing_mm)
    return replace(volume, voxels=np.asarray(volume.voxels / field, dtype=np.float32))


def _field(voxels: Floats, spacing_mm: tuple[float, float, float]) -> Floats:
    """Relative brightness [k, j, i], 1 in the mean of the foreground."""
    import SimpleITK as sitk  # 60 MB that a CT need not carry

    foreground = mr_foreground(voxels)
    if not foreground.any():
        raise InputRefused("The image is empty, so it has no bias field.", "Choose a series that shows anatomy.")
    image, mask = (
        _image(sitk, np.maximum(voxels, 0.0), spacing_mm),
        _image(sitk, foreground.astype(np.uint8), spacing_mm),
    )
    shrink = [max(1, min(round(WORKING_MM / mm), n // 8)) for mm, n in zip(spacing_mm, voxels.shape[::-1], strict=True)]
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations(ITERATIONS)
    corrector.SetNumberOfThreads(1)
    try:
        corrector.Execute(sitk.Shrink(image, shrink), sitk.Shrink(mask, shrink))
        field = np.exp(sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(image)))
    except RuntimeError:
        raise InputRefused("The image is too small or flat to have a bias field.", "Leave bias_field out.") from None
    return np.asarray(np.maximum(field / field[foreground].mean(), SMALLEST), dtype=np.float32)


def _image(sitk: Any, values: NDArray[Any], spacing_mm: tuple[float, float, float]) -> Any:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing_mm)
    return image
