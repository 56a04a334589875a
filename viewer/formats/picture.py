"""A picture that is opened by itself: one series of one flat image, in colour where it has colours, without a scale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engines.colour_file import NO_SCALE, is_picture, picture_header, picture_volume
from inference.errors import InputRefused, JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn
from inference.volume import Channel, Geometry, Volume
from viewer.study import Frame, Series, SeriesKind, SetAside

__all__ = ["is_picture", "read", "scan_file"]


def scan_file(file: Path) -> tuple[tuple[Series, ...], tuple[Path, ...]] | SetAside:
    """The one series of a picture, or why it is set aside. Only its header is read."""
    try:
        header = picture_header(file)
    except InputRefused as error:
        return SetAside(file, error.message)
    grid = Geometry.of_picture(header.rows, header.columns)
    series = Series(
        uid=str(file),
        modality="",
        description=file.stem,
        kind=SeriesKind.PICTURE,
        frames=(Frame(file),),
        files=1,
        acquired_shape=grid.shape,
        grid=grid,
        reasons=(NO_SCALE, *header.notes),
        channel=Channel.COLOUR if header.in_colour else Channel.UNKNOWN,
    )
    return (series,), ()


def read(
    series: Series,
    *,
    on_partial: Callable[[Volume], None] | None = None,
    cancelled: CancelledFn | None = None,
    progress: ProgressFn | None = None,
) -> Volume:
    """Read the pixels. They come at once, so `on_partial` is not called.

    Raises:
        InputRefused: The file is damaged or gone.
        JobCancelled: `cancelled` said so.
    """
    del on_partial
    if cancelled is not None and cancelled():
        raise JobCancelled
    volume = picture_volume(series.frames[0].file)
    if progress is not None:
        progress(Progress("read", 1, 1))
    return volume
