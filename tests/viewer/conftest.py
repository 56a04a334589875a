"""DICOM files made for a test: every attribute that matters is an argument, every other one is ordinary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    UncompressedTransferSyntaxes,
    generate_uid,
)

CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage}
PATIENT = "Zzyzx^Canary"


def _empty(sop_class: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    data.PatientName, data.PatientID, data.PatientBirthDate = PATIENT, PATIENT, "19500101"
    data.StudyInstanceUID, data.FrameOfReferenceUID = "1.2.3", "1.2.3.9"
    return data


def _pixels(data: Dataset, voxels: np.ndarray) -> None:
    data.Rows, data.Columns = voxels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = voxels.dtype.itemsize * 8
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(voxels.dtype.kind == "i")
    data.PixelData = voxels.tobytes()


def _set(data: Dataset, tags: dict[str, Any]) -> None:
    for keyword, value in tags.items():
        if value is None:
            if keyword in data:
                delattr(data, keyword)
        else:
            setattr(data, keyword, value)


def series(
    folder: Path,
    voxels: np.ndarray,
    *,
    modality: str = "CT",
    spacing: Sequence[float] = (0.5, 0.5),
    step: Sequence[float] = (0.0, 0.0, 5.0),
    positions: Sequence[Sequence[float]] | None = None,
    row: Sequence[float] = (1.0, 0.0, 0.0),
    column: Sequence[float] = (0.0, 1.0, 0.0),
    syntax: str = ExplicitVRLittleEndian,
    each: Callable[[int], dict[str, Any]] = lambda k: {},
    uid: str = "1.2.3.4",
    prefix: str = "",
    **tags: Any,
) -> Path:
    """Write one file per slice; `spacing` is (x, y), `each` gives more attributes of slice k (None removes one)."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, plane in enumerate(voxels):
        data = _empty(CLASSES.get(modality, tags.get("SOPClassUID", CTImageStorage)))
        data.SeriesInstanceUID, data.Modality, data.SeriesNumber = uid, modality, 3
        data.InstanceNumber, data.ImageType = k + 1, ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.PixelSpacing = [spacing[1], spacing[0]]
        data.SliceThickness, data.ImageOrientationPatient = 1.0, [*row, *column]
        place = np.multiply(step, k) if positions is None else positions[k]
        data.ImagePositionPatient = [round(float(mm), 9) for mm in place]
        if modality == "CT":
            data.RescaleSlope, data.RescaleIntercept = 1, 0
        _pixels(data, plane)
        _set(data, {**tags, **each(k)})
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        if syntax not in UncompressedTransferSyntaxes:
            data.compress(syntax, generate_instance_uid=False)
        data.save_as(folder / f"{prefix}{(k * 7919) % 10007:05d}.dcm", enforce_file_format=True)
    return folder


def enhanced(file: Path, voxels: np.ndarray, frames: Sequence[dict[str, Any]], **tags: Any) -> Path:
    """Write one Enhanced MR file. Each frame may say: z, slope, intercept, b, temporal, type."""
    data = _empty(EnhancedMRImageStorage)
    data.SeriesInstanceUID, data.Modality, data.SeriesNumber = "1.2.3.5", "MR", 4
    data.NumberOfFrames, data.ImageType = len(voxels), ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    _pixels(data, voxels)
    shared = Dataset()
    shared.PixelMeasuresSequence = _one(PixelSpacing=[1.0, 2.0], SliceThickness=3.0)
    shared.PlaneOrientationSequence = _one(ImageOrientationPatient=[1.0, 0, 0, 0, 1.0, 0])
    data.SharedFunctionalGroupsSequence = Items([shared])
    data.PerFrameFunctionalGroupsSequence = Items([_frame(frame) for frame in frames])
    _set(data, tags)
    file.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(file, enforce_file_format=True)
    return file


def _frame(says: dict[str, Any]) -> Dataset:
    item = Dataset()
    item.PlanePositionSequence = _one(ImagePositionPatient=[0.0, 0.0, float(says["z"])])
    item.PixelValueTransformationSequence = _one(
        RescaleSlope=says.get("slope", 1), RescaleIntercept=says.get("intercept", 0), RescaleType="US"
    )
    item.FrameContentSequence = _one(TemporalPositionIndex=says.get("temporal", 1))
    if "b" in says:
        item.MRDiffusionSequence = _one(DiffusionBValue=float(says["b"]))
    if "type" in says:
        item.MRImageFrameTypeSequence = _one(FrameType=says["type"])
    return item


def _one(**tags: Any) -> Items:
    item = Dataset()
    _set(item, tags)
    return Items([item])


@pytest.fixture(scope="session")
def write_series() -> Callable[..., Path]:
    """`series` above."""
    return series


@pytest.fixture(scope="session")
def write_enhanced() -> Callable[..., Path]:
    """`enhanced` above."""
    return enhanced
