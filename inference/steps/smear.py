"""A stained blood smear as optical densities, and the gate that only such a picture passes.

Light falls off exponentially in what it passes (Beer and Lambert), so the logarithm of background over pixel is how
much stain lies there, whatever the lamp. Haemoglobin takes green and blue; the stain of nuclei, granules and platelets
takes green and red (Romanowsky stains). Red minus blue therefore tells platelets and nuclei from red cells at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.errors import InputRefused
from inference.volume import Colours, Floats, Volume

STEP = 2
"""Pixels of the picture per pixel worked on: a red cell is some 50 of them, and a camera's colour mosaic is gone."""

SMOOTH = 1.0
LEAST_SIDE = 128
"""Pixels: less shows no whole red cell beside another."""

LIT = 120.0
"""Of 255: the background under a microscope's lamp is brighter than this in each colour."""

TINT = 60.0
"""Of 255: between the background's colours; a page, a lawn or skin differ by more."""

CELL = 0.07
"""Density in green above which something lies there: three to five times the background's noise."""

COVERED = (0.02, 0.98)
PINK = 0.03
"""By how much green is denser than red in what lies there, in the middle: grey things have no difference."""

LEAST_CELL = 45.0
"""Diameter in pixels: what half of all that is stained at least belongs to. Cells of the pictures it learned from are
65 to 140 across; at a tenth of that magnification they would be dots to it."""

HINT = "Choose a colour picture of a stained blood smear, red cells about 100 pixels across."
Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Smear:
    """Optical densities of red, green and blue, float32 [rows, columns] each, on every `STEP`-th pixel.

    Attributes:
        background: (3,) colour of the empty glass, 0..255.
    """

    red: Plane
    green: Plane
    blue: Plane
    background: NDArray[np.float64]

    @property
    def stain(self) -> Plane:
        """Red minus blue: above zero in platelets and nuclei, below zero in red cells."""
        return np.asarray(self.red - self.blue)

    @property
    def purple(self) -> Plane:
        """Green minus blue: nuclei, and the granules round them."""
        return np.asarray(self.green - self.blue)


def smear_of(colour: Colours) -> Smear:
    """Densities of a picture, uint8 [j, i, 3]; an odd last row or column is left out."""
    rows, columns = (side // STEP for side in colour.shape[:2])
    blocks = colour[: rows * STEP, : columns * STEP].reshape(rows, STEP, columns, STEP, 3)
    small = blocks.mean(axis=(1, 3), dtype=np.float32)
    smooth = ndimage.gaussian_filter(small, (SMOOTH, SMOOTH, 0.0))
    glass = _background(smooth)
    density = -np.log((smooth + 1.0) / (glass + 1.0)).astype(np.float32)
    red, green, blue = np.moveaxis(density, 2, 0)
    return Smear(red, green, blue, glass)


def require_smear(volume: Volume) -> None:
    """Refuse what is clearly no stained blood smear: grey pictures, dark ones, screenshots, other magnifications.

    Raises:
        InputRefused: It is not; one sentence says what was seen.
    """
    sentence = _fault(volume.colour)
    if sentence:
        raise InputRefused(sentence, HINT)


def _fault(colour: Colours | None) -> str:
    if colour is None:
        return "The picture has no colours, so no stain can be told."
    if len(colour) != 1 or min(colour.shape[1:3]) < LEAST_SIDE:
        return f"The picture is {colour.shape[2]} x {colour.shape[1]} pixels: too small to hold a red cell."
    smear = smear_of(colour[0])
    if smear.background.min() < LIT or np.ptp(smear.background) > TINT:
        return "The picture has no bright, colourless background, as a smear has under the microscope's lamp."
    stained = smear.green > CELL
    covered = float(stained.mean())
    if not COVERED[0] <= covered <= COVERED[1]:
        return f"Of the picture {covered:.0%} is stained: cells would cover a part of it, and leave a part free."
    if np.median((smear.green - smear.red)[stained]) < PINK:
        return "What lies on the picture's background is not pink or purple, as stained blood is."
    return _size_fault(stained)


def _size_fault(stained: NDArray[np.bool_]) -> str:
    pieces, _ = ndimage.label(ndimage.binary_fill_holes(stained))
    sizes = np.sort(np.bincount(pieces.ravel())[1:])
    middle = sizes[np.searchsorted(np.cumsum(sizes), sizes.sum() / 2)]
    across = STEP * float(np.sqrt(4 * middle / np.pi))
    if across < LEAST_CELL:
        return f"What is stained is about {across:.0f} pixels across: too small to tell cells apart."
    return ""


def _background(smooth: Floats) -> NDArray[np.float64]:
    """The commonest value of each colour among the brighter half of the pixels."""
    darkest = smooth.min(axis=2)
    bright = smooth[darkest >= np.median(darkest)].astype(np.intp)
    return np.array([np.bincount(values, minlength=256).argmax() for values in bright.T], dtype=np.float64)
