"""The digital head: a made-up person in a scanner, with everything known about him.

Anatomy is procedural (atlas distances bent and cut by seeded noise), painted once on a grid in the head's own frame;
any channel on any grid of the patient's LPS frame is then an average over voxels of that painting.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from engines.phantom import mri
from engines.phantom.build import build
from engines.phantom.canvas import Layer, fraction_of
from engines.phantom.ct import CtScanner, render_ct
from engines.phantom.lesions.plan import LABELS, Lesion, LesionKind, LesionPlan
from engines.phantom.person import Person
from engines.phantom.sampling import sample
from engines.phantom.signal import Scanner
from engines.phantom.tissue import Tissue
from inference.volume import Channel, Floats, Geometry, Mask, Points, Volume

BASE_MM = 82.0
INSIDE_DURA = frozenset(Tissue) - frozenset(
    {Tissue.AIR, Tissue.SKIN, Tissue.FAT, Tissue.MUSCLE, Tissue.BONE, Tissue.DIPLOE, Tissue.PETROUS, Tissue.MUCOSA}
    | {Tissue.VITREOUS, Tissue.LENS, Tissue.DURA}
)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """One person, lying in the scanner.

    Attributes:
        seed: What everything was drawn from.
        person: Traits.
        step_mm: Spacing of the head's own grid.
        shape: Its size ``(k, j, i)``.
        layers: Coats of tissue, first to last.
        lesions: What is wrong, exactly.
        lps_from_index: (4, 4) index ``(i, j, k, 1)`` of the head's grid -> LPS mm of the patient.
    """

    seed: int
    person: Person
    step_mm: float
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    lesions: tuple[Lesion, ...]
    lps_from_index: Points

    @property
    def centre_lps_mm(self) -> Points:
        """(3,) where the middle of the brain lies."""
        index = (np.array(self.shape[::-1]) - 1) / 2
        return np.asarray(self.lps_from_index[:3, :3] @ index + self.lps_from_index[:3, 3])

    def box_lps_mm(self) -> tuple[Points, Points]:
        """Smallest and largest corner in LPS of the head above the orbits, skin included."""
        skin = self.layers[0]
        base = max(round(BASE_MM / self.step_mm) - (skin.window[0].start or 0), 0)
        index = np.argwhere(skin.cover[base:] > 127)[::7] + [base, 0, 0] + [w.start or 0 for w in skin.window]
        world = index[:, ::-1] @ self.lps_from_index[:3, :3].T + self.lps_from_index[:3, 3]
        return world.min(axis=0), world.max(axis=0)

    def render(
        self,
        channel: Channel,
        geometry: Geometry,
        *,
        seed: int | None = None,
        noise: float = 1.0,
        bias: float = 1.0,
        partial_volume: bool = True,
        thickness_mm: float | None = None,
        scanner: Scanner | None = None,
        ct: CtScanner | None = None,
    ) -> Volume:
        """Scan the head.

        Args:
            channel: Any of `Channel` but UNKNOWN.
            geometry: Voxels in LPS mm; may be tilted (sheared).
            seed: Of noise and bias; the head's own if None.
            noise: Factor on the scanner's noise, 0 = none.
            bias: Factor on the MR receive field, 0 = none.
            partial_volume: False samples voxel centres only.
            thickness_mm: Slice thickness where slices overlap or leave gaps.
            scanner: MR field and protocol; a 3 T protocol if None.
            ct: CT kernel, noise and table; a usual head protocol if None.

        Returns:
            HU for CT, 1e-3 mm2/s for ADC, arbitrary units (white matter near 300) otherwise.
        """
        rng = np.random.default_rng([self.seed if seed is None else seed, 17, list(Channel).index(channel)])
        take = mri.Sampler(self, geometry, partial_volume, thickness_mm)
        if channel is Channel.CT:
            return render_ct(take, ct or CtScanner(), rng, noise)
        return mri.render_mr(take, channel, scanner or mri.standard_scanner(), rng, noise, bias)

    def diffusion(
        self, geometry: Geometry, *, noise: float = 1.0, bias: float = 1.0, scanner: Scanner | None = None
    ) -> tuple[Volume, Volume]:
        """(DWI, ADC in 1e-3 mm2/s) at once: what `render` gives for each."""
        take = mri.Sampler(self, geometry, True, None)
        return mri.render_diffusion(take, scanner or mri.standard_scanner(), noise, bias)

    def truth(self, geometry: Geometry, kinds: Collection[LesionKind] | None = None) -> Mask:
        """Lesions on a grid: a voxel belongs to the kind that fills at least half of it.

        Args:
            geometry: Wanted voxels.
            kinds: Only these; all if None. Label values are `LABELS`.
        """
        labels = np.zeros(geometry.shape, dtype=np.uint8)
        for kind in LesionKind:
            if kinds is None or kind in kinds:
                labels[self.cover(kind, geometry) >= 0.5] = LABELS[kind]
        return Mask(labels, geometry, {number: kind.value for kind, number in LABELS.items()})

    def cover(self, kind: LesionKind, geometry: Geometry) -> Floats:
        """Fraction 0..1 of each voxel that lesions of one kind fill."""
        found = [lesion for lesion in self.lesions if lesion.kind is kind]
        if not found:
            return np.zeros(geometry.shape, dtype=np.float32)
        grid = np.zeros(self.shape, dtype=np.float32)
        for lesion in found:
            part = grid[lesion.window]
            np.maximum(part, lesion.cover * np.float32(1 / 255), out=part)
        return sample(grid, self.lps_from_index, geometry)

    def fraction(self, tissues: Collection[Tissue], geometry: Geometry) -> Floats:
        """Fraction 0..1 of each voxel that these tissues fill."""
        grid = fraction_of(self.shape, list(self.layers), frozenset(tissues))
        return sample(grid, self.lps_from_index, geometry)

    def brain(self, geometry: Geometry) -> Floats:
        """Fraction 0..1 of each voxel inside the dura: brain, water, blood."""
        return self.fraction(INSIDE_DURA, geometry)


def make_head(seed: int, *, lesions: LesionPlan | None = None, step_mm: float = 1.0) -> Head:
    """Make one person; the same arguments make the same person.

    Args:
        seed: Anatomy, pose and lesions are drawn from it.
        lesions: What to paint; a healthy head if None.
        step_mm: Grid of the head: 1.0 for pictures, 1.5 where speed counts.
    """
    built = build(seed, lesions or LesionPlan(), step_mm)
    return Head(seed, built.person, step_mm, built.shape, built.layers, built.lesions, built.lps_from_index)
