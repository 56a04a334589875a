"""Within the skull of a head made of shells, with and without its scalp, and with a bright tumour at the surface."""

import numpy as np

from inference.steps.skull import within_skull
from inference.volume import Floats

SPACING = (2.0, 2.0, 3.0)
SHAPE = (60, 110, 100)
SLICES, ROWS, COLUMNS = np.indices(SHAPE, dtype=np.float32)
DISTANCE = np.sqrt(((SLICES - 30) * 3) ** 2 + ((ROWS - 55) * 2) ** 2 + ((COLUMNS - 50) * 2) ** 2)
BRAIN = DISTANCE < 68
TUMOUR = np.sqrt(((SLICES - 30) * 3) ** 2 + ((ROWS - 55) * 2) ** 2 + ((COLUMNS - 78) * 2) ** 2) < 9


def head(scalp: float, tumour: float = 0.0) -> Floats:
    """Brain of 300, dark skull, a scalp that is bright or not there."""
    values = np.where(BRAIN, 300.0, 0.0) + np.where((DISTANCE >= 68) & (DISTANCE < 76), 40.0 * (scalp > 0), 0.0)
    values += np.where((DISTANCE >= 76) & (DISTANCE < 85), scalp, 0.0)
    values[TUMOUR & BRAIN] += tumour
    grain = 1 + 0.04 * np.random.default_rng(1).standard_normal(SHAPE)
    return np.asarray(values * grain, dtype=np.float32)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_the_scalp_is_left_out_however_bright() -> None:
    for scalp in (700.0, 1200.0):
        inside = within_skull(head(scalp), SPACING)
        assert overlap(inside, BRAIN) > 0.96
        assert not inside[DISTANCE > 77].any()


def test_a_head_without_scalp_stays_whole() -> None:
    assert overlap(within_skull(head(0.0), SPACING), BRAIN) > 0.97


def test_a_bright_tumour_at_the_surface_stays_inside() -> None:
    inside = within_skull(head(900.0, tumour=500.0), SPACING)
    assert inside[TUMOUR & BRAIN].mean() > 0.85


def test_what_is_no_head_stays_as_it_is() -> None:
    small = np.zeros((12, 20, 20), dtype=np.float32)
    small[4:8, 8:12, 8:12] = 100.0
    assert np.array_equal(within_skull(small, SPACING), small > 0)
