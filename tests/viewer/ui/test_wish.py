"""Gestures as pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.result import Precision
from viewer.state.catalogue import Catalogue
from viewer.state.resolve import resolve
from viewer.state.view import Annotations, Content, Layout, PaneWish, ViewState, Window
from viewer.wish import Now, disagreement, hanging, next_pane, put_content, put_series


@pytest.fixture
def now(loader: Any) -> Now:
    study = loader.scan(Path("whole"), progress=lambda _: None, cancelled=lambda: False)
    catalogue = Catalogue(study=study, volumes=loader.volumes)
    view = ViewState()
    return Now(view, resolve(view, catalogue), catalogue)


def after(now: Now, view: ViewState) -> Now:
    return Now(view, resolve(view, now.catalogue), now.catalogue)


def contents(view: ViewState) -> list[Content]:
    return [pane.content for pane in view.panes]


def test_disagreement_borrows_the_boxes_pane_and_gives_it_back(now: Now) -> None:
    on = disagreement(now)
    assert on.disagreement
    assert contents(on) == [Content.SOURCE, Content.SYNTHETIC, Content.MASK, Content.SURFACE]
    off = disagreement(after(now, on))
    assert not off.disagreement
    assert contents(off) == contents(ViewState())


def test_disagreement_keeps_a_mask_that_is_in_sight(now: Now) -> None:
    view = put_content(now, Content.MASK)
    on = disagreement(after(now, view))
    assert contents(on) == [Content.MASK, Content.SYNTHETIC, Content.BOXES, Content.SURFACE]


@pytest.mark.parametrize(("step", "expected"), [(1, [1, 2, 3, 0]), (-1, [3, 2, 1, 0])])
def test_panes_follow_each_other_round_and_round(now: Now, step: int, expected: list[int]) -> None:
    seen = []
    for _ in range(4):
        now = after(now, next_pane(now, step))
        seen.append(now.view.active)
    assert seen == expected


def test_the_next_of_one_pane_alone_is_alone_too(now: Now) -> None:
    alone = after(now, replace(now.view, maximised=0))
    assert next_pane(alone, 1).maximised == 1


def test_a_series_for_the_3d_pane_goes_to_the_first_slice_pane(now: Now) -> None:
    surface = after(now, replace(now.view, active=3))
    view = put_series(surface, "adc")
    assert (view.active, view.panes[0].volume_id, view.panes[3]) == (0, "adc", PaneWish(Content.SURFACE))


def test_a_new_study_keeps_taste_and_drops_the_rest(now: Now) -> None:
    assert now.catalogue.study is not None
    old = ViewState(
        layout=Layout.TWO,
        precision=Precision.FP16,
        compare=Precision.FP32,
        annotations=Annotations.MINIMAL,
        windows={"ct": Window(1.0, 2.0)},
        crosshair_lps_mm=(1.0, 2.0, 3.0),
        finding=2,
        ai_hidden=True,
    )
    fresh = hanging(old, now.catalogue.study)
    assert (fresh.layout, fresh.precision, fresh.annotations) == (Layout.TWO, Precision.FP16, Annotations.MINIMAL)
    assert (fresh.windows, fresh.crosshair_lps_mm, fresh.finding, fresh.ai_hidden) == ({}, None, None, False)


def test_hanging_does_not_depend_on_the_loader(now: Now, make_loader: Callable[..., Any]) -> None:
    study = make_loader().scan(Path("mr"), progress=lambda _: None, cancelled=lambda: False)
    assert contents(hanging(ViewState(), study)) == [Content.SOURCE, Content.SOURCE, Content.MASK, Content.SURFACE]
