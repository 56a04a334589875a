"""The figures in the cards, on cases whose answer is known by hand."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from engines.training import measure_boxes, measure_outlines, measure_strokes, measure_volumes, real_strokes
from engines.training.boxed_slices import BoxedSlices
from engines.training.card import as_table
from engines.training.measure import HOW, measure
from inference.steps.decode import Detections
from inference.volume import Channel, Geometry, Volume


def _found(*rows: tuple[float, float, float, float, float, int]) -> Detections:
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.intp))


def _truth(*boxes: tuple[float, float, float, float]) -> BoxedSlices:
    rows = tuple(np.array([b], np.float32) for b in boxes)
    return BoxedSlices(
        np.zeros((len(boxes), 8, 8), np.uint8), rows, (np.zeros(1, np.int64),) * len(boxes), ("a",) * len(boxes)
    )


def test_average_precision_by_hand() -> None:
    slices = _truth((0, 0, 10, 10), (0, 0, 10, 10))
    found = [_found((0, 0, 10, 10, 0.9, 0), (20, 20, 30, 30, 0.8, 0)), _found((1, 0, 11, 10, 0.7, 0))]
    score, total = measure_boxes.average_precision(found, slices, 0, 0.5)
    assert total == 2
    assert score == pytest.approx(0.5 * 1.0 + 0.5 * 2 / 3)


def test_closer_overlap_is_asked_for_up_to_19_in_20() -> None:
    np.testing.assert_allclose(measure_boxes.IOUS, np.linspace(0.5, 0.95, 10))
    slices = _truth((0, 0, 10, 10), (0, 0, 10, 10))
    found = [_found((0, 0, 10, 10, 0.9, 0)), _found((1, 0, 11, 10, 0.7, 0))]  # the second overlaps by 9 / 11
    scores = [measure_boxes.average_precision(found, slices, 0, iou)[0] for iou in measure_boxes.IOUS]
    assert scores == pytest.approx([1.0] * 7 + [0.5] * 3)


def test_a_second_box_on_the_same_truth_is_false() -> None:
    boxes, truth = np.array([[0, 0, 10, 10], [0, 1, 10, 11.0]]), np.array([[0, 0, 10, 10.0]])
    assert measure_boxes.hits(boxes, truth, 0.5) == [True, False]


def test_average_precision_of_another_class_is_zero() -> None:
    found = [_found((0, 0, 10, 10, 0.9, 1))]
    assert measure_boxes.average_precision(found, _truth((0, 0, 10, 10)), 0, 0.5) == (0.0, 1)


def test_boxes_met_and_false_ones_are_counted() -> None:
    truth = np.array([[0, 0, 10, 10], [50, 50, 60, 60.0]])
    shown = np.array([[0, 0, 10, 8], [20, 20, 30, 30.0]])
    assert measure_boxes.hits_any(shown, truth) == (1, 1)
    assert measure_boxes.hits_any(shown, np.empty((0, 4))) == (0, 2)


def test_dice_and_lesion_recall_by_hand() -> None:
    truth, found = np.zeros((2, 20, 20, 20), bool)
    truth[2:8, 2:8, 2:8] = truth[12:18, 12:18, 12:18] = True
    truth[0, 19, 19] = True
    found[2:8, 2:8, 2:5] = True
    assert measure_outlines.dice(found, truth) == pytest.approx(2 * 108 / (108 + 433))
    assert measure_strokes.lesion_recall(found, truth, 0.008) == (1, 2)
    assert measure_outlines.dice(np.zeros(3, bool), np.zeros(3, bool)) == 1.0


def test_likeness_is_measured_inside_the_head_only() -> None:
    j, i = np.mgrid[:64, :64]
    disk = (j - 32) ** 2 + (i - 32) ** 2 < 24**2
    true = np.where(disk, 0.2, -1.0).astype(np.float32)[None]
    outside_wrong = np.where(disk, 0.2, 0.9).astype(np.float32)[None]
    inside_wrong = np.where(disk, 0.6, -1.0).astype(np.float32)[None]
    assert measure_volumes.compared(outside_wrong, true)["mean absolute error inside the head"] == 0.0
    assert measure_volumes.compared(inside_wrong, true)["mean absolute error inside the head"] == pytest.approx(
        0.2, abs=1e-3
    )


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_the_plain_rule_needs_both_channels_whatever_the_unit(scale: float) -> None:
    rng = np.random.default_rng(0)
    dwi = rng.normal(100, 5, (12, 20, 20)).astype(np.float32)
    adc = np.full(dwi.shape, 0.8, np.float32)
    dwi[2:4, 2:4, 2:4] = dwi[8:10, 8:10, 8:10] = 200
    adc[8:10, 8:10, 8:10] = adc[4:6, 15:17, 15:17] = 0.4
    geometry = Geometry.from_axes(dwi.shape, (2.0, 2.0, 2.0))
    volumes = {
        Channel.DWI: Volume(dwi, geometry, Channel.DWI),
        Channel.ADC: Volume(adc * np.float32(scale), geometry, Channel.ADC),
    }
    marked = measure_strokes.plain_rule(volumes)
    assert marked.sum() == 8
    assert marked[8:10, 8:10, 8:10].all()


def test_an_adc_map_is_worked_out_of_two_images() -> None:
    rng = np.random.default_rng(1)
    adc = rng.uniform(0.3, 3.0, (4, 8, 8)).astype(np.float32)
    still = rng.uniform(200, 900, adc.shape).astype(np.float32)
    dwi = still * np.exp(-adc)
    dwi[0, 0, 0] = still[0, 0, 1] = 0.0
    geometry = Geometry.from_axes(adc.shape, (2.0, 2.0, 2.0))
    found = real_strokes.derived_adc(Volume(dwi, geometry, Channel.DWI), Volume(still, geometry, Channel.UNKNOWN))
    assert found.voxels[0, 0, :2].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(found.voxels[1:], adc[1:], atol=1e-4)
    assert found.unit == "1e-3 mm2/s"


def test_the_relative_rule_knows_no_scanner() -> None:
    k, j, i = np.mgrid[:40, :60, :50]
    head = ((k - 20) / 18) ** 2 + ((j - 30) / 28) ** 2 + ((i - 25) / 23) ** 2 < 1
    spot = (k - 20) ** 2 + (j - 30) ** 2 + (i - 14) ** 2 < 36
    grain = np.random.default_rng(2).normal(1.0, 0.04, head.shape)
    dwi = (head * 130.0 * grain + spot * 120.0).astype(np.float32)
    adc = (head * 1.2 * grain - spot * 0.5).astype(np.float32)
    geometry = Geometry.from_axes(head.shape, (2.0, 2.0, 2.0))
    volumes = {Channel.DWI: Volume(dwi, geometry, Channel.DWI), Channel.ADC: Volume(adc, geometry, Channel.ADC)}
    assert measure_outlines.dice(measure_strokes.relative_rule(volumes), spot) > 0.97
    assert measure_outlines.dice(measure_strokes.plain_rule(volumes), spot) < 0.1


@pytest.mark.slow
def test_a_shipped_bundle_is_measured_and_its_card_takes_the_figures(tmp_path: Path) -> None:
    bundle = Path(measure_boxes.__file__).parents[1] / "models" / "hemorrhage-detection"
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    figures = measure(copy, None, heads=tmp_path / "heads", phantom_cases=1, write=True)
    assert figures["phantom, 1 heads: slices"] == 12
    assert as_table(figures, HOW) in (copy / "card.md").read_text()


def test_the_papers_own_figures_are_those_of_its_equations() -> None:
    true = np.linspace(-1, 0.5, 64, dtype=np.float32).reshape(1, 8, 8)
    same = measure_volumes.as_published(true, true)
    assert (same["SSIM as the paper defines it, %"], same["MSE as the paper defines it"]) == (100.0, 0.0)
    brighter = measure_volumes.as_published(true + np.float32(10 / 127.5), true)
    assert brighter["MSE as the paper defines it"] == pytest.approx(100.0, abs=0.1)
    assert brighter["PSNR as the paper defines it, dB"] == pytest.approx(28.13, abs=0.01)
    assert 95 < brighter["SSIM as the paper defines it, %"] < 100
    inverted = measure_volumes.as_published(-true, true)
    assert inverted["SSIM as the paper defines it, %"] < 0
