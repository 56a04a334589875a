from __future__ import annotations

import numpy as np
import pytest

from inference.errors import InputRefused
from inference.steps.head import head_centre, midline_x_mm, require_head
from inference.steps.slices import planes_of, require_axial, slice_grid
from inference.volume import Channel, Geometry, Volume

AXIAL_FLIPS = [(a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)]


def head(flips: tuple[int, int, int], spacing: tuple[float, float, float] = (0.8, 0.8, 5.0)) -> Volume:
    """A 150 x 190 mm ellipse of 30 HU round LPS (10, -15), with one bright spot on the patient's left front."""
    geometry = Geometry.from_axes((12, 320, 320), spacing, (0, 0, 0), np.diag(flips))
    centre = geometry.world_from_index((159.5, 159.5, 5.5))
    geometry = Geometry.from_axes((12, 320, 320), spacing, np.array([10, -15, 0]) - centre, np.diag(flips))
    k, j, i = np.indices(geometry.shape)
    x, y, _ = np.moveaxis(geometry.world_from_index(np.stack([i, j, k], -1)), -1, 0)
    voxels = np.full(geometry.shape, -1000.0, np.float32)
    voxels[((x - 10) / 75) ** 2 + ((y + 15) / 95) ** 2 < 1] = 30.0
    voxels[(x - 40) ** 2 + (y + 55) ** 2 < 8**2] = 90.0
    return Volume(voxels, geometry, Channel.CT, "HU")


@pytest.mark.parametrize("flips", AXIAL_FLIPS)
def test_the_networks_picture_is_the_same_whichever_way_the_source_is_stored(flips):
    volume = head(flips)
    grid = slice_grid(volume, (256, 256), (0.9, 0.9))
    picture = grid.pick(volume.voxels, grid.slices[5], -1000.0)
    bright = np.argwhere(picture > 60).mean(axis=0)
    # 30 mm to the left of the head's middle and 40 mm in front of it, in pixels of 0.9 mm
    assert bright == pytest.approx([127.5 - 40 / 0.9, 127.5 + 30 / 0.9], abs=1.0)


@pytest.mark.parametrize("flips", AXIAL_FLIPS)
def test_putting_a_picture_back_undoes_picking_it(flips):
    volume = head(flips)
    grid = slice_grid(volume, (320, 320), (0.8, 0.8))
    back = grid.put_back(grid.pick(volume.voxels, 3, -1000.0), -1000.0)
    inside = volume.voxels[3] > 0
    assert np.abs(back - volume.voxels[3])[inside].mean() < 6.0
    assert np.argwhere(back > 60).mean(axis=0) == pytest.approx(
        np.argwhere(volume.voxels[3] > 60).mean(axis=0), abs=0.7
    )


def test_slices_run_from_feet_to_head():
    assert slice_grid(head((1, 1, 1)), (64, 64), (3.6, 3.6)).slices[0] == 0
    assert slice_grid(head((1, 1, -1)), (64, 64), (3.6, 3.6)).slices[0] == 11


def test_pixels_and_source_indices_agree():
    grid = slice_grid(head((1, 1, 1)), (256, 256), (0.9, 0.9))
    assert grid.source_ji(np.array([0.0, 255.0]), np.array([0.0, 255.0])) == pytest.approx(
        np.array([[grid.j[0], grid.i[0]], [grid.j[-1], grid.i[-1]]])
    )


def test_a_sagittal_series_is_refused():
    with pytest.raises(InputRefused, match="axial"):
        require_axial(Geometry.from_axes((20, 64, 64), (3, 3, 5), direction=[[0, 0, 1], [1, 0, 0], [0, -1, 0]]))


def test_an_empty_image_has_no_head():
    geometry = Geometry.from_axes((20, 64, 64), (3, 3, 5))
    with pytest.raises(InputRefused, match="head"):
        head_centre(Volume(np.full((20, 64, 64), -1000.0, np.float32), geometry, Channel.CT))


@pytest.mark.parametrize("flips", AXIAL_FLIPS)
def test_the_midline_is_the_heads_own(flips):
    assert midline_x_mm(head(flips)) == pytest.approx(10.0, abs=2.5)


def test_a_head_passes_the_gate_and_an_abdomen_does_not():
    require_head(head((1, 1, 1)))
    geometry = Geometry.from_axes((12, 256, 256), (1.6, 1.6, 5.0))
    _, j, i = np.indices(geometry.shape)
    abdomen = np.where(((i - 128) / 110) ** 2 + ((j - 128) / 80) ** 2 < 1, 40.0, -1000.0).astype(np.float32)
    with pytest.raises(InputRefused, match="349 mm wide"):
        require_head(Volume(abdomen, geometry, Channel.CT))
    filled = Volume(np.full(geometry.shape, 300.0, np.float32) + i, geometry, Channel.DWI)
    with pytest.raises(InputRefused, match="runs out"):
        require_head(filled)
    cut_out = Volume(np.where(abdomen > 0, abdomen, 0.0).astype(np.float32), geometry, Channel.CT)
    with pytest.raises(InputRefused, match="no air"):
        require_head(cut_out)


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1)])
def test_several_slices_at_once_are_the_slices_one_by_one(flips):
    volume = head(flips)
    grid = slice_grid(volume, (96, 80), (2.1, 2.3))
    ks = grid.slices[2:7]
    pictures = grid.pick_all(planes_of(volume.voxels, ks), -1000.0)
    assert np.array_equal(pictures, np.stack([grid.pick(volume.voxels, k, -1000.0) for k in ks]))
    back = np.empty(volume.voxels.shape, np.float32)
    grid.put_back_all(pictures, -7.0, planes_of(back, ks))
    for k, picture in zip(ks, pictures, strict=True):
        assert np.array_equal(back[k], grid.put_back(picture, -7.0))
        assert back[k, 0, 0] == -7.0
