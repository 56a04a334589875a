"""The shared nouns: where voxels lie, what they hold, what was found in them.

Inside Insula the world is LPS in mm (DICOM PS3.3 C.7.6.2.1.1); voxel arrays are indexed ``[k, j, i]``;
an affine maps the column ``(i, j, k, 1)`` to ``(x, y, z, 1)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inference.errors import GeometryMismatch, InputRefused

Floats = NDArray[np.float32]
Points = NDArray[np.float64]
Labels = NDArray[np.uint8]
Colours = NDArray[np.uint8]

GRID_TOLERANCE_MM = 1e-3
ORTHOGONAL_TOLERANCE_DEG = 0.1


class Channel(Enum):
    """What a volume shows, as far as headers or file names say so."""

    CT = "CT"
    T1 = "T1"
    T1C = "T1C"
    T2 = "T2"
    FLAIR = "FLAIR"
    DWI = "DWI"
    ADC = "ADC"
    COLOUR = "COLOUR"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where a grid of voxels lies in the patient.

    Attributes:
        shape: Number of voxels ``(k, j, i)``.
        affine: (4, 4) float64, index ``(i, j, k, 1)`` -> LPS mm; read-only. May be left-handed or sheared.
        frame_of_reference: FrameOfReferenceUID, or "" where the source has none.
        in_mm: False for a picture that does not say how large its pixels are: then the affine counts pixels, its
            "LPS" is right and down on the screen, and nobody may tell a length, a side or a volume from it.

    Raises:
        InputRefused: The affine is not finite or is singular, or a side of the shape is not positive.
    """

    shape: tuple[int, int, int]
    affine: Points
    frame_of_reference: str = ""
    in_mm: bool = True

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise InputRefused(
                "The image has no usable position in space.", "Export the series again with its geometry."
            )
        if min(self.shape) < 1 or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise InputRefused("The image grid has no extent.", "Export the series again with its geometry.")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", (int(self.shape[0]), int(self.shape[1]), int(self.shape[2])))

    @classmethod
    def from_axes(
        cls,
        shape: tuple[int, int, int],
        spacing_mm: ArrayLike,
        origin_lps_mm: ArrayLike = (0.0, 0.0, 0.0),
        direction: ArrayLike | None = None,
        frame_of_reference: str = "",
    ) -> Geometry:
        """Build from spacing ``(x, y, z)``, origin and a (3, 3) direction whose columns are the i, j, k axes."""
        affine = np.eye(4)
        axes = np.eye(3) if direction is None else np.asarray(direction, dtype=np.float64)
        affine[:3, :3] = axes * np.asarray(spacing_mm, dtype=np.float64)
        affine[:3, 3] = origin_lps_mm
        return cls(shape, affine, frame_of_reference)

    @classmethod
    def of_picture(cls, rows: int, columns: int) -> Geometry:
        """A flat picture without a scale: one slice whose affine counts pixels."""
        return cls((1, rows, columns), np.eye(4), in_mm=False)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance in mm between neighbours along i, j and k (for a sheared grid: along the slanted axis)."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(lengths[0]), float(lengths[1]), float(lengths[2])

    @property
    def direction(self) -> Points:
        """(3, 3) unit columns: where i, j and k point in LPS."""
        return np.asarray(self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def origin_lps_mm(self) -> Points:
        """(3,) centre of voxel (0, 0, 0)."""
        return np.array(self.affine[:3, 3])

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in mL, from the determinant, so true for sheared grids too."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def is_orthogonal(self) -> bool:
        """Whether the three axes stand at right angles within 0.1 degree."""
        axes = self.direction
        cosines = np.abs((axes.T @ axes)[np.triu_indices(3, 1)])
        return bool(cosines.max() < np.sin(np.radians(ORTHOGONAL_TOLERANCE_DEG)))

    def world_from_index(self, ijk: ArrayLike) -> Points:
        """(..., 3) indices in the order i, j, k -> (..., 3) LPS mm. Fractions allowed."""
        return np.asarray(np.asarray(ijk, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def index_from_world(self, lps_mm: ArrayLike) -> Points:
        """(..., 3) LPS mm -> (..., 3) fractional indices in the order i, j, k."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(np.asarray(lps_mm, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3])

    def same_grid(self, other: Geometry) -> bool:
        """Whether both grids hold the same voxels at the same places (frame of reference is not compared)."""
        return self.shape == other.shape and bool(np.abs(self.affine - other.affine).max() < GRID_TOLERANCE_MM)


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels and where they lie.

    Attributes:
        voxels: float32 ``[k, j, i]``, after rescale (HU for CT); read-only.
        geometry: Their grid.
        channel: What they show.
        unit: "HU", "mm2/s", "1e-3 mm2/s", "1e-6 mm2/s" or "" (arbitrary).
        name: A short name for the screen, no patient text.
        synthetic: Made by a network, never acquired.
        valid: bool ``[k, j, i]`` or None: False where nothing was measured (padding, or outside a de-sheared stack).
        colour: uint8 ``[k, j, i, 3]``, sRGB, or None for grey; the voxels then are its luminance, 0..255.

    Raises:
        GeometryMismatch: The voxels or colours do not fill the grid.
    """

    voxels: Floats
    geometry: Geometry
    channel: Channel = Channel.UNKNOWN
    unit: str = ""
    name: str = ""
    synthetic: bool = False
    valid: NDArray[np.bool_] | None = None
    colour: Colours | None = None

    def __post_init__(self) -> None:
        _require_shape(self.voxels.shape, self.geometry)
        if self.colour is not None:
            _require_shape(self.colour.shape[:3], self.geometry)
        voxels = np.asarray(self.voxels, dtype=np.float32).view()
        voxels.setflags(write=False)
        object.__setattr__(self, "voxels", voxels)


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Labels on a grid: 0 is background.

    Attributes:
        labels: uint8 ``[k, j, i]``; read-only.
        geometry: Their grid.
        names: Label value -> name.
    """

    labels: Labels
    geometry: Geometry
    names: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({1: "lesion"}))

    def __post_init__(self) -> None:
        _require_shape(self.labels.shape, self.geometry)
        labels = np.asarray(self.labels, dtype=np.uint8).view()
        labels.setflags(write=False)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))

    def volume_ml(self, label: int | None = None) -> float:
        """mL of one label, or of all of them: voxels counted, times |det|."""
        count = np.count_nonzero(self.labels if label is None else self.labels == label)
        return float(count) * self.geometry.voxel_ml


def _require_shape(found: tuple[int, ...], geometry: Geometry) -> None:
    if found != geometry.shape:
        raise GeometryMismatch(
            f"An array of shape {found} does not fill a grid of shape {geometry.shape}.",
            "Load the series again.",
        )
