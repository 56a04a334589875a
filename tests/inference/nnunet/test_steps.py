"""Each step against the routine that nnU-Net itself uses, or against SciPy's definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nnunetv2.inference.sliding_window_prediction import compute_gaussian, compute_steps_for_sliding_window
from nnunetv2.preprocessing.resampling.default_resampling import compute_new_shape, resample_data_or_seg_to_shape
from scipy import ndimage

from inference.errors import InputRefused
from inference.nnunet.crop import box_of, filled, nonzero
from inference.nnunet.normalise import normalised
from inference.nnunet.orient import network_spacing, orientation
from inference.nnunet.plan import ChannelPlan, Function, Intensity, Plan, Reader, Resampling, Scheme
from inference.nnunet.resample import new_shape, resize
from inference.nnunet.tiles import Average, Tile, gauss, mirrors, starts, tiles
from inference.volume import Geometry

mm = st.sampled_from([0.5, 1.0, 1.2, 2.0, 5.0, 6.5])
spacings = st.tuples(mm, mm, mm)
shapes = st.tuples(*[st.integers(1, 24)] * 3)


@settings(max_examples=60)
@given(
    shape=shapes,
    current=spacings,
    target=spacings,
    order=st.sampled_from([0, 1, 3]),
    order_z=st.sampled_from([0, 1]),
    apart=st.sampled_from([None, True, False]),
    seed=st.integers(0, 99),
)
def test_resampling_is_nnunets(shape, current, target, order, order_z, apart, seed) -> None:
    new = new_shape(shape, current, target)
    assert new == tuple(compute_new_shape(shape, current, target))
    if min(new) < 1:
        return
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    want = resample_data_or_seg_to_shape(values[None], new, current, target, False, order, order_z, apart)[0]
    way = resize(shape, new, current, target, Resampling(Function.DEFAULT, order, order_z, apart))
    assert way.whole(values) == pytest.approx(want, abs=1e-5)
    half = new[0] // 2
    assert way.rows(values, half, new[0]) == pytest.approx(want[half:], abs=1e-5)


def test_no_resampling_leaves_the_shape() -> None:
    way = resize((4, 4, 4), (8, 8, 8), (2, 2, 2), (1, 1, 1), Resampling(Function.NONE))
    assert way.whole(np.ones((4, 4, 4), np.float32)).shape == (4, 4, 4)


@given(n=st.integers(1, 400), size=st.integers(1, 200), step=st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.7, 0.8, 1.0]))
def test_tiles_stand_where_nnunets_do(n: int, size: int, step: float) -> None:
    n = max(n, size)
    assert starts(n, size, step) == compute_steps_for_sliding_window((n,), (size,), step)[0]


@pytest.mark.parametrize("patch", [(8, 8, 8), (12, 20, 7), (64, 64, 64)])
def test_the_gaussian_is_nnunets(plan: Plan, patch: tuple[int, int, int]) -> None:
    import torch

    want = compute_gaussian(patch, value_scaling_factor=10, device=torch.device("cpu")).float().numpy()
    assert np.array_equal(gauss(replace(plan, patch_size=patch)), want)
    assert np.all(gauss(replace(plan, use_gaussian=False)) == 1)


def test_mirrors_are_every_set_of_axes(plan: Plan) -> None:
    assert mirrors(plan) == [()]
    assert len(set(mirrors(replace(plan, mirror=True)))) == 8
    flat = replace(plan, mirror=True, patch_size=(8, 8), spacing=(1.0, 1.0), allowed_mirroring_axes=(0, 1))
    assert mirrors(flat) == [(), (1,), (2,), (1, 2)]
    assert [tile.start[0] for tile in tiles((3, 8, 8), replace(flat, mirror=False))] == [0, 1, 2]


@given(shape=st.tuples(*[st.integers(8, 20)] * 3), seed=st.integers(0, 99))
def test_averaging_what_does_not_depend_on_the_tile_gives_it_back(plan_free, shape, seed) -> None:
    plan = replace(plan_free, mirror=True, allowed_mirroring_axes=(0, 2))
    field = np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)
    total = Average(2, shape, plan)
    for tile in tiles(shape, plan):
        total.add(tile, tile.cut(field, plan.tile)[0])
    assert total.logits() == pytest.approx(field, abs=1e-4)


def test_turning_twice_gives_the_first_back() -> None:
    maps = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    tile = Tile((0, 0, 0), (0, 2))
    assert np.array_equal(tile.turn(tile.turn(maps)), maps)
    assert tile.turn(maps)[0, 0, 0, 0] == maps[0, 1, 0, 3]


@given(shape=st.tuples(*[st.integers(1, 9)] * 3), share=st.floats(0.1, 0.9), seed=st.integers(0, 999))
def test_filling_is_scipys(shape, share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    assert np.array_equal(filled(mask), ndimage.binary_fill_holes(mask))


def test_the_box_holds_all_channels() -> None:
    channels = np.zeros((2, 6, 7, 8), np.float32)
    channels[0, 1, 2, 3] = -1
    channels[1, 4, 5, 6] = 2
    assert box_of(nonzero(channels)) == (slice(1, 5), slice(2, 6), slice(3, 7))
    with pytest.raises(InputRefused):
        box_of(nonzero(np.zeros((1, 2, 2, 2), np.float32)))


INTENSITY = Intensity(40.0, 30.0, 38.0, -200.0, 400.0, -60.0, 160.0)


@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("masked", [False, True])
def test_normalisation_is_nnunets(scheme: Scheme, masked: bool) -> None:
    from dataclasses import asdict

    from nnunetv2.preprocessing.normalization import default_normalization_schemes as schemes

    values = np.random.default_rng(3).uniform(0, 255, (6, 7, 8)).astype(np.float32)
    mask = np.random.default_rng(4).random(values.shape) < 0.7
    theirs = getattr(schemes, scheme.value)(use_mask_for_norm=masked, intensityproperties=asdict(INTENSITY))
    want = theirs.run(values.copy(), np.where(mask, 0, -1))
    assert np.array_equal(normalised(values.copy(), ChannelPlan("CT", scheme, masked, INTENSITY), mask), want)


@pytest.mark.parametrize("fault", [np.nan, np.inf, None])
def test_an_image_without_sense_is_refused(fault: float | None) -> None:
    values = np.ones((2, 2, 2), np.float32)
    if fault is not None:
        values[0, 0, 0] = fault
    with pytest.raises(InputRefused):
        normalised(values, ChannelPlan("DWI", Scheme.ZSCORE, False), None)


def test_no_8_bit_picture_is_refused() -> None:
    values = np.linspace(-5, 200, 8, dtype=np.float32).reshape(2, 2, 2)
    with pytest.raises(InputRefused):
        normalised(values, ChannelPlan("red", Scheme.RGB, False), None)


@given(order=st.permutations([0, 1, 2]), signs=st.tuples(*[st.sampled_from([-1, 1])] * 3))
def test_reorienting_turns_to_right_anterior_superior(plan_free, order, signs) -> None:
    direction = np.zeros((3, 3))
    for column, row in enumerate(order):
        direction[row, column] = signs[column]
    geometry = Geometry.from_axes((3, 4, 5), (1.0, 2.0, 3.0), direction=direction)
    way = orientation(geometry, Reader.NIBABEL_RAS)
    k, j, i = np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij")
    world = geometry.world_from_index(np.stack([i, j, k], axis=-1))
    right, front, up = (way.there(a) for a in (-world[..., 0], -world[..., 1], world[..., 2]))
    assert np.all(np.diff(right, axis=2) > 0)
    assert np.all(np.diff(front, axis=1) > 0)
    assert np.all(np.diff(up, axis=0) > 0)
    assert np.array_equal(way.back(way.there(i)), i)
    assert way.spacing(geometry)[2] == pytest.approx(abs(np.diff(right, axis=2)[0, 0, 0]))
    turned = replace(
        plan_free,
        image_reader_writer=Reader.NIBABEL_RAS,
        transpose_forward=(1, 2, 0),
        transpose_backward=(2, 0, 1),
        spacing=(7.0, 8.0, 9.0),
    )
    along = dict(zip(("A", "R", "S"), turned.spacing, strict=True))  # the network's axes are j, i, k of RAS
    axes = network_spacing(geometry, turned)
    for axis in range(3):
        assert axes[axis] == along["RAS"[order[axis]]]


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (1, -1, -1)])
def test_reorienting_is_simpleitks(axes: tuple[int, int, int], signs: tuple[int, int, int]) -> None:
    import SimpleITK as sitk

    direction = np.zeros((3, 3))
    for column, row in enumerate(axes):
        direction[row, column] = signs[column]
    tilt = np.array([[0.98, 0.199, 0], [-0.199, 0.98, 0], [0, 0, 1]])
    values = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    image = sitk.GetImageFromArray(values)
    image.SetDirection((tilt @ direction).ravel())
    want = sitk.GetArrayFromImage(sitk.DICOMOrient(image, "RAS"))
    geometry = Geometry.from_axes(values.shape, (1, 1, 1), direction=tilt @ direction)
    assert np.array_equal(orientation(geometry, Reader.SIMPLEITK_RAS).there(values), want)
