"""Cases for training: what each network wants, drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, label, zoom

from engines.phantom.ct import draw_ct
from engines.phantom.head import Head, make_head
from engines.phantom.lesions.plan import HAEMORRHAGES, LesionKind, draw_bleeds, draw_infarcts, draw_mixed
from engines.phantom.noise import Rng
from engines.phantom.signal import draw_scanner
from engines.phantom.tissue import Tissue
from inference.volume import Channel, Floats, Geometry, Labels

SliceBox = tuple[int, float, float, float, float]
STEP_MM = 1.3
STROKE_TISSUES: tuple[frozenset[Tissue], ...] = (
    frozenset({Tissue.AIR, Tissue.PETROUS}),
    frozenset({Tissue.MUSCLE, Tissue.SKIN, Tissue.MUCOSA, Tissue.DURA}),
    frozenset({Tissue.VITREOUS}),
    frozenset({Tissue.CSF}),
    frozenset({Tissue.GREY}),
    frozenset({Tissue.WHITE}),
    frozenset({Tissue.TRACT}),
    frozenset({Tissue.CAUDATE}),
    frozenset({Tissue.PALLIDUM}),
    frozenset({Tissue.THALAMUS}),
    frozenset({Tissue.STEM}),
    frozenset({Tissue.FOLIA}),
    frozenset({Tissue.PLEXUS}),
    frozenset({Tissue.LEUKOARAIOSIS}),
    frozenset({Tissue.GLIOSIS}),
    frozenset({Tissue.INFARCT_OLD}),
    frozenset({Tissue.INFARCT_RIM}),
    frozenset({Tissue.INFARCT_ACUTE}),
    frozenset({Tissue.INFARCT_SUBACUTE}),
)
"""What shows on diffusion images, in the order of `StrokePatient.tissues`; the rest (bone, fat, blood) is dark."""


@dataclass(frozen=True, slots=True, eq=False)
class StrokePatient:
    """One stroke patient on one grid.

    Attributes:
        dwi: float32 ``[k, j, i]``, arbitrary units.
        adc: float32 of that shape, 1e-3 mm2/s.
        truth: uint8 of that shape, 1 = acute infarct.
        tissues: uint8 ``[tissue, k, j, i]``, how much of a voxel each of STROKE_TISSUES fills, 255 = all of it.
        cover: uint8 ``[k, j, i]``, how much of a voxel is acute infarct, 255 = all of it.
    """

    dwi: Floats
    adc: Floats
    truth: Labels
    tissues: Labels
    cover: Labels


def ct_mr_slices(
    seed: int, size: int = 256, spacing_mm: float = 0.9, slices: int = 12, thickness_mm: float = 5.0
) -> tuple[Floats, Floats]:
    """Axial slices of one head as CT and as T2-weighted MR.

    Returns:
        (HU float32 ``[n, size, size]``, MR float32 of the same shape, arbitrary units): row 0 in front, column 0 at the
        patient's right; the head's bounding box on each volume's middle is centred.
    """
    rng = np.random.default_rng([seed, 5])
    head = make_head(seed, lesions=draw_mixed(rng), step_mm=STEP_MM)
    geometry = axial_grid(head, size, spacing_mm, slices, rng)
    ct = head.render(Channel.CT, geometry, ct=draw_ct(rng), thickness_mm=thickness_mm)
    mr = head.render(Channel.T2, geometry, scanner=draw_scanner(rng), thickness_mm=thickness_mm)
    return np.array(ct.voxels), np.array(mr.voxels)


def ct_boxes_slices(
    seed: int, size: int = 320, spacing_mm: float = 0.72, slices: int = 12, thickness_mm: float = 5.0
) -> tuple[Floats, list[list[SliceBox]]]:
    """Axial CT slices of a bleeding (one in eight: healthy) head with boxes.

    Returns:
        (HU float32 ``[n, size, size]``, per slice a list of (class, x0, y0, x1, y1)): classes 0..4 are EDH, IPH, IVH,
        SAH, SDH; corners are pixel edges (0 = outer edge of the first pixel).
    """
    rng = np.random.default_rng([seed, 6])
    plan = None if rng.random() < 0.125 else draw_bleeds(rng)
    head = make_head(seed, lesions=plan, step_mm=STEP_MM)
    geometry = axial_grid(head, size, spacing_mm, slices, rng)
    ct = head.render(Channel.CT, geometry, ct=draw_ct(rng), thickness_mm=thickness_mm)
    boxes: list[list[SliceBox]] = [[] for _ in range(slices)]
    for number, kind in enumerate(HAEMORRHAGES):
        cover = head.cover(kind, geometry)
        for k in range(slices):
            boxes[k] += [(number, *edges) for edges in _boxes(cover[k], kind, spacing_mm)]
    return np.array(ct.voxels), boxes


def dwi_adc_case(seed: int, spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.0)) -> tuple[Floats, Floats, Labels]:
    """DWI, ADC and truth of `stroke_patient`."""
    patient = stroke_patient(seed, spacing_mm, tissues=False)
    return patient.dwi, patient.adc, patient.truth


def stroke_patient(
    seed: int, spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.0), *, tissues: bool = True
) -> StrokePatient:
    """One stroke patient.

    Half of the cases are acquired in 5 mm slices and resampled; about half are skull-stripped (0 outside the brain).

    Args:
        tissues: Whether `tissues` are wanted too; without, there are none.
    """
    rng = np.random.default_rng([seed, 7])
    head = make_head(seed, lesions=draw_infarcts(rng), step_mm=1.5)
    wanted = brain_grid(head, spacing_mm)
    thick = rng.random() < 0.5
    acquired = _thick(wanted, 5.0) if thick else wanted
    scanner = draw_scanner(rng)
    dwi, adc = (volume.voxels for volume in head.diffusion(acquired, scanner=scanner))
    blur = rng.uniform(0, 0.45)
    dwi, adc = (gaussian_filter(a, (0, blur, blur)) for a in (dwi, adc))
    cover = head.cover(LesionKind.INFARCT, wanted)
    truth = (gaussian_filter(cover, 0.45) >= 0.42).astype(np.uint8)
    if thick:
        factor = [w / a for w, a in zip(wanted.shape, acquired.shape, strict=True)]
        dwi, adc = (zoom(a, factor, order=1, grid_mode=True, mode="nearest") for a in (dwi, adc))
    if rng.random() < 0.5:
        dwi, adc = _stripped(head, wanted, rng, dwi, adc)
    parts = [_bytes(head.fraction(wanted_tissues, wanted)) for wanted_tissues in STROKE_TISSUES] if tissues else []
    return StrokePatient(
        dwi.astype(np.float32),
        adc.astype(np.float32),
        truth,
        np.array(parts, dtype=np.uint8).reshape(-1, *wanted.shape),
        _bytes(cover),
    )


def _bytes(fraction: Floats) -> Labels:
    return np.rint(np.clip(fraction, 0, 1) * 255).astype(np.uint8)


def axial_grid(head: Head, size: int, spacing_mm: float, slices: int, rng: Rng) -> Geometry:
    """Axial slices spread over the brain from skull base to vertex, the head in the middle of the picture."""
    low, high = head.box_lps_mm()
    middle = (low + high) / 2
    bottom, top = high[2] - 150 * head.person.scale[2], high[2] - 12
    gap = (top - bottom) / max(slices, 1)
    start = bottom + gap * rng.uniform(0.1, 0.9)
    half = (size - 1) / 2 * spacing_mm
    return Geometry.from_axes(
        (slices, size, size), (spacing_mm, spacing_mm, gap), (middle[0] - half, middle[1] - half, start)
    )


def brain_grid(head: Head, spacing_mm: tuple[float, float, float]) -> Geometry:
    """A box round the brain."""
    low, high = head.box_lps_mm()
    middle = (low + high) / 2
    extent = np.array([high[0] - low[0], high[1] - low[1], 155.0])
    count = np.ceil(extent / spacing_mm).astype(int)
    origin = np.array([middle[0], middle[1], high[2] - 77.5]) - (count - 1) / 2 * np.asarray(spacing_mm)
    return Geometry.from_axes((int(count[2]), int(count[1]), int(count[0])), spacing_mm, origin)


def _thick(geometry: Geometry, slice_mm: float) -> Geometry:
    """The same extent in thick slices."""
    x, y, z = geometry.spacing_mm
    count = max(1, round(geometry.shape[0] * z / slice_mm))
    gap = geometry.shape[0] * z / count
    origin = geometry.origin_lps_mm + np.array([0, 0, (gap - z) / 2])
    return Geometry.from_axes((count, *geometry.shape[1:]), (x, y, gap), origin)


def _stripped(head: Head, geometry: Geometry, rng: Rng, *images: Floats) -> list[Floats]:
    mask = gaussian_filter(head.brain(geometry), 0.6) > rng.uniform(0.35, 0.75)
    return [np.where(mask, image, 0).astype(np.float32) for image in images]


def _boxes(cover: Floats, kind: LesionKind, spacing_mm: float) -> list[tuple[float, float, float, float]]:
    """Boxes of the connected parts of one slice, far parts apart, specks left out; SAH parts are joined sooner."""
    reach = (9.0 if kind is LesionKind.SAH else 2.5) / spacing_mm
    solid = cover >= 0.35
    parts, count = label(gaussian_filter(solid.astype(np.float32), reach / 2) > 0.08)
    boxes = []
    for number in range(1, count + 1):
        rows, columns = np.nonzero(solid & (parts == number))
        if rows.size * spacing_mm**2 >= 12.0:
            boxes.append((float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)))
    return boxes
