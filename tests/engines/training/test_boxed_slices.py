"""Pictures brought to one size, and boxes that stay on what they mark when the picture moves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.training.boxed_slices import BoxedSlices, augmented, boxed_slices, drawing_weights
from engines.training.readers.cases import BoxPicture
from engines.training.readers.yolo import read_yolo
from inference.errors import InputRefused


def _picture(folder: Path) -> BoxPicture:
    Image.fromarray(np.full((64, 128, 3), 90, np.uint8)).save(folder / "a.png")
    boxes = np.array([[16, 8, 64, 40]], np.float32)
    return BoxPicture("a", "a", folder / "a.png", (128, 64), boxes, np.array([3]))


def test_boxes_follow_their_picture_onto_the_square(tmp_path: Path) -> None:
    slices = boxed_slices([_picture(tmp_path)], 32)
    assert slices.boxes[0].tolist() == [[4, 4, 16, 20]]
    assert slices.labels[0].tolist() == [3]
    assert slices.pixels.shape == (1, 32, 32)
    assert np.unique(slices.pixels).tolist() == [90]


def test_a_set_without_pictures_is_refused() -> None:
    with pytest.raises(InputRefused):
        boxed_slices([], 32)


def _bright_square() -> BoxedSlices:
    pixels = np.full((1, 96, 96), 60, np.uint8)
    pixels[0, 30:46, 40:64] = 200
    box = np.array([[40, 30, 64, 46]], np.float32)
    return BoxedSlices(pixels, (box,), (np.array([2]),), ("a",))


@pytest.mark.parametrize("seed", range(12))
def test_a_moved_box_still_holds_what_it_marked(seed: int) -> None:
    slices = _bright_square()
    pictures, truth = augmented(slices, [0], np.random.default_rng(seed))
    boxes, labels = truth[0]
    assert labels.tolist() == [2]
    picture = pictures[0, 0].numpy()
    x0, y0, x1, y1 = boxes[0].round().int().tolist()
    inside = picture[y0:y1, x0:x1]
    outside = picture[picture > -0.97].sum() - inside[inside > -0.97].sum()
    count = (picture > -0.97).sum() - (inside > -0.97).sum()
    assert inside.mean() > outside / count + 0.3


def test_augmentation_is_a_function_of_its_generator() -> None:
    slices = _bright_square()
    a, _ = augmented(slices, [0, 0], np.random.default_rng(5))
    b, _ = augmented(slices, [0, 0], np.random.default_rng(5))
    c, _ = augmented(slices, [0, 0], np.random.default_rng(6))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_marked_pictures_and_rare_classes_are_drawn_more_often() -> None:
    labels = (np.array([0]), np.array([0]), np.array([0]), np.array([4]), np.array([], int), np.array([], int))
    slices = BoxedSlices(np.zeros((6, 8, 8), np.uint8), tuple(np.zeros((len(n), 4)) for n in labels), labels, ("",) * 6)
    chances = drawing_weights(slices, 5, 0.7)
    assert chances.sum() == pytest.approx(1.0)
    assert chances[:4].sum() == pytest.approx(0.7)
    assert chances[3] > 1.5 * chances[0]


def test_the_real_held_out_set_stays_in_its_pictures(shared_data) -> None:  # type: ignore[no-untyped-def]
    slices = boxed_slices(read_yolo(shared_data("ct-hemorrhage-yolo")).split.held_out, 80)
    assert len(slices) == 78
    assert all(b.min(initial=0) >= -1 and b.max(initial=0) <= 81 for b in slices.boxes)
