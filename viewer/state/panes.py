"""One pane wished for -> one pane shown."""

from __future__ import annotations

from dataclasses import replace

from inference.result import Kind, Point, Result
from inference.volume import Channel, Volume
from viewer.state import choose
from viewer.state.compare import compare_masks
from viewer.state.corners import engine_text, patient_lines, position_text, slice_corners
from viewer.state.display import CornerText, Pane, SlicePane
from viewer.state.overlays import boxes_on, mask_layer
from viewer.state.planes import holds, plane_axes, slice_count, slice_index
from viewer.state.surfaces import resolve_surface
from viewer.state.view import Annotations, Content, PaneWish, Plane, Window
from viewer.state.wanted import Wanted, compared_masks, compared_precisions
from viewer.state.windows import NamedWindow, default_window, name_of
from viewer.study import GeometryState, Series

_KINDS = {Content.SYNTHETIC: Kind.VOLUME, Content.BOXES: Kind.BOXES, Content.MASK: Kind.MASK}
_NEEDS_CT = "Synthetic MRI needs a CT."
_NO_TASK = "No task makes a synthetic MRI from this study."
TITLE_LENGTH = 36


def resolve_pane(wish: PaneWish, wanted: Wanted, active: bool) -> Pane:
    """Fill every default of one pane."""
    if wish.content is Content.SURFACE:
        return resolve_surface(wish, wanted, active)
    if _is_synthetic(wish, wanted):
        return _synthetic(wish, wanted, active)
    return _acquired(wish, wanted, active)


def _is_synthetic(wish: PaneWish, wanted: Wanted) -> bool:
    task = choose.task_of(wish.volume_id)
    if task is not None:
        kind = choose.kind_of(task, wanted.catalogue)
        return kind is Kind.VOLUME or (kind is None and wish.content is Content.SYNTHETIC)
    return wish.content is Content.SYNTHETIC and wish.volume_id is None


def _synthetic(wish: PaneWish, wanted: Wanted, active: bool) -> SlicePane:
    task = wanted.task(Kind.VOLUME, wish.volume_id)
    result = wanted.result(Kind.VOLUME, wish.volume_id)
    volume_id = choose.result_id(task or "")
    if wanted.view.ai_hidden and result is not None:
        return _empty(wish, wanted, active, volume_id, "Hidden: everything that a network made.")
    if task is None or result is None or result.volume is None:
        return _empty(wish, wanted, active, volume_id, _why_no_synthetic(wanted))
    window = _window(wanted, volume_id, choose.steady_volume(task, result.volume, wanted.catalogue), None)
    return _picture(
        wish, wanted, active, volume_id, result.volume, window, _synthetic_title(wish, wanted, result.volume),
        (engine_text(result.provenance),),
    )  # fmt: skip


def _synthetic_title(wish: PaneWish, wanted: Wanted, volume: Volume) -> str:
    source = choose.volume_of(wanted.ground(Kind.VOLUME, wish.volume_id), wanted.catalogue)
    made = "MRI" if volume.channel is Channel.UNKNOWN else volume.channel.value
    known = source is not None and source.channel is not Channel.UNKNOWN
    return f"Synthetic {made} from {source.channel.value}" if known and source is not None else f"Synthetic {made}"


def _why_no_synthetic(wanted: Wanted) -> str:
    if wanted.source is None or choose.channel_of(wanted.source, wanted.catalogue) is not Channel.CT:
        return _NEEDS_CT
    if Kind.VOLUME not in wanted.catalogue.kinds.values():
        return _NO_TASK
    precision = wanted.view.precision
    failure = choose.failure_of(Kind.VOLUME, precision, wanted.catalogue)
    return failure or f"Making the synthetic MRI in {precision.value.upper()} ..."


