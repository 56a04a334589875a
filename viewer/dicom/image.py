"""Plain records of what DICOM headers say: one per file, one per image plane."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from viewer.study import Patient


@dataclass(frozen=True, slots=True)
class Image:
    """What the header says of one plane. Names follow the DICOM keywords; () and None mean that nothing is said."""

    file: Path
    frame: int = 0
    number_of_frames: int = 1
    sop_class: str = ""
    sop_uid: str = ""
    study_uid: str = ""
    series_uid: str = ""
    frame_of_reference: str = ""
    modality: str = ""
    description: str = ""
    protocol: str = ""
    body_part: str = ""
    sequence_name: str = ""
    series_number: int = 0
    instance: int = 0
    image_type: tuple[str, ...] = ()
    rows: int = 0
    columns: int = 0
    samples: int = 1
    photometric: str = ""
    position: tuple[float, ...] = ()
    orientation: tuple[float, ...] = ()
    spacing: tuple[float, ...] = ()
    thickness: float = 0.0
    slope: float | None = None
    intercept: float | None = None
    rescale_type: str = ""
    units_code: str = ""
    window: tuple[float, float] | None = None
    b_value: float | None = None
    acquisition: int = 0
    temporal: int = 0
    stack: str = ""
    trigger: float = 0.0
    time: str = ""
    echo_time: float | None = None
    repetition_time: float | None = None
    inversion_time: float | None = None
    scanning_sequence: tuple[str, ...] = ()
    sequence_variant: tuple[str, ...] = ()
    acquisition_contrast: str = ""
    echo_planar: bool = False
    directional: bool = False
    contrast_agent: bool = False

    @property
    def has_place(self) -> bool:
        return len(self.position) == 3 and len(self.orientation) == 6 and len(self.spacing) == 2


@dataclass(frozen=True, slots=True)
class Header:
    """One file: its planes, whose it is, and what kind of object it holds."""

    images: tuple[Image, ...]
    patient: Patient = field(default_factory=Patient)
    study_description: str = ""
    study_date: str = ""
    is_directory: bool = False
    has_pixels: bool = True
