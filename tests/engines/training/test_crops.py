"""Crops of marked things: where they are cut, how often each class is drawn, and figures per class on real cells."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.training.crops import CropBatches, Crops, as_input, crops
from engines.training.measure_classes import measure_classes
from engines.training.readers.cases import BoxPicture
from engines.training.recipe import RECIPES, read_recipe
from engines.training.train import train
from inference.errors import InputRefused


def _picture(folder: Path, *boxes: tuple[int, int, int, int]) -> BoxPicture:
    pixels = np.zeros((60, 80, 3), np.uint8)
    for x0, y0, x1, y1 in boxes:
        pixels[y0:y1, x0:x1] = (200, 100, 50)
    Image.fromarray(pixels).save(folder / "a.png")
    return BoxPicture("a", "a", folder / "a.png", (80, 60), np.float32(boxes).reshape(-1, 4), np.arange(len(boxes)))


def test_a_crop_holds_its_thing_at_its_true_size_and_nothing_else(tmp_path: Path) -> None:
    found = crops([_picture(tmp_path, (20, 20, 40, 40), (40, 20, 44, 24), (60, 40, 80, 60))], 32, 64)
    assert found.pixels.shape == (3, 3, 32, 32)
    assert found.labels.tolist() == [0, 1, 2]
    large, small, corner = (crop[0] == 200 for crop in found.pixels)
    assert large.sum() == pytest.approx(100, abs=12)  # 20 x 20 pixels of a field of 64, on 32
    assert 3 <= small.sum() <= 6
    assert corner.sum() == pytest.approx(100, abs=12)
    for crop in found.pixels:
        assert crop[:, 0, 0].tolist() == [128] * 3
        assert crop[:, 15:17, 15:17].reshape(3, -1).mean(1) == pytest.approx((200, 100, 50))
    with pytest.raises(InputRefused, match="no boxes"):
        crops([_picture(tmp_path)], 32, 64)


def test_rare_classes_are_drawn_as_often_as_common_ones() -> None:
    train = Crops(np.zeros((100, 3, 8, 8), np.uint8), np.array([0] * 90 + [1] * 8 + [2] * 2))
    batches = CropBatches(train, train)
    _, labels = batches.draw(3000, np.random.default_rng(0))
    assert np.bincount(labels.numpy()) / 3000 == pytest.approx([1 / 3] * 3, abs=0.04)
    assert sum(len(y) for _, y in batches.held_out()) == 100


def test_a_batch_is_changed_by_its_generator_alone() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 3, 8, 8), np.uint8)
    batches = CropBatches(Crops(pixels, np.arange(6)), Crops(pixels, np.arange(6)))
    a, b, c = (batches.draw(4, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert float(a.abs().max()) <= 1.0
    assert np.array_equal(next(iter(batches.held_out()))[0], as_input(pixels))


SIZES = {"Platelets": 8, "RBC": 16, "WBC": 26}
COLOURS = {"Platelets": (120, 60, 160), "RBC": (230, 120, 120), "WBC": (70, 30, 140)}
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


@pytest.fixture(scope="module")
def smears(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds bccd: nine pictures, each with one of every kind of cell."""
    root = tmp_path_factory.mktemp("smears")
    inner = root / "bccd" / "BCCD"
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (inner / part).mkdir(parents=True)
    for n in range(9):
        rng = np.random.default_rng(n)
        pixels = rng.integers(225, 255, (40, 120, 3), dtype=np.uint8)
        objects = ""
        for place, (name, size) in enumerate(SIZES.items()):
            x, y = 8 + 36 * place + int(rng.integers(4)), int(rng.integers(2, 12))
            pixels[y : y + size, x : x + size] = COLOURS[name]
            objects += OBJECT.format(name, x + 1, y + 1, x + size, y + size)
        Image.fromarray(pixels).save(inner / "JPEGImages" / f"s{n}.png")
        (inner / "Annotations" / f"s{n}.xml").write_text(f"<annotation>{objects}</annotation>")
    for part, numbers in (("train", range(5)), ("val", range(5, 7)), ("test", range(7, 9))):
        (inner / "ImageSets" / "Main" / f"{part}.txt").write_text("\n".join(f"s{n}" for n in numbers))
    return root


def test_cells_are_told_apart_and_measured_on_pictures_never_looked_at(tmp_path: Path, smears: Path) -> None:
    text = (RECIPES / "blood-cells.toml").read_text()
    changes = (
        ("[48, 48]\nfield = 256", "[16, 16]\nfield = 32"),
        ('rates = "steps"', "memory = 0.9"),
        ("batch = 24", "batch = 9\nwidths = [8]"),
        ("rate = 0.001", "rate = 0.01"),
        ("look_every = 100", "look_every = 30"),
    )
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "cells.toml").write_text(text)
    folder = train(str(tmp_path / "cells.toml"), smears, tmp_path / "out", steps=60)
    assert sorted(f.name for f in folder.iterdir()) == ["card.md", "model.onnx", "network.toml", "test_vector.npz"]
    figures = measure_classes(read_recipe(str(tmp_path / "cells.toml")), folder / "model.onnx", smears)
    assert figures["test part, 2 pictures: balanced accuracy"] > 0.6  # chance is a third
    assert figures["test part, 2 pictures: accuracy of always saying the commonest class"] == 0.3333
    assert [name for name in figures if "true ones" in name] == [f"{name}: 2 true ones were called" for name in SIZES]
