"""Pictures in PNG, JPEG, TIFF or BMP: read as they were meant to be seen, or refused with one sentence.

Such a file does not say how large what it shows is: a resolution in it, where there is one, is that of paper or of a
screen. So a picture has pixels, and no millimetres.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from inference.errors import InputRefused
from inference.volume import Channel, Colours, Geometry, Volume

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
MOST_PIXELS = 50_000_000
"""What a camera takes. Slides scanned whole are larger, and other programs show them better."""

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue (ITU-R BT.601)."""

TURNED = 0x0112
SIDEWAYS = (5, 6, 7, 8)
HINT = "Save it again as a plain 8-bit PNG."
NO_SCALE = "No scale: this picture carries no pixel spacing."


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """A picture before its pixels are read.

    Attributes:
        rows, columns: As it is seen, turned as its camera says.
        in_colour: It has colours; else it is grey.
        notes: One sentence each for what is done to it.
    """

    rows: int
    columns: int
    in_colour: bool
    notes: tuple[str, ...]


def is_picture(file: Path) -> bool:
    """Whether a file's name says that it is a picture."""
    return file.suffix.lower() in ENDINGS


def picture_header(file: Path) -> PictureHeader:
    """Read a picture's header.

    Raises:
        InputRefused: It is damaged, of another kind, too large, or holds several pictures.
    """
    with _opened(file) as image:
        columns, rows = image.size
        turn = image.getexif().get(TURNED, 1)
        notes = (
            "Turned as its camera says." if turn not in (0, 1) else "",
            "Its colours are those of print (CMYK), shown without a colour profile." if image.mode == "CMYK" else "",
            "What is transparent in it is shown white." if image.has_transparency_data else "",
        )
        rows, columns = (columns, rows) if turn in SIDEWAYS else (rows, columns)
        return PictureHeader(rows, columns, _in_colour(image), tuple(note for note in notes if note))


def read_pixels(file: Path) -> Colours:
    """uint8 [j, i, 3] as it is seen: turned, transparent parts white, grey as three equal colours.

    Raises:
        InputRefused: As `picture_header`, or the file ends early.
    """
    with _opened(file) as image:
        seen = ImageOps.exif_transpose(image)
        if seen.has_transparency_data:
            whole = seen.convert("RGBA")
            seen = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole)
        if seen.mode.startswith(("I", "F")):
            return _of_many_greys(np.asarray(seen, dtype=np.float32))
        return np.array(seen.convert("RGB"))


def picture_volume(file: Path) -> Volume:
    """A picture as one flat volume without a scale, 0..255.

    Raises:
        InputRefused: As `read_pixels`.
    """
    header, pixels = picture_header(file), read_pixels(file)
    grid = Geometry.of_picture(header.rows, header.columns)
    voxels = (pixels @ LUMINANCE)[None]
    if not header.in_colour:
        return Volume(voxels, grid, Channel.UNKNOWN, name="Grey picture")
    return Volume(voxels, grid, Channel.COLOUR, name="Colour picture", colour=pixels[None])


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # its size is looked at here
            with Image.open(file, formats=("PNG", "JPEG", "BMP", "TIFF")) as image:
                _require_one(image, file)
                yield image
    except InputRefused:
        raise
    except Image.DecompressionBombError:
        raise _too_large(file) from None
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, OverflowError) as error:
        lost = isinstance(error, FileNotFoundError)
        what = "is gone" if lost else "is damaged, or a picture of a kind that cannot be read"
        raise InputRefused(f"{file.name} {what}.", "Choose another." if lost else HINT) from None


def _require_one(image: Image.Image, file: Path) -> None:
    """Phones put a small copy behind a JPEG (MPO): that is still one picture."""
    count = getattr(image, "n_frames", 1)
    if count > 1 and image.format != "MPO":
        raise InputRefused(f"{file.name} holds {count} pictures.", "Save the one that is meant as a file of its own.")
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(file)


def _too_large(file: Path) -> InputRefused:
    return InputRefused(
        f"{file.name} has more than {MOST_PIXELS // 1_000_000} million pixels.", "Cut out the part that is of interest."
    )


def _in_colour(image: Image.Image) -> bool:
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB") or [0], dtype=np.uint8).reshape(-1, 3 if image.palette else 1)
        return bool(np.ptp(palette, axis=1).any())
    return image.mode in ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "PA")


def _of_many_greys(values: np.ndarray) -> Colours:
    """Greys of more than 8 bits, darkest to brightest as 0..255."""
    low, high = float(values.min()), float(values.max())
    greys = (values - low) * (255.0 / (high - low) if high > low else 0.0)
    return np.repeat(np.rint(greys).astype(np.uint8)[..., None], 3, axis=2)
