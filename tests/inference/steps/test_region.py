from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference.errors import InputRefused, OtherRegion
from inference.steps.region import Midline, Region, midline_of, require_region
from inference.volume import Channel, Geometry, Volume

Pair = tuple[float, float]
BODIES = (Region.HEAD, Region.TRUNK, Region.PELVIS)
FLIPS = [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, 1)]


def body(
    channel: Channel, half_mm: Pair, field_mm: Pair, *, at_x_mm=0.0, flips=(1, 1, 1), noise=0.02, seed=0
) -> Volume:
    """An elliptic body of soft tissue with a darker and a brighter core, in the middle of a field (x, y)."""
    spacing = 2.0
    shape = (4, round(field_mm[1] / spacing), round(field_mm[0] / spacing))
    middle = Geometry.from_axes(shape, (spacing, spacing, 5.0), direction=np.diag(flips)).world_from_index(
        ((shape[2] - 1) / 2, (shape[1] - 1) / 2, 1.5)
    )
    grid = Geometry.from_axes(shape, (spacing, spacing, 5.0), -middle, np.diag(flips))
    k, j, i = np.indices(shape)
    x, y, _ = np.moveaxis(grid.world_from_index(np.stack([i, j, k], -1)), -1, 0)
    far = ((x - at_x_mm) / half_mm[0]) ** 2 + (y / half_mm[1]) ** 2
    tissue = np.select([far < 0.1, far < 0.3, far < 1.0], [0.9, 0.35, 0.7], 0.0)
    rough = np.abs(tissue + np.random.default_rng(seed).normal(0.0, noise, shape))
    values = np.where(tissue > 0, 100 * rough - 30, -1000.0) if channel is Channel.CT else 1000 * rough
    return Volume(values.astype(np.float32), grid, channel, "HU" if channel is Channel.CT else "")


def accepted(volume: Volume) -> set[Region]:
    found = set()
    for region in BODIES:
        try:
            require_region(region, volume)
        except InputRefused:
            continue
        found.add(region)
    return found


@given(
    channel=st.sampled_from([Channel.CT, Channel.T2, Channel.DWI, Channel.FLAIR]),
    wide=st.floats(58, 88),
    longer=st.floats(1.1, 1.35),
    field=st.floats(170, 300),
    aside=st.floats(-8, 8),
    noise=st.floats(0.0, 0.06),
    seed=st.integers(0, 99),
)
@settings(max_examples=60)
def test_a_head_never_passes_for_a_trunk_or_a_pelvis(channel, wide, longer, field, aside, noise, seed):
    volume = body(channel, (wide, wide * longer), (field, field), at_x_mm=aside, noise=noise, seed=seed)
    assert not accepted(volume) & {Region.TRUNK, Region.PELVIS}


@given(st.floats(72, 90), st.floats(95, 105), st.floats(160, 180), st.floats(160, 220), st.integers(0, 99))
@settings(max_examples=40)
def test_nor_does_a_head_whose_sides_are_cut_off(wide, deep, across, down, seed):
    assert Region.PELVIS not in accepted(body(Channel.T2, (wide, deep), (across, down), seed=seed))


@given(st.floats(130, 240), st.floats(0.55, 0.85), st.floats(0.5, 1.3), st.integers(0, 99))
@settings(max_examples=40)
def test_a_trunk_on_ct_is_a_trunk_whole_or_cut_and_never_a_head(half, flat, share, seed):
    field = max(240.0, 2 * half * share)
    assume(half * flat > 75 and abs(field - 2 * half) > 24)
    volume = body(Channel.CT, (half, half * flat), (field, max(field, 2 * half * flat + 30)), seed=seed)
    assert accepted(volume) == {Region.TRUNK}


@given(st.floats(160, 220), st.floats(0.75, 1.0), st.floats(160, 220), st.floats(160, 230), st.integers(0, 99))
@settings(max_examples=40)
def test_a_pelvis_in_a_small_field_is_a_pelvis_and_never_a_head(half, flat, across, down, seed):
    assume((down / 2 / (half * flat)) ** 2 + (across / 2 / half) ** 2 < 1.15)
    assert accepted(body(Channel.T2, (half, half * flat), (across, down), seed=seed)) == {Region.PELVIS}


@given(st.floats(150, 210), st.floats(0.6, 0.8), st.floats(204, 260), st.integers(0, 99))
@settings(max_examples=30)
def test_a_wider_field_may_show_air_before_and_behind_a_pelvis(half, flat, field, seed):
    assume(half > field / 2 + 15)
    assert accepted(body(Channel.T2, (half, half * flat), (field, field), seed=seed)) == {Region.PELVIS}


def test_a_pelvis_in_a_wide_field_is_told_by_its_width():
    assert accepted(body(Channel.T2, (170, 110), (400, 400))) == {Region.PELVIS}


@pytest.mark.parametrize("channel", [Channel.CT, Channel.T2])
@pytest.mark.parametrize("field", [120.0, 200.0, 300.0])
def test_a_limb_is_neither_trunk_nor_pelvis(channel, field):
    assert not accepted(body(channel, (75, 75), (field, field))) & {Region.TRUNK, Region.PELVIS}


@pytest.mark.parametrize("field", [180.0, 240.0, 320.0])
def test_noise_is_nothing(field):
    shape = (3, round(field / 2), round(field / 2))
    voxels = np.random.default_rng(3).uniform(0, 255, shape).astype(np.float32)
    assert accepted(Volume(voxels, Geometry.from_axes(shape, (2, 2, 4)), Channel.T2)) == set()


