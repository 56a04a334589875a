"""What a run gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from inference.health.energy import Energy
from inference.volume import Mask, Volume

Point = tuple[float, float, float]


class Kind(Enum):
    """What a task makes."""

    VOLUME = "volume"
    BOXES = "boxes"
    MASK = "mask"


class Pieces(Enum):
    """What the connected pieces of a mask's label are: lesions, each a finding, or together one structure."""

    LESIONS = "lesions"
    STRUCTURES = "structures"


class Precision(Enum):
    """Number format of an engine's arithmetic."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    INT8 = "int8"


class PrecisionKind(Enum):
    """How a backend provides a precision on this machine."""

    NATIVE = "native"
    EMULATED = "emulated"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Box:
    """One box on one axial slice of the source grid.

    Attributes:
        label: Class name.
        score: 0..1.
        k: Slice index on the source grid.
        i0, j0, i1, j1: Edges in fractional voxel indices (a voxel's centre is an integer, its edges are +-0.5).
    """

    label: str
    score: float
    k: int
    i0: float
    j0: float
    i1: float
    j1: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A lesion, a structure, or boxes merged through slices.

    Attributes:
        label: Its class.
        volume_ml: From voxels and |det|; None for a box, whose content was not outlined.
        centroid_lps_mm: Centre.
        box_lps_mm: Smallest and largest corner, axis-aligned in LPS.
        score: 0..1.
        side: "L", "R" or "M" (in the middle); "" where nobody can be sure.
    """

    label: str
    volume_ml: float | None
    centroid_lps_mm: Point
    box_lps_mm: tuple[Point, Point]
    score: float
    side: str = ""


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall time of each part of a run."""

    load: float = 0.0
    preprocess: float = 0.0
    infer: float = 0.0
    postprocess: float = 0.0

    @property
    def total(self) -> float:
        return self.load + self.preprocess + self.infer + self.postprocess


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a result comes from: enough to make it again."""

    task: str
    task_version: str
    model_sha256: str
    backend: str
    backend_version: str
    device: str
    precision: Precision
    precision_kind: PrecisionKind
    precision_note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The answer of one task on one study.

    Exactly one of `volume`, `boxes`, `mask` is meaningful, told by `kind`; all lie on the source volume's grid.
    `energy` is what the machine drew for it, None where nobody measured. `pieces` says what a mask's findings are,
    `kinds` the labels of boxes that are to be told apart at a glance, in the task's order.
    """

    task: str
    kind: Kind
    findings: tuple[Finding, ...]
    provenance: Provenance
    seconds: Seconds
    volume: Volume | None = None
    boxes: tuple[Box, ...] = ()
    mask: Mask | None = None
    notes: tuple[str, ...] = ()
    energy: Energy | None = None
    pieces: Pieces = Pieces.LESIONS
    kinds: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """Findings by label, the commonest first."""
        return dict(Counter(finding.label for finding in self.findings).most_common())


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `total` steps of the named stage."""

    stage: str
    done: int
    total: int


ProgressFn = Callable[[Progress], None]
CancelledFn = Callable[[], bool]
