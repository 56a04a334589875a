"""NIfTI-1 and NIfTI-2, plain or gzipped, from the header's own bytes.

The layout is that of nifti1.h and nifti2.h (NIfTI Data Format Working Group). Both transforms are read, so that a file
whose two transforms disagree is told from one whose transforms agree: a library shows only the one it chose.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from inference.errors import InputRefused
from inference.volume import Floats, Geometry, Points
from viewer.formats.grid import FileHeader

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
DIFFER_DEG = 1.0
DIFFER_MM = 1.0
TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
NAMES = {0: "unknown", 1: "scanner", 2: "aligned", 3: "Talairach", 4: "MNI", 5: "template"}
HINT = "Export or convert the file again."


@dataclass(frozen=True, slots=True, eq=False)
class Nifti:
    """The fields of a NIfTI header that place and scale its voxels. Affines are RAS mm, as in the file."""

    dim: tuple[int, ...]
    pixdim: tuple[float, ...]
    datatype: int
    offset: int
    slope: float
    inter: float
    qform_code: int
    sform_code: int
    qform: Points
    sform: Points
    order: str


class NiftiFormat:
    """See `viewer.formats.grid.Format`."""

    def header(self, file: Path) -> FileHeader:
        found = parse(file)
        shape = (found.dim[3], found.dim[2], found.dim[1])
        refusal = "" if found.datatype in TYPES else "Its voxels are colours, complex numbers or vectors."
        affine, reasons = placed(found)
        grid = None
        if affine is not None:
            grid = Geometry(shape, LPS_FROM_RAS @ affine)
        unscaled = found.slope in (0.0, 1.0) and found.inter == 0.0
        whole = TYPES.get(found.datatype, "f4")[0] in "iu" and unscaled
        return FileHeader(shape, grid, int(np.prod(found.dim[4:8])), whole, reasons, refusal=refusal)

    def voxels(self, file: Path, number: int) -> Floats:
        found = parse(file)
        shape = (found.dim[3], found.dim[2], found.dim[1])
        kind = np.dtype(found.order + TYPES[found.datatype])
        size = int(np.prod(shape)) * kind.itemsize
        try:
            with _opened(file) as stream:
                stream.seek(found.offset + number * size)
                raw = stream.read(size)
        except (OSError, EOFError, zlib.error):
            raise _damaged(file) from None
        if len(raw) < size:
            raise _damaged(file)
        voxels = np.frombuffer(raw, kind).reshape(shape).astype(np.float32)
        if found.slope not in (0.0, 1.0):
            voxels *= np.float32(found.slope)
        if found.slope != 0.0 and found.inter != 0.0:
            voxels += np.float32(found.inter)
        return voxels


def parse(file: Path) -> Nifti:
    """Read the header.

    Raises:
        InputRefused: The file is not NIfTI, or is damaged.
    """
    try:
        with _opened(file) as stream:
            raw = stream.read(540)
    except (OSError, EOFError, zlib.error):
        raise _damaged(file) from None
    for order in "<>":
        size = struct.unpack_from(order + "i", raw)[0] if len(raw) >= 348 else 0
        if size == 348:
            return _checked(_nifti1(raw, order), file)
        if size == 540 and len(raw) >= 540:
            return _checked(_nifti2(raw, order), file)
    raise InputRefused(f"{file.name} is not a NIfTI file, or is damaged.", HINT)


def placed(found: Nifti) -> tuple[Points | None, tuple[str, ...]]:
    """The affine (RAS mm) chosen by the codes, and what there is to say about it.

    The sform is taken where its code is set, else the qform; with neither, left and right are not known and nothing
    is assumed. Where both are set and differ by more than 1 degree or 1 mm, that is said.
    """
    if not found.sform_code and not found.qform_code:
        return None, ("The file does not say where in the patient it lies (qform and sform codes are 0).",)
    chosen = found.sform if found.sform_code else found.qform
    reasons = []
    if found.sform_code and found.qform_code:
        angle, shift = difference(found.qform, found.sform, found.dim[1:4])
        if angle > DIFFER_DEG or shift > DIFFER_MM:
            q, s = (NAMES.get(code, str(code)) for code in (found.qform_code, found.sform_code))
            reasons.append(
                f"Its two transforms differ by {angle:.1f} degrees and {shift:.1f} mm: "
                f"the sform ({s}) is used, not the qform ({q})."
            )
    return chosen, tuple(reasons)


def difference(a: Points, b: Points, size: Sequence[int]) -> tuple[float, float]:
    """Largest angle between axes in degrees, and largest distance between corners of the grid in mm."""
    axes_a, axes_b = (m[:3, :3] / np.linalg.norm(m[:3, :3], axis=0) for m in (a, b))
    cosines = np.clip((axes_a * axes_b).sum(axis=0), -1.0, 1.0)
    corners = np.array([[i, j, k, 1] for i in (0, size[0] - 1) for j in (0, size[1] - 1) for k in (0, size[2] - 1)])
    apart = np.linalg.norm((corners @ (a - b).T)[:, :3], axis=1)
    return float(np.degrees(np.arccos(cosines)).max()), float(apart.max())


def _opened(file: Path) -> BinaryIO:
    with file.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(file, "rb")) if zipped else file.open("rb")


def _nifti1(raw: bytes, order: str) -> Nifti:
    def take(form: str, at: int) -> tuple[float, ...]:
        return struct.unpack_from(order + form, raw, at)

    pixdim = take("8f", 76)
    slope, inter = take("2f", 112)
    q_code, s_code = (int(code) for code in take("2h", 252))
    return Nifti(
        tuple(int(n) for n in take("8h", 40)), pixdim, int(take("h", 70)[0]), int(take("f", 108)[0]),
        slope, inter, q_code, s_code, _qform(take("6f", 256), pixdim), _sform(take("12f", 280)), order,
    )  # fmt: skip


def _nifti2(raw: bytes, order: str) -> Nifti:
    def take(form: str, at: int) -> tuple[float, ...]:
        return struct.unpack_from(order + form, raw, at)

    pixdim = take("8d", 104)
    slope, inter = take("2d", 176)
    q_code, s_code = (int(code) for code in take("2i", 344))
    return Nifti(
        tuple(int(n) for n in take("8q", 16)), pixdim, int(take("h", 12)[0]), int(take("q", 168)[0]),
        slope, inter, q_code, s_code, _qform(take("6d", 352), pixdim), _sform(take("12d", 400)), order,
    )  # fmt: skip


def _checked(found: Nifti, file: Path) -> Nifti:
    """Sides beyond the stated number of dimensions are 1; a scale that is no number is none."""
    count = found.dim[0]
    sides = tuple(side if place < count else 1 for place, side in enumerate(found.dim[1:8]))
    if not 1 <= count <= 7 or min(sides) < 1:
        raise _damaged(file)
    finite = np.isfinite([found.slope, found.inter]).all()
    scale = (found.slope, found.inter) if finite else (1.0, 0.0)
    return Nifti(
        (count, *sides), found.pixdim, found.datatype, found.offset, *scale,
        found.qform_code, found.sform_code, found.qform, found.sform, found.order,
    )  # fmt: skip


def _qform(numbers: tuple[float, ...], pixdim: tuple[float, ...]) -> Points:
    """Rotation from a unit quaternion, times spacing; the third axis is flipped where pixdim[0] is -1."""
    b, c, d = numbers[:3]
    a = float(np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d)))
    rotation = np.array([
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ])  # fmt: skip
    flip = -1.0 if pixdim[0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * np.array([pixdim[1], pixdim[2], pixdim[3] * flip])
    affine[:3, 3] = numbers[3:]
    return affine


def _sform(numbers: tuple[float, ...]) -> Points:
    return np.vstack([np.reshape(numbers, (3, 4)), [0.0, 0.0, 0.0, 1.0]]).astype(np.float64)


def _damaged(file: Path) -> InputRefused:
    return InputRefused(f"{file.name} is damaged: it is shorter than its header says.", HINT)
