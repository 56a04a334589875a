"""The three roads with engines whose answer is known exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.backends.base import TensorSpec
from inference.errors import BadOutput, EngineError, GeometryMismatch, InputRefused, JobCancelled
from inference.result import Kind, Pieces, Precision, PrecisionKind, Provenance
from inference.run import run
from inference.steps.region import Region
from inference.task import ChannelSpec, ModelSpec, Output, Sampling, Task, VectorSpec
from inference.volume import Channel, Geometry, Volume

PROVENANCE = Provenance("t", "1", "00", "b", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)


class Answering:
    """An engine that answers with a function of its one input."""

    def __init__(self, shape: tuple[int, ...], answers: dict[str, Callable[[np.ndarray], np.ndarray]]) -> None:
        self.inputs = (TensorSpec("input", shape),)
        self.outputs = tuple(TensorSpec(name, ()) for name in answers)
        self._answers = answers
        self.calls = 0

    def infer(self, feed):
        self.calls += 1
        return {name: answer(feed["input"]).astype(np.float32) for name, answer in self._answers.items()}

    def close(self) -> None:
        return


def task(
    kind: Kind, channels: tuple[ChannelSpec, ...], sampling: Sampling, output: Output, outputs: tuple[str, ...]
) -> Task:
    model = ModelSpec("model.onnx", "00", "input", outputs)
    vector = VectorSpec("v.npz")
    return Task("t", "T", "1", kind, "", "", "", model, channels, sampling, output, vector, Path())


CT_WINDOW = ChannelSpec("CT", "window", -100.0, 100.0)
MAKE = task(
    Kind.VOLUME, (CT_WINDOW,), Sampling("slices", (0.9, 0.9), (256, 256)), Output(channel="T2", high=1000.0), ("out",)
)
FIND = task(
    Kind.BOXES, (CT_WINDOW,), Sampling("slices", (0.72, 0.72), (320, 320)), Output(("IPH",), strides=(8,)), ("p8",)
)
OUTLINE = task(
    Kind.MASK,
    (ChannelSpec("DWI", "zscore"), ChannelSpec("ADC", "adc")),
    Sampling("tiles", (2.0, 2.0, 2.0), (32, 32, 32)),
    Output(("lesion",), min_ml=0.05),
    ("logits",),
)


def ct_head(flips: tuple[int, int, int] = (1, 1, 1)) -> Volume:
    """An elliptic head with a bleeding of 12 mm radius, 30 mm to the patient's left and 20 mm to the front."""
    geometry = Geometry.from_axes((9, 256, 256), (0.9, 0.9, 5.0), (0, 0, 0), np.diag(flips), "1.2.3")
    middle = geometry.world_from_index((127.5, 127.5, 4))
    geometry = Geometry.from_axes((9, 256, 256), (0.9, 0.9, 5.0), -middle, np.diag(flips), "1.2.3")
    x, y, z = patient(geometry)
    voxels = np.full(geometry.shape, -1000.0, np.float32)
    voxels[(x / 75) ** 2 + (y / 92) ** 2 < 1] = 30.0
    voxels[((x - 30) ** 2 + (y + 20) ** 2 < 12**2) & (np.abs(z) < 8)] = 75.0
    return Volume(voxels, geometry, Channel.CT, "HU")


def patient(geometry: Geometry) -> np.ndarray:
    k, j, i = np.indices(geometry.shape)
    return np.moveaxis(geometry.world_from_index(np.stack([i, j, k], -1)), -1, 0)


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_a_synthetic_volume_lies_voxel_on_voxel_over_its_source(flips):
    source = ct_head(flips)
    engine = Answering((1, 1, 256, 256), {"out": lambda x: x})
    result = run({Channel.CT: source}, MAKE, engine, PROVENANCE)
    assert result.volume is not None
    assert result.volume.synthetic
    assert result.volume.geometry.same_grid(source.geometry)
    assert engine.calls == 9
    expected = (np.clip(source.voxels, -100, 100) + 100) / 200 * 1000
    inside = source.voxels > 0
    assert np.abs(result.volume.voxels - expected)[inside].max() < 1.0
    assert result.seconds.total > 0


