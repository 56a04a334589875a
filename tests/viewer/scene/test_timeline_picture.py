"""The drawn timeline: colours where work is, the ground where a lane is idle."""

from __future__ import annotations

import numpy as np
import pytest

from inference.lanes import Span
from viewer.scene.theme import theme
from viewer.scene.timeline import LANE, LEFT, RIGHT, TOP, draw, model_colours
from viewer.state.timeline import chart_of_spans

SPANS = (Span("gpu", "gan 0-3", 0.0, 1.0), Span("dla", "detector 0-9", 1.0, 2.0))


@pytest.mark.parametrize("ground", ["dark", "light"])
def test_bars_lie_where_the_work_was(ground: str) -> None:
    chart, look = chart_of_spans("Two lanes", SPANS), theme(ground)
    picture = draw(chart, 1000, ground)
    colours = model_colours(chart.models, look)
    row = picture[TOP + 8, :, :3]
    middle = LEFT + (1000 - LEFT - RIGHT) // 2
    assert tuple(row[LEFT + 200]) == colours["gan"]
    assert tuple(row[middle + 200]) == look.card
    busy = (row == colours["gan"]).all(axis=1).sum()
    assert busy == pytest.approx((1000 - LEFT - RIGHT) / 2, abs=12)  # rounded corners and the seam between bars


def test_height_follows_the_lanes_and_every_size_is_drawn() -> None:
    one = draw(chart_of_spans("One", SPANS[:1]))
    two = draw(chart_of_spans("Two", SPANS))
    assert two.shape[0] - one.shape[0] >= LANE
    assert draw(chart_of_spans("None", (), ("gpu",)), 700).shape[1:] == (700, 4)
    assert two.dtype == np.uint8


def test_models_beyond_the_colours_repeat_them() -> None:
    names = tuple(str(n) for n in range(30))
    assert len(model_colours(names, theme())) == 30
