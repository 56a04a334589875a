"""MONAI's transforms, step by step; the whole is held against MONAI's own in `test_monai_parity`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference import sidecar
from inference.errors import InputRefused, ManifestInvalid
from inference.monai.decide import decided
from inference.monai.geometry import grid_of
from inference.monai.intensity import normalised, ranged, scaled
from inference.monai.picture import Picture
from inference.monai.plan import Activation, Change, Decision, Kind, Plan, faults, read_plan
from inference.monai.prepare import loaded, prepared
from inference.volume import Geometry

PLAN = Plan(
    (Change(Kind.SPACING, pixdim=(1.0, 1.0, 2.0)),), (8, 8, 4), (0.5, 0.5, 0.5), True, 0.125, 0.0,
    Activation.SOFTMAX, Decision.ARGMAX, 0.5, 1, ("lesion",), "UNet", "1",
)  # fmt: skip
AXES = st.sampled_from(["RAS", "LPS", "SRA", "IPR", "ASL", "PIL"])
FLIPS = st.tuples(*[st.sampled_from([1, -1])] * 3)
SHAPE = (4, 6, 8)


def field(shape: tuple[int, int, int] = SHAPE, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(1, 9, (channels, *shape)).astype(np.float32)


def places(picture: Picture) -> np.ndarray:
    """LPS mm of every voxel [i, j, k, 3]."""
    index = np.moveaxis(np.indices(picture.shape), 0, -1)
    return np.asarray(index @ picture.affine[:3, :3].T + picture.affine[:3, 3])


@given(AXES, FLIPS, st.permutations([0, 1, 2]))
def test_axes_run_where_they_should_and_voxels_stay_in_place(codes: str, flips, order) -> None:
    grid = Geometry.from_axes(SHAPE, (1.0, 2.0, 3.0), (5, -3, 7), (np.eye(3) * flips)[:, order])
    start = loaded(field(), grid)
    turned, back = prepared(start, [Change(Kind.ORIENTATION, axcodes=codes)])
    towards = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
    for axis, code in enumerate(codes):
        world, sense = towards[code]
        assert np.sign(turned.affine[world, axis]) == sense
    where = {
        tuple(p): v for p, v in zip(places(start).reshape(-1, 3).round(3).tolist(), start.voxels.ravel(), strict=True)
    }
    found = zip(places(turned).reshape(-1, 3).round(3).tolist(), turned.voxels.ravel(), strict=True)
    assert all(where[tuple(p)] == v for p, v in found)
    assert np.array_equal(back(turned.voxels), start.voxels)


def test_a_ramp_is_resampled_exactly_and_comes_back() -> None:
    grid = Geometry.from_axes((5, 9, 13), (1.0, 1.0, 2.0))
    ramp = grid.world_from_index(np.moveaxis(np.indices(grid.shape), 0, -1)[..., ::-1]).sum(axis=-1)
    start = loaded(ramp[None].astype(np.float32), grid)
    changed, back = prepared(start, [Change(Kind.SPACING, pixdim=(1.5, 0.5, -1.0))])
    assert changed.shape == (9, 17, 5)
    assert changed.voxels[0] == pytest.approx(places(changed).sum(axis=-1), abs=1e-4)
    assert back(changed.voxels)[0] == pytest.approx(start.voxels[0], abs=1e-4)


def test_grids_meet_at_the_first_voxel_or_where_numbers_are_rough_in_the_middle() -> None:
    grid = Geometry.from_axes((5, 9, 13), (1.0, 1.0, 2.0), (3, 2, 1))
    fine = loaded(field((5, 9, 13)), grid)
    assert grid_of(fine, np.full(3, 1.6))[1][:3, 3] == pytest.approx([3, 2, 1])
    affine = grid.affine.copy()
    affine[0, 1] = -1e-6
    shape, rough = grid_of(Picture(fine.voxels, affine), np.full(3, 1.6))
    middle = affine[:3, :3] @ (np.array(fine.shape) / 2) + affine[:3, 3]
    assert rough[:3, :3] @ (np.array(shape) / 2) + rough[:3, 3] == pytest.approx(middle)


def test_spacings_within_a_micrometre_are_one() -> None:
    start = loaded(field(), Geometry.from_axes(SHAPE, (1.0005, 1.0, 2.0)))
    changed, _ = prepared(start, [Change(Kind.SPACING, pixdim=(1.0, 1.0, 2.0))])
    assert changed.voxels is start.voxels


def test_a_leaning_grid_is_refused() -> None:
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[1, 2] = 0.5
    with pytest.raises(InputRefused, match="right angles"):
        prepared(loaded(field(), Geometry(SHAPE, affine)), [Change(Kind.SPACING, pixdim=(0.7, 0.7, 0.7))])


def test_a_crop_keeps_what_is_positive_and_comes_back_as_nothing_elsewhere() -> None:
    voxels = np.zeros((1, 9, 10, 11), np.float32)
    voxels[0, 2:6, 3:5, 4:9] = 5.0
    crop = Change(Kind.CROP, margin=(1, 0, 3), k_divisible=(1, 4, 2))
    start = loaded(voxels, Geometry.from_axes((9, 10, 11), (1, 1, 1)))
    cut, back = prepared(start, [crop])
    assert cut.shape == (7, 4, 10)
    again = back(cut.voxels)
    assert np.array_equal(again, start.voxels)
    with pytest.raises(InputRefused, match="above zero"):
        prepared(loaded(np.zeros((1, *SHAPE), np.float32), Geometry.from_axes(SHAPE, (1, 1, 1))), [crop])


def test_values_are_changed_as_their_words_say() -> None:
    values = np.array([[[[-100.0, 0.0, 50.0, 300.0]]]], np.float32)
    change = Change(Kind.RANGE, a_min=0, a_max=100, b_min=-1, b_max=1, clip=True)
    assert ranged(values, change).ravel().tolist() == [-1, -1, 0, 1]
    assert scaled(values, Change(Kind.SCALE)).ravel() == pytest.approx([0, 0.25, 0.375, 1])
    assert scaled(values * 0 + 7, Change(Kind.SCALE, minv=2.0)).ravel().tolist() == [14.0] * 4
    kept = normalised(values, Change(Kind.NORMALIZE, nonzero=True)).ravel()
    inside = np.array([-100, 50, 300.0])
    assert kept[1] == 0
    assert kept[[0, 2, 3]] == pytest.approx((inside - inside.mean()) / inside.std())
    given_both = Change(Kind.NORMALIZE, subtrahend=(10.0,), divisor=(5.0,))
    assert normalised(values, given_both).ravel().tolist() == [-22, -2, 8, 58]


def test_channels_are_normalised_apart_when_it_says_so() -> None:
    values = np.stack([field()[0], field()[0] * 100])
    apart = normalised(values, Change(Kind.NORMALIZE, channel_wise=True))
    assert apart[0] == pytest.approx(apart[1], abs=1e-5)
    together = normalised(values, Change(Kind.NORMALIZE))
    assert together.mean() == pytest.approx(0, abs=1e-5)
    assert together[0].mean() < -0.5


def test_labels_come_from_the_largest_channel_or_from_a_threshold() -> None:
    logits = np.array([[0.0, 2.0, -1.0], [1.0, 0.0, -2.0]], np.float32).reshape(2, 3, 1, 1)
    labels, likely = decided(logits, PLAN, lambda answer: answer)
    assert labels.ravel().tolist() == [1, 0, 0]
    assert likely.ravel() == pytest.approx([np.e / (1 + np.e), np.e**2 / (1 + np.e**2), np.e / (1 + np.e)])
    plain = replace(PLAN, activation=Activation.NONE)
    again, shares = decided(logits, plain, lambda answer: answer)
    assert np.array_equal(again, labels)
    assert shares == pytest.approx(likely)
    one = Plan(*(PLAN.changes, *[getattr(PLAN, n) for n in list(PLAN.__dataclass_fields__)[1:6]]),
               Activation.SIGMOID, Decision.THRESHOLD, 0.7, 1, ("lesion",), "UNet", "1")  # fmt: skip
    labels, likely = decided(logits[:1], one, lambda answer: answer)
    assert labels.ravel().tolist() == [0, 1, 0]
    assert likely.ravel()[0] == 0.5


@given(st.integers(2, 6), st.booleans())
def test_the_largest_of_many_channels_wins_and_the_first_of_equals(count: int, soft: bool) -> None:
    logits = np.random.default_rng(count).integers(-3, 4, (count, 5, 6, 7)).astype(np.float32)
    plan = replace(PLAN, activation=Activation.SOFTMAX if soft else Activation.NONE)
    labels, likely = decided(logits, plan, lambda answer: answer)
    shares = np.exp(logits) / np.exp(logits).sum(axis=0)
    assert np.array_equal(labels, logits.argmax(axis=0))
    assert likely == pytest.approx(shares.max(axis=0), rel=1e-5)


def test_a_plan_is_read_as_it_was_written(tmp_path) -> None:
    (tmp_path / "monai.json").write_text(sidecar.text(PLAN))
    assert read_plan(tmp_path / "monai.json") == PLAN
    assert faults(PLAN) == []
    (tmp_path / "monai.json").write_text(sidecar.text(PLAN).replace('"overlap"', '"overlaps"'))
    with pytest.raises(ManifestInvalid, match="overlaps"):
        read_plan(tmp_path / "monai.json")
    (tmp_path / "monai.json").write_text(sidecar.text(PLAN).replace('"sigma_scale": 0.125', '"sigma_scale": -1'))
    with pytest.raises(ManifestInvalid, match="sigma_scale must be positive"):
        read_plan(tmp_path / "monai.json")
