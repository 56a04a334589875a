"""A file is whole or not there; small pictures are true too."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.volume import Channel, Geometry, Volume
from viewer.scene.capture import save_png, thumbnail
from viewer.scene.theme import theme
from viewer.whole_file import ExportFailed

RGBA = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)


def test_png_holds_every_pixel(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", RGBA)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), RGBA)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(ExportFailed, match=r"a\.png could not be written: "):
        save_png(tmp_path / "taken" / "a.png", RGBA)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"before")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os if call == "fsync" else Path, call, full)
    with pytest.raises(ExportFailed, match="no space left"):
        save_png(target, RGBA)
    assert target.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def head(synthetic: bool = False, spacing: tuple[float, float, float] = (1.0, 1.0, 5.0)) -> Volume:
    values = np.full((9, 40, 40), -1000.0, np.float32)
    values[:, 5:35, 10:20] = 80.0
    values[:, 5:35, 20:30] = 20.0
    return Volume(values, Geometry.from_axes(values.shape, spacing), Channel.CT, "HU", synthetic=synthetic)


def test_thumbnail_is_the_middle_slice_in_its_window() -> None:
    picture = thumbnail(head(), (80, 60))
    assert picture.shape == (60, 80, 4)
    assert tuple(picture[30, 32, :3]) == (255, 255, 255)
    assert tuple(picture[30, 48, :3]) == (64, 64, 64)
    assert tuple(picture[30, 2, :3]) == (0, 0, 0)


def test_thumbnail_of_a_sagittal_series_is_sagittal() -> None:
    picture = thumbnail(head(spacing=(6.0, 1.0, 1.0)), (80, 60))
    lit = np.argwhere(picture[..., 0] > 0)
    width, height = lit[:, 1].max() - lit[:, 1].min() + 1, lit[:, 0].max() - lit[:, 0].min() + 1
    assert width / height == pytest.approx(30 / 9, rel=0.1)


def test_synthetic_thumbnails_say_so() -> None:
    picture = thumbnail(head(synthetic=True), (80, 60))
    assert (picture[0, :, :3] == theme().synthetic).all()
