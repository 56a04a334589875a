"""The geometry gate: where do the planes of a series really lie, and on which even grid can they be shown?

Only ImagePositionPatient, ImageOrientationPatient and PixelSpacing are believed (DICOM PS3.3 C.7.6.2.1.1); never
GantryDetectorTilt, SliceLocation, SpacingBetweenSlices or file names, which scanners fill in contradictory ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.volume import ORTHOGONAL_TOLERANCE_DEG, Geometry, Points
from viewer.study import GeometryState

STEP_TOLERANCE_MM = 0.05
STEP_TOLERANCE = 0.02
PLACE_TOLERANCE_MM = 0.1  # positions are often rounded to a tenth of a millimetre
GAP_FACTOR = 1.5
USUAL_SHARE = 0.1
SNAP_PIXELS = 0.02
MOST_SLICES_PER_IMAGE = 8
AXES_TOLERANCE = 0.01
STRAY_PIXELS = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """Parallel images of one size, in any order.

    Attributes:
        origins: (n, 3) LPS mm, centre of the first pixel of each image.
        row: (3,) unit vector along increasing column index (the first half of ImageOrientationPatient).
        column: (3,) unit vector along increasing row index (its second half).
        spacing_mm: (x, y) distance of neighbouring pixels along `row` and along `column`.
        size: (rows, columns).
        thickness_mm: SliceThickness; stands in for a spacing only where there is a single image.
    """

    origins: Points
    row: Points
    column: Points
    spacing_mm: tuple[float, float]
    size: tuple[int, int]
    thickness_mm: float = 0.0

    @property
    def normal(self) -> Points:
        return np.cross(self.row, self.column)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the gate found.

    Attributes:
        order: Indices that put the images in ascending position.
        positions_mm: Distance along the normal, ascending.
        tilt_deg: Signed shear, see `shear_deg`.
        steps_mm: Distinct steps, ascending.
        state: Whether the stack is even and upright, was corrected, or cannot be a volume.
        reasons: One sentence for each thing found.
        grid: Orthogonal even grid on which the stack is shown, or None where blocked.
    """

    order: tuple[int, ...]
    positions_mm: tuple[float, ...]
    tilt_deg: float
    steps_mm: tuple[float, ...]
    state: GeometryState
    reasons: tuple[str, ...]
    grid: Geometry | None


def judge(planes: Planes, frame_of_reference: str = "") -> Verdict:
    """Order the planes, measure shear and steps, and choose the grid. Positions must not repeat (see `repeats`)."""
    along = planes.origins @ planes.normal
    order = np.argsort(along, kind="stable")
    positions, origins = along[order], planes.origins[order]
    steps = distinct_steps(positions)
    tilt = shear_deg(origins, planes.row, planes.column)
    refusal = _refusal(planes, positions)
    listed = tuple(int(index) for index in order), tuple(float(position) for position in positions)
    if refusal:
        return Verdict(*listed, tilt, steps, GeometryState.BLOCKED, (refusal,), None)
    found = _found(planes, origins, positions, tilt)
    grid = (_even_grid if found else _plain_grid)(planes, origins, positions, frame_of_reference)
    state = GeometryState.CORRECTED if found else GeometryState.OK
    return Verdict(*listed, tilt, steps, state, found + _single(planes), grid)


def shear_deg(origins: Points, row: Points, column: Points) -> float:
    """Signed angle between the line of positions and the normal `row x column`, in degrees.

    Positive when the images move toward increasing row index (`column`) while they ascend along the normal; for a
    shear mainly along `row` the sign is taken from there. `origins` are ordered.
    """
    slope_row, slope_column = _slopes(origins, row, column)
    lead = slope_column if abs(slope_column) >= abs(slope_row) else slope_row
    return float(np.degrees(np.arctan(np.copysign(np.hypot(slope_row, slope_column), lead)))) + 0.0


