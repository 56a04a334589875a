"""A picture by itself is a study of one; among other files it is set aside."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputRefused, JobCancelled
from inference.volume import Channel
from viewer.dicom.inspect import report, text
from viewer.loading import read, scan
from viewer.match import match
from viewer.state.catalogue import Catalogue
from viewer.state.display import SlicePane, SurfacePane
from viewer.state.resolve import resolve
from viewer.state.view import Content, Layout, PaneWish, Plane, ViewState
from viewer.study import SeriesKind
from viewer.ui.series_rows import series_rows
from viewer.wish import hanging


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pixels = np.zeros((6, 10, 3), np.uint8)
    pixels[2, 7] = (250, 120, 30)
    path = tmp_path / "one" / "smear.png"
    path.parent.mkdir()
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_is_a_study_of_one_without_a_scale(file: Path) -> None:
    study = scan(file)
    (series,) = study.series
    assert (series.kind, series.channel, series.description) == (SeriesKind.PICTURE, Channel.COLOUR, "smear")
    assert series.reasons == ("No scale: this picture carries no pixel spacing.",)
    volume = read(series)
    assert volume.colour is not None
    assert volume.colour[0, 2, 7].tolist() == [250, 120, 30]
    (row,) = report(study)["series"]
    assert (row["kind"], row["geometry"], row["spacing_mm"], row["shape_kji"]) == ("picture", "none", None, [1, 6, 10])
    assert "10 x 6 pixels" in text(study)
    assert "mm" not in text(study)
    with pytest.raises(JobCancelled):
        read(series, cancelled=lambda: True)


def test_in_a_folder_a_picture_is_set_aside(file: Path) -> None:
    with pytest.raises(InputRefused, match="open it by itself"):
        scan(file.parent)


def test_a_damaged_picture_says_so(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:20])
    with pytest.raises(InputRefused, match=r"smear.png cannot be read. smear.png is damaged"):
        scan(file)
    file.write_bytes(whole)
    series = scan(file).series[0]
    file.write_bytes(whole[: len(whole) - 30])
    with pytest.raises(InputRefused, match="damaged"):
        read(series)


def test_one_pane_in_colours_and_no_millimetre_anywhere(file: Path) -> None:
    study = scan(file)
    view = hanging(ViewState(), study)
    assert view.layout is Layout.ONE
    assert view.panes[0].content is Content.BOXES
    catalogue = Catalogue(study=study, volumes={study.series[0].uid: read(study.series[0])})
    shown = resolve(view, catalogue)
    pane = shown.panes[0]
    assert isinstance(pane, SlicePane)
    assert shown.visible == (0,)
    assert pane.corners.top_right == ("10 × 6 pixels", "no scale")
    assert not any("mm" in line or "W " in line for line in (*pane.corners.top_left, *pane.corners.top_right))
    surface = next(one for one in shown.panes if isinstance(one, SurfacePane))
    assert (surface.context, surface.message) == (None, "A flat picture has no 3D view.")
    side = resolve(ViewState(panes=(PaneWish(Content.SOURCE, plane=Plane.CORONAL),)), catalogue).panes[0]
    assert side.message == "A flat picture has no coronal plane."


def test_its_card_tells_pixels(file: Path) -> None:
    (row,) = series_rows(scan(file))
    assert (row.subtitle, row.badge, row.can_open) == ("10 × 6 pixels", "no scale", True)


def test_no_task_of_a_body_takes_a_picture(file: Path) -> None:
    from engines.library import bundles

    body = [bundle.task for bundle in bundles() if bundle.task.sampling.kind != "crops"]
    found, skipped = match(scan(file), body)
    assert found == ()
    assert len(skipped) == len(body) > 0