def cells_over(x: np.ndarray) -> np.ndarray:
    """One box of 24x24 pixels on the 8-pixel cell nearest to the middle of everything brighter than 60 HU."""
    raw = np.zeros((1, 6, 40, 40))
    raw[:, 0:2], raw[:, 2:4], raw[:, 4:] = 0.5, np.log(24 / 8), -20.0
    bright = np.argwhere(x[0, 0] > 0.6)
    if len(bright):
        row, column = (bright.mean(axis=0) // 8).astype(int)
        raw[0, 4:6, row, column] = 5.0
    return raw


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, 1, -1)])
def test_boxes_land_on_the_bleeding_and_know_its_side(flips):
    source = ct_head(flips)
    result = run({Channel.CT: source}, FIND, Answering((1, 1, 320, 320), {"p8": cells_over}), PROVENANCE)
    (finding,) = result.findings
    assert finding.side == "L"
    low, high = np.array(finding.box_lps_mm)
    assert (low + high) / 2 == pytest.approx([30, -20, 0], abs=6.0)
    assert {b.k for b in result.boxes} == {3, 4, 5}
    for found in result.boxes:
        centre = source.geometry.world_from_index(((found.i0 + found.i1) / 2, (found.j0 + found.j1) / 2, found.k))
        assert np.hypot(centre[0] - 30, centre[1] + 20) < 12
        assert (found.i1 - found.i0) * 0.9 == pytest.approx(24 * 0.72, abs=0.01)


def stroke_pair(adc_factor: float = 1.0) -> tuple[Volume, Volume, float]:
    dwi_grid = Geometry.from_axes((40, 90, 90), (2.0, 2.0, 3.0), (-90, -90, -60), frame_of_reference="f")
    adc_grid = Geometry.from_axes((60, 100, 100), (2.0, 2.0, 2.0), (-100, -100, -60), frame_of_reference="f")

    def paint(grid: Geometry, back: float, brain: float, lesion: float) -> np.ndarray:
        x, y, z = patient(grid)
        voxels = np.full(grid.shape, back, np.float32)
        voxels[(x / 70) ** 2 + (y / 80) ** 2 + (z / 55) ** 2 < 1] = brain
        voxels[(x + 30) ** 2 + y**2 + (z - 10) ** 2 < 14**2] = lesion
        return voxels

    dwi = Volume(paint(dwi_grid, 0, 100, 260), dwi_grid, Channel.DWI)
    adc = Volume(paint(adc_grid, 0, 0.85, 0.5) * np.float32(adc_factor), adc_grid, Channel.ADC)
    return dwi, adc, 4 / 3 * np.pi * 1.4**3


def bright_and_low_of_healthy(x: np.ndarray) -> np.ndarray:
    """Logits of the same rule in shares of healthy brain: DWI over 1.5, ADC under 0.8."""
    margin = np.minimum(x[:, :1] - 0.5, -0.2 - x[:, 1:2]) * 40
    return np.concatenate([-margin, margin], axis=1)


def bright_and_low(x: np.ndarray) -> np.ndarray:
    """Logits of the plain rule: DWI z-score over 2 and ADC under 0.68e-3 mm2/s."""
    margin = np.minimum(x[:, :1] - 2.0, (0.68 / 2 - 1) - x[:, 1:2]) * 40
    return np.concatenate([-margin, margin], axis=1)


@pytest.mark.parametrize("factor", [1.0, 1e-3, 1e3])
def test_a_lesion_is_outlined_on_the_sources_grid_whatever_the_unit_of_adc(factor):
    dwi, adc, ml = stroke_pair(factor)
    engine = Answering((1, 2, 32, 32, 32), {"logits": bright_and_low})
    result = run({Channel.DWI: dwi, Channel.ADC: adc}, OUTLINE, engine, PROVENANCE)
    assert result.mask is not None
    assert result.mask.geometry.same_grid(dwi.geometry)
    (finding,) = result.findings
    assert finding.volume_ml == pytest.approx(ml, rel=0.08)
    assert finding.volume_ml == pytest.approx(result.mask.volume_ml())
    assert finding.centroid_lps_mm == pytest.approx((-30, 0, 10), abs=1.5)
    assert finding.side == "R"
    assert any("ADC is in" in note for note in result.notes)


