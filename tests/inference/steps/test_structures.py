from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.result import Pieces
from inference.steps.findings import drop_small
from inference.steps.region import Midline
from inference.steps.structures import structures
from inference.volume import Geometry, Labels, Mask

FLIPS = [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, 1)]
NAMES = {1: "liver", 2: "kidneys", 3: "bone"}
MIDDLE = Midline(4.0, 20.0)


def grid_of(flips: tuple[int, int, int]) -> Geometry:
    """4 mm voxels round LPS (0, 0, 0)."""
    plain = Geometry.from_axes((20, 40, 60), (4.0, 4.0, 4.0), direction=np.diag(flips))
    return Geometry.from_axes(plain.shape, plain.spacing_mm, -plain.world_from_index((29.5, 19.5, 9.5)), np.diag(flips))


def trunk(flips: tuple[int, int, int] = (1, 1, 1), *, joined: bool = False) -> Mask:
    """A liver on the right that touches the right kidney, two kidneys, and bone in several pieces."""
    grid = grid_of(flips)
    k, j, i = np.indices(grid.shape)
    x, y, z = np.moveaxis(grid.world_from_index(np.stack([i, j, k], -1)), -1, 0)
    labels = np.zeros(grid.shape, np.uint8)
    labels[(x < -30) & (x > -90) & (np.abs(y) < 30) & (z > 0)] = 1
    labels[(np.abs(np.abs(x - 4) - 50) < 16) & (np.abs(y) < 20) & (z <= 0) & (z > -30)] = 2
    labels[(np.abs(x - 4) < 10) & (y > 40) & (y < 60)] = 3
    labels[(np.abs(np.abs(x - 4) - 90) < 6) & (y > 40) & (y < 60)] = 3
    if joined:
        labels[(np.abs(x - 4) < 40) & (np.abs(y) < 6) & (np.abs(z + 10) < 6)] = 2
    return Mask(labels, grid, NAMES)


def told(mask: Mask, midline: Midline | None, paired=("kidneys",)):
    return structures(mask, np.full(mask.labels.shape, 0.75, np.float32), paired, midline)


@pytest.mark.parametrize("flips", FLIPS)
def test_one_finding_for_each_label_and_one_for_each_kidney(flips):
    mask = trunk(flips)
    found = told(mask, MIDDLE)
    assert [(f.label, f.side) for f in found] == [("liver", "R"), ("kidneys", "R"), ("kidneys", "L"), ("bone", "M")]
    right, left = found[1:3]
    assert right.centroid_lps_mm[0] == pytest.approx(-46, abs=3)
    assert left.centroid_lps_mm[0] == pytest.approx(54, abs=3)
    assert sum(f.volume_ml or 0.0 for f in found) == pytest.approx(mask.volume_ml())
    assert {f.score for f in found} == {0.75}


def test_without_a_midline_nothing_has_a_side():
    assert [(f.label, f.side) for f in told(trunk(), None)] == [("liver", ""), ("kidneys", ""), ("bone", "")]


def test_a_pair_that_grew_together_is_cut_in_the_middle():
    mask = trunk(joined=True)
    right, left = (f for f in told(mask, MIDDLE) if f.label == "kidneys")
    assert (right.side, left.side) == ("R", "L")
    assert right.volume_ml == pytest.approx(left.volume_ml, rel=0.05)
    assert right.volume_ml + left.volume_ml == pytest.approx(mask.volume_ml(2))
    assert right.box_lps_mm[1][0] <= MIDDLE.x_mm + 2.0


def test_a_label_that_is_absent_is_no_finding_and_order_is_that_of_the_names():
    mask = trunk()
    few = Mask(np.where(mask.labels == 2, 0, mask.labels).astype(np.uint8), mask.geometry, {3: "bone", 1: "liver"})
    assert [f.label for f in told(few, None, ())] == ["bone", "liver"]
    assert told(Mask(np.zeros_like(mask.labels), mask.geometry, NAMES), None) == ()


@given(st.integers(0, 2**32 - 1), st.floats(-60, 60))
def test_no_voxel_is_lost_or_counted_twice(seed, middle):
    grid = Geometry.from_axes((4, 6, 30), (4.0, 4.0, 4.0), (-58.0, 0.0, 0.0))
    labels: Labels = np.random.default_rng(seed).choice(4, grid.shape, p=[0.7, 0.1, 0.1, 0.1]).astype(np.uint8)
    mask = Mask(labels, grid, NAMES)
    found = told(mask, Midline(middle, 20.0), ("kidneys", "bone"))
    for label, name in NAMES.items():
        assert sum(f.volume_ml or 0.0 for f in found if f.label == name) == pytest.approx(mask.volume_ml(label))
    for one in found:
        if one.label in ("kidneys", "bone"):
            assert one.side in ("R", "L")


def test_specks_of_a_structure_go_even_where_they_touch_another():
    mask = trunk()
    labels = mask.labels.copy()
    speck = np.argwhere(labels == 1)[0]
    labels[tuple(speck)] = 2
    apart = drop_small(labels, 0.064, 0.5, Pieces.STRUCTURES)
    assert apart[tuple(speck)] == 0
    assert np.array_equal(apart == 3, labels == 3)
    together = drop_small(labels, 0.064, 0.5)
    assert together[tuple(speck)] == 2
