"""What the user wishes to see. Frozen; `viewer.state.actions` makes the next one; `None` means "you decide"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from inference.result import Point, Precision


class Plane(Enum):
    """Plane of a slice, in patient axes."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


class Layout(Enum):
    """How panes stand on the screen: columns x rows."""

    ONE = "1x1"
    TWO = "2x1"
    THREE = "3x1"
    FOUR = "2x2"

    @property
    def columns(self) -> int:
        return int(self.value[0])

    @property
    def rows(self) -> int:
        return int(self.value[2])


class Annotations(Enum):
    """The three states of the corner text."""

    ALL = "all"
    MINIMAL = "minimal"
    NONE = "none"


class Content(Enum):
    """What a pane is for."""

    SOURCE = "source"
    SYNTHETIC = "synthetic"
    BOXES = "boxes"
    MASK = "mask"
    SURFACE = "surface"


@dataclass(frozen=True, slots=True)
class Window:
    """Width and level in the volume's unit (DICOM PS3.3 C.11.2, LINEAR_EXACT)."""

    width: float
    level: float


@dataclass(frozen=True, slots=True)
class PaneWish:
    """One pane: what is put there and how it is looked at.

    Attributes:
        content: Role of the pane.
        volume_id: Series uid or result id to show; None: what the content needs.
        plane: Plane of the slice.
        zoom: 1 = the whole slice just fits.
        pan_mm: Shift (right, down) of the picture on the screen.
        inverted: Grey scale turned round.
    """

    content: Content
    volume_id: str | None = None
    plane: Plane = Plane.AXIAL
    zoom: float = 1.0
    pan_mm: tuple[float, float] = (0.0, 0.0)
    inverted: bool = False


DEFAULT_PANES = (
    PaneWish(Content.SOURCE),
    PaneWish(Content.SYNTHETIC),
    PaneWish(Content.BOXES),
    PaneWish(Content.SURFACE),
)


@dataclass(frozen=True, slots=True)
class ViewState:
    """Every wish of the user.

    Attributes:
        layout: Grid of panes.
        panes: One wish per pane, row by row.
        active: Index of the pane that keys act on.
        maximised: Index of the pane shown alone, or None.
        crosshair_lps_mm: The one linked position; every slice pane shows its slice. None: middle of the source.
        windows: Volume id -> window wished.
        precision: Precision whose results are shown.
        compare: The other precision of the disagreement view.
        overlay: Masks and boxes drawn (G).
        overlay_opacity: 0..1.
        ai_hidden: All AI hidden while held (Q).
        disagreement: Agreement / only A / only B instead of the mask (D).
        crosshair: Lines drawn (X).
        annotations: State of the corner text.
        patient_text: Patient's name and id in the corner text and captures.
        source_id: Series that the study is read from; None: the best one.
        finding: Index of the chosen finding, or None.
    """

    layout: Layout = Layout.FOUR
    panes: tuple[PaneWish, ...] = DEFAULT_PANES
    active: int = 0
    maximised: int | None = None
    crosshair_lps_mm: Point | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    precision: Precision = Precision.FP32
    compare: Precision = Precision.FP16
    overlay: bool = True
    overlay_opacity: float = 0.45
    ai_hidden: bool = False
    disagreement: bool = False
    crosshair: bool = True
    annotations: Annotations = Annotations.ALL
    patient_text: bool = True
    source_id: str | None = None
    finding: int | None = None
