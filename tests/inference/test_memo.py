"""Answers live as long as the voxels they were made from, and no longer."""

from __future__ import annotations

import gc

import numpy as np

from inference.memo import remembered
from inference.volume import Geometry, Volume

GRID = Geometry.from_axes((2, 2, 2), (1.0, 1.0, 1.0))


def test_worked_out_once_and_forgotten_with_the_voxels() -> None:
    calls: list[float] = []

    @remembered
    def mean(volume: Volume, factor: float) -> float:
        calls.append(factor)
        return float(volume.voxels.mean()) * factor

    for value in range(5):
        volume = Volume(np.full((2, 2, 2), value, np.float32), GRID)
        assert mean(volume, 2.0) == 2.0 * value
        assert mean(volume, 2.0) == 2.0 * value
        assert mean(volume, 3.0) == 3.0 * value
        del volume
        gc.collect()
    assert calls == [2.0, 3.0] * 5
