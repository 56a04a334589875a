"""Small volumes on disk, written with SimpleITK, for the layouts that readers know."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

SHAPE = (4, 6, 5)
SPACING = (0.8, 0.9, 3.0)
ORIGIN = (-12.0, 7.5, 30.0)
Put = Callable[..., Path]


@pytest.fixture(scope="session")
def put() -> Put:
    """Write an array [k, j, i] to a file; by default a small image of noise on a grid of its own."""

    def write(file: Path, values: np.ndarray | None = None, spacing: tuple[float, ...] = SPACING) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        made = np.random.default_rng(len(str(file))).normal(0, 1, SHAPE).astype(np.float32)
        image = sitk.GetImageFromArray(made if values is None else values)
        image.SetSpacing(spacing)
        image.SetOrigin(ORIGIN)
        sitk.WriteImage(image, str(file))
        return file

    return write


def labels(*values: int, dtype: type = np.uint8) -> np.ndarray:
    """A label map of the usual shape that holds these values."""
    found = np.zeros(SHAPE, dtype)
    found.ravel()[: len(values)] = values
    return found


@pytest.fixture(scope="session")
def marked() -> Callable[..., np.ndarray]:
    return labels
