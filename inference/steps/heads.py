"""What detectors of other projects answer, as boxes: styles of one output each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from inference.errors import BadOutput
from inference.steps.decode import Detections, decode
from inference.volume import Floats

MOST_LOG_CELLS = 8.0


class Head(Enum):
    """How a detector writes its boxes down.

    MAPS: Raw maps [1, 5 + classes, h, w], one for each stride.
    YOLOV8: [1, 4 + classes, cells]: centre and size in input pixels, probabilities.
    CORNERS: [1, 4 + classes, cells]: corners in input pixels, probabilities.
    YOLOX: [1, cells, 5 + classes]: offset and log size in cells of each stride, probabilities of a thing and of its
        class; centre and size in input pixels where no strides are named.
    END_TO_END: [1, boxes, 6]: corners in input pixels, probability, class; nothing overlaps any more.
    """

    MAPS = "maps"
    YOLOV8 = "yolov8"
    CORNERS = "corners"
    YOLOX = "yolox"
    END_TO_END = "end-to-end"


def detections(head: Head, answer: Sequence[Floats], size: tuple[int, int], strides: Sequence[int]) -> Detections:
    """Every box of one picture, before any threshold.

    Args:
        answer: The network's outputs.
        size: (rows, columns) of its input.
    """
    if head is Head.MAPS:
        return decode(answer, strides)
    return STYLES[head](answer[0][0].astype(np.float64), size, strides)


def scores_of(head: Head, answer: Sequence[Floats]) -> list[Floats]:
    """Everything that varies over a picture's places, as [map, place], to tell a dead network from an empty picture.

    A network that leaves out what it does not find may say the same of every empty slice: nothing to tell.
    """
    if head is Head.END_TO_END:
        return []
    if head is Head.MAPS:
        return [m[0, 4:].reshape(m.shape[1] - 4, -1) for m in answer]
    return [answer[0][0, :, 4:].T if head is Head.YOLOX else answer[0][0, 4:]]


def require_named(found: Detections, labels: Sequence[str]) -> Detections:
    """The boxes, if every class among them has a name.

    Raises:
        BadOutput: One has none.
    """
    if len(found.classes) and not 0 <= int(found.classes.min()) <= int(found.classes.max()) < len(labels):
        raise BadOutput("The model answered a class that has no name.", "Import it again and name all its classes.")
    return found


def cells(size: tuple[int, int], strides: Sequence[int]) -> NDArray[np.float64]:
    """float64 [cells, 3]: column, row and stride of every cell, stride by stride, row by row."""
    parts = []
    for stride in strides:
        row, column = np.mgrid[: size[0] // stride, : size[1] // stride]
        parts.append(np.stack([column.ravel(), row.ravel(), np.full(row.size, stride)], axis=-1))
    return np.concatenate(parts).astype(np.float64)


def _yolov8(raw: NDArray[np.float64], _size: tuple[int, int], _strides: Sequence[int]) -> Detections:
    return Detections(_corners(raw[:4].T), raw[4:].max(axis=0), raw[4:].argmax(axis=0))


def _by_corners(raw: NDArray[np.float64], _size: tuple[int, int], _strides: Sequence[int]) -> Detections:
    return Detections(raw[:4].T, raw[4:].max(axis=0), raw[4:].argmax(axis=0))


def _yolox(raw: NDArray[np.float64], size: tuple[int, int], strides: Sequence[int]) -> Detections:
    shares = raw[:, 4:5] * raw[:, 5:]
    return Detections(_corners(_in_pixels(raw, size, strides)), shares.max(axis=1), shares.argmax(axis=1))


def _in_pixels(raw: NDArray[np.float64], size: tuple[int, int], strides: Sequence[int]) -> NDArray[np.float64]:
    if not strides:
        return raw[:, :4]
    grid = cells(size, strides)
    sizes = np.exp(np.minimum(raw[:, 2:4], MOST_LOG_CELLS))
    return np.concatenate([raw[:, :2] + grid[:, :2], sizes], axis=1) * grid[:, 2:]


def _end_to_end(raw: NDArray[np.float64], _size: tuple[int, int], _strides: Sequence[int]) -> Detections:
    real = raw[raw[:, 4] > 0]
    return Detections(real[:, :4], real[:, 4], np.rint(real[:, 5]).astype(np.intp))


def _corners(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """cx, cy, w, h -> x0, y0, x1, y1."""
    return np.concatenate([centred[:, :2] - centred[:, 2:] / 2, centred[:, :2] + centred[:, 2:] / 2], axis=1)


STYLES: Mapping[Head, Callable[[NDArray[np.float64], tuple[int, int], Sequence[int]], Detections]] = {
    Head.YOLOV8: _yolov8,
    Head.CORNERS: _by_corners,
    Head.YOLOX: _yolox,
    Head.END_TO_END: _end_to_end,
}