@pytest.mark.parametrize(("gain", "factor"), [(1.0, 1.0), (0.02, 1.4)])
def test_relative_channels_answer_the_same_whatever_gain_and_b_value_were(gain, factor):
    dwi, adc, ml = stroke_pair()
    dwi = replace(dwi, voxels=dwi.voxels * np.float32(gain))
    adc = replace(adc, voxels=adc.voxels * np.float32(factor))
    specs = tuple(ChannelSpec(name, "relative") for name in ("DWI", "ADC"))
    engine = Answering((1, 2, 32, 32, 32), {"logits": bright_and_low_of_healthy})
    result = run({Channel.DWI: dwi, Channel.ADC: adc}, replace(OUTLINE, channels=specs), engine, PROVENANCE)
    (finding,) = result.findings
    assert finding.volume_ml == pytest.approx(ml, rel=0.08)
    assert any("ADC is in" in note for note in result.notes)


def test_missing_synthetic_and_foreign_inputs_are_refused():
    dwi, adc, _ = stroke_pair()
    engine = Answering((1, 2, 32, 32, 32), {"logits": bright_and_low})
    with pytest.raises(InputRefused, match="no ADC"):
        run({Channel.DWI: dwi}, OUTLINE, engine, PROVENANCE)
    with pytest.raises(InputRefused, match="synthetic"):
        run({Channel.DWI: dwi, Channel.ADC: replace(adc, synthetic=True)}, OUTLINE, engine, PROVENANCE)
    elsewhere = Geometry(adc.geometry.shape, adc.geometry.affine, "other")
    with pytest.raises(GeometryMismatch, match="frame of reference"):
        run({Channel.DWI: dwi, Channel.ADC: replace(adc, geometry=elsewhere)}, OUTLINE, engine, PROVENANCE)
    far = adc.geometry.affine.copy()
    far[:3, 3] += 400
    with pytest.raises(GeometryMismatch, match="covers only"):
        run(
            {Channel.DWI: dwi, Channel.ADC: replace(adc, geometry=Geometry(adc.geometry.shape, far))},
            OUTLINE,
            engine,
            PROVENANCE,
        )


def test_broken_numbers_and_constants_never_become_a_picture():
    with pytest.raises(BadOutput, match="not numbers"):
        run({Channel.CT: ct_head()}, MAKE, Answering((1, 1, 256, 256), {"out": lambda x: x * np.nan}), PROVENANCE)
    with pytest.raises(BadOutput, match="constant"):
        run({Channel.CT: ct_head()}, MAKE, Answering((1, 1, 256, 256), {"out": np.zeros_like}), PROVENANCE)
    dwi, adc, _ = stroke_pair()
    black = Answering((1, 2, 32, 32, 32), {"logits": np.zeros_like})
    with pytest.raises(BadOutput, match="constant"):
        run({Channel.DWI: dwi, Channel.ADC: adc}, OUTLINE, black, PROVENANCE)


def test_an_engine_of_another_shape_is_an_error():
    with pytest.raises(EngineError, match="must have shape"):
        run({Channel.CT: ct_head()}, MAKE, Answering((1, 1, 128, 128), {"out": lambda x: x}), PROVENANCE)


