"""Windows: user first, then the header, then the channel, then statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.volume import Channel, Geometry, Volume
from viewer.state.statistics import head_threshold, is_constant, tissue
from viewer.state.view import Window
from viewer.state.windows import auto_window, default_window, preset_for_key, presets


def volume(values: np.ndarray, channel: Channel = Channel.CT, unit: str = "HU") -> Volume:
    return Volume(values.astype(np.float32), Geometry.from_axes(values.shape, (1.0, 1.0, 1.0)), channel, unit)


@pytest.fixture
def head() -> Volume:
    values = np.full((8, 32, 32), -1000.0)
    values[:, 8:24, 8:24] = np.linspace(0.0, 100.0, 8 * 16 * 16).reshape(8, 16, 16)
    return volume(values)


@pytest.mark.parametrize(
    ("key", "name", "width", "level"),
    [
        (1, "Brain", 80, 40),
        (2, "Stroke", 40, 40),
        (3, "Subdural", 200, 80),
        (4, "Bone", 2000, 500),
        (5, "Lung", 1500, -600),
        (6, "Soft tissue", 400, 40),
        (7, "Abdomen", 400, 50),
        (8, "Liver", 150, 60),
        (9, "CTA", 600, 170),
    ],
)
def test_ct_presets(head: Volume, key: int, name: str, width: float, level: float) -> None:
    preset = preset_for_key(head, key)
    assert preset is not None
    assert (preset.name, preset.window) == (name, Window(width, level))


def test_auto_leaves_air_and_what_was_not_measured_aside(head: Volume) -> None:
    window = auto_window(head)
    assert window.width == pytest.approx(98.5, abs=1.0)
    assert window.level == pytest.approx(50.25, abs=1.0)
    voxels = np.array(head.voxels)
    voxels[:, 0] = 30000.0
    valid = np.ones(voxels.shape, dtype=bool)
    valid[:, 0] = False
    assert auto_window(replace(head, voxels=voxels, valid=valid)) == window


def test_auto_leaves_zero_padding_aside() -> None:
    values = np.zeros((4, 20, 20))
    values[:, 5:15, 5:15] = 500.0 + np.arange(100).reshape(10, 10)
    assert tissue(volume(values, Channel.T2, "")).min() >= 500.0


def test_order_of_defaults(head: Volume) -> None:
    assert default_window(head, None).name == "Brain"
    wide = replace(head, geometry=Geometry.from_axes(head.geometry.shape, (400.0 / head.geometry.shape[2], 1.0, 5.0)))
    assert default_window(wide, None).name == "Abdomen"
    assert default_window(head, (350.0, 35.0)).window == Window(350.0, 35.0)
    assert default_window(head, (350.0, 35.0)).name == "Header"
    assert default_window(head, (80.0, 40.0)).name == "Brain"
    assert default_window(head, (0.0, 40.0)).name == "Brain"
    mr = volume(np.arange(64.0).reshape(4, 4, 4), Channel.T2, "")
    assert default_window(mr, None).name == "Auto"


def test_ct_that_is_not_in_hu_gets_no_hu_preset(head: Volume) -> None:
    scaled = replace(head, voxels=(head.voxels + 1000.0) / 2000.0, unit="")
    assert all(preset.name != "Brain" for preset in presets(scaled))
    assert default_window(scaled, None).name == "Auto"


@pytest.mark.parametrize(("unit", "factor"), [("1e-3 mm2/s", 1.0), ("mm2/s", 1e-3), ("1e-6 mm2/s", 1e3)])
def test_adc_presets_follow_the_unit(unit: str, factor: float) -> None:
    adc = volume(np.arange(64.0).reshape(4, 4, 4) * factor, Channel.ADC, unit)
    window = default_window(adc, None).window
    assert (window.width, window.level) == (pytest.approx(2.4 * factor), pytest.approx(1.2 * factor))


def test_nothing_measured_still_has_a_window() -> None:
    empty = Volume(
        np.zeros((2, 2, 2), np.float32), Geometry.from_axes((2, 2, 2), (1, 1, 1)), valid=np.zeros((2, 2, 2), bool)
    )
    assert auto_window(empty).width > 0
    constant = volume(np.full((3, 3, 3), 7.0), Channel.T1, "")
    assert auto_window(constant).width > 0
    assert is_constant(constant)
    assert not is_constant(empty)


def test_head_threshold_lies_between_air_and_tissue() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(20.0, 5.0, (20, 40, 40))
    values[5:15, 10:30, 10:30] = rng.normal(600.0, 50.0, (10, 20, 20))
    assert 60.0 < head_threshold(volume(values, Channel.DWI, "")) < 450.0


def test_noise_around_a_head_is_no_tissue_but_dark_fluid_is() -> None:
    rng = np.random.default_rng(0)
    values = np.abs(rng.normal(0.0, 8.0, (20, 40, 40)))
    values[4:16, 8:32, 8:32] = rng.normal(400.0, 40.0, (12, 24, 24))
    values[8:12, 16:24, 16:24] = 120.0
    found = tissue(volume(values, Channel.DWI, ""))
    assert found.min() > 50.0
    assert (found == 120.0).any()


def test_the_sample_is_not_taken_from_a_few_columns() -> None:
    values = np.zeros((200, 512, 512), np.float32)
    values[:, :, 100:400] = 1000.0
    values[:, :, 1] = 500.0
    found = tissue(volume(values, Channel.T1, ""))
    assert np.mean(found == 500.0) == pytest.approx(1 / 301, rel=0.2)
