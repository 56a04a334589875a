"""From wishes to the screen: every default is filled, nothing is guessed, absence is said in a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.result import Finding, Kind, Pieces, Precision
from inference.volume import Channel, Geometry, Mask, Volume
from viewer.state import actions
from viewer.state.catalogue import Catalogue
from viewer.state.compare import AGREEMENT, ONLY_A, ONLY_B
from viewer.state.display import DisplayState, SlicePane, SurfacePane
from viewer.state.palette import palette
from viewer.state.resolve import resolve
from viewer.state.view import Annotations, Content, Layout, PaneWish, Plane, ViewState, Window
from viewer.study import GeometryState, Patient, Series, SeriesKind, Study

ALL = ViewState(panes=tuple(PaneWish(content) for content in Content))
FP16 = replace(ALL, precision=Precision.FP16, compare=Precision.FP32)


def pane(display: DisplayState, content: Content) -> SlicePane:
    found = next(one for one in display.panes if isinstance(one, SlicePane) and one.content is content)
    assert isinstance(found, SlicePane)
    return found


def surface(display: DisplayState) -> SurfacePane:
    return next(one for one in display.panes if isinstance(one, SurfacePane))


def test_nothing_open() -> None:
    display = resolve(ViewState(), Catalogue())
    messages = [one.message for one in display.panes]
    assert messages[0] == "Open a study: drop a folder or a file here."
    assert messages[1] == "Synthetic MRI needs a CT."
    assert all(messages)
    assert (display.ledger, display.findings, display.agreement) == ("", (), None)


def test_best_series_is_the_ct(catalogue: Catalogue, ct: Volume) -> None:
    source = pane(resolve(ALL, catalogue), Content.SOURCE)
    assert source.volume is ct
    assert (source.volume_id, source.preset, source.window) == ("ct", "Brain", Window(80.0, 40.0))
    assert (source.index, source.count) == (4, 10)
    assert not source.synthetic
    assert source.corners.top_left[:2] == ("CT head 5 mm", "W 80 L 40 · Brain")
    assert source.corners.top_right == ("slice 5 / 10", "S 20.0 mm")
    assert source.corners.bottom_left == ("PHANTOM, SEVEN", "P-77 · M · 64 y", "2026-11-20")


def test_synthetic_is_always_named(catalogue: Catalogue) -> None:
    shown = pane(resolve(ALL, catalogue), Content.SYNTHETIC)
    assert shown.synthetic
    assert shown.corners.top_left[0] == "Synthetic T2 from CT"
    assert shown.corners.top_left[2] == "ct-to-mri 1.2 · FP32 · openvino CPU"
    assert "emulated" in pane(resolve(FP16, catalogue), Content.SYNTHETIC).corners.top_left[2]


def test_a_synthetic_volume_dropped_on_another_pane_stays_synthetic(catalogue: Catalogue) -> None:
    view = ViewState(panes=(PaneWish(Content.SOURCE, volume_id="result:ct-to-mri"),))
    shown = resolve(view, catalogue).panes[0]
    assert isinstance(shown, SlicePane)
    assert shown.synthetic
    assert shown.volume is not None
    assert shown.volume.synthetic


def test_flipping_precision_keeps_slice_and_window(catalogue: Catalogue) -> None:
    before = resolve(ALL, catalogue)
    after = resolve(actions.flip_precision(ALL), catalogue)
    one, other = pane(before, Content.SYNTHETIC), pane(after, Content.SYNTHETIC)
    assert one.volume is not other.volume
    assert (one.window, one.index, one.position_lps_mm) == (other.window, other.index, other.position_lps_mm)
    assert (before.precision_note, after.precision_note) == ("note fp32", "note fp16")
    assert actions.flip_precision(actions.flip_precision(ALL)) == ALL


def test_boxes_lie_on_their_slice_only(catalogue: Catalogue) -> None:
    assert [box.label for box in pane(resolve(ALL, catalogue), Content.BOXES).boxes] == ["IPH"]
    above = actions.move_crosshair(ALL, (0.0, 0.0, 25.0))
    assert [box.label for box in pane(resolve(above, catalogue), Content.BOXES).boxes] == ["SAH"]
    coronal = ViewState(panes=(PaneWish(Content.BOXES, plane=Plane.CORONAL),))
    assert pane(resolve(coronal, catalogue), Content.BOXES).boxes == ()


def test_without_boxes_the_box_pane_shows_the_mask(catalogue: Catalogue) -> None:
    results = {key: result for key, result in catalogue.results.items() if result.kind is not Kind.BOXES}
    shown = pane(resolve(ALL, replace(catalogue, results=results)), Content.BOXES)
    assert shown.volume_id == "dwi"
    assert len(shown.layers) == 1


def test_mask_lies_on_its_own_series(catalogue: Catalogue, dwi: Volume) -> None:
    shown = pane(resolve(ALL, catalogue), Content.MASK)
    assert shown.volume is dwi
    assert shown.layers[0].mask is catalogue.results["stroke", Precision.FP32].mask
    assert shown.layers[0].opacity == ALL.overlay_opacity
    assert shown.index == 8  # z = 20 mm on a grid of 2.5 mm: the linked point, not the index, is shared


def test_a_mask_is_never_laid_over_another_grid(catalogue: Catalogue) -> None:
    view = ViewState(panes=(PaneWish(Content.MASK, volume_id="ct"),))
    shown = pane(resolve(view, catalogue), Content.MASK)
    assert shown.volume_id == "ct"
    assert shown.layers == ()


def test_disagreement_has_colour_and_hatch(catalogue: Catalogue) -> None:
    colours = {
        AGREEMENT: palette().agreement,
        ONLY_A: palette().fp32,
        ONLY_B: palette().fp16,
    }
    for view in (ALL, FP16):
        layer = pane(resolve(actions.toggle_disagreement(view), catalogue), Content.MASK).layers[0]
        assert dict(layer.colours) == colours
        assert layer.hatched == (ONLY_A, ONLY_B)
        assert [int((layer.mask.labels == label).sum()) for label in (AGREEMENT, ONLY_A, ONLY_B)] == [48, 17, 16]


def test_agreement_in_numbers(catalogue: Catalogue) -> None:
    found = resolve(FP16, catalogue).agreement
    assert found is not None
    assert (found.a, found.b) == (Precision.FP32, Precision.FP16)
    assert found.dice == pytest.approx(2 * 48 / (65 + 64))
    assert (found.volume_ml_a, found.volume_ml_b) == (pytest.approx(65 * 0.0225), pytest.approx(64 * 0.0225))
    assert (found.lesions_only_a, found.lesions_only_b) == (1, 0)
    assert (found.seconds_a, found.seconds_b) == (1.9, 0.9)


def test_hiding_ai_hides_all_of_it(catalogue: Catalogue) -> None:
    display = resolve(actions.hide_ai(ALL, True), catalogue)
    assert pane(display, Content.SYNTHETIC).volume is None
    assert pane(display, Content.BOXES).boxes == ()
    assert pane(display, Content.MASK).layers == ()
    assert surface(display).mask is None
    assert (surface(display).findings, display.findings, display.agreement) == ((), (), None)
    assert pane(display, Content.SOURCE).volume is not None


def test_overlay_off_keeps_the_picture(catalogue: Catalogue) -> None:
    display = resolve(actions.toggle_overlay(ALL), catalogue)
    assert pane(display, Content.MASK).layers == ()
    assert pane(display, Content.MASK).volume is not None
    assert pane(display, Content.BOXES).boxes == ()
    assert len(display.findings) == 2


def test_surface_takes_the_skull_where_both_lie_in_one_space(catalogue: Catalogue, ct: Volume, dwi: Volume) -> None:
    shown = surface(resolve(ALL, catalogue))
    assert (shown.context, shown.context_threshold) == (ct, 200.0)
    elsewhere = replace(dwi, geometry=replace(dwi.geometry, frame_of_reference="9.9"))
    apart = surface(resolve(ALL, replace(catalogue, volumes={"ct": ct, "dwi": elsewhere})))
    assert apart.context is elsewhere
    assert [finding.label for finding in shown.findings] == ["IPH"]


def test_other_frames_of_reference_are_said(catalogue: Catalogue, ct: Volume, dwi: Volume) -> None:
    elsewhere = replace(dwi, geometry=replace(dwi.geometry, frame_of_reference="9.9"))
    assert not any("frame of reference" in text for text in resolve(ALL, catalogue).warnings)
    warned = resolve(ALL, replace(catalogue, volumes={"ct": ct, "dwi": elsewhere}))
    assert any("frame of reference" in text for text in warned.warnings)


def test_findings_total_and_order(catalogue: Catalogue) -> None:
    display = resolve(ALL, catalogue)
    assert [(row.task, row.finding.label) for row in display.findings] == [
        ("hemorrhage", "IPH"),
        ("stroke", "ischaemic"),
    ]
    assert display.total_ml == pytest.approx(1.44)
    chosen = actions.choose_finding(ALL, display, 1)
    assert chosen.crosshair_lps_mm == (-24.0, -24.0, 23.75)
    assert resolve(chosen, catalogue).chosen_finding == 1
    assert actions.choose_finding(ALL, display, 9).finding is None


def test_ledger_accounts_for_every_file(catalogue: Catalogue) -> None:
    display = resolve(ALL, catalogue)
    assert display.ledger == "34 files found · 30 shown in 2 series · 1 in localizers · 3 set aside"
    assert display.warnings[0] == "The gantry tilt of 18.5 degrees was taken out."


def test_a_typed_description_gives_way_to_a_neutral_title_without_patient_text(catalogue: Catalogue) -> None:
    display = resolve(actions.toggle_patient_text(ALL), catalogue)
    assert pane(display, Content.SOURCE).corners.top_left[0] == "CT head"


def test_a_long_description_leaves_room_for_the_slice_number(catalogue: Catalogue) -> None:
    assert catalogue.study is not None
    typed = [replace(s, description="HEAD WITHOUT CONTRAST " * 4) for s in catalogue.study.series]
    display = resolve(ALL, replace(catalogue, study=replace(catalogue.study, series=tuple(typed))))
    assert len(pane(display, Content.SOURCE).corners.top_left[0]) <= 40


def test_patient_text_goes_everywhere_at_once(catalogue: Catalogue) -> None:
    assert "PHANTOM" in resolve(ALL, catalogue).study_title
    display = resolve(actions.toggle_patient_text(ALL), catalogue)
    texts = [display.study_title, display.ledger, *display.warnings]
    for one in display.panes:
        corners = one.corners
        texts += [*corners.top_left, *corners.top_right, *corners.bottom_left, *corners.bottom_right]
    assert not any("PHANTOM" in text or "P-77" in text or "64 y" in text for text in texts)


@pytest.mark.parametrize(
    ("state", "left", "patient"), [(Annotations.ALL, 3, 3), (Annotations.MINIMAL, 2, 0), (Annotations.NONE, 0, 0)]
)
def test_three_states_of_the_corner_text(catalogue: Catalogue, state: Annotations, left: int, patient: int) -> None:
    corners = pane(resolve(replace(ALL, annotations=state), catalogue), Content.MASK).corners
    assert (len(corners.top_left), len(corners.bottom_left)) == (left, patient)


def test_why_there_is_no_synthetic(catalogue: Catalogue) -> None:
    none = replace(catalogue, results={}, result_source={})
    assert pane(resolve(ALL, none), Content.SYNTHETIC).message == "Making the synthetic MRI in FP32 ..."
    failed = replace(
        none, failures={("ct-to-mri", Precision.FP32): "The model answered NaN.", ("stroke", Precision.FP32): "x"}
    )
    assert pane(resolve(ALL, failed), Content.SYNTHETIC).message == "The model answered NaN."
    assert pane(resolve(ALL, failed), Content.MASK).corners.top_left[2] == "x"
    pending = replace(failed, kinds={**failed.kinds, "zones": Kind.MASK})
    assert pane(resolve(ALL, pending), Content.MASK).corners.top_left[2] != "x"  # the zones may still come
    nobody = replace(none, kinds={"stroke": Kind.MASK})
    assert pane(resolve(ALL, nobody), Content.SYNTHETIC).message == "No task makes a synthetic MRI from this study."
    from_dwi = actions.choose_source(ALL, "dwi")
    assert pane(resolve(from_dwi, none), Content.SYNTHETIC).message == "Synthetic MRI needs a CT."


def test_blocked_and_loading_are_said(tmp_path: Path) -> None:
    blocked = Series(
        "b", "CT", "", SeriesKind.VOLUME, (), 3, state=GeometryState.BLOCKED, reasons=("Two slices are missing.",)
    )
    study = Study(tmp_path, 3, (blocked,), ())
    shown = pane(resolve(ALL, Catalogue(study)), Content.SOURCE)
    assert shown.message == "Not available: Two slices are missing."
    fine = Study(tmp_path, 3, (replace(blocked, state=GeometryState.OK, reasons=()),), ())
    assert pane(resolve(ALL, Catalogue(fine)), Content.SOURCE).message == "Loading ..."


def test_monochrome1_is_shown_the_other_way_round(catalogue: Catalogue) -> None:
    study = catalogue.study
    assert study is not None
    turned = replace(study, series=tuple(replace(one, inverted=one.uid == "ct") for one in study.series))
    display = resolve(ALL, replace(catalogue, study=turned))
    assert pane(display, Content.SOURCE).inverted
    assert not pane(display, Content.MASK).inverted
    assert not pane(resolve(actions.invert(ALL), replace(catalogue, study=turned)), Content.SOURCE).inverted


def test_a_constant_volume_is_said() -> None:
    flat = Volume(np.full((4, 4, 4), 3.0, np.float32), Geometry.from_axes((4, 4, 4), (1, 1, 1)), Channel.CT, "HU", "CT")
    assert resolve(ALL, Catalogue(volumes={"a": flat})).warnings == ("CT holds one single value everywhere.",)


def test_a_point_outside_is_said_and_not_drawn(catalogue: Catalogue) -> None:
    shown = pane(resolve(actions.move_crosshair(ALL, (0.0, 0.0, 500.0)), catalogue), Content.SOURCE)
    assert not shown.crosshair
    assert shown.index == 9
    assert shown.corners.top_right[-1] == "point lies outside"


@pytest.mark.parametrize(
    ("layout", "visible"),
    [(Layout.ONE, (1,)), (Layout.TWO, (0, 1)), (Layout.THREE, (0, 1, 2)), (Layout.FOUR, (0, 1, 2, 3))],
)
def test_layouts(catalogue: Catalogue, layout: Layout, visible: tuple[int, ...]) -> None:
    view = actions.set_layout(actions.set_active(ViewState(), 1), layout)
    assert resolve(view, catalogue).visible == visible
    assert resolve(actions.toggle_maximised(view, 2), catalogue).visible == (2,)
    assert actions.toggle_maximised(actions.toggle_maximised(view, 1)) == view


def test_a_study_without_words_is_named_by_what_it_holds(study: Study) -> None:
    silent = replace(study, patient=Patient(), description="", date="")
    assert resolve(ALL, Catalogue(silent)).study_title == "MR + CT"
    files = replace(silent, series=tuple(replace(one, modality="") for one in silent.series))
    assert resolve(ALL, Catalogue(files)).study_title == "DWI + CT"
    nothing = replace(silent, series=tuple(replace(one, modality="", channel=Channel.UNKNOWN) for one in silent.series))
    assert resolve(ALL, Catalogue(nothing)).study_title == "3 series"


@pytest.fixture
def organs(catalogue: Catalogue, masks: tuple[Mask, Mask]) -> Catalogue:
    """The stroke task's mask as two structures, made without a channel that the study lacks."""
    labels = masks[0].labels.copy()
    labels[8:10, 10:14, 10:14] = 2
    mask = Mask(labels, masks[0].geometry, {1: "liver", 2: "bone"})
    finding = Finding("bone", 0.7, (0.0, 0.0, 0.0), ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), 0.9)
    note = "T1C was not in the study; the network ran without it."
    results = {
        key: replace(one, mask=mask, pieces=Pieces.STRUCTURES, notes=(note,), findings=(finding,))
        if one.mask is not None
        else one
        for key, one in catalogue.results.items()
    }
    return replace(catalogue, results=results)