def _slopes(origins: Points, row: Points, column: Points) -> tuple[float, float]:
    """Sideways shift along row and column per mm along the normal: the median over images half the stack apart.

    Far apart, so that rounding in the header does not count; the median, so that one stray image does not.
    """
    apart = max(len(origins) // 2, 1)
    legs = origins[apart:] - origins[:-apart]
    legs = legs[legs @ np.cross(row, column) > 0]
    if not len(legs):
        return 0.0, 0.0
    along = legs @ np.cross(row, column)
    return float(np.median(legs @ row / along)), float(np.median(legs @ column / along))


def distinct_steps(positions: Points) -> tuple[float, ...]:
    """Distinct distances between neighbouring ordered positions, ascending; equal within 0.05 mm or 2 %."""
    return tuple(round(float(np.mean(group)), 3) for group in _clusters(np.diff(positions)))


def usual_step(positions: Points) -> float:
    """The smallest step that at least a tenth of all steps have: fine enough for all of them but a stray one."""
    steps = np.diff(positions)
    for group in _clusters(steps):
        if len(group) >= USUAL_SHARE * len(steps):
            return float(np.mean(group))
    return float(np.median(steps))


def gaps(positions: Points) -> NDArray[np.bool_]:
    """(n - 1,) True where images are missing: a step over 1.5 times the usual one that stands alone.

    Two wide steps side by side are a change of spacing (thin slices at the base of the skull, thick ones above), not
    missing images.
    """
    if len(positions) < 3:
        return np.zeros(max(len(positions) - 1, 0), dtype=bool)
    wide = np.diff(positions) > GAP_FACTOR * usual_step(positions)
    beside = np.zeros_like(wide)
    beside[1:] |= wide[:-1]
    beside[:-1] |= wide[1:]
    return np.asarray(wide & ~beside)


def repeats(positions: Points) -> bool:
    """Whether two images lie at one position along the normal (within 0.001 mm)."""
    return len(positions) > 1 and bool(np.diff(np.sort(positions)).min() < 1e-3)


def snapped(pixels: Points) -> Points:
    """Shifts that are whole pixels but for rounding in the header become whole."""
    whole = np.round(pixels)
    return np.where(np.abs(pixels - whole) < SNAP_PIXELS, whole, pixels)


def _clusters(steps: Points) -> list[Points]:
    ordered = np.sort(steps)
    if not len(ordered):
        return []
    tolerance = np.maximum(STEP_TOLERANCE_MM, STEP_TOLERANCE * ordered[:-1])
    return np.split(ordered, np.flatnonzero(np.diff(ordered) > tolerance) + 1)


def _lattice(positions: Points) -> NDArray[np.intp] | None:
    """Whole-number place of each position on an even lattice, or None where they keep no even step."""
    if len(positions) < 2:
        return np.zeros(len(positions), dtype=np.intp)
    places = np.concatenate([[0], np.cumsum(np.round(np.diff(positions) / usual_step(positions)))]).astype(np.intp)
    if np.any(np.diff(places) < 1) or np.any((np.diff(places) > 1) & ~gaps(positions)):
        return None
    step = (positions[-1] - positions[0]) / places[-1]
    off = np.abs(positions - positions[0] - places * step).max()
    return places if off <= max(PLACE_TOLERANCE_MM, STEP_TOLERANCE * step) else None


def _refusal(planes: Planes, positions: Points) -> str:
    if abs(float(planes.row @ planes.column)) > AXES_TOLERANCE:
        return "Rows and columns of the images do not stand at right angles in the header."
    if repeats(positions):
        return "Several images lie at one position and nothing in the header tells them apart."
    if len(positions) < 2:
        return ""
    needed = (positions[-1] - positions[0]) / usual_step(positions) + 1
    missing = np.diff(positions)[gaps(positions)] - usual_step(positions)
    if needed > MOST_SLICES_PER_IMAGE * len(positions) or missing.sum() > 0.5 * (positions[-1] - positions[0]):
        return f"Only {len(positions)} images are spread over {positions[-1] - positions[0]:.0f} mm: most are missing."
    return ""


def _found(planes: Planes, origins: Points, positions: Points, tilt: float) -> tuple[str, ...]:
    found = []
    if abs(tilt) >= ORTHOGONAL_TOLERANCE_DEG:
        found.append(f"The stack leans by {abs(tilt):.1f} degrees (gantry tilt): de-sheared.")
    if _strays(planes, origins):
        found.append("The images are shifted sideways against each other: put where they belong.")
    steps = ", ".join(f"{step:.2f}" for step in distinct_steps(positions))
    missing = gaps(positions)
    if missing.any():
        found.append(_gap_sentence(positions, missing))
    if _lattice(positions) is None:
        found.append(f"Slice spacing is uneven ({steps} mm): resampled to {usual_step(positions):.2f} mm.")
    return tuple(found)


def _gap_sentence(positions: Points, missing: NDArray[np.bool_]) -> str:
    where = ", ".join(
        f"{low:.1f} and {high:.1f}" for low, high, gap in zip(positions, positions[1:], missing, strict=False) if gap
    )
    count = int(np.round(np.diff(positions)[missing] / usual_step(positions) - 1).clip(min=1).sum())
    slices = "1 slice is" if count == 1 else f"{count} slices are"
    return f"{slices} missing between positions {where} mm: left empty."


def _strays(planes: Planes, origins: Points) -> bool:
    """Whether any image lies off the straight line of positions by more than a quarter of a pixel."""
    if len(origins) < 3:
        return False
    along = origins @ planes.normal
    sideways = origins @ np.stack([planes.row, planes.column], axis=1)
    off = sideways - along[:, None] * _slopes(origins, planes.row, planes.column)
    off -= np.median(off, axis=0)
    return bool((np.abs(off) > STRAY_PIXELS * np.asarray(planes.spacing_mm)).any())


def _single(planes: Planes) -> tuple[str, ...]:
    return ("One image only: its slice thickness stands in for a spacing.",) if len(planes.origins) == 1 else ()


def _plain_grid(planes: Planes, origins: Points, positions: Points, frame: str) -> Geometry:
    affine = _affine(planes, origins[0])
    if len(origins) > 1:
        affine[:3, 2] = (origins[-1] - origins[0]) / (len(origins) - 1)
    else:
        affine[:3, 2] = planes.normal * (planes.thickness_mm or 1.0)
    return Geometry((len(positions), *planes.size), affine, frame)


def _even_grid(planes: Planes, origins: Points, positions: Points, frame: str) -> Geometry:
    first, step, count = _even_positions(positions)
    shift = snapped((origins - origins[0]) @ np.stack([planes.row, planes.column], axis=1) / planes.spacing_mm)
    low, high = np.round(shift.min(axis=0)), np.round(shift.max(axis=0))
    corner = origins[0] + (first - positions[0]) * planes.normal
    corner = corner + low[0] * planes.spacing_mm[0] * planes.row + low[1] * planes.spacing_mm[1] * planes.column
    affine = _affine(planes, corner)
    affine[:3, 2] = planes.normal * step
    wider, taller = (int(extra) for extra in high - low)
    return Geometry((count, planes.size[0] + taller, planes.size[1] + wider), affine, frame)


def _affine(planes: Planes, corner: Points) -> Points:
    affine = np.eye(4)
    affine[:3, 0] = planes.row * planes.spacing_mm[0]
    affine[:3, 1] = planes.column * planes.spacing_mm[1]
    affine[:3, 3] = corner
    return affine


def _even_positions(positions: Points) -> tuple[float, float, int]:
    """First position, step and count of the even grid.

    An uneven stack is sampled on the lattice of its longest run of usual steps, so that those images stay as they
    are, and out to half a slice beyond both ends, so that no tissue is lost there.
    """
    places = _lattice(positions)
    if places is not None:
        count = int(places[-1]) + 1
        step = float(positions[-1] - positions[0]) / max(count - 1, 1)
        return float(positions[0]), step, count
    step = usual_step(positions)
    anchor = positions[_longest_run(np.abs(np.diff(positions) - step) < max(STEP_TOLERANCE_MM, STEP_TOLERANCE * step))]
    low = positions[0] - (positions[1] - positions[0]) / 2
    high = positions[-1] + (positions[-1] - positions[-2]) / 2
    start = int(np.ceil((low - anchor) / step - 1e-6))
    end = int(np.floor((high - anchor) / step - 1e-6))
    return float(anchor + start * step), step, end - start + 1


def _longest_run(usual: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], usual.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    return int(starts[np.argmax(ends - starts)]) if len(starts) else 0
