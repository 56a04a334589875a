"""Scores of masks, boxes and pictures, counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engines.library import find
from engines.parity.average_precision import average_precision
from engines.parity.judge import HIGHEST_DB, Boxes, Masks, Pictures, boxes_of, judge_for
from inference.monai import plan as monai
from inference.steps.decode import Detections


def logits(mask: np.ndarray, sure: float = 5.0) -> dict[str, np.ndarray]:
    odds = np.where(mask, sure, -sure).astype(np.float32)
    return {"logits": np.stack([-odds, odds])[None]}


def test_a_mask_is_read_at_the_threshold_of_its_task() -> None:
    judge = Masks(find("stroke-lesion").task)  # threshold 0.4
    halves = np.log(np.array([[[0.35 / 0.65, 0.45 / 0.55]]], dtype=np.float32)) / 2
    read = judge.read({"logits": np.stack([-halves, halves])[None]})
    assert read.tolist() == [[[0, 1]]]


@pytest.mark.parametrize(
    ("activation", "decision", "threshold", "expected"),
    [("softmax", "argmax", 0.5, [1, 0]), ("sigmoid", "threshold", 0.6, [0, 0]), ("none", "threshold", 0.0, [1, 0])],
)
def test_a_monai_mask_is_decided_as_its_plan_says(
    monkeypatch: pytest.MonkeyPatch, activation: str, decision: str, threshold: float, expected: list[int]
) -> None:
    task = find("stroke-lesion").task
    decide = SimpleNamespace(
        activation=monai.Activation(activation), decision=monai.Decision(decision), threshold=threshold
    )
    monkeypatch.setattr("engines.parity.judge.monai.read_plan", lambda _: decide)
    judge = Masks(replace(task, sampling=replace(task.sampling, kind="monai", plan="plan.json")))
    first = np.array([[[0.2, -3.0]]], np.float32)
    field = np.stack([-first, first]) if decision == "argmax" else first[None]
    assert judge.read({"logits": field[None]}).ravel().tolist() == expected


def test_voxels_counted_by_hand() -> None:
    judge = Masks(find("stroke-lesion").task)
    truth, found = np.zeros((1, 2, 5), np.uint8), np.zeros((1, 2, 5), np.uint8)
    truth[0, 0, :4] = 1  # four voxels, of which three are found, and one beside them
    found[0, 0, 1:] = 1
    scores = judge.score(found, truth)
    assert scores == pytest.approx(
        {"precision": 0.75, "recall": 0.75, "accuracy": 0.8, "f1": 0.75, "dice": 0.75, "iou": 0.6}
    )
    assert judge.compare(found, truth)["voxels_apart"] == pytest.approx(0.2)
    empty = np.zeros_like(truth)
    assert judge.score(empty, empty)["dice"] == judge.score(empty, empty)["f1"] == 1.0
    assert judge.score(found, empty)["dice"] == judge.score(empty, found)["dice"] == 0.0
    assert judge.score(empty, found)["f1"] == 0.0


def detections(*rows: tuple[float, ...]) -> Detections:
    """Rows (class, x0, y0, x1, y1, score), by falling score."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Detections(table[:, 1:5], table[:, 5], table[:, 0].astype(np.intp))


def test_average_precision_by_hand() -> None:
    truth = boxes_of(np.array([[0, 0, 0, 10, 10], [0, 50, 50, 60, 60]], dtype=np.float64))
    hit, off, second = (0, 0, 0, 10, 10, 0.9), (0, 200, 200, 210, 210, 0.8), (0, 50, 50, 60, 60, 0.7)
    assert average_precision(detections(hit, second), truth) == 1.0
    # Recall 1/2 at precision 1, then recall 1 at precision 2/3.
    assert average_precision(detections(hit, off, second), truth) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert average_precision(detections(), truth) == 0.0
    assert average_precision(detections(), boxes_of(np.zeros((0, 5)))) == 1.0
    assert average_precision(detections(off), boxes_of(np.zeros((0, 5)))) == 0.0
    # The same box twice is one hit and one false alarm.
    assert average_precision(detections(hit, (0, 0, 0, 10, 9, 0.8), second), truth) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_boxes_agree_as_far_as_they_are_shown() -> None:
    judge = Boxes(find("hemorrhage-detection").task)  # shown from 0.4 on
    first = detections((0, 0, 0, 10, 10, 0.9), (1, 30, 30, 40, 40, 0.35))
    same = detections((0, 0, 0, 10, 11, 0.7))
    assert judge.compare(same, first) == pytest.approx({"matched": 1.0, "score_delta": 0.2})
    other = detections((1, 0, 0, 10, 10, 0.9))
    assert judge.compare(other, first)["matched"] == 0.0


def test_equal_pictures_have_a_psnr_that_a_mean_can_be_taken_of() -> None:
    judge = Pictures(find("ct-to-mri").task)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32)).astype(np.float32)
    assert judge.score(picture, picture) == pytest.approx({"ssim": 1.0, "psnr_db": HIGHEST_DB, "mse": 0.0})
    assert judge.score(picture[:, ::-1], picture)["ssim"] < 0.2
    assert judge.read({"output": picture[None] * 2}).max() == 1.0


def test_every_shipped_task_has_its_judge(root: Path) -> None:
    names = {"ct-to-mri": Pictures, "hemorrhage-detection": Boxes, "stroke-lesion": Masks}
    assert {name: type(judge_for(find(name).task)) for name in names} == names
