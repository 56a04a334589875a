"""NRRD and MetaImage through SimpleITK, whose world frame is LPS like ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from inference.errors import InputRefused
from inference.volume import Floats, Geometry
from viewer.formats.grid import FileHeader

HINT = "Export or convert the file again."
WHOLE_NUMBERS = ("integer", "label")
sitk.ProcessObject.SetGlobalWarningDisplay(False)


class ItkFormat:
    """See `viewer.formats.grid.Format`."""

    def header(self, file: Path) -> FileHeader:
        reader = _reader(file)
        sides = reader.GetSize()
        if reader.GetDimension() == 2:
            sides = (*sides, 1)
        count = int(sides[3]) if len(sides) > 3 else 1
        shape = (int(sides[2]), int(sides[1]), int(sides[0]))
        refusal = "" if reader.GetNumberOfComponents() == 1 else "Its voxels are vectors or colours."
        kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
        grid, reasons = _grid(reader, shape)
        return FileHeader(
            shape, grid, count, any(word in kind for word in WHOLE_NUMBERS), reasons, companions(file), refusal
        )

    def voxels(self, file: Path, number: int) -> Floats:
        reader = _reader(file)
        reader.SetOutputPixelType(sitk.sitkFloat32)
        sides = reader.GetSize()
        if len(sides) > 3:
            reader.SetExtractSize([*sides[:3], 0])
            reader.SetExtractIndex([0, 0, 0, number])
        try:
            array = sitk.GetArrayFromImage(reader.Execute())
        except RuntimeError:
            raise InputRefused(f"The voxels of {file.name} cannot be read.", HINT) from None
        return np.asarray(array.reshape((-1, *array.shape[-2:])), dtype=np.float32)


def companions(file: Path) -> tuple[Path, ...]:
    """The file that holds the voxels of a detached header (.mhd, .nhdr), where it lies beside it."""
    if file.suffix.lower() not in (".mhd", ".nhdr"):
        return ()
    keys = ("elementdatafile", "data file", "datafile")
    for line in file.read_text(encoding="latin-1").splitlines():
        key, _, value = line.replace("=", ":", 1).partition(":")
        beside = file.parent / Path(value.strip()).name
        if key.strip().lower() in keys and value.strip() and beside.is_file():
            return (beside,)
    return ()


def _reader(file: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(file))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise InputRefused(f"{file.name} is damaged or of a kind that cannot be read.", HINT) from None
    return reader


def _grid(reader: sitk.ImageFileReader, shape: tuple[int, int, int]) -> tuple[Geometry | None, tuple[str, ...]]:
    sides = reader.GetDimension()
    keys = reader.GetMetaDataKeys()
    if "NrrdImageIO" in reader.GetMetaData("ITK_InputFilterName") and "NRRD_space" not in keys:
        return None, ("The file does not say where in the patient it lies (it has no space field).",)
    if sides == 2:
        return None, ("The file holds one flat picture, not a volume.",)
    direction = np.reshape(reader.GetDirection(), (sides, sides))[:3, :3]
    return Geometry.from_axes(shape, reader.GetSpacing()[:3], reader.GetOrigin()[:3], direction), ()
