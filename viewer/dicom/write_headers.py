"""DICOM attributes of written images: identity, place, pixels, and what CT and MR say of themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from inference.volume import Channel, Floats, Geometry, Volume

DATE = "20260101"
TIME = "090000"
CT_INTERCEPT = -1024
ADC_SLOPE = 0.001
WINDOWS = {Channel.CT: (80.0, 35.0), Channel.ADC: (2.4, 1.2)}


@dataclass(frozen=True, slots=True)
class PhantomPatient:
    """A patient who plainly is none."""

    name: str = "Phantom^Digital Head"
    id: str = "PHANTOM"
    sex: str = "O"


@dataclass(frozen=True, slots=True)
class Timing:
    """Protocol of an MR series.

    Attributes:
        tr_ms: Repetition time.
        te_ms: Echo time.
        ti_ms: Inversion time, or None.
        b_value: Diffusion weighting in s/mm2, or None.
        tesla: Field strength.
        contrast_agent: Name of what was given, or "".
    """

    tr_ms: float
    te_ms: float
    ti_ms: float | None = None
    b_value: float | None = None
    tesla: float = 3.0
    contrast_agent: str = ""


@dataclass(frozen=True, slots=True)
class Pixels:
    """How values are stored.

    Attributes:
        signed: Two's complement; CT then needs no intercept.
        monochrome1: Smallest value is meant to be shown white.
    """

    signed: bool = False
    monochrome1: bool = False


def derived_uid(*parts: object) -> str:
    """A UID that the same parts always give, under the UUID root (DICOM PS3.5 B.2)."""
    digest = hashlib.sha256("|".join(str(part) for part in parts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def new_file(sop_class: str, instance_uid: str) -> FileDataset:
    """An empty image with its file meta information."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = UID(sop_class)
    data.SOPInstanceUID = UID(instance_uid)
    return data


def identify(data: Dataset, patient: PhantomPatient, study_uid: str, seed: int) -> None:
    """Patient, study and equipment modules (DICOM PS3.3 C.7.1 to C.7.5); a quality control subject, no human."""
    data.PatientName, data.PatientID, data.PatientSex = patient.name, patient.id, patient.sex
    data.PatientBirthDate = ""
    data.QualityControlSubject = "YES"
    data.StudyInstanceUID = study_uid
    data.StudyID, data.AccessionNumber, data.ReferringPhysicianName = str(seed), "", ""
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = DATE
    data.StudyTime = data.SeriesTime = data.AcquisitionTime = data.ContentTime = TIME
    data.StudyDescription = "Digital head"
    data.Manufacturer, data.ManufacturerModelName = "Insula", "digital head"
    data.SoftwareVersions = "1"
    data.QualityControlImage = "YES"


def place(data: Dataset, geometry: Geometry, k: int, frame_uid: str, thickness_mm: float) -> None:
    """Image plane and frame of reference modules (DICOM PS3.3 C.7.6.2, C.7.4.1)."""
    x_mm, y_mm, _ = geometry.spacing_mm
    origin = geometry.world_from_index((0, 0, k))
    normal = np.cross(geometry.direction[:, 0], geometry.direction[:, 1])
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = frame_uid, ""
    data.PixelSpacing = [number(y_mm), number(x_mm)]
    data.ImageOrientationPatient = [number(v) for v in geometry.direction[:, :2].T.ravel()]
    data.ImagePositionPatient = [number(v) for v in origin]
    data.SliceLocation = number(float(origin @ normal))
    data.SliceThickness = number(thickness_mm)
    data.PatientPosition = "HFS"


def fill(data: Dataset, plane: Floats, volume: Volume, how: Pixels) -> None:
    """Image pixel, modality LUT and VOI modules (DICOM PS3.3 C.7.6.3, C.11.1, C.11.2)."""
    slope, intercept = _rescale(volume.channel, how)
    stored = np.rint((plane - intercept) / slope)
    kind = np.dtype("<i2") if how.signed else np.dtype("<u2")
    limits = np.iinfo(kind)
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME1" if how.monochrome1 else "MONOCHROME2"
    data.Rows, data.Columns = plane.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = int(how.signed)
    if volume.channel in (Channel.CT, Channel.ADC):
        data.RescaleSlope, data.RescaleIntercept = number(slope), number(intercept)
        data.RescaleType = "HU" if volume.channel is Channel.CT else "10^-3 mm2/s"
    width, level = WINDOWS.get(volume.channel) or _spread(volume.voxels)
    data.WindowWidth, data.WindowCenter = number(width), number(level)
    data.PixelData = np.clip(stored, limits.min, limits.max).astype(kind).tobytes()


def describe_ct(data: Dataset, geometry: Geometry) -> None:
    """CT image module (DICOM PS3.3 C.8.2.1)."""
    data.Modality = "CT"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.KVP, data.XRayTubeCurrent, data.ConvolutionKernel = "120", 250, "H31"
    data.ScanOptions = "AXIAL"
    data.GantryDetectorTilt = number(tilt_deg(geometry))


def describe_mr(data: Dataset, channel: Channel, timing: Timing) -> None:
    """MR image module (DICOM PS3.3 C.8.3.1) and the diffusion attributes (C.8.13.5.9)."""
    data.Modality = "MR"
    data.ImageType = {
        Channel.ADC: ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"],
        Channel.DWI: ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"],
    }.get(channel, ["ORIGINAL", "PRIMARY", "M", "SE"])
    diffusion = channel in (Channel.DWI, Channel.ADC)
    data.ScanningSequence = ["EP"] if diffusion else ["SE", "IR"] if timing.ti_ms else ["SE"]
    data.SequenceVariant, data.ScanOptions, data.MRAcquisitionType = "NONE", "", "2D"
    data.RepetitionTime, data.EchoTime = number(timing.tr_ms), number(timing.te_ms)
    data.EchoTrainLength, data.MagneticFieldStrength = 1, number(timing.tesla)
    if timing.ti_ms:
        data.InversionTime = number(timing.ti_ms)
    if channel is Channel.DWI and timing.b_value is not None:
        data.DiffusionBValue, data.DiffusionDirectionality = float(timing.b_value), "ISOTROPIC"
    if timing.contrast_agent:
        data.ContrastBolusAgent = timing.contrast_agent


def sop_class(channel: Channel) -> str:
    """CT Image Storage or MR Image Storage."""
    return str(CTImageStorage if channel is Channel.CT else MRImageStorage)


def tilt_deg(geometry: Geometry) -> float:
    """Angle between the line of slice positions and the slices' normal, signed by the slope of the rows' columns."""
    axes = geometry.direction
    normal = np.cross(axes[:, 0], axes[:, 1])
    slant = np.degrees(np.arctan2(abs(axes[:, 2] @ axes[:, 1]), abs(axes[:, 2] @ normal)))
    return float(np.sign(axes[2, 1]) * slant) if slant > 0.01 else 0.0


def number(value: float) -> str:
    """Decimal string of at most 16 characters (DICOM PS3.5 6.2)."""
    text = f"{value + 0.0:.9f}".rstrip("0").rstrip(".")
    return text if len(text) <= 16 else f"{value:.9e}"[:16]


def _rescale(channel: Channel, how: Pixels) -> tuple[float, float]:
    if channel is Channel.CT:
        return 1.0, 0.0 if how.signed else float(CT_INTERCEPT)
    return (ADC_SLOPE, 0.0) if channel is Channel.ADC else (1.0, 0.0)


def _spread(voxels: Floats) -> tuple[float, float]:
    top = max(float(np.percentile(voxels, 99.3)), 1.0)
    return round(top), round(top / 2)
