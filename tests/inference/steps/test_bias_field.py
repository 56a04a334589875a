"""A smooth field laid over a head comes off again, and the road takes it off where the manifest says so."""

import numpy as np
import pytest

from inference.errors import InputRefused
from inference.roads.outline import prepared
from inference.steps.bias_field import without_bias_field
from inference.task import ChannelSpec
from inference.volume import Channel, Geometry, Volume

SHAPE = (14, 24, 22)
GRID = Geometry.from_axes(SHAPE, (7.0, 7.0, 8.0))


@pytest.fixture(scope="module")
def head() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tissue of two kinds, the head it fills, and the head as a coil on the left sees it."""
    k, j, i = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    inside = ((k - 7) / 6) ** 2 + ((j - 12) / 10) ** 2 + ((i - 11) / 9) ** 2 < 1
    core = ((k - 7) / 3.5) ** 2 + ((j - 12) / 5.5) ** 2 + ((i - 11) / 5) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 2, SHAPE)
    tissue = (inside * (100 + 60 * core + noise)).astype(np.float32)
    field = np.exp(0.5 * (i - 11) / 11 + 0 * k + 0 * j)
    return tissue, inside, (tissue * field).astype(np.float32)


def _spread(values: np.ndarray, inside: np.ndarray) -> float:
    """How unlike the same tissue is left and right: ratio of the medians of the two halves of the rim."""
    left, right = inside.copy(), inside.copy()
    left[..., 6:], right[..., :16] = False, False
    return float(np.median(values[right]) / np.median(values[left]))


def test_the_field_comes_off_and_the_tissues_stay(head) -> None:  # type: ignore[no-untyped-def]
    tissue, inside, seen = head
    even = without_bias_field(Volume(seen, GRID, Channel.T1)).voxels
    assert _spread(seen, inside) > 1.5
    assert _spread(even, inside) == pytest.approx(1.0, abs=0.12)
    core = tissue > 140
    assert np.median(even[core]) / np.median(even[inside & ~core]) == pytest.approx(1.6, abs=0.12)
    np.testing.assert_array_equal(even == 0, seen == 0)
    np.testing.assert_array_equal(even, without_bias_field(Volume(seen, GRID, Channel.T1)).voxels)


def test_the_road_and_training_take_it_off_where_the_channel_says_so(head) -> None:  # type: ignore[no-untyped-def]
    volume = Volume(head[2], GRID, Channel.T1)
    plain, even = (
        prepared((volume,), (ChannelSpec("T1", "zscore", bias_field=wish),), GRID)[0][0] for wish in (False, True)
    )
    assert _spread(plain + 5, head[1]) > 1.15
    assert _spread(even + 5, head[1]) == pytest.approx(1.0, abs=0.06)


def test_a_ct_and_an_empty_image_are_refused(head) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused, match="CT has no bias field"):
        without_bias_field(Volume(head[2], GRID, Channel.CT))
    with pytest.raises(InputRefused, match="empty"):
        without_bias_field(Volume(np.zeros(SHAPE, np.float32), GRID, Channel.T1))
