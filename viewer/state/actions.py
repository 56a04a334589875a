"""Every wish of the user as a pure function: a state in, the next state out."""

from __future__ import annotations

from dataclasses import replace
from math import exp

from inference.result import Point, Precision
from viewer.state.catalogue import Catalogue
from viewer.state.display import DisplayState, SlicePane
from viewer.state.planes import plane_axes
from viewer.state.view import Annotations, Layout, PaneWish, Plane, ViewState, Window
from viewer.state.windows import auto_window, default_window, preset_for_key

_WIDTH_PER_PIXEL = 0.005
_LEVEL_PER_PIXEL = 0.0025
_ZOOM = (0.25, 32.0)


def scroll(state: ViewState, display: DisplayState, slices: int) -> ViewState:
    """Move the linked point by whole slices of the active pane, stopping at its ends."""
    pane = _picture(display)
    return state if pane is None else _to_slice(state, pane, pane.index + slices)


def go_first(state: ViewState, display: DisplayState) -> ViewState:
    """First slice of the active pane."""
    pane = _picture(display)
    return state if pane is None else _to_slice(state, pane, 0)


def go_last(state: ViewState, display: DisplayState) -> ViewState:
    """Last slice of the active pane."""
    pane = _picture(display)
    return state if pane is None else _to_slice(state, pane, pane.count - 1)


def move_crosshair(state: ViewState, point_lps_mm: Point) -> ViewState:
    """Put the linked point somewhere; every pane follows."""
    return replace(state, crosshair_lps_mm=point_lps_mm)


def drag_window(state: ViewState, display: DisplayState, dx: float, dy: float) -> ViewState:
    """Right widens, up brightens (lower level). Steps grow with the width, so that they suit HU and 1e-6 mm2/s alike.

    Args:
        state: Wishes so far.
        display: What is on the screen.
        dx, dy: Logical pixels since the last call; y runs down.
    """
    pane = _picture(display)
    if pane is None:
        return state
    width = pane.window.width * exp(dx * _WIDTH_PER_PIXEL)
    return set_window(state, display, Window(width, pane.window.level + dy * _LEVEL_PER_PIXEL * pane.window.width))


def set_window(state: ViewState, display: DisplayState, window: Window) -> ViewState:
    """Window of the active pane's volume, in every pane that shows it. A width of zero or less is refused."""
    pane = _picture(display)
    if pane is None or not window.width > 0:
        return state
    return replace(state, windows={**state.windows, pane.volume_id: window})


def preset(state: ViewState, display: DisplayState, key: int) -> ViewState:
    """Preset on a digit: 1-9 as the volume has them, 0 for statistics."""
    pane = _picture(display)
    if pane is None or pane.volume is None:
        return state
    if key == 0:
        return auto(state, display)
    found = preset_for_key(pane.volume, key)
    return state if found is None else set_window(state, display, found.window)


def auto(state: ViewState, display: DisplayState) -> ViewState:
    """Window of the active pane from statistics of its volume."""
    pane = _picture(display)
    if pane is None or pane.volume is None:
        return state
    return set_window(state, display, auto_window(pane.volume))


def header_window(state: ViewState, display: DisplayState, catalogue: Catalogue) -> ViewState:
    """Window of the active pane from its DICOM header; where there is none, the volume's own default."""
    pane = _picture(display)
    if pane is None or pane.volume is None:
        return state
    series = () if catalogue.study is None else catalogue.study.series
    header = next((one.window for one in series if one.uid == pane.volume_id), None)
    return set_window(state, display, default_window(pane.volume, header).window)


def zoom(state: ViewState, factor: float, about_mm: tuple[float, float] = (0.0, 0.0)) -> ViewState:
    """Enlarge the active pane; the patient point under `about_mm` stays where it is on the screen.

    Args:
        state: Wishes so far.
        factor: Above 1 enlarges.
        about_mm: Offset (right, down) of the fixed point from the pane's centre, in mm at the present zoom.
    """
    pane = state.panes[state.active]
    wished = min(max(pane.zoom * factor, _ZOOM[0]), _ZOOM[1])
    factor = wished / pane.zoom
    pan_x, pan_y = (p + a / factor - a for p, a in zip(pane.pan_mm, about_mm, strict=True))
    return _with_pane(state, replace(pane, zoom=wished, pan_mm=(pan_x, pan_y)))


def pan(state: ViewState, right_mm: float, down_mm: float) -> ViewState:
    """Shift the picture of the active pane by mm of the patient."""
    pane = state.panes[state.active]
    return _with_pane(state, replace(pane, pan_mm=(pane.pan_mm[0] + right_mm, pane.pan_mm[1] + down_mm)))


