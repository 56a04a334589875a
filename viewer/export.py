"""Results as files: NIfTI on the source's grid, boxes as JSON. Complete or not there at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from inference.errors import InputRefused
from inference.result import Kind, Result
from inference.volume import Geometry


class ExportFailed(InputRefused):
    """A file could not be written; nothing is left of it."""

    code: ClassVar[str] = "export_failed"


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


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text whole or not at all."""
    return write_whole(path, lambda partial: _write_synced(partial, text.encode("utf-8")))


def write_nifti(path: Path, voxels: NDArray[np.generic], geometry: Geometry) -> Path:
    """Write voxels [k, j, i] and read them back before they get their name.

    Raises:
        ExportFailed: Also when the grid is not orthogonal: NIfTI would straighten it silently.
    """
    if not geometry.is_orthogonal:
        raise ExportFailed("A sheared grid cannot be written as NIfTI.", "Write it on the corrected grid.")
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels))
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps_mm.tolist())
    image.SetDirection(geometry.direction.ravel().tolist())

    def write(partial: Path) -> None:
        sitk.WriteImage(image, str(partial), useCompression=True)
        if not np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(partial))), voxels):
            raise OSError("the file reads back differently")

    return write_whole(path, write)


def write_whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file beside `path`, then rename it; on failure leave nothing behind."""
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        raise ExportFailed(
            f"{path.name} could not be written.", "Check that the folder can be written and the disk has space."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return path


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
