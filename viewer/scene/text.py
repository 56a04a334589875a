"""Words as pixels: in the interface's own type, kept once drawn."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

Alpha = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont

_DIGITS = tuple("0123456789")

_REGULAR = ("Inter-Regular.otf", "Inter-Regular.ttf", "segoeui.ttf", "DejaVuSans.ttf", "LiberationSans-Regular.ttf")
_BOLD = ("Inter-SemiBold.otf", "Inter-SemiBold.ttf", "seguisb.ttf", "DejaVuSans-Bold.ttf", "LiberationSans-Bold.ttf")

# Names in scripts that Inter does not have borrow from the system.
_BORROWED = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "segoeui.ttf",
    "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc",
    "msyh.ttc",
    "YuGothM.ttc",
    "arial.ttf",
)
_SHADE = 1.35


@lru_cache(maxsize=4096)
def ink(text: str, pixels: float, bold: bool = False) -> Alpha:
    """(h, w) coverage 0..255 of one line; the height depends on the size only, so lines of one size align."""
    ascent, descent = _own(pixels, bold).getmetrics()
    runs = _runs(text, pixels, bold)
    widths = [_width(run, font) for run, font in runs]
    image = Image.new("L", (max(1, ceil(sum(widths))), ascent + descent))
    pen, x = ImageDraw.Draw(image), 0.0
    for (run, font), width in zip(runs, widths, strict=True):
        pen.text((x + (width - font.getlength(run)) / 2, ascent), run, fill=255, font=font, anchor="ls")
        x += width
    return np.asarray(image)


@lru_cache(maxsize=4096)
def halo(text: str, pixels: float, bold: bool = False) -> Alpha:
    """(h + 2r, w + 2r) soft dark shade that keeps words readable on bright bone; r = `halo_radius`."""
    radius = halo_radius(pixels)
    padded = np.pad(ink(text, pixels, bold), radius)
    spread = ndimage.grey_dilation(padded, size=(3, 3)).astype(np.float32)
    shade = ndimage.gaussian_filter(spread, radius / 2.2) * _SHADE
    return np.asarray(np.minimum(shade, 255.0), dtype=np.uint8)


def halo_radius(pixels: float) -> int:
    """Width of the shade in pixels."""
    return max(2, round(pixels / 4))


def width_of(text: str, pixels: float, bold: bool = False) -> int:
    """Width of a line in pixels."""
    return int(ink(text, pixels, bold).shape[1])


@lru_cache(maxsize=2048)
def fitted(text: str, pixels: float, width: int) -> str:
    """The text, cut with an ellipsis where it is wider than `width` pixels."""
    if width_of(text, pixels) <= width:
        return text
    cuts = (text[:length].rstrip() + "…" for length in range(len(text) - 1, 0, -1))
    return next((cut for cut in cuts if width_of(cut, pixels) <= width), "")


@lru_cache(maxsize=256)
def wrapped(text: str, pixels: float, width: int) -> tuple[str, ...]:
    """The text in lines no wider than `width` pixels, broken between words."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(joined, pixels) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return tuple(lines)


def _runs(text: str, pixels: float, bold: bool) -> list[tuple[str, Font]]:
    """Neighbouring characters that one font can draw together; every digit alone, so that it gets its own column."""
    runs: list[tuple[str, Font]] = []
    for wished in text:
        character, font = _font_for(wished, pixels, bold)
        joins = runs and runs[-1][1] is font and character not in _DIGITS and runs[-1][0] not in _DIGITS
        if joins:
            runs[-1] = (runs[-1][0] + character, font)
        else:
            runs.append((character, font))
    return runs


def _width(run: str, font: Font) -> float:
    """Advance of a run; all digits are as wide as the widest, so that changing numbers do not jump."""
    return _digit_width(font) if run in _DIGITS else font.getlength(run)


@lru_cache(maxsize=64)
def _digit_width(font: Font) -> float:
    return max(font.getlength(digit) for digit in _DIGITS)


@lru_cache(maxsize=4096)
def _font_for(character: str, pixels: float, bold: bool) -> tuple[str, Font]:
    own = _own(pixels, bold)
    if _has(own, character):
        return character, own
    found = next((font for font in _borrowed(pixels) if _has(font, character)), None)
    return (character, found) if found is not None else ("?", own)


def _has(font: Font, character: str) -> bool:
    if character.isspace():
        return True
    missing, drawn = font.getmask("\uffff"), font.getmask(character)
    return bool(drawn.size != missing.size or bytes(drawn) != bytes(missing))


@lru_cache(maxsize=64)
def _own(pixels: float, bold: bool) -> Font:
    """Inter where the system has it, else its plain sans, else the face that Pillow carries."""
    found = (_system(name, pixels) for name in (_BOLD if bold else _REGULAR))
    return next((font for font in found if font is not None), None) or _carried(pixels)


def _carried(pixels: float) -> Font:
    font = ImageFont.load_default(pixels)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType")
    return font


@lru_cache(maxsize=64)
def _borrowed(pixels: float) -> tuple[Font, ...]:
    return tuple(font for name in _BORROWED if (font := _system(name, pixels)) is not None)


def _system(name: str, pixels: float) -> Font | None:
    try:
        return ImageFont.truetype(name, pixels, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        return None