def test_structures_are_called_so_and_have_colours_of_their_own(organs: Catalogue) -> None:
    display = resolve(ALL, organs)
    assert pane(display, Content.MASK).corners.top_left[0].endswith(" + structures")
    assert surface(display).corners.top_left == ("3D structures · surface smoothed, mL from voxels",)
    colours = dict(pane(display, Content.MASK).layers[0].colours)
    assert colours == dict(surface(display).colours)
    assert colours == {label: palette().label(label, Pieces.STRUCTURES) for label in (1, 2)}
    assert {row.colour for row in display.findings if row.finding.label == "bone"} == {colours[2]}
    assert not any("lesion" in line for one in display.panes for line in one.corners.top_left)


def test_structures_are_compared_label_by_label(organs: Catalogue, catalogue: Catalogue) -> None:
    agreement = resolve(ALL, organs).agreement
    assert agreement is not None
    assert (agreement.pieces, [one.label for one in agreement.labels]) == (Pieces.STRUCTURES, ["liver", "bone"])
    alone = resolve(ALL, catalogue).agreement
    assert alone is not None
    assert (alone.pieces, alone.labels) == (Pieces.LESIONS, ())


def test_what_the_network_ran_without_stands_among_the_notes(organs: Catalogue) -> None:
    assert "T1C was not in the study; the network ran without it." in resolve(ALL, organs).warnings
