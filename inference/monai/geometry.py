"""MONAI's transforms that move voxels: Orientation, Spacing, CropForeground; each with its inverse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.errors import InputRefused
from inference.monai.picture import Back, Picture
from inference.monai.plan import Change
from inference.volume import Floats, Points

SAME_MM = 1e-3
"""MONAI's AFFINE_TOL: spacings this near are one."""
RELATIVE = 1e-5
SAME_CORNER = 1e-8
MOST_ASIDE = 0.02
"""Voxels that a grid may lean to the side over its whole length and still be resampled axis by axis."""
TOWARDS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
"""World axis of LPS and sense of each letter."""


def oriented(picture: Picture, change: Change) -> tuple[Picture, Back]:
    """Exchange and turn axes so that they run to `axcodes` as nearly as they can (nibabel, io_orientation)."""
    own = _nearest(picture.affine[:3, :3] / picture.spacing)
    order = [next(n for n, (world, _) in enumerate(own) if world == TOWARDS[code][0]) for code in change.axcodes]
    turned = tuple(n for n, code in enumerate(change.axcodes) if own[order[n]][1] != TOWARDS[code][1])
    flips = tuple(n + 1 for n in turned)

    def back(answer: Floats) -> Floats:
        return np.ascontiguousarray(np.flip(answer, flips).transpose(0, *(n + 1 for n in np.argsort(order))))

    voxels = np.ascontiguousarray(np.flip(picture.voxels.transpose(0, *(n + 1 for n in order)), flips))
    step = np.zeros((4, 4))
    step[3, 3] = 1.0
    for new, old in enumerate(order):
        step[old, new] = -1.0 if new in turned else 1.0
        step[old, 3] = picture.shape[old] - 1.0 if new in turned else 0.0
    return Picture(voxels, picture.affine @ step), back


def spaced(picture: Picture, change: Change) -> tuple[Picture, Back]:
    """Resample linearly to `pixdim`; what lies outside repeats the border.

    Raises:
        InputRefused: The axes do not stand at right angles.
    """
    shape, affine = grid_of(picture, np.array(change.pixdim))
    source, start = picture.shape, picture.affine
    voxels = moved(picture.voxels, start, affine, shape)
    return Picture(voxels, affine), lambda answer: moved(answer, affine, start, source)


def grid_of(picture: Picture, pixdim: Points) -> tuple[tuple[int, ...], Points]:
    """Shape and affine of MONAI's grid of a spacing (`zoom_affine`, `compute_shape_offset`).

    The first voxels of both grids lie at one place, if one of the image's corners is the first in every direction to
    eight digits; where the header's numbers are not that round, the middles do.
    """
    old, linear = picture.spacing, picture.affine[:3, :3]
    wanted = np.where(pixdim > 0, pixdim, old)
    factor = np.linalg.cholesky(linear.T @ linear).T
    zoomed = linear @ np.linalg.inv(factor) @ np.diag(np.where(np.abs(old - wanted) <= SAME_MM, old, wanted))
    ends = np.meshgrid(*[(0.0, n - 1.0) for n in picture.shape], indexing="ij")
    corners = np.stack([one.ravel() for one in ends])
    found = np.linalg.solve(zoomed, linear) @ corners
    shape = np.round(np.ptp(found, axis=1) + 1.0)
    firsts = [n for n in range(8) if np.abs((found - found[:, n : n + 1]).min(axis=1)).max() <= SAME_CORNER]
    affine = np.eye(4)
    affine[:3, :3] = zoomed
    at = corners[:, firsts[0]] if firsts else np.array(picture.shape) / 2.0
    affine[:3, 3] = picture.affine[:3, 3] + linear @ at - (0.0 if firsts else zoomed @ (shape / 2.0))
    return tuple(int(n) for n in shape), affine


