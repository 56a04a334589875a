"""Results as files: NIfTI on the source's grid, boxes as JSON. Complete or not there at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.result import Kind, Result
from inference.volume import Geometry
from viewer.whole_file import ExportFailed, write_text, write_whole


def write_result(result: Result, folder: Path, stem: str) -> Path:
    """Write the result's volume, mask or boxes as `folder/stem.(nii.gz|json)` and return the path.

    Raises:
        ExportFailed: The disk is full, the folder cannot be written, or what was written reads back differently.
    """
    if result.kind is Kind.BOXES:
        document = {"notice": "Not for diagnostic use", "boxes": [asdict(box) for box in result.boxes]}
        return write_text(folder / f"{stem}.json", json.dumps(document, indent=2))
    if result.kind is Kind.MASK and result.mask is not None:
        return write_nifti(folder / f"{stem}.nii.gz", result.mask.labels, result.mask.geometry)
    if result.volume is None:
        raise ExportFailed("The result holds nothing to write.", "Run the task again.")
    name = f"{stem}-SYNTHETIC" if result.volume.synthetic else stem
    return write_nifti(folder / f"{name}.nii.gz", result.volume.voxels, result.volume.geometry)


def write_nifti(path: Path, voxels: NDArray[np.generic], geometry: Geometry) -> Path:
    """Write voxels [k, j, i] and read them back before they get their name.

    Raises:
        ExportFailed: Also when the grid is not orthogonal: NIfTI would straighten it silently.
    """
    if not geometry.is_orthogonal:
        raise ExportFailed("A sheared grid cannot be written as NIfTI.", "Write it on the corrected grid.")
    import SimpleITK as sitk  # 60 MB that a viewer that writes nothing need not carry

    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels))
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps_mm.tolist())
    image.SetDirection(geometry.direction.ravel().tolist())

    def write(partial: Path) -> None:
        sitk.WriteImage(image, str(partial), useCompression=True)
        if not np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(partial))), voxels):
            raise OSError("the file reads back differently")

    return write_whole(path, write)
