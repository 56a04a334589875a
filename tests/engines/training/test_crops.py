"""Crops of marked cells and of what is none: where they come from, how often each is drawn, figures on drawn smears."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines import vector
from engines.training.crops import CropBatches, Crops, as_input, crops, crops_and_found, some_of_each
from engines.training.measure_classes import measure_classes
from engines.training.readers.cases import BoxPicture
from engines.training.recipe import RECIPES, read_recipe
from engines.training.train import train
from inference.backends import graph
from inference.errors import InputRefused
from inference.steps.cells import candidates
from inference.steps.decode import iou_with
from inference.steps.smear import smear_of
from inference.task import read_task
from tests.smears import RADII, Disc, draw

KINDS = tuple(RADII)
NOTHING = len(KINDS)
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def _picture(folder: Path, *boxes: tuple[int, int, int, int]) -> BoxPicture:
    pixels = np.zeros((60, 80, 3), np.uint8)
    for x0, y0, x1, y1 in boxes:
        pixels[y0:y1, x0:x1] = (200, 100, 50)
    Image.fromarray(pixels).save(folder / "a.png")
    return BoxPicture("a", "a", folder / "a.png", (80, 60), np.float32(boxes).reshape(-1, 4), np.arange(len(boxes)))


SIZE = (260, 540)


def _scene(seed: int) -> tuple[Disc, ...]:
    """A chain of three red cells that overlap, a white cell and a platelet apart from them."""
    rng = np.random.default_rng(seed)
    x, y = 64 + rng.integers(12), 64 + rng.integers(12)
    chain = tuple(Disc("RBC", x + 72 * n, y + 30 * n) for n in range(3))
    return *chain, Disc("WBC", 420 + rng.integers(20), 120 + rng.integers(30)), Disc("Platelets", 270, 30)


def _marked(discs: tuple[Disc, ...]) -> np.ndarray:
    """Boxes as somebody marked them: that of the first cell is far too small, so that what is found there fits none."""
    boxes = np.array([disc.box for disc in discs])
    boxes[0] += np.array([1, 1, -1, -1]) * 17
    return boxes


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


def test_what_was_found_is_a_cell_or_nothing_or_left_out(tmp_path: Path) -> None:
    discs = _scene(0)
    pixels = draw(discs, SIZE)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    marked = _marked(discs).astype(np.float32)
    labels = np.array([KINDS.index(disc.kind) for disc in discs])
    picture = BoxPicture("a", "a", tmp_path / "a.png", SIZE[::-1], marked, labels)
    found = crops_and_found([picture], 48, 256, NOTHING)
    assert found.labels[:5].tolist() == labels.tolist()
    overlaps = np.array([iou_with(box, marked.astype(float)).max() for box in candidates(smear_of(pixels))])
    cells, nothing = found.labels[5:] != NOTHING, found.labels[5:] == NOTHING
    assert cells.sum() == (overlaps >= 0.6).sum() >= 4
    assert 0 < nothing.sum() <= (overlaps < 0.4).sum()


def test_red_cells_that_nobody_marked_teach_nothing(tmp_path: Path) -> None:
    Image.fromarray(draw((Disc("RBC", 80, 100), Disc("RBC", 300, 120)), (240, 400))).save(tmp_path / "a.png")
    one = Disc("RBC", 80, 100).box.astype(np.float32)[None]
    picture = BoxPicture("a", "a", tmp_path / "a.png", (400, 240), one, np.array([KINDS.index("RBC")]))
    found = crops_and_found([picture], 48, 256, NOTHING)
    reds = [crop for crop, label in zip(found.pixels, found.labels, strict=True) if label == NOTHING]
    assert all((np.abs(crop.astype(int) - 128).max(axis=0) > 3).sum() < 18**2 for crop in reds)


def test_rare_classes_are_drawn_as_often_as_common_ones() -> None:
    train = Crops(np.zeros((100, 3, 8, 8), np.uint8), np.array([0] * 90 + [1] * 8 + [2] * 2))
    batches = CropBatches(train, train)
    _, labels = batches.draw(3000, np.random.default_rng(0))
    assert np.bincount(labels.numpy()) / 3000 == pytest.approx([1 / 3] * 3, abs=0.04)
    assert sum(len(y) for _, y in batches.held_out()) == 100
    assert len(some_of_each(train, 3)) == 3 + 3 + 2


def test_a_batch_is_changed_by_its_generator_alone() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 3, 8, 8), np.uint8)
    batches = CropBatches(Crops(pixels, np.arange(6)), Crops(pixels, np.arange(6)))
    a, b, c = (batches.draw(4, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert float(a.abs().max()) <= 1.0
    assert np.array_equal(next(iter(batches.held_out()))[0], as_input(pixels))


@pytest.fixture(scope="module")
def smears(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds bccd: six small pictures, each with every kind of cell."""
    root = tmp_path_factory.mktemp("smears")
    inner = root / "bccd" / "BCCD"
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (inner / part).mkdir(parents=True)
    for n in range(6):
        discs = _scene(n)
        Image.fromarray(draw(discs, SIZE, seed=n, noise=12.0)).save(inner / "JPEGImages" / f"s{n}.png")
        marked = _marked(discs) + np.array([1, 1, 0, 0])
        text = "".join(OBJECT.format(disc.kind, *box) for disc, box in zip(discs, marked, strict=True))
        (inner / "Annotations" / f"s{n}.xml").write_text(f"<annotation>{text}</annotation>")
    for part, numbers in (("train", range(3)), ("val", range(3, 4)), ("test", range(4, 6))):
        (inner / "ImageSets" / "Main" / f"{part}.txt").write_text("\n".join(f"s{n}" for n in numbers))
    return root


def test_a_run_makes_a_bundle_that_is_measured_on_pictures_never_looked_at(tmp_path: Path, smears: Path) -> None:
    text = (RECIPES / "blood-cells.toml").read_text()
    changes = (
        ("[48, 48]\nfield = 256", "[24, 24]\nfield = 128"),
        ('rates = "steps"', "memory = 0.9"),
        ("batch = 24", "batch = 9\nwidths = [8]"),
        ("rate = 0.001", "rate = 0.01"),
        ("look_every = 300", "look_every = 10"),
    )
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "cells.toml").write_text(text)
    folder = train(str(tmp_path / "cells.toml"), smears, tmp_path / "out", steps=20)
    assert sorted(f.name for f in folder.iterdir()) == ["card.md", "manifest.toml", "model.onnx", "test_vector.npz"]
    task = read_task(folder)
    stored = vector.samples(task.vector_path, graph.read(task.model_path))
    assert len(stored) > len(KINDS)  # several, so that int8 sees every kind
    figures = measure_classes(read_recipe(str(tmp_path / "cells.toml")), folder, smears)
    called = {kind: figures[f"{kind}: {2 * count} true ones were called"] for kind, count in (("RBC", 3), ("WBC", 1))}
    assert sum(int(part.split()[1]) for part in called["RBC"].split(", ")) == 6
    assert figures["WBC: share of marked cells that a box was found for"] == 1.0
    assert figures["RBC: share of marked cells that a box was found for"] == pytest.approx(4 / 6, abs=0.001)