def _acquired(wish: PaneWish, wanted: Wanted, active: bool) -> SlicePane:
    kind = _overlay_kind(wish, wanted)
    task_wish = wish.volume_id if choose.task_of(wish.volume_id) is not None else None
    uid = _ground(wish, wanted, kind)
    volume = choose.volume_of(uid, wanted.catalogue)
    if uid is None or volume is None:
        return _empty(wish, wanted, active, uid or "", _why_no_picture(uid, wanted))
    series = choose.series_of(wanted.catalogue, uid)
    window = _window(wanted, uid, volume, None if series is None else series.window)
    title = _acquired_title(volume, series, wanted.view.patient_text)
    fits = kind is not None and uid == wanted.ground(kind, task_wish)
    lines = _overlay_lines(kind, task_wish, wanted) if kind is not None and fits else ()
    shown = wanted.result(kind, task_wish) if kind is not None and fits and not wanted.view.ai_hidden else None
    title += "" if shown is None else f" + {_overlay_word(shown)}"
    pane = _picture(wish, wanted, active, uid, volume, window, title, lines)
    # MONOCHROME1 (DICOM PS3.3 C.7.6.3.1.2): the lowest value is white; a wish to invert turns it round once more.
    pane = replace(pane, inverted=wish.inverted != (series is not None and series.inverted))
    return _with_overlays(pane, kind, task_wish, wanted) if fits else pane


def _overlay_word(result: Result) -> str:
    return "boxes" if result.kind is Kind.BOXES else result.pieces.value


def _acquired_title(volume: Volume, series: Series | None, patient_text: bool) -> str:
    """What the scanner calls it; its neutral name where no patient text may show, for anything may be typed there."""
    described = series.description if series is not None and patient_text else ""
    short = described if len(described) <= TITLE_LENGTH else described[: TITLE_LENGTH - 1].rstrip() + "…"
    return short or volume.name or "Series"


def _with_overlays(pane: SlicePane, kind: Kind | None, wished: str | None, wanted: Wanted) -> SlicePane:
    if pane.volume is None:
        return pane
    geometry = pane.volume.geometry
    if kind is Kind.BOXES:
        normal = plane_axes(geometry, pane.plane).normal
        result = wanted.result(kind, wished)
        boxes = boxes_on(wanted, wished, normal, pane.index)
        return replace(pane, boxes=boxes, kinds=() if result is None else result.kinds)
    layer = mask_layer(wanted, wished) if kind is Kind.MASK else None
    return replace(pane, layers=(layer,)) if layer is not None and layer.mask.geometry.same_grid(geometry) else pane


def _overlay_kind(wish: PaneWish, wanted: Wanted) -> Kind | None:
    """What lies over an acquired picture; a box pane without boxes shows a mask if there is one."""
    kind = _KINDS.get(wish.content)
    if kind is Kind.BOXES and wanted.task(Kind.BOXES) is None and wanted.task(Kind.MASK) is not None:
        return Kind.MASK
    return None if kind is Kind.VOLUME else kind


def _ground(wish: PaneWish, wanted: Wanted, kind: Kind | None) -> str | None:
    if wish.volume_id is not None and choose.task_of(wish.volume_id) is None:
        return wish.volume_id
    return wanted.source if kind is None else wanted.ground(kind, wish.volume_id)


def _overlay_lines(kind: Kind, wished: str | None, wanted: Wanted) -> tuple[str, ...]:
    if wanted.view.ai_hidden:
        return ("AI hidden",)
    if kind is Kind.MASK and wanted.view.disagreement and (pair := compared_masks(wanted, wished)) is not None:
        numbers = compare_masks(*pair)
        a, b = (precision.value.upper() for precision in compared_precisions(wanted.view))
        gap = abs(numbers.volume_ml_a - numbers.volume_ml_b)
        legend = f"plain: both · / only {a} · \\ only {b}"
        return (legend, f"Dice {numbers.dice:.3f} · {gap:.2f} mL apart")
    result = wanted.result(kind, wished)
    return (engine_text(result.provenance),) if result is not None else (_why_no_overlay(kind, wanted),)


def _why_no_overlay(kind: Kind, wanted: Wanted) -> str:
    precision = wanted.view.precision
    word = "boxes" if kind is Kind.BOXES else "outline"
    failure = choose.failure_of(kind, precision, wanted.catalogue)
    return failure or f"No {word} in {precision.value.upper()} yet"


def _why_no_picture(uid: str | None, wanted: Wanted) -> str:
    if uid is None:
        return "Open a study: drop a folder or a file here."
    series = choose.series_of(wanted.catalogue, uid)
    if series is not None and series.state is GeometryState.BLOCKED:
        return "Not available: " + (series.reasons[0] if series.reasons else "its geometry cannot be used.")
    return "Loading ..."


