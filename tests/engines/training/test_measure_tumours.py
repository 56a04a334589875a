"""The plain rules that a tumour network is measured beside, on heads whose answer is known, and the real cases."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engines.training import measure_tumours as room
from engines.training.measure_outlines import dice
from engines.training.measure_tumours import bright_rule, flair_rule, gain_rule, largest
from inference.volume import Channel, Floats, Geometry, Volume

SHAPE = (24, 60, 60)
GRID = Geometry.from_axes(SHAPE, (3.0, 3.0, 5.0))


def ball(centre: tuple[float, float, float], radius_mm: float) -> Floats:
    """Ones inside, zeros outside."""
    k, j, i = np.indices(SHAPE, dtype=np.float32)
    gap = ((k - centre[0]) * 5) ** 2 + ((j - centre[1]) * 3) ** 2 + ((i - centre[2]) * 3) ** 2
    return np.asarray(gap < radius_mm**2, dtype=np.float32)


def volume(values: Floats, channel: Channel = Channel.T1C) -> Volume:
    grain = 1 + 0.02 * np.random.default_rng(2).standard_normal(SHAPE).astype(np.float32)
    return Volume(np.asarray(values * grain, dtype=np.float32), GRID, channel)


BRAIN, TUMOUR = ball((12, 30, 30), 56), ball((12, 30, 38), 14)


def test_the_bright_rule_finds_a_tumour_below_a_scalp_that_is_brighter_still() -> None:
    head = 300 * ball((12, 30, 30), 74) + 500 * (ball((12, 30, 30), 74) - ball((12, 30, 30), 66)) + 250 * TUMOUR
    assert dice(bright_rule(volume(head)), TUMOUR > 0) > 0.9


def test_rules_of_flair_and_of_what_contrast_adds() -> None:
    oedema = ball((12, 30, 38), 24)
    study = {
        Channel.FLAIR: volume(100 * BRAIN + 120 * oedema, Channel.FLAIR),
        Channel.T1: volume(900 * BRAIN, Channel.T1),
        Channel.T1C: volume(3000 * BRAIN + 2400 * TUMOUR),
    }
    assert dice(flair_rule(study), oedema > 0) > 0.9
    assert dice(gain_rule(study), TUMOUR > 0) > 0.9


def test_the_largest_piece_of_nothing_is_nothing() -> None:
    assert not largest(np.zeros(SHAPE, dtype=bool)).any()
    two = (ball((4, 10, 10), 10) + TUMOUR) > 0
    assert np.array_equal(largest(two), TUMOUR > 0)


def test_the_piece_that_overlaps_most_is_judged_alone() -> None:
    both = (TUMOUR + ball((4, 10, 10), 12)) > 0
    assert np.array_equal(room._best_piece(both, TUMOUR > 0), TUMOUR > 0)
    assert not room._best_piece(np.zeros(SHAPE, dtype=bool), TUMOUR > 0).any()


@pytest.mark.parametrize("name", room.OUTLINED)
def test_real_outlines_lie_where_the_image_is_bright(shared_data: Callable[[str], Path], name: str) -> None:
    stem = room.OUTLINED[name]
    image = room.read_volume(shared_data(f"{stem}_image.nrrd"), Channel.T1C)
    truth = room.read_volume(shared_data(f"{stem}_label.nrrd"), Channel.UNKNOWN).voxels > 0.5
    deep = largest(image.voxels > 0.12 * np.percentile(image.voxels, 99))
    assert 1.0 < truth.sum() * image.geometry.voxel_ml < 20.0
    assert np.median(image.voxels[truth]) > np.median(image.voxels[deep])
