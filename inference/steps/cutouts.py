"""Things cut out of a colour picture one by one, for a network that says what they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.volume import Colours, Floats

MARGIN = 1.15
"""What is shown reaches this much beyond the box, so that a cell's rim is in it."""

GREY = 128
"""Beyond that nothing is shown: neighbours would tell of themselves."""


def cutout(picture: Colours, box: NDArray[np.floating], side: int, field: int) -> Colours:
    """One square crop, uint8 [3, side, side]: the box and its margin in the middle, at its true size, on grey.

    What is large stays large: scaled to its box, a platelet and a white cell look alike.

    Args:
        picture: uint8 [j, i, 3].
        box: x0, y0, x1, y1 in pixel edges.
        side: Of the crop, in pixels.
        field: How many pixels of the picture a side of the crop spans.
    """
    x0, y0, x1, y1 = (float(n) for n in box)
    middle, reach = ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) * MARGIN / 2, (y1 - y0) * MARGIN / 2)
    left, top = (round(at - field / 2) for at in middle)
    canvas = np.full((field, field, 3), GREY, dtype=np.uint8)
    (i0, i1), (j0, j1) = (
        (max(0, first, round(at - r)), min(n, first + field, round(at + r)))
        for at, r, first, n in zip(middle, reach, (left, top), picture.shape[1::-1], strict=True)
    )
    canvas[j0 - top : j1 - top, i0 - left : i1 - left] = picture[j0:j1, i0:i1]
    made = Image.fromarray(canvas).resize((side, side), Image.Resampling.BOX)
    return np.asarray(made).transpose(2, 0, 1)


def as_input(pixels: Colours) -> Floats:
    """0..255 -> float32 in [-1, 1]."""
    return np.asarray(pixels, dtype=np.float32) / np.float32(127.5) - np.float32(1.0)


def told(logits: Floats) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Probability of the likeliest kind of thing, and which it is; the last logit speaks for no thing at all.

    Args:
        logits: (n, kinds + 1).
    """
    shares = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    kinds = shares[:, :-1].argmax(axis=1)
    return shares[np.arange(len(shares)), kinds], kinds
