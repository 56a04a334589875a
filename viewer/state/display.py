"""What is true on the screen now: every default filled by `viewer.state.resolve`; scene and widgets only read it."""

from __future__ import annotations

from dataclasses import dataclass

from inference.result import Box, Finding, Pieces, Point, Precision
from inference.volume import Mask, Volume
from viewer.state.compare import LabelComparison
from viewer.state.view import Annotations, Content, Layout, Plane, Window

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class CornerText:
    """Lines for the four corners of a pane, already chosen for the state of the annotations."""

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    bottom_right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class MaskLayer:
    """A mask drawn over a slice: fill with opacity and outline; `hatched` is the second sign beside the colour."""

    mask: Mask
    colours: tuple[tuple[int, Colour], ...]
    opacity: float
    hatched: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SlicePane:
    """One 2D pane.

    Attributes:
        content, plane: What is shown and in which plane.
        volume_id: Id of the volume in the catalogue.
        volume: Voxels shown.
        index: Index along the plane's normal on the volume's own axis that lies nearest to the patient axis.
        count: Number of slices in that direction.
        position_lps_mm: The linked point.
        window: Window in use. preset: its name, or "".
        layers: Masks, lowest first. boxes: Boxes of this slice. chosen: the chosen finding, if it is on this slice.
        kinds: Labels of boxes that have colours of their own.
        synthetic: The picture was made by a network: violet frame, words in its pixels.
        message: One sentence in the middle instead of a picture ("Loading", "Not available: ..."), or "".
    """

    content: Content
    plane: Plane
    volume_id: str
    volume: Volume | None
    index: int
    count: int
    position_lps_mm: Point
    window: Window
    preset: str
    zoom: float
    pan_mm: tuple[float, float]
    inverted: bool
    layers: tuple[MaskLayer, ...]
    boxes: tuple[Box, ...]
    crosshair: bool
    annotations: Annotations
    corners: CornerText
    synthetic: bool
    active: bool
    message: str = ""
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SurfacePane:
    """The 3D pane: faint bone or skin from `context`, the labels' surfaces from `mask`, boxes as wire frames.

    Attributes:
        context: Volume for the faint outer surface, or None. context_threshold: its iso value.
        mask: Lesions or structures, or None.
        colours: Label -> colour.
        findings: For boxes without a mask.
    """

    context: Volume | None
    context_threshold: float
    mask: Mask | None
    colours: tuple[tuple[int, Colour], ...]
    findings: tuple[Finding, ...]
    position_lps_mm: Point
    annotations: Annotations
    corners: CornerText
    active: bool
    message: str = ""


Pane = SlicePane | SurfacePane


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two precisions of one mask task, compared on the same grid; `labels` only where there are several."""

    a: Precision
    b: Precision
    dice: float
    volume_ml_a: float
    volume_ml_b: float
    lesions_only_a: int
    lesions_only_b: int
    seconds_a: float
    seconds_b: float
    pieces: Pieces = Pieces.LESIONS
    labels: tuple[LabelComparison, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A row of the findings table: where it comes from and the finding."""

    task: str
    finding: Finding
    colour: Colour


@dataclass(frozen=True, slots=True, eq=False)
class DisplayState:
    """The whole screen; `counts`: how many of each label a picture without a scale holds."""

    layout: Layout
    panes: tuple[Pane, ...]
    visible: tuple[int, ...]
    active: int
    precision: Precision
    precision_note: str
    findings: tuple[FindingRow, ...]
    counts: tuple[tuple[str, int], ...]
    total_ml: float
    chosen_finding: int | None
    agreement: Agreement | None
    overlay: bool
    ai_hidden: bool
    disagreement: bool
    study_title: str
    patient_text: bool
    ledger: str
    warnings: tuple[str, ...] = ()
