"""Words as pixels."""

from __future__ import annotations

import numpy as np
import pytest

from inference.result import Pieces
from viewer.scene import text
from viewer.scene.theme import css, theme


def test_figures_are_tabular() -> None:
    assert len({text.width_of(f"S {digit}{digit}.{digit} mm", 12.5) for digit in "0123456789"}) == 1


@pytest.mark.parametrize("character", "·…°³²µé–")
def test_signs_in_use_are_there(character: str) -> None:
    drawn, unknown = text.ink(character, 30.0), text.ink("\uffff", 30.0)
    assert drawn.any()
    assert not np.array_equal(drawn, unknown)


def test_bold_is_heavier_and_halo_wider() -> None:
    assert text.ink("Axial", 14.0, True).sum() > text.ink("Axial", 14.0).sum()
    radius = text.halo_radius(14.0)
    ink, halo = text.ink("Axial", 14.0), text.halo("Axial", 14.0)
    assert halo.shape == (ink.shape[0] + 2 * radius, ink.shape[1] + 2 * radius)
    assert (halo[radius:-radius, radius:-radius][ink > 200] > 150).all()


def test_long_words_are_cut_and_wrapped() -> None:
    long = "CT head without contrast 5 mm thick, second part"
    cut = text.fitted(long, 12.0, 120)
    assert cut.endswith("…")
    assert text.width_of(cut, 12.0) <= 120
    assert text.fitted("CT", 12.0, 120) == "CT"
    lines = text.wrapped(long, 12.0, 120)
    assert " ".join(lines) == long
    assert all(text.width_of(line, 12.0) <= 120 for line in lines)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_themes_have_every_role(name: str) -> None:
    look = theme(name)
    assert css(look.synthetic).startswith("#")
    assert look.labels.precision.__self__ is look.labels
    assert look.picture == (0, 0, 0)


def test_dark_theme_has_the_agreed_colours() -> None:
    look = theme()
    assert (css(look.ground), css(look.accent), css(look.synthetic)) == ("#0b0e12", "#2b7fff", "#a06bff")
    assert (css(look.labels.agreement), css(look.labels.fp16), css(look.labels.fp32)) == (
        "#31d17a",
        "#4cc2ff",
        "#ff4fa3",
    )
    assert (css(look.labels.box), css(look.labels.label(1, Pieces.LESIONS))) == ("#ffb02e", "#ff5a40")
