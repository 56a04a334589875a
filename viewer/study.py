"""A study as found on disk: what each file is, before any pixel is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from inference.volume import Channel, Geometry


class SeriesKind(Enum):
    """What a series is good for."""

    VOLUME = "volume"
    PICTURE = "picture"
    LOCALIZER = "localizer"
    CAPTURE = "capture"
    SEGMENTATION = "segmentation"
    OTHER = "other"


class GeometryState(Enum):
    """What the geometry gate says of a series."""

    OK = "ok"
    CORRECTED = "corrected"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Frame:
    """One image plane: a file, or one frame of a multi-frame file.

    Attributes:
        file: Path as found; for a zip, the member after extraction to a private temporary folder.
        frame: Index in a multi-frame file, else 0.
        position_mm: Distance along the series' normal.
        origin_lps_mm: Centre of the first pixel (DICOM ImagePositionPatient), or None where the image has no place.
    """

    file: Path
    frame: int = 0
    position_mm: float = 0.0
    origin_lps_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One set of images that belong together, ordered by position along the normal.

    Attributes:
        uid: SeriesInstanceUID, with "#2", "#3" behind it where one DICOM series was split.
        modality: DICOM Modality ("CT", "MR", ...), or "" for a file format that has none.
        description: SeriesDescription or file name stem. May hold patient text: never log it.
        kind: What it is good for.
        frames: In order of position; for NIfTI, NRRD, MHA one entry.
        files: Number of input files that this series accounts for.
        acquired_shape: (k, j, i) as stored, or None where not a volume.
        grid: Grid of the volume that reading gives (orthogonal, evenly spaced), or None where blocked.
        gantry_tilt_deg: Signed geometric shear of the line of positions against the normal.
        steps_mm: Distinct steps between neighbouring positions, sorted.
        state: The gate's verdict.
        reasons: One sentence each: what was corrected, split or blocked, and why.
        channel: What it shows, as far as the headers say.
        unit: Unit of its values after rescale.
        window: (width, level) from the header, or None.
        frame_of_reference: FrameOfReferenceUID or "".
        study_uid: StudyInstanceUID or "".
        number: SeriesNumber, or 0.
        body_part: BodyPartExamined in capitals, or "" where the header does not say.
        inverted: Large values are meant to be shown dark (DICOM MONOCHROME1); the voxels are never inverted.
    """

    uid: str
    modality: str
    description: str
    kind: SeriesKind
    frames: tuple[Frame, ...]
    files: int
    acquired_shape: tuple[int, int, int] | None = None
    grid: Geometry | None = None
    gantry_tilt_deg: float = 0.0
    steps_mm: tuple[float, ...] = ()
    state: GeometryState = GeometryState.OK
    reasons: tuple[str, ...] = ()
    channel: Channel = Channel.UNKNOWN
    unit: str = ""
    window: tuple[float, float] | None = None
    frame_of_reference: str = ""
    study_uid: str = ""
    number: int = 0
    inverted: bool = False
    body_part: str = ""

    @property
    def is_shown(self) -> bool:
        """Whether a pane may show it: a volume, or a flat picture."""
        return self.kind in (SeriesKind.VOLUME, SeriesKind.PICTURE)


@dataclass(frozen=True, slots=True)
class SetAside:
    """One input file that no series shows, and why."""

    file: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Patient:
    """Patient text for the corner of the screen. Never logged, never written to a session."""

    name: str = ""
    id: str = ""
    sex: str = ""
    age: str = ""
    birth_date: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """Everything found under one path: `files_found == files_in_series + len(set_aside)` always."""

    source: Path
    files_found: int
    series: tuple[Series, ...]
    set_aside: tuple[SetAside, ...]
    patient: Patient = field(default_factory=Patient)
    description: str = ""
    date: str = ""

    @property
    def files_in_series(self) -> int:
        return sum(series.files for series in self.series)