@pytest.mark.parametrize(
    ("region", "volume", "seen"),
    [
        (Region.TRUNK, body(Channel.T2, (180, 110), (400, 400)), "shows T2, not CT"),
        (Region.TRUNK, body(Channel.CT, (75, 95), (250, 250)), "shows a head"),
        (Region.TRUNK, body(Channel.CT, (105, 75), (300, 300)), "shows a head"),
        (Region.TRUNK, body(Channel.CT, (75, 45), (300, 300)), "148 mm wide"),
        (Region.PELVIS, body(Channel.CT, (180, 110), (400, 400)), "shows CT, not MR"),
        (Region.PELVIS, body(Channel.T2, (75, 95), (250, 250)), "shows a head"),
        (Region.PELVIS, body(Channel.T2, (180, 180), (140, 140)), "140 x 140 mm"),
        (Region.PELVIS, body(Channel.T2, (180, 180), (600, 600)), "600 x 600 mm"),
        (Region.HEAD, body(Channel.T2, (180, 180), (192, 192)), "tissue fills it"),
        (Region.SMEAR, body(Channel.CT, (75, 95), (250, 250)), "no colours"),
    ],
)
def test_a_refusal_says_what_was_seen(region, volume, seen):
    with pytest.raises(OtherRegion, match=seen) as refusal:
        require_region(region, volume)
    assert refusal.value.message.endswith(".")
    assert refusal.value.hint.startswith("Choose")


def test_a_trunk_in_other_units_is_refused():
    trunk = body(Channel.CT, (170, 110), (400, 400))
    shifted = Volume(trunk.voxels + 1000, trunk.geometry, Channel.CT)
    with pytest.raises(InputRefused, match="no air"):
        require_region(Region.TRUNK, shifted)
    denser = Volume(np.where(trunk.voxels > -300, trunk.voxels + 900, -1000), trunk.geometry, Channel.CT)
    with pytest.raises(InputRefused, match="not a body's"):
        require_region(Region.TRUNK, denser)
    empty = Volume(np.full_like(trunk.voxels, -1000), trunk.geometry, Channel.CT)
    with pytest.raises(InputRefused, match="No body"):
        require_region(Region.TRUNK, empty)


def test_a_picture_without_a_scale_is_no_patient():
    head = body(Channel.T2, (75, 95), (250, 250))
    picture = Volume(head.voxels, replace(head.geometry, in_mm=False), Channel.T2)
    assert accepted(head) == {Region.HEAD}
    assert accepted(picture) == set()


def test_any_asks_nothing():
    for channel in (Channel.CT, Channel.T2):
        require_region(Region.ANY, body(channel, (75, 75), (120, 120)))


def with_bones(volume: Volume, at_x_mm: float, arm_at_mm: float | None = None) -> Volume:
    """A spine, two hips, and on wish one arm beside the body."""
    k, j, i = np.indices(volume.geometry.shape)
    x, y, _ = np.moveaxis(volume.geometry.world_from_index(np.stack([i, j, k], -1)), -1, 0)
    bone = np.hypot(x - at_x_mm, y - 60) < 20
    bone |= (np.abs(np.abs(x - at_x_mm) - 90) < 15) & (np.abs(y - 20) < 30)
    voxels = volume.voxels.copy()
    if arm_at_mm is not None:
        voxels[np.hypot(x - arm_at_mm, y) < 38] = 40.0
        bone |= np.hypot(x - arm_at_mm, y) < 11
    voxels[bone] = 500.0
    return replace(volume, voxels=voxels)


@pytest.mark.parametrize("arm", [None, 195.0, -175.0])
@pytest.mark.parametrize("flips", FLIPS)
def test_the_midline_of_a_trunk_is_its_spines(flips, arm):
    bare = body(Channel.CT, (150, 110), (480, 400), at_x_mm=12.0, flips=flips)
    found = midline_of(Region.TRUNK, with_bones(bare, 12.0, arm))
    assert found is not None
    assert found.x_mm == pytest.approx(12.0, abs=6.0)
    assert found.within_mm == 20.0


@given(st.floats(-30, 30), st.floats(120, 200), st.floats(300, 480))
@settings(max_examples=25)
def test_the_midline_of_a_trunk_that_is_cut_off_is_right_or_unknown(aside, half, field):
    found = midline_of(Region.TRUNK, with_bones(body(Channel.CT, (half, 110), (field, 400), at_x_mm=aside), aside))
    assert found is None or found.x_mm == pytest.approx(aside, abs=8.0)


def test_no_side_where_the_middle_is_not_known():
    trunk = body(Channel.CT, (160, 110), (420, 400))
    assert midline_of(Region.TRUNK, trunk) is None
    crooked = with_bones(trunk, 0.0).voxels.copy()
    crooked[:, 120:150, 60:75] = 900.0
    crooked[:, 60:140, 140:160] = 900.0
    assert midline_of(Region.TRUNK, replace(trunk, voxels=crooked)) is None
    assert midline_of(Region.PELVIS, body(Channel.T2, (180, 150), (192, 192))) is None
    assert midline_of(Region.ANY, trunk) is None
    assert midline_of(Region.SMEAR, body(Channel.UNKNOWN, (75, 95), (250, 250))) is None
    head = body(Channel.CT, (75, 95), (250, 250), at_x_mm=10.0)
    assert midline_of(Region.ANY, head) == midline_of(Region.HEAD, head)
    assert midline_of(Region.HEAD, head) == Midline(pytest.approx(10.0, abs=3.0), 5.0)
