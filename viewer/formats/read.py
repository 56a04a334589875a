"""Series of a research format -> Volume."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from inference.errors import InputRefused, JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn
from inference.volume import Volume
from viewer.formats.scan import format_of
from viewer.study import Series


def read(
    series: Series,
    *,
    on_partial: Callable[[Volume], None] | None = None,
    cancelled: CancelledFn | None = None,
    progress: ProgressFn | None = None,
) -> Volume:
    """Read the voxels of one volume.

    These formats hold one block (often compressed as a whole), so no part of it is there before all of it is:
    `on_partial` is not called.

    Raises:
        InputRefused: The series is blocked, or its file is damaged or gone.
        JobCancelled: `cancelled` said so.
    """
    del on_partial
    frame = series.frames[0]
    form = format_of(frame.file)
    if series.grid is None or form is None:
        raise InputRefused(series.reasons[-1] if series.reasons else "Not a volume.", "Choose another series.")
    if cancelled is not None and cancelled():
        raise JobCancelled
    voxels = form.voxels(frame.file, frame.frame)
    finite = np.isfinite(voxels)
    whole = bool(finite.all())
    if not whole:
        voxels[~finite] = -1024.0 if series.unit == "HU" else 0.0
    if progress is not None:
        progress(Progress("read", 1, 1))
    name = series.channel.value if series.channel.value != "UNKNOWN" else "image"
    return Volume(voxels, series.grid, series.channel, series.unit, name, valid=None if whole else finite)
