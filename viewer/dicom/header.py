"""From a DICOM file to plain records: one per image plane. No pydicom object leaves here, no pixel is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from viewer.dicom import values
from viewer.dicom.diffusion import PRIVATE_TAGS, b_value
from viewer.dicom.functional import frame_items, item_of
from viewer.dicom.image import Header, Image
from viewer.dicom.keywords import KEYWORDS
from viewer.dicom.quiet import quiet
from viewer.study import Patient

TAGS = [*(Tag(keyword) for keyword in KEYWORDS), *(values.tag(key) for key in PRIVATE_TAGS)]


def read_header(file: Path) -> Header | None:
    """Read the header of a DICOM file; None if the file is not DICOM.

    Raises:
        OSError: The file cannot be opened.
        ValueError: The file says it is DICOM and its header cannot be parsed.
    """
    force = not _has_preamble(file)
    if force and not _looks_bare(file):
        return None
    with quiet():
        try:
            data = dcmread(file, stop_before_pixels=True, specific_tags=TAGS, force=force)
            return _header(file, data)
        except InvalidDicomError:
            return None
        except OSError:
            raise
        except Exception as error:  # pydicom raises many kinds of error on a damaged file
            raise ValueError(f"damaged DICOM header ({type(error).__name__})") from None


def _has_preamble(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _looks_bare(file: Path) -> bool:
    """A data set without preamble starts with a low element of group 2 or 8, in either byte order."""
    with file.open("rb") as stream:
        start = stream.read(8)
    if len(start) < 8:
        return False
    little, big = (int.from_bytes(start[:2], order) for order in ("little", "big"))
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return (little in (2, 8) or big in (2, 8)) and (explicit or start[6:8] == b"\0\0" or start[4:6] == b"\0\0")


def _header(file: Path, data: FileDataset) -> Header | None:
    meta = getattr(data, "file_meta", Dataset())
    sop_class = values.text(data, "SOPClassUID") or values.text(meta, "MediaStorageSOPClassUID")
    if not sop_class and not values.text(data, "Modality") and not values.whole(data, "Rows"):
        return None
    common = _image(file, data, sop_class)
    return Header(
        _frames(common, data),
        _patient(data),
        values.text(data, "StudyDescription"),
        values.text(data, "StudyDate"),
        is_directory=sop_class == "1.2.840.10008.1.3.10" or "DirectoryRecordSequence" in data,
        has_pixels=common.rows > 0 and common.columns > 0,
    )


def _patient(data: Dataset) -> Patient:
    return Patient(
        name=values.text(data, "PatientName"),
        id=values.text(data, "PatientID"),
        sex=values.text(data, "PatientSex"),
        age=values.text(data, "PatientAge"),
        birth_date=values.text(data, "PatientBirthDate"),
    )


def _image(file: Path, data: Dataset, sop_class: str) -> Image:
    sop_uid = values.text(data, "SOPInstanceUID")
    return Image(
        file=file,
        number_of_frames=max(values.whole(data, "NumberOfFrames", 1), 1),
        sop_class=sop_class,
        sop_uid=sop_uid,
        study_uid=values.text(data, "StudyInstanceUID"),
        series_uid=values.text(data, "SeriesInstanceUID") or sop_uid or file.name,
        frame_of_reference=values.text(data, "FrameOfReferenceUID"),
        modality=values.text(data, "Modality").upper(),
        description=values.text(data, "SeriesDescription"),
        protocol=values.text(data, "ProtocolName"),
        body_part=values.text(data, "BodyPartExamined").upper(),
        sequence_name=values.text(data, "SequenceName"),
        series_number=values.whole(data, "SeriesNumber"),
        instance=values.whole(data, "InstanceNumber"),
        image_type=values.words(data, "ImageType"),
        rows=values.whole(data, "Rows"),
        columns=values.whole(data, "Columns"),
        samples=values.whole(data, "SamplesPerPixel", 1),
        photometric=values.text(data, "PhotometricInterpretation").upper(),
        time=values.text(data, "AcquisitionTime") or values.text(data, "ContentTime"),
        acquisition=values.whole(data, "AcquisitionNumber"),
        acquisition_contrast=values.text(data, "AcquisitionContrast").upper(),
        temporal=values.whole(data, "TemporalPositionIdentifier"),
        trigger=values.number(data, "TriggerTime") or 0.0,
        repetition_time=values.number(data, "RepetitionTime"),
        scanning_sequence=values.words(data, "ScanningSequence"),
        sequence_variant=values.words(data, "SequenceVariant"),
        echo_planar=values.text(data, "EchoPlanarPulseSequence") == "YES",
        directional=values.text(data, "DiffusionDirectionality") == "DIRECTIONAL",
        **_placed(data, data, data),
        **_scaled(data, data, data),
        **_measured(data, data, data),
        contrast_agent=bool(
            values.text(data, "ContrastBolusAgent") or values.items(data, "ContrastBolusAgentSequence")
        ),
    )


def _frames(common: Image, data: Dataset) -> tuple[Image, ...]:
    frames = frame_items(data)
    if not frames:
        return tuple(replace(common, frame=index) for index in range(common.number_of_frames))
    shared = values.first(data, "SharedFunctionalGroupsSequence")
    count = min(len(frames), common.number_of_frames)
    return tuple(_frame(common, data, shared, item, index) for index, item in enumerate(frames[:count]))


def _frame(common: Image, data: Dataset, shared: Dataset, own: Dataset, index: int) -> Image:
    def group(name: str) -> Dataset:
        return item_of(shared, own, name)

    content, kind = (
        group("FrameContentSequence"),
        group("MRImageFrameTypeSequence") or group("CTImageFrameTypeSequence"),
    )
    timing, contrast = group("MRTimingAndRelatedParametersSequence"), group("MRImageFrameTypeSequence")
    echo, diffusion = group("MREchoSequence"), group("MRDiffusionSequence")
    return replace(
        common,
        frame=index,
        instance=index + 1,
        image_type=values.words(kind, "FrameType") or common.image_type,
        temporal=values.whole(content, "TemporalPositionIndex", common.temporal),
        stack=values.text(content, "StackID"),
        acquisition=values.whole(content, "FrameAcquisitionNumber", common.acquisition),
        repetition_time=values.number(timing, "RepetitionTime") or common.repetition_time,
        directional=values.text(diffusion, "DiffusionDirectionality") == "DIRECTIONAL",
        acquisition_contrast=values.text(contrast, "AcquisitionContrast").upper() or common.acquisition_contrast,
        **_placed(group("PlanePositionSequence"), group("PlaneOrientationSequence"), group("PixelMeasuresSequence")),
        **_scaled(group("PixelValueTransformationSequence"), group("FrameVOILUTSequence"), own),
        **{
            **_measured(data, echo, group("MRModifierSequence")),
            "b_value": b_value(diffusion, common.sequence_name),
        },
    )


def _placed(position: Dataset, orientation: Dataset, measures: Dataset) -> dict[str, Any]:
    return {
        "position": values.numbers(position, "ImagePositionPatient", 3),
        "orientation": values.numbers(orientation, "ImageOrientationPatient", 6),
        "spacing": _positive(values.numbers(measures, "PixelSpacing", 2)),
        "thickness": values.number(measures, "SliceThickness") or 0.0,
    }


def _positive(spacing: tuple[float, ...]) -> tuple[float, ...]:
    return spacing if all(length > 0 for length in spacing) else ()


def _scaled(transform: Dataset, voi: Dataset, mapped: Dataset) -> dict[str, Any]:
    center, width = values.number(voi, "WindowCenter"), values.number(voi, "WindowWidth")
    mapping = values.first(mapped, "RealWorldValueMappingSequence")
    units = values.first(mapping, "MeasurementUnitsCodeSequence")
    return {
        "slope": values.number(transform, "RescaleSlope"),
        "intercept": values.number(transform, "RescaleIntercept"),
        "rescale_type": values.text(transform, "RescaleType"),
        "units_code": values.text(units, "CodeValue"),
        "window": (width, center) if center is not None and width is not None and width >= 1 else None,
    }


def _measured(data: Dataset, echo: Dataset, modifier: Dataset) -> dict[str, Any]:
    echo_time = values.number(echo, "EffectiveEchoTime") if echo is not data else values.number(data, "EchoTime")
    inversions = values.numbers(modifier, "InversionTimes") or values.numbers(modifier, "InversionTime")
    return {
        "echo_time": echo_time,
        "inversion_time": inversions[0] if inversions else None,
        "b_value": b_value(data, values.text(data, "SequenceName")),
    }
