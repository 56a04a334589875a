"""NIfTI, NRRD and MetaImage files as voxels and geometry; SimpleITK's world is LPS, like ours.

As in the viewer, a NIfTI file's sform is taken where its code is set, else its qform, and a file that has neither says
nothing about left and right: it is refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from inference.errors import InputRefused
from inference.volume import Floats, Geometry, Labels, Points

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
WHOLE = 1e-3
"""Labels stored as scaled floats may miss the whole number by rounding."""

PRINTED_MM = 5e-3
"""SimpleITK prints an sform with six digits; its own geometry is as fine as the file."""

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
HINT = "Export or convert the file again."
sitk.ProcessObject.SetGlobalWarningDisplay(False)


def stem_of(file: Path) -> str:
    """The name without its format's suffix."""
    lower = file.name.lower()
    return next((file.name[: -len(s)] for s in SUFFIXES if lower.endswith(s)), file.stem)


def volume_files(folder: Path) -> list[Path]:
    """Files of volumes in a folder, by name."""
    return sorted(f for f in folder.glob("*") if f.name.lower().endswith(SUFFIXES) and f.is_file())


def one_volume(folder: Path, stem: str) -> Path | None:
    """The one file of that name in any of the formats, or None.

    Raises:
        InputRefused: There are two.
    """
    found = [folder / f"{stem}{suffix}" for suffix in SUFFIXES if (folder / f"{stem}{suffix}").is_file()]
    if len(found) > 1:
        raise InputRefused(f"{stem} lies there twice: {found[0].name} and {found[1].name}.", "Remove one of them.")
    return found[0] if found else None


def header(file: Path) -> Geometry:
    """Where a volume lies, without reading its voxels.

    Raises:
        InputRefused: It is missing, damaged, no single volume, or does not say where it lies.
    """
    reader = _reader(file)
    sides = [n for n in reader.GetSize()[3:] if n > 1]
    if reader.GetDimension() < 3 or sides or reader.GetNumberOfComponents() != 1:
        raise InputRefused(f"{file.name} holds no single volume of plain numbers.", "Save each volume as its own file.")
    i, j, k = (int(n) for n in reader.GetSize()[:3])
    if "NrrdImageIO" in _meta(reader, "ITK_InputFilterName") and not reader.HasMetaDataKey("NRRD_space"):
        raise InputRefused(f"{file.name} does not say where in the patient it lies (no space field).", HINT)
    dimension = reader.GetDimension()
    direction = np.reshape(reader.GetDirection(), (dimension, dimension))[:3, :3]
    found = Geometry.from_axes((k, j, i), reader.GetSpacing()[:3], reader.GetOrigin()[:3], direction)
    sform = _sform(reader, file)
    if sform is None or np.abs(found.affine - sform).max() < PRINTED_MM:
        return found
    return Geometry((k, j, i), sform)


def voxels_of(file: Path) -> Floats:
    """float32 [k, j, i], scaled as the file says.

    Raises:
        InputRefused: They cannot be read, or are not finite.
    """
    voxels = np.asarray(_array(file, sitk.sitkFloat32), dtype=np.float32)
    if not np.isfinite(voxels).all():
        raise InputRefused(f"{file.name} holds voxels that are no numbers.", HINT)
    return voxels


def labels_of(file: Path) -> Labels:
    """uint8 [k, j, i] label values.

    Raises:
        InputRefused: They cannot be read, or are no whole numbers from 0 to 255.
    """
    found = _array(file, sitk.sitkFloat64)
    whole = np.rint(found)
    if not np.isfinite(found).all() or np.abs(found - whole).max() > WHOLE or whole.min() < 0 or whole.max() > 255:
        raise InputRefused(
            f"{file.name} holds values that are no labels (whole numbers from 0 to 255).", "Save it as a label map."
        )
    return np.asarray(whole, dtype=np.uint8)


def _array(file: Path, kind: int) -> Points:
    reader = _reader(file)
    reader.SetOutputPixelType(kind)
    try:
        array = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError:
        raise InputRefused(f"The voxels of {file.name} cannot be read.", HINT) from None
    return np.asarray(array.reshape(array.shape[-3:]))


def _reader(file: Path) -> sitk.ImageFileReader:
    if not file.is_file():
        raise InputRefused(f"There is no {file.name} in {file.parent.name}.", "Add the file or remove its case.")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(file))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise InputRefused(f"{file.name} is damaged or of a kind that cannot be read.", HINT) from None
    return reader


def _sform(reader: sitk.ImageFileReader, file: Path) -> Points | None:
    """A NIfTI file's sform in LPS where its code is set; None where SimpleITK's answer, the qform, stands."""
    if not reader.HasMetaDataKey("qform_code"):
        return None
    sform, qform = (_meta(reader, f"{kind}form_code").strip() or "0" for kind in "sq")
    if sform == "0" and qform == "0":
        raise InputRefused(
            f"{file.name} does not say where in the patient it lies (qform and sform codes are 0).", HINT
        )
    if sform == "0":
        return None
    rows = [[float(n) for n in _meta(reader, f"srow_{axis}").split()] for axis in "xyz"]
    return np.asarray(LPS_FROM_RAS @ np.array([*rows, [0.0, 0.0, 0.0, 1.0]]))


def _meta(reader: sitk.ImageFileReader, key: str) -> str:
    return str(reader.GetMetaData(key)) if reader.HasMetaDataKey(key) else ""
