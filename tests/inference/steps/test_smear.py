"""The gate of smears: stained blood on bright glass passes, everything else hears why not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engines.colour_file import picture_volume
from inference.errors import InputRefused
from inference.steps.region import Region, require_region
from inference.steps.smear import STEP, smear_of
from inference.volume import Channel, Geometry, Volume
from tests.smears import GLASS, PURPLE, RED, SCENE, Disc, draw


def _volume(pixels: np.ndarray) -> Volume:
    grid = Geometry.of_picture(*pixels.shape[:2])
    return Volume(pixels.mean(axis=2)[None].astype(np.float32), grid, Channel.COLOUR, colour=pixels[None])


def _page() -> np.ndarray:
    pixels = np.full((300, 400, 3), 255, np.uint8)
    pixels[20:280:12, 20:380] = 30
    return pixels


def _slice_of_a_head() -> np.ndarray:
    y, x = np.mgrid[:300, :300]
    brain = np.where((x - 150) ** 2 + (y - 150) ** 2 < 100**2, 110, 0)
    return np.repeat(brain[..., None], 3, axis=2).astype(np.uint8)


def _small_cells() -> np.ndarray:
    return np.ascontiguousarray(np.tile(draw(SCENE)[::8, ::8], (6, 6, 1)))


REFUSED = {
    "page": (_page, "not pink or purple"),
    "head": (_slice_of_a_head, "no bright"),
    "lawn": (lambda: draw(SCENE) // np.array([2, 1, 3], np.uint8), "no bright"),
    "empty glass": (lambda: draw(()), "0% is stained"),
    "one pixel": (lambda: draw((), (1, 1)), "1 x 1 pixels"),
    "far away": (_small_cells, "pixels across"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_smear_is_refused_with_what_was_seen(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(InputRefused, match=words):
        require_region(Region.SMEAR, _volume(make()))


def test_a_smear_passes_and_has_no_place_in_a_head() -> None:
    volume = _volume(draw(SCENE))
    require_region(Region.SMEAR, volume)
    with pytest.raises(InputRefused, match="how large"):
        require_region(Region.HEAD, volume)
    with pytest.raises(InputRefused, match="how large"):
        require_region(Region.ANY, volume)


def test_a_volume_without_colours_is_no_smear() -> None:
    grey = Volume(np.full((1, 200, 200), 200, np.float32), Geometry.of_picture(200, 200))
    with pytest.raises(InputRefused, match="no colours"):
        require_region(Region.SMEAR, grey)


def test_stain_tells_nuclei_from_red_cells_whatever_the_lamp() -> None:
    pixels = draw((Disc("RBC", 100, 100), Disc("WBC", 350, 150)))
    for lamp in (1.0, 0.8):
        smear = smear_of((pixels * lamp).astype(np.uint8))
        assert smear.background == pytest.approx(np.array(GLASS) * lamp, abs=3)
        red, white = (smear.stain[y // STEP, x // STEP] for x, y in ((100, 100), (350, 150)))
        assert red < 0 < white
        expected = np.log(GLASS[1] / np.array([RED[1], PURPLE[1]]))
        seen = smear.green[100 // STEP, 100 // STEP], smear.green[150 // STEP, 350 // STEP]
        assert seen == pytest.approx(expected, abs=0.05)


def test_real_smears_pass(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("bccd/BCCD/JPEGImages")
    for file in sorted(folder.glob("*.jpg"))[::60]:
        require_region(Region.SMEAR, picture_volume(file))