def reset_pane(state: ViewState, display: DisplayState) -> ViewState:
    """Whole slice, own window, not inverted, in the active pane."""
    pane = replace(state.panes[state.active], zoom=1.0, pan_mm=(0.0, 0.0), inverted=False)
    shown = display.panes[display.active]
    gone = shown.volume_id if isinstance(shown, SlicePane) else None
    windows = {key: window for key, window in state.windows.items() if key != gone}
    return replace(_with_pane(state, pane), windows=windows)


def invert(state: ViewState) -> ViewState:
    """Turn the grey scale of the active pane round."""
    pane = state.panes[state.active]
    return _with_pane(state, replace(pane, inverted=not pane.inverted))


def set_plane(state: ViewState, plane: Plane) -> ViewState:
    """Plane of the active pane."""
    return _with_pane(state, replace(state.panes[state.active], plane=plane))


def set_active(state: ViewState, pane: int) -> ViewState:
    """Pane that keys act on; while one is maximised, the new one takes its place."""
    if not 0 <= pane < len(state.panes):
        return state
    return replace(state, active=pane, maximised=pane if state.maximised is not None else None)


def toggle_maximised(state: ViewState, pane: int | None = None) -> ViewState:
    """One pane alone, and back."""
    if state.maximised is not None:
        return replace(state, maximised=None)
    chosen = state.active if pane is None else pane
    return replace(state, maximised=chosen, active=chosen)


def set_layout(state: ViewState, layout: Layout) -> ViewState:
    """Grid of panes; the active pane stays in sight when there is one place only, else the first becomes active."""
    places = layout.columns * layout.rows
    active = state.active if places == 1 or state.active < places else 0
    return replace(state, layout=layout, active=active, maximised=None)


def set_precision(state: ViewState, precision: Precision) -> ViewState:
    """Precision whose results are shown; the one left behind is kept for comparing."""
    if precision is state.precision:
        return state
    return replace(state, precision=precision, compare=state.precision)


def flip_precision(state: ViewState) -> ViewState:
    """Change places with the other precision: same slice, same window."""
    return set_precision(state, state.compare)


def toggle_disagreement(state: ViewState) -> ViewState:
    """Agreement, only A, only B instead of the mask."""
    return replace(state, disagreement=not state.disagreement)


def toggle_overlay(state: ViewState) -> ViewState:
    """Masks and boxes drawn or not."""
    return replace(state, overlay=not state.overlay)


def change_opacity(state: ViewState, step: float) -> ViewState:
    """Opacity of masks, within 0..1."""
    return replace(state, overlay_opacity=min(max(round(state.overlay_opacity + step, 3), 0.0), 1.0))


def hide_ai(state: ViewState, hidden: bool) -> ViewState:
    """Everything that a network made is hidden while the key is held."""
    return replace(state, ai_hidden=hidden)


def toggle_crosshair(state: ViewState) -> ViewState:
    """Lines drawn or not."""
    return replace(state, crosshair=not state.crosshair)


def cycle_annotations(state: ViewState) -> ViewState:
    """All, minimal, none, and round again."""
    order = tuple(Annotations)
    return replace(state, annotations=order[(order.index(state.annotations) + 1) % len(order)])


def toggle_patient_text(state: ViewState) -> ViewState:
    """Patient's name and id on the screen and in captures, or not."""
    return replace(state, patient_text=not state.patient_text)


def choose_source(state: ViewState, uid: str | None) -> ViewState:
    """Series that the study is read from; the linked point goes to its middle."""
    return replace(state, source_id=uid, crosshair_lps_mm=None, finding=None)


def choose_finding(state: ViewState, display: DisplayState, row: int | None) -> ViewState:
    """Choose a row of the findings table and go to its centre; None lets go."""
    if row is None or not 0 <= row < len(display.findings):
        return replace(state, finding=None)
    return replace(state, finding=row, crosshair_lps_mm=display.findings[row].finding.centroid_lps_mm)


def _picture(display: DisplayState) -> SlicePane | None:
    """The pane that slice keys act on: the active one; from the 3D pane, the first slice pane that has a picture."""
    panes = (display.panes[display.active], *(display.panes[index] for index in display.visible), *display.panes)
    return next((pane for pane in panes if isinstance(pane, SlicePane) and pane.volume is not None), None)


def _to_slice(state: ViewState, pane: SlicePane, index: int) -> ViewState:
    assert pane.volume is not None
    geometry = pane.volume.geometry
    at = geometry.index_from_world(pane.position_lps_mm)
    at[plane_axes(geometry, pane.plane).normal] = min(max(index, 0), pane.count - 1)
    x, y, z = (float(value) for value in geometry.world_from_index(at))
    return move_crosshair(state, (x, y, z))


def _with_pane(state: ViewState, pane: PaneWish, index: int | None = None) -> ViewState:
    chosen = state.active if index is None else index
    panes = tuple(pane if i == chosen else old for i, old in enumerate(state.panes))
    return replace(state, panes=panes)
