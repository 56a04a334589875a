"""What a gesture asks for: a pure function from what is now to what the view should become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from viewer.state import actions
from viewer.state.catalogue import Catalogue
from viewer.state.display import DisplayState, SlicePane, SurfacePane
from viewer.state.view import Content, Layout, PaneWish, ViewState
from viewer.study import GeometryState, SeriesKind, Study


@dataclass(frozen=True, slots=True, eq=False)
class Now:
    """The wishes so far, what is on the screen and what is there."""

    view: ViewState
    display: DisplayState
    catalogue: Catalogue


Wish = Callable[[Now], ViewState]


def disagreement(now: Now) -> ViewState:
    """Turn the disagreement view on or off; a mask must be in sight for it, so the boxes' pane lends its place."""
    view = actions.toggle_disagreement(now.view)
    if not view.disagreement:
        return _change_content(view, Content.MASK, Content.BOXES)
    seen = {view.panes[index].content for index in now.display.visible}
    return view if Content.MASK in seen else _change_content(view, Content.BOXES, Content.MASK)


def next_pane(now: Now, step: int) -> ViewState:
    """Go to the next pane in sight, round and round; one maximised pane gives way to its neighbour."""
    order = tuple(range(len(now.view.panes))) if now.view.maximised is not None else now.display.visible
    at = order.index(now.view.active) if now.view.active in order else 0
    return actions.set_active(now.view, order[(at + step) % len(order)])


def put_content(now: Now, content: Content) -> ViewState:
    """Give the active pane another role."""
    panes = tuple(PaneWish(content) if index == now.view.active else pane for index, pane in enumerate(now.view.panes))
    return replace(now.view, panes=panes)


def put_series(now: Now, identity: str) -> ViewState:
    """Show a series or a result in the active pane; a pane that cannot hold a slice lends its place to the first."""
    index = now.view.active
    if isinstance(now.display.panes[index], SurfacePane):
        index = next(n for n, pane in enumerate(now.display.panes) if isinstance(pane, SlicePane))
    if identity.startswith("result:"):
        return _put_result(now, index, identity)
    panes = list(now.view.panes)
    panes[index] = replace(panes[index], content=Content.SOURCE, volume_id=identity, zoom=1.0, pan_mm=(0.0, 0.0))
    return actions.set_active(replace(now.view, panes=tuple(panes)), index)


def _put_result(now: Now, index: int, identity: str) -> ViewState:
    made = {f"result:{task}": result.kind.value for (task, _), result in now.catalogue.results.items()}
    content = {"volume": Content.SYNTHETIC, "boxes": Content.BOXES, "mask": Content.MASK}[made[identity]]
    panes = list(now.view.panes)
    panes[index] = replace(panes[index], content=content, volume_id=identity)
    return actions.set_active(replace(now.view, panes=tuple(panes)), index)


def hanging(view: ViewState, study: Study) -> ViewState:
    """Wishes for a new study: taste is kept (layout, precision, texts), everything about the old pictures goes.

    Without a CT there is nothing to synthesise: the second pane shows the second series, the third the outline. A flat
    picture has one pane: there is no other plane and no 3D of it.
    """
    volumes = [s for s in study.series if s.is_shown and s.state is not GeometryState.BLOCKED]
    fresh = ViewState(
        layout=view.layout,
        precision=view.precision,
        compare=view.compare,
        overlay_opacity=view.overlay_opacity,
        crosshair=view.crosshair,
        annotations=view.annotations,
        patient_text=view.patient_text,
    )
    if any(series.modality == "CT" or series.channel.value == "CT" for series in volumes):
        return fresh
    if volumes and all(series.kind is SeriesKind.PICTURE for series in volumes):
        return replace(fresh, layout=Layout.ONE, panes=(PaneWish(Content.BOXES), *fresh.panes[1:]))
    second = _second(study)
    panes = (
        PaneWish(Content.SOURCE),
        PaneWish(Content.SOURCE, volume_id=second) if second else PaneWish(Content.SOURCE),
        PaneWish(Content.MASK),
        PaneWish(Content.SURFACE),
    )
    return replace(fresh, panes=panes)


def _second(study: Study) -> str | None:
    """ADC beside DWI; else the second volume."""
    volumes = [s for s in study.series if s.is_shown and s.state is not GeometryState.BLOCKED]
    adc = next((series.uid for series in volumes if series.channel.value == "ADC"), None)
    return adc or (volumes[1].uid if len(volumes) > 1 else None)


def _change_content(view: ViewState, old: Content, new: Content) -> ViewState:
    panes = tuple(PaneWish(new) if pane.content is old else pane for pane in view.panes)
    return replace(view, panes=panes)
