"""The yardstick's arithmetic, and one turn of each side on a tiny network."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from engines import volume_bench, volume_case
from engines.importers import nnunet, nnunet_convert
from engines.importers import nnunet_reference as reference
from engines.importers.nnunet_recipe import Recipe
from engines.library import find
from engines.volume_bench import Said, dice
from engines.volume_yardstick import RECIPE, SHAPE, case_files, phantom
from inference.errors import BackendMissing
from inference.result import Precision

TINY = Recipe(
    channels=("DWI", "ADC"),
    labels={"lesion": 1},
    patch_size=(16, 16, 16),
    spacing=(1.0, 1.0, 1.0),
    features=(4, 8),
    schemes=("ZScoreNormalization",) * 2,
    use_mask=(True, True),
)


def said(labels: list[int], seconds: float, peak: float, around: float = math.nan) -> Said:
    return Said(np.array(labels, np.uint8), seconds, 1.0, around, peak, "1", "CPU", "native")


def test_rows_are_ratios_of_medians_against_nnunet() -> None:
    answers: volume_bench.Answers = {
        None: [said([0, 1, 1, 0], 10.0, 3000), said([0, 1, 1, 0], 12.0, 3100), said([0, 1, 1, 0], 50.0, 2900)],
        Precision.FP32: [said([0, 1, 1, 0], 6.0, 1500, 0.3)] * 3,
        Precision.INT8: [said([0, 1, 0, 0], 1.5, 620, 0.3)] * 3,
    }
    theirs, ours, small = (volume_bench._row(turn, answers) for turn in answers)
    assert (theirs.backend, theirs.ratio, theirs.memory_ratio, theirs.around_percent) == ("nnunetv2", 1.0, 1.0, None)
    assert (ours.ratio, ours.memory_ratio, ours.around_percent, ours.dice_fp32) == (2.0, 0.484, 5.0, 1.0)
    assert (small.ratio, small.memory_ratio, small.agreement) == (8.0, 0.2, 0.75)
    assert small.dice_fp32 == pytest.approx(2 / 3)


def test_without_nnunet_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_bench.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(BackendMissing, match="nnU-Net is not installed"):
        volume_bench.rows(None)


def test_dice_of_nothing_is_one() -> None:
    nothing, one = np.zeros(3, np.uint8), np.array([0, 2, 0], np.uint8)
    assert dice(nothing, nothing) == 1
    assert dice(nothing, one) == 0
    assert dice(one, np.array([0, 1, 0], np.uint8)) == 1


def test_the_phantom_is_brought_to_the_stated_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    head = np.ones((80, 100, 113), np.float32)
    monkeypatch.setattr("engines.phantom.training.dwi_adc_case", lambda _seed, _mm: (head, 2 * head, head))
    channels, spacing = phantom()
    assert channels.shape == (2, *SHAPE)
    assert spacing == (2.0, 2.0, 2.0)
    assert channels[1].sum() == 2 * 73 * 100 * 112
    assert channels[0, :, 6:106].all()
    assert case_files(tmp_path) == ()


def test_the_real_case_is_found(shared_data) -> None:
    dwi, adc = case_files(shared_data("stroke-deepisles-case0001").parent)
    assert ("dwi" in dwi.name, "adc" in adc.name) == (True, True)


@pytest.mark.filterwarnings("ignore")
def test_the_network_is_the_papers() -> None:
    assert sum(weight.numel() for weight in reference.network(RECIPE, 0).parameters()) == pytest.approx(
        31.2e6, rel=1e-3
    )


@pytest.mark.filterwarnings("ignore")
def test_both_sides_answer_one_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nnunet, "_converted", lambda order, _cancelled: nnunet_convert.convert(order))
    case, model = tmp_path / "case.npz", tmp_path / "model"
    image = np.random.default_rng(0).uniform(1, 9, (2, 10, 12, 12)).astype(np.float32)
    np.savez(case, channels=image, spacing=(2.0, 2.0, 2.0))
    reference.write_model(model, TINY, {"0": reference.network(TINY, 0)})
    wish = nnunet.Wish(channels=TINY.channels, mirror=False, examples=(case,))
    bundle = find(str(nnunet.import_model(model, tmp_path / "bundle", wish)))
    reference.store_answer(model, case, tmp_path / "theirs.npz")
    volume_case.run(bundle, Precision.FP32, "openvino", case, tmp_path / "ours.npz")
    theirs, ours = (volume_bench._said(tmp_path / f"{side}.npz") for side in ("theirs", "ours"))
    assert math.isnan(theirs.around_s)
    assert 0 < ours.around_s < ours.seconds
    assert min(theirs.peak_mb, ours.peak_mb) > 50
    assert np.mean(theirs.labels == ours.labels) > 0.99
