"""Pictures from files: seen as they are meant, or refused with one sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines import colour_file
from engines.colour_file import picture_header, picture_volume, read_pixels
from inference.errors import InputRefused
from inference.volume import Channel

LEFT, RIGHT = (200, 30, 40), (20, 60, 220)


def _two_halves(rows: int = 8, columns: int = 12) -> np.ndarray:
    pixels = np.empty((rows, columns, 3), np.uint8)
    pixels[:, : columns // 2], pixels[:, columns // 2 :] = LEFT, RIGHT
    return pixels


@pytest.mark.parametrize("ending", ["png", "tif", "bmp"])
def test_a_plain_picture_is_read_pixel_for_pixel(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    Image.fromarray(_two_halves()).save(file)
    volume = picture_volume(file)
    assert volume.channel is Channel.COLOUR
    assert volume.geometry.shape == (1, 8, 12)
    assert not volume.geometry.in_mm
    assert volume.colour is not None
    assert np.array_equal(volume.colour[0], _two_halves())
    assert volume.voxels[0, 0, 0] == pytest.approx(0.299 * 200 + 0.587 * 30 + 0.114 * 40)


@pytest.mark.parametrize(
    ("turn", "shape", "upper_left"), [(3, (8, 12), RIGHT), (6, (12, 8), LEFT), (8, (12, 8), RIGHT)]
)
def test_a_picture_is_turned_as_its_camera_says(
    tmp_path: Path, turn: int, shape: tuple[int, int], upper_left: tuple[int, int, int]
) -> None:
    file, exif = tmp_path / "a.png", Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(_two_halves()).save(file, exif=exif)
    header = picture_header(file)
    assert (header.rows, header.columns) == shape == read_pixels(file).shape[:2]
    assert tuple(read_pixels(file)[0, 0]) == upper_left
    assert "Turned as its camera says." in header.notes


def test_a_picture_for_print_is_turned_into_colours_of_the_screen(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    Image.fromarray(_two_halves(16, 32)).convert("CMYK").save(file, quality=100)
    assert np.abs(read_pixels(file)[8, 4].astype(int) - LEFT).max() < 12
    assert any("CMYK" in note for note in picture_header(file).notes)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    pixels = np.dstack([_two_halves(), np.full((8, 12), 255, np.uint8)])
    pixels[0, 0, 3], pixels[1, 0, 3] = 0, 128
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_pixels(tmp_path / "a.png")
    assert found[0, 0].tolist() == [255] * 3
    assert found[1, 0].tolist() == pytest.approx([(255 + one) / 2 for one in LEFT], abs=2)
    assert tuple(found[2, 0]) == LEFT
    assert "What is transparent in it is shown white." in picture_header(tmp_path / "a.png").notes


def test_greys_have_no_colour_however_many_bits_they_have(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 60000, 64, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    Image.fromarray((ramp // 256).astype(np.uint8)).save(tmp_path / "plain.png")
    Image.fromarray((ramp // 256).astype(np.uint8)).convert("P").save(tmp_path / "palette.png")
    for name in ("deep", "plain", "palette"):
        volume = picture_volume(tmp_path / f"{name}.png")
        assert volume.colour is None, name
        assert volume.channel is Channel.UNKNOWN
        assert (np.diff(volume.voxels.ravel()) >= 0).all()
    assert picture_volume(tmp_path / "deep.png").voxels.max() == pytest.approx(255)


def test_a_palette_of_colours_is_in_colour(tmp_path: Path) -> None:
    Image.fromarray(_two_halves()).quantize(4).save(tmp_path / "a.png")
    volume = picture_volume(tmp_path / "a.png")
    assert volume.colour is not None
    assert np.abs(volume.colour[0, 0, 0].astype(int) - LEFT).max() < 4


@pytest.mark.parametrize("size", [(1, 1), (3, 20_000)])
def test_odd_sizes_are_read(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(tmp_path / "a.png")
    assert picture_volume(tmp_path / "a.png").geometry.shape == (1, *size)


def test_what_cannot_be_read_is_refused_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    one.save(tmp_path / "whole.png")
    (tmp_path / "short.png").write_bytes((tmp_path / "whole.png").read_bytes()[:4000])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    one.save(tmp_path / "moving.png", save_all=True, append_images=[one.rotate(90)])
    one.save(tmp_path / "pages.tif", save_all=True, append_images=[one, one])
    monkeypatch.setattr(colour_file, "MOST_PIXELS", 64 * 65)
    one.resize((66, 64)).save(tmp_path / "large.png")
    for name, words in (
        ("short.png", "damaged"),
        ("text.png", "damaged"),
        ("empty.jpg", "damaged"),
        ("gone.png", "gone"),
        ("moving.png", "holds 2 pictures"),
        ("pages.tif", "holds 3 pictures"),
        ("large.png", "more than"),
    ):
        with pytest.raises(InputRefused, match=words) as refusal:
            read_pixels(tmp_path / name)
        assert refusal.value.message.count(".") <= 2, refusal.value.message
