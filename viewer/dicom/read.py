"""Series -> Volume: slices are decoded from the middle outward and put onto the grid as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from inference.errors import InputRefused, JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn
from inference.volume import Volume
from viewer.dicom.pixels import CT_FILL, PixelFile, Plane
from viewer.dicom.regrid import Canvas, placings
from viewer.study import Frame, GeometryState, Series

PARTIAL_EVERY_S = 0.1


def read(
    series: Series,
    *,
    on_partial: Callable[[Volume], None] | None = None,
    cancelled: CancelledFn | None = None,
    progress: ProgressFn | None = None,
) -> Volume:
    """Read the voxels of a DICOM volume series.

    Voxels are in the unit of the series after the modality LUT, on `series.grid`. Padding, missing slices and what
    lies outside a de-sheared stack hold -1024 for CT and 0 for all else, and are False in `Volume.valid`. MONOCHROME1
    is left as stored (`Series.inverted` tells the display).

    Args:
        series: A series of kind VOLUME that the geometry gate did not block.
        on_partial: Called after the first slice and then about ten times a second with volumes on the final grid that
            share one growing array; slices still to come are False in `valid`. The middle slice comes first.
        cancelled: Asked before every slice.
        progress: Told after every slice.

    Raises:
        InputRefused: The series is blocked, a file is damaged or gone, or its codec is missing.
        JobCancelled: `cancelled` said so.
    """
    if series.grid is None:
        raise InputRefused(
            series.reasons[-1] if series.reasons else "This series is not a volume.", "Choose another series."
        )
    fill = CT_FILL if series.unit == "HU" else 0.0
    origins = np.array([frame.origin_lps_mm for frame in series.frames], dtype=np.float64)
    placed = placings(origins, series.grid, series.state is GeometryState.OK)
    canvas = Canvas(series.grid, placed, fill)
    files = _Files(fill, series.unit == "HU")
    shown = -PARTIAL_EVERY_S
    total = len(series.frames)
    for done, number in enumerate(middle_first(total), start=1):
        if cancelled is not None and cancelled():
            raise JobCancelled
        plane = files.plane(series.frames[number])
        _require_size(plane.values.shape, series)
        canvas.put(number, plane.values, plane.measured)
        if progress is not None:
            progress(Progress("read", done, total))
        if on_partial is not None and done < total and time.monotonic() - shown >= PARTIAL_EVERY_S:
            on_partial(_volume(series, canvas))
            shown = time.monotonic()
    return _volume(series, canvas)


def middle_first(count: int) -> Iterator[int]:
    """The middle, then outward to both ends."""
    middle = count // 2
    for away in range(count):
        if away <= middle:
            yield middle - away
        if away and middle + away < count:
            yield middle + away


class _Files:
    """Keeps the last file open, since the frames of a multi-frame file come one after another."""

    def __init__(self, fill: float, is_hu: bool) -> None:
        self._fill, self._is_hu = fill, is_hu
        self._path: Path | None = None
        self._file: PixelFile | None = None

    def plane(self, frame: Frame) -> Plane:
        if self._file is None or frame.file != self._path:
            self._path, self._file = frame.file, PixelFile(frame.file, self._fill, self._is_hu)
        return self._file.plane(frame.frame)


def _volume(series: Series, canvas: Canvas) -> Volume:
    assert series.grid is not None
    return Volume(canvas.voxels, series.grid, series.channel, series.unit, _name(series), valid=canvas.valid())


def _name(series: Series) -> str:
    """A short name without patient text."""
    channel = series.channel.value if series.channel.value != "UNKNOWN" else series.modality
    return f"{channel} {series.number}" if series.number else channel


def _require_size(shape: tuple[int, ...], series: Series) -> None:
    if series.acquired_shape is not None and shape != series.acquired_shape[1:]:
        raise InputRefused(
            f"An image of {shape} pixels does not fit a series of {series.acquired_shape[1:]}.",
            "Export the series again from the archive or the scanner.",
        )
