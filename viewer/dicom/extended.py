"""JPEG Extended with 12-bit samples (DICOM PS3.5 8.2.1), which pydicom's permissive decoders leave out.

SimpleITK carries a 12-bit JPEG library, but reads whole files and may apply a rescale. So it is given a private copy
that holds the pixels alone: no rescale, no functional groups, no patient.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import MultiFrameGrayscaleWordSecondaryCaptureImageStorage, generate_uid

KEPT = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "NumberOfFrames",
    "PixelData",
)


def decode(data: FileDataset) -> NDArray[np.integer]:
    """Stored values of all frames, [frames, rows, columns].

    Raises:
        RuntimeError: SimpleITK cannot decode them either.
    """
    with tempfile.TemporaryDirectory(prefix="insula-") as folder:
        file = Path(folder) / "pixels.dcm"
        _bare(data).save_as(file, enforce_file_format=True)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(file))
        stored = sitk.GetArrayFromImage(reader.Execute())
    return np.asarray(stored.reshape((-1, *stored.shape[-2:])))


def _bare(data: FileDataset) -> Dataset:
    bare = Dataset()
    for keyword in KEPT:
        if keyword in data:
            bare[keyword] = data[keyword]
    bare.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    bare.SOPInstanceUID = generate_uid()
    bare.Modality = "OT"
    bare.file_meta = type(data.file_meta)()
    bare.file_meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
    return bare