def moved(voxels: Floats, source: Points, target: Points, shape: tuple[int, ...]) -> Floats:
    """[c, *place] of one grid on another whose axes run along the same lines.

    Raises:
        InputRefused: They do not: the image's axes do not stand at right angles.
    """
    step = np.asarray(np.linalg.solve(source, target), dtype=np.float64)
    same = voxels.shape[1:] == shape
    near = np.allclose(source, target, RELATIVE, SAME_MM) or np.allclose(step, np.eye(4), RELATIVE, SAME_MM)
    if same and near:
        return voxels
    aside = np.abs(step[:3, :3] - np.diag(np.diag(step))[:3, :3]) * np.array(shape)
    if aside.max() > MOST_ASIDE:
        raise InputRefused("The series' axes do not stand at right angles.", "Choose a series without gantry tilt.")
    return resampled(voxels, shape, np.asarray(np.diag(step)[:3]), np.asarray(step[:3, 3]))


def resampled(voxels: Floats, shape: tuple[int, ...], step: Points, first: Points) -> Floats:
    """Linear interpolation of [c, *place] at `first` + `step` times every index; beyond the border it repeats.

    Worked out in float64 along one axis after the other, which is what trilinear weights multiply to.
    """
    field = voxels.astype(np.float64)
    for axis, count in enumerate(shape, start=1):
        at = np.clip(first[axis - 1] + step[axis - 1] * np.arange(count), 0, field.shape[axis] - 1)
        low = np.minimum(np.floor(at).astype(np.intp), field.shape[axis] - 1)
        high = np.minimum(low + 1, field.shape[axis] - 1)
        share = (at - low).reshape([-1 if n == axis else 1 for n in range(field.ndim)])
        field = field.take(low, axis) * (1 - share) + field.take(high, axis) * share
    return field.astype(np.float32)


def cropped(picture: Picture, change: Change) -> tuple[Picture, Back]:
    """Cut to the box of what is positive in any channel, with a margin and sides divisible by `k_divisible`.

    Raises:
        InputRefused: Nothing is positive.
    """
    positive = np.asarray((picture.voxels > 0).any(axis=0))
    if not positive.any():
        raise InputRefused("The image holds nothing above zero, where this model looks.", "Choose another series.")
    sides = [_side(positive, axis, change) for axis in range(3)]
    kept = [slice(max(low, 0), min(high, n)) for (low, high), n in zip(sides, picture.shape, strict=True)]
    around = [(max(-low, 0), max(high - n, 0)) for (low, high), n in zip(sides, picture.shape, strict=True)]
    voxels = np.pad(picture.voxels[(slice(None), *kept)], [(0, 0), *around])
    whole = picture.shape

    def back(answer: Floats) -> Floats:
        out = np.zeros((len(answer), *whole), dtype=np.float32)
        inner = (slice(a, n - b) for (a, b), n in zip(around, answer.shape[1:], strict=True))
        out[(slice(None), *kept)] = answer[(slice(None), *inner)]
        return out

    affine = picture.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [low for low, _ in sides]
    return Picture(voxels, affine), back


def _side(positive: NDArray[np.bool_], axis: int, change: Change) -> tuple[int, int]:
    at = np.flatnonzero(positive.any(axis=tuple(n for n in range(3) if n != axis)))
    low, high = int(at[0]) - change.margin[axis], int(at[-1]) + change.margin[axis] + 1
    if change.allow_smaller:
        low, high = max(low, 0), min(high, positive.shape[axis])
    k = change.k_divisible[axis]
    length = -(-(high - low) // k) * k
    first = low - (length - (high - low)) // 2
    return first, first + length


def _nearest(direction: Points) -> list[tuple[int, int]]:
    """World axis and sense of each of the array's axes, none twice."""
    left, found = np.abs(direction), []
    for column in range(3):
        row = int(np.argmax(left[:, column]))
        left[row] = -1.0
        found.append((row, 1 if direction[row, column] > 0 else -1))
    return found
