"""The user's own flat pictures: marked ones become a detector, pairs become a generator."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from engines.training.curves import read_curves
from engines.training.device import Arithmetic
from engines.training.order import Order
from engines.training.prepare_pairs import paired_slices
from engines.training.recipe import RECIPES, read_recipe
from engines.training.train import train
from inference.errors import InputRefused
from inference.result import Kind
from inference.steps import normalise
from inference.task import read_task


def _recipe(folder: Path, name: str, *changes: tuple[str, str]) -> str:
    text = (RECIPES / f"{name}.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "mine.toml").write_text(text)
    return str(folder / "mine.toml")


def _yolo(folder: Path) -> Path:
    for part in ("train", "valid"):
        for inner in ("images", "labels"):
            (folder / part / inner).mkdir(parents=True)
        for n in range(2):
            Image.new("L", (64, 64), 80 + n).save(folder / part / "images" / f"{n}.png")
            (folder / part / "labels" / f"{n}.txt").write_text("0 0.5 0.5 0.4 0.4\n" if n else "")
    (folder / "data.yaml").write_text("names: ['clot']")
    return folder


OWN_BOXES = (
    ('source = "ct-hemorrhage-yolo"', ""),
    ("phantom_cases = 30", "phantom_cases = 0"),
    ("size = [320, 320]", "size = [64, 64]"),
    ("batch = 16", "batch = 2"),
)


def test_own_marked_pictures_become_a_detector(tmp_path: Path) -> None:
    own = (*OWN_BOXES, ('["EDH", "IPH", "IVH", "SAH", "SDH"]', '["clot"]'))
    folder = train(_recipe(tmp_path, "hemorrhage-detection", *own), _yolo(tmp_path / "set"), tmp_path / "out", steps=2)
    assert read_task(folder).output.labels == ("clot",)
    assert "2 pictures of the user's own folder (layout: yolo)" in (folder / "card.md").read_text()


def test_classes_that_the_recipe_does_not_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="The set marks clot; the recipe's labels are EDH"):
        train(_recipe(tmp_path, "hemorrhage-detection", *OWN_BOXES), _yolo(tmp_path / "set"), tmp_path / "out", steps=2)


LOOKS = ("[settings]", "[course]\nlook_every = 2\npatience = 2\n\n[settings]")


def test_a_detector_looks_at_its_held_out_pictures(tmp_path: Path) -> None:
    own = (*OWN_BOXES, ('["EDH", "IPH", "IVH", "SAH", "SDH"]', '["clot"]'), LOOKS)
    train(_recipe(tmp_path, "hemorrhage-detection", *own), _yolo(tmp_path / "set"), tmp_path / "out", steps=3)
    points = read_curves(tmp_path / "out" / "hemorrhage-detection.curves.csv")
    assert [p.look is not None for p in points] == [False, True, True]
    assert all(p.look.score is None and p.look.loss > 0 for p in points[1:] if p.look is not None)


PAIRS = '[data]\nreader = "{}"\nchannels = ["CT", "MR"]\nheld_out = 0.5\n\n[settings]'


def test_own_paired_pictures_become_a_generator(tmp_path: Path) -> None:
    for part in ("CT", "MR"):
        (tmp_path / "set" / part).mkdir(parents=True)
        for n in range(2):
            Image.new("L", (32, 32), 90 * n + 20).save(tmp_path / "set" / part / f"p{n}.png")
    own = (("phantom_cases = 30", "phantom_cases = 0"), ("width = 16", "width = 4"), ("batch = 4", "batch = 2"))
    recipe = _recipe(tmp_path, "ct-to-mri", *own, ("[settings]", PAIRS.format("paired-pictures")))
    folder = train(recipe, tmp_path / "set", tmp_path / "out", steps=1)
    assert read_task(folder).kind is Kind.VOLUME
    assert "1 pairs of slices of the user's own folder" in (folder / "card.md").read_text()


def test_paired_volumes_are_cut_as_the_road_cuts_them(tmp_path: Path) -> None:
    k, j, i = np.ogrid[:6, :60, :56]
    head = ((j - 30) / 26) ** 2 + ((i - 28) / 22) ** 2 + 0 * k < 1
    values = {"CT": np.where(head, 30.0, -1000.0), "MR": np.where(head, 400.0, 0.0)}
    for part, voxels in values.items():
        (tmp_path / part).mkdir()
        for n in range(2):
            image = sitk.GetImageFromArray(voxels.astype(np.float32))
            image.SetSpacing((3.6, 3.6, 5.0))
            sitk.WriteImage(image, str(tmp_path / part / f"p{n}.nii.gz"))
    recipe = read_recipe(_recipe(tmp_path, "ct-to-mri", ("[settings]", PAIRS.format("paired-volumes"))))
    pairs = paired_slices(Order(recipe, tmp_path, tmp_path, 0, Arithmetic(), lambda _: None, lambda: False))
    assert pairs.source.shape == pairs.target.shape == (6, 256, 256)
    middle = float(pairs.source[3, 128, 128]), float(pairs.target[3, 128, 128])
    assert middle == pytest.approx((float(normalise.window(np.float32(30.0), -150, 100)), 2 * 0.4 - 1), abs=2e-3)
    assert float(pairs.source[3, 2, 2]) == float(pairs.target[3, 2, 2]) == -1.0


def test_looks_that_a_kind_does_not_have_are_refused_not_ignored(tmp_path: Path) -> None:
    for part in ("CT", "MR"):
        (tmp_path / "set" / part).mkdir(parents=True)
        for n in range(2):
            Image.new("L", (32, 32), 90 * n + 20).save(tmp_path / "set" / part / f"p{n}.png")
    own = (("phantom_cases = 30", "phantom_cases = 0"), LOOKS, ("[settings]", PAIRS.format("paired-pictures")))
    with pytest.raises(InputRefused, match="kind translation has no looks"):
        train(_recipe(tmp_path, "ct-to-mri", *own), tmp_path / "set", tmp_path / "out", steps=2)
