"""JPEG Extended with 12-bit samples (DICOM PS3.5 8.2.1), which pydicom's permissive decoders leave out.

SimpleITK carries a 12-bit JPEG library. It answers after rescale, so the stored values are won back from the rescale
that it applied.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray


def decode(file: Path, frame: int, slope: float, intercept: float, signed: bool) -> NDArray[np.integer]:
    """Stored values of one frame, int16 or uint16 [rows, columns].

    Raises:
        RuntimeError: SimpleITK cannot read the file either.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(file))
    rescaled = sitk.GetArrayFromImage(reader.Execute())
    plane = rescaled.reshape((-1, *rescaled.shape[-2:]))[frame]
    stored = np.round((plane.astype(np.float64) - intercept) / slope)
    return np.asarray(stored.astype(np.int16 if signed else np.uint16))