def test_cancel_stops_between_two_slices_and_progress_counts_them():
    seen = []
    engine = Answering((1, 1, 256, 256), {"out": lambda x: x})
    with pytest.raises(JobCancelled):
        run(
            {Channel.CT: ct_head()}, MAKE, engine, PROVENANCE, progress=seen.append, cancelled=lambda: engine.calls >= 3
        )
    assert engine.calls == 3
    assert [p.done for p in seen if p.stage == "slices"] == [0, 1, 2]
    assert seen[-1].total == 9


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        ({}, "ADC was not in the study; the network ran without it."),
        ({Channel.ADC: "The ADC series lies elsewhere"}, "The ADC series lies elsewhere; the network ran without it."),
    ],
)
def test_a_missing_optional_channel_is_zero_for_the_network_and_named_in_a_note(absent, said):
    dwi, adc, ml = stroke_pair()
    seen = []

    def bright(x: np.ndarray) -> np.ndarray:
        seen.append(x)
        margin = (x[:, :1] - 2.0) * 40
        return np.concatenate([-margin, margin], axis=1)

    optional = replace(OUTLINE, channels=(OUTLINE.channels[0], replace(OUTLINE.channels[1], optional=True)))
    engine = Answering((1, 2, 32, 32, 32), {"logits": bright})
    without = run({Channel.DWI: dwi}, optional, engine, PROVENANCE, absent=absent)
    assert without.notes == (said,)
    assert all((x[:, 1] == 0).all() and x[:, 0].any() for x in seen if x[:, 0].any())
    (finding,) = without.findings
    assert finding.volume_ml == pytest.approx(ml, rel=0.08)
    seen.clear()
    both = run({Channel.DWI: dwi, Channel.ADC: adc}, optional, engine, PROVENANCE)
    assert not any("without" in note for note in both.notes)
    assert any(x[:, 1].any() for x in seen)
    assert np.array_equal(both.mask.labels, without.mask.labels)
    with pytest.raises(InputRefused, match="no DWI"):
        run({Channel.ADC: adc}, optional, engine, PROVENANCE)


def two_depths(x: np.ndarray) -> np.ndarray:
    """Logits of background, rim (z-score over 1) and core (over 3): two labels that touch everywhere."""
    brightness = x[:, :1]
    return np.concatenate([np.full_like(brightness, 0.0), (brightness - 1) * 40, (brightness - 3) * 80], axis=1)


@pytest.mark.parametrize("pieces", list(Pieces))
def test_labels_that_touch_keep_their_own_volume(pieces):
    dwi, _, _ = stroke_pair()
    x, y, z = patient(dwi.geometry)
    voxels = dwi.voxels.copy()
    far = np.sqrt((x + 30) ** 2 + y**2 + (z - 10) ** 2)
    voxels[far < 20] = 160
    voxels[far < 10] = 300
    sampling = replace(OUTLINE.sampling, spacing_mm=(2.0, 2.0, 3.0))
    output = Output(("rim", "core"), pieces=pieces)
    task = replace(OUTLINE, channels=OUTLINE.channels[:1], sampling=sampling, output=output)
    engine = Answering((1, 1, 32, 32, 32), {"logits": two_depths})
    result = run({Channel.DWI: replace(dwi, voxels=voxels)}, task, engine, PROVENANCE)
    assert result.pieces is pieces
    rim, core = (next(f for f in result.findings if f.label == name) for name in ("rim", "core"))
    assert core.volume_ml == pytest.approx(4 / 3 * np.pi * 1.0**3, rel=0.12)
    assert rim.volume_ml == pytest.approx(4 / 3 * np.pi * (2.0**3 - 1.0**3), rel=0.12)
    assert rim.volume_ml + core.volume_ml == pytest.approx(result.mask.volume_ml())
    order = [f.label for f in result.findings]
    assert order == (["rim", "core"] if pieces is Pieces.STRUCTURES else sorted(order, key=["rim", "core"].index))


def test_a_head_never_gets_the_answer_of_another_region():
    engine = Answering((1, 2, 32, 32, 32), {"logits": bright_and_low})
    organs = replace(OUTLINE, channels=(CT_WINDOW,), region=Region.TRUNK)
    with pytest.raises(InputRefused, match="shows a head"):
        run({Channel.CT: ct_head()}, organs, engine, PROVENANCE)
    dwi, adc, _ = stroke_pair()
    zones = replace(OUTLINE, region=Region.PELVIS)
    with pytest.raises(InputRefused, match="shows a head"):
        run({Channel.DWI: dwi, Channel.ADC: adc}, zones, engine, PROVENANCE)
    with pytest.raises(InputRefused, match="no colours"):
        run({Channel.DWI: dwi, Channel.ADC: adc}, replace(OUTLINE, region=Region.SMEAR), engine, PROVENANCE)
    assert engine.calls == 0
