"""Digital patients with a brain tumour, or without: T1C, FLAIR, T1 and T2 on one grid, with the parts of the tumour.

What enhances, necrosis and oedema are labelled as BraTS labels them; a low-grade tumour, which does not enhance, is
labelled as what it looks like, oedema. Tumours from the dura and single enhancing nodules are labelled too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import binary_closing, gaussian_filter

from engines.phantom.head import Head, make_head
from engines.phantom.lesions.glioma import PARTS
from engines.phantom.lesions.growth import Growth, draw_dural, draw_glioblastoma, draw_low_grade, draw_solid
from engines.phantom.lesions.plan import LesionKind, LesionPlan, LesionSpec
from engines.phantom.mri import Sampler
from engines.phantom.noise import Rng
from engines.phantom.outlined import OutlinedPatient
from engines.phantom.tumour_scanner import Extra, acquire, draw_session, draw_veins
from inference.volume import Channel, Floats, Geometry, Mask, Volume

CHANNELS = (Channel.T1C, Channel.FLAIR, Channel.T1, Channel.T2)
NAMES = {1: "necrotic core", 2: "oedema", 3: "enhancing tumour"}
STEP_MM = 2.0
PIXEL_MM = 1.75

Draw = Callable[[Rng], Growth]
KINDS: tuple[tuple[float, Draw, tuple[float, float]], ...] = (
    (0.58, draw_glioblastoma, (2.5, 75.0)),
    (0.18, draw_solid, (0.5, 30.0)),
    (0.14, draw_low_grade, (3.0, 80.0)),
    (0.10, draw_dural, (1.0, 40.0)),
)
"""Share, traits and mL of each kind of tumour."""


def glioma_patient(seed: int) -> OutlinedPatient:
    """One patient in one scanner; about one in five has no tumour.

    Returns:
        Images T1C, FLAIR, T1, T2 (white matter near 300) on one axial grid, 1.75 mm in the slice, slices of 1.5 to
        6.5 mm, stripped of the skull or not; and the labels of `NAMES`.
    """
    rng = np.random.default_rng([seed, 51])
    head = make_head(seed, lesions=draw_tumours(rng), step_mm=STEP_MM)
    grid = _grid(head, rng)
    session, take = draw_session(rng), Sampler(head, grid, True, None)
    extra = Extra(_sick(head), draw_veins(head, rng))
    images = [acquire(take, c, session, extra, np.random.default_rng([seed, 52, n])) for n, c in enumerate(CHANNELS)]
    if rng.random() < 0.5:
        images = _stripped(head, images, rng)
    return OutlinedPatient(tuple(images), parts(head, grid))


def draw_tumours(rng: Rng) -> LesionPlan:
    """A tumour, several, or none, among scars and spots of age."""
    specs = [
        *_some(rng, LesionKind.INFARCT_OLD, (0.88, 0.12), (0.5, 25)),
        *_some(rng, LesionKind.SHINE_THROUGH, (0.6, 0.15, 0.15, 0.0, 0.0, 0.0, 0.1), (0.05, 2.5)),
    ]
    if rng.random() < 0.2:
        return LesionPlan(tuple(specs))
    _, draw, (least, most) = KINDS[int(rng.choice(len(KINDS), p=[share for share, _, _ in KINDS]))]
    count = int(rng.choice([1, 2, 4], p=[0.6, 0.25, 0.15])) if draw is draw_solid else 1
    for number in range(count):
        wanted = most if number == 0 else max(2 * least, 0.2 * most)
        specs.append(LesionSpec(LesionKind.TUMOUR, _log(rng, least, wanted), growth=draw(rng)))
    return LesionPlan(tuple(specs))


def parts(head: Head, grid: Geometry) -> Mask:
    """The tumour's parts: a voxel is tumour, or tumour with oedema, where they fill half of it."""
    core, oedema, enhancing = (head.fraction(tissues, grid) for tissues in PARTS)
    swollen = np.where(core + oedema + enhancing > 0.5, 2, 0)
    labels = np.where(core + enhancing > 0.5, np.where(core > enhancing, 1, 3), swollen)
    return Mask(labels.astype(np.uint8), grid, dict(NAMES))


def _sick(head: Head) -> Floats:
    grid = np.zeros(head.shape, dtype=np.float32)
    for lesion in head.lesions:
        if lesion.kind is LesionKind.TUMOUR:
            part = grid[lesion.window]
            np.maximum(part, lesion.cover * np.float32(1 / 255), out=part)
    return grid


def _grid(head: Head, rng: Rng) -> Geometry:
    """Axial slices from vertex to below the skull base, the head somewhere near the middle of the picture."""
    low, high = head.box_lps_mm()
    thick = rng.random() < 0.55
    gap = rng.uniform(4.0, 6.6) if thick else rng.uniform(1.5, 3.0)
    tall = rng.uniform(135, 168)
    size = [int(np.ceil((high[a] - low[a] + rng.uniform(4, 40)) / PIXEL_MM)) for a in (0, 1)]
    count = int(tall / gap)
    middle = (low + high) / 2
    corner = [middle[a] - (size[a] - 1) / 2 * PIXEL_MM + rng.uniform(-2, 2) for a in (0, 1)]
    bottom = high[2] + rng.uniform(-2, 6) - (count - 1) * gap
    return Geometry.from_axes((count, size[1], size[0]), (PIXEL_MM, PIXEL_MM, gap), (corner[0], corner[1], bottom))


def _stripped(head: Head, images: list[Volume], rng: Rng) -> list[Volume]:
    grid = images[0].geometry
    inside = gaussian_filter(head.brain(grid), (0, 0.6, 0.6)) > rng.uniform(0.35, 0.8)
    keep = binary_closing(np.pad(inside, 3), np.ones((1, 3, 3), dtype=bool), 2)[3:-3, 3:-3, 3:-3]
    return [Volume(np.where(keep, v.voxels, np.float32(0)), grid, v.channel, "", v.name) for v in images]


def _some(rng: Rng, kind: LesionKind, shares: tuple[float, ...], ml: tuple[float, float]) -> list[LesionSpec]:
    count = int(rng.choice(len(shares), p=list(shares)))
    return [LesionSpec(kind, _log(rng, *ml)) for _ in range(count)]


def _log(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
