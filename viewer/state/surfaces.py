"""The 3D pane: which surfaces it shows."""

from __future__ import annotations

from inference.result import Finding, Kind
from inference.steps.sides import fills_sides
from inference.volume import Channel, Volume
from viewer.state import choose
from viewer.state.display import CornerText, MaskLayer, SurfacePane
from viewer.state.overlays import mask_layer
from viewer.state.statistics import head_threshold
from viewer.state.view import Annotations, PaneWish
from viewer.state.wanted import Wanted

SKULL_HU = 200.0


def resolve_surface(wish: PaneWish, wanted: Wanted, active: bool) -> SurfacePane:
    """Fill every default of the 3D pane."""
    if _is_flat(wanted):
        return _empty(wanted, active, "A flat picture has no 3D view.")
    wished = wish.volume_id if choose.task_of(wish.volume_id) is not None else None
    layer = mask_layer(wanted, wished)
    context = context_volume(wish, wanted)
    if layer is not None and context is not None and context.channel is not Channel.CT and fills_sides(context):
        context = None  # a picture full of tissue has no outside: its surface would be a block round what was found
    return SurfacePane(
        context=context,
        context_threshold=context_threshold(context),
        mask=None if layer is None else layer.mask,
        colours=() if layer is None else layer.colours,
        findings=_boxed_findings(wanted, context),
        position_lps_mm=wanted.position,
        annotations=wanted.view.annotations,
        corners=_corners(wanted, layer, wished),
        active=active,
        message="" if context is not None or layer is not None else _why_nothing(wanted),
    )


def _is_flat(wanted: Wanted) -> bool:
    source = choose.volume_of(wanted.source, wanted.catalogue)
    return source is not None and not source.geometry.in_mm


def _empty(wanted: Wanted, active: bool, message: str) -> SurfacePane:
    view = wanted.view
    return SurfacePane(None, 0.0, None, (), (), wanted.position, view.annotations, CornerText(), active, message)


def context_volume(wish: PaneWish, wanted: Wanted) -> Volume | None:
    """What the faint outer surface is made from.

    The mask's own series; a CT in its place (its skull is the better landmark) only where the frame of
    reference says that both lie in one space.
    """
    if wish.volume_id is not None and choose.task_of(wish.volume_id) is None:
        return choose.volume_of(wish.volume_id, wanted.catalogue)
    own = choose.volume_of(wanted.ground(Kind.MASK, wish.volume_id), wanted.catalogue)
    source = choose.volume_of(wanted.source, wanted.catalogue)
    if own is None or source is None or source.channel is not Channel.CT:
        return own or source
    return source if one_space(own, source) else own


def one_space(a: Volume, b: Volume) -> bool:
    """Whether a point in mm means the same place in both: one volume, one grid, or one frame of reference."""
    frame = a.geometry.frame_of_reference
    return a is b or a.geometry.same_grid(b.geometry) or (frame != "" and frame == b.geometry.frame_of_reference)


def context_threshold(context: Volume | None) -> float:
    """Bone for CT in HU, the head's outside for everything else."""
    if context is None:
        return 0.0
    return SKULL_HU if context.channel is Channel.CT and context.unit == "HU" else head_threshold(context)


def _boxed_findings(wanted: Wanted, context: Volume | None) -> tuple[Finding, ...]:
    result = wanted.result(Kind.BOXES)
    if result is None or not wanted.view.overlay or wanted.view.ai_hidden:
        return ()
    ground = choose.volume_of(wanted.ground(Kind.BOXES), wanted.catalogue)
    return result.findings if ground is None or context is None or one_space(ground, context) else ()


def _corners(wanted: Wanted, layer: MaskLayer | None, wished: str | None) -> CornerText:
    if wanted.view.annotations is Annotations.NONE:
        return CornerText()
    if layer is None:
        return CornerText(top_left=("3D",))
    result = wanted.result(Kind.MASK, wished)
    word = "outlines" if result is None else result.pieces.value
    return CornerText(top_left=(f"3D {word} · surface smoothed, mL from voxels",))


def _why_nothing(wanted: Wanted) -> str:
    return "Open a study: drop a folder or a file here." if wanted.source is None else "Loading ..."