def _window(wanted: Wanted, volume_id: str, volume: Volume, header: tuple[float, float] | None) -> NamedWindow:
    wished = wanted.view.windows.get(volume_id)
    return default_window(volume, header) if wished is None else NamedWindow(wished, name_of(wished, volume))


def _picture(
    wish: PaneWish,
    wanted: Wanted,
    active: bool,
    volume_id: str,
    volume: Volume,
    window: NamedWindow,
    title: str,
    lines: tuple[str, ...],
) -> SlicePane:
    if not volume.geometry.in_mm and wish.plane is not Plane.AXIAL:
        return _empty(wish, wanted, active, volume_id, f"A flat picture has no {wish.plane.value} plane.")
    index = slice_index(volume.geometry, wish.plane, wanted.position)
    count = slice_count(volume.geometry, wish.plane)
    inside = holds(volume.geometry, wanted.position)
    where = _where(volume, wish.plane, (index, count), _on_slice(volume, wish, wanted, index))
    where = (*where, *(() if inside else ("point lies outside",)))
    windowed = None if volume.colour is not None else window.window
    corners = slice_corners(wanted.view.annotations, title, windowed, window.name, where, lines, patient_text(wanted))
    return SlicePane(
        content=wish.content,
        plane=wish.plane,
        volume_id=volume_id,
        volume=volume,
        index=index,
        count=count,
        position_lps_mm=wanted.position,
        window=window.window,
        preset=window.name,
        zoom=wish.zoom,
        pan_mm=wish.pan_mm,
        inverted=wish.inverted,
        layers=(),
        boxes=(),
        crosshair=wanted.view.crosshair and inside and _points_somewhere(volume, wanted),
        annotations=wanted.view.annotations,
        corners=corners,
        synthetic=volume.synthetic or _is_synthetic(wish, wanted),
        active=active,
    )


def _points_somewhere(volume: Volume, wanted: Wanted) -> bool:
    """A flat picture has no other pane to be linked with: lines are drawn once somebody has pointed at something."""
    return volume.geometry.in_mm or wanted.view.crosshair_lps_mm is not None


def _where(volume: Volume, plane: Plane, slices: tuple[int, int], point: Point) -> tuple[str, ...]:
    """Slice and position; of a picture without a scale its size in pixels."""
    if not volume.geometry.in_mm:
        _, rows, columns = volume.geometry.shape
        return f"{columns} × {rows} pixels", "no scale"
    return f"slice {slices[0] + 1} / {slices[1]}", position_text(point, plane)


def _on_slice(volume: Volume, wish: PaneWish, wanted: Wanted, index: int) -> Point:
    """The linked point moved onto the slice that is really shown."""
    at = volume.geometry.index_from_world(wanted.position)
    at[plane_axes(volume.geometry, wish.plane).normal] = index
    x, y, z = (float(value) for value in volume.geometry.world_from_index(at))
    return x, y, z


def _empty(wish: PaneWish, wanted: Wanted, active: bool, volume_id: str, message: str) -> SlicePane:
    return SlicePane(
        content=wish.content,
        plane=wish.plane,
        volume_id=volume_id,
        volume=None,
        index=0,
        count=0,
        position_lps_mm=wanted.position,
        window=Window(1.0, 0.5),
        preset="",
        zoom=wish.zoom,
        pan_mm=wish.pan_mm,
        inverted=wish.inverted,
        layers=(),
        boxes=(),
        crosshair=False,
        annotations=wanted.view.annotations,
        corners=CornerText(),
        synthetic=False,
        active=active,
        message=message,
    )


def patient_text(wanted: Wanted) -> tuple[str, ...]:
    """Patient lines where they are wished for."""
    study = wanted.catalogue.study
    if study is None or not wanted.view.patient_text or wanted.view.annotations is not Annotations.ALL:
        return ()
    return patient_lines(study.patient, study)


def results_shown(wanted: Wanted) -> tuple[Result, ...]:
    """Every result at the wished precision, in the order in which tasks arrived."""
    return tuple(result for (_, at), result in wanted.catalogue.results.items() if at is wanted.view.precision)
