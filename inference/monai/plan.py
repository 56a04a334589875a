"""What a MONAI bundle's configuration decides, read from a sidecar.

Names are those of MONAI's transforms and of their arguments, so that a reader finds them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from inference import sidecar


class Kind(Enum):
    """The transforms that run here exactly."""

    ORIENTATION = "Orientationd"
    SPACING = "Spacingd"
    CROP = "CropForegroundd"
    RANGE = "ScaleIntensityRanged"
    SCALE = "ScaleIntensityd"
    NORMALIZE = "NormalizeIntensityd"


class Activation(Enum):
    """What is done to averaged answers."""

    NONE = "none"
    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"


class Decision(Enum):
    """How answers become labels: the largest channel, or the only one from a threshold on."""

    ARGMAX = "argmax"
    THRESHOLD = "threshold"


@dataclass(frozen=True, slots=True)
class Change:
    """One transform of the preprocessing; only its own arguments matter.

    Attributes:
        axcodes: Orientation: where the axes run to, as "RAS".
        pixdim: Spacing: mm along the three axes; 0 keeps an axis.
        margin, k_divisible, allow_smaller: Crop.
        a_min, a_max, b_min, b_max, clip: Range.
        minv, maxv: Scale.
        subtrahend, divisor: Normalise: one for each channel; empty: mean and standard deviation of the image.
        nonzero, channel_wise: Normalise; channel_wise also for Scale.
    """

    kind: Kind
    axcodes: str = ""
    pixdim: tuple[float, ...] = ()
    margin: tuple[int, ...] = (0, 0, 0)
    k_divisible: tuple[int, ...] = (1, 1, 1)
    allow_smaller: bool = False
    a_min: float = 0.0
    a_max: float = 1.0
    b_min: float | None = None
    b_max: float | None = None
    clip: bool = False
    minv: float | None = 0.0
    maxv: float | None = 1.0
    subtrahend: tuple[float, ...] = ()
    divisor: tuple[float, ...] = ()
    nonzero: bool = False
    channel_wise: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One bundle's inference.

    Attributes:
        roi_size, overlap, gaussian, sigma_scale: The sliding window; axes as the network has them.
        cval: What stands round an image smaller than a window; None repeats its border.
        labels: Names of the mask's values from 1 on.
        network: What made the graph.
        version: The bundle's own.
    """

    changes: tuple[Change, ...]
    roi_size: tuple[int, ...]
    overlap: tuple[float, ...]
    gaussian: bool
    sigma_scale: float
    cval: float | None
    activation: Activation
    decision: Decision
    threshold: float
    channels: int
    labels: tuple[str, ...]
    network: str
    version: str

    @property
    def heads(self) -> int:
        """Channels that the network answers with."""
        return len(self.labels) + (self.decision is Decision.ARGMAX)

    def spacing(self, own: tuple[float, ...]) -> tuple[float, ...]:
        """mm that the network works at, in the plan's order of axes; `own` where nothing is resampled."""
        given = [change.pixdim for change in self.changes if change.kind is Kind.SPACING]
        return tuple(want if want > 0 else have for want, have in zip(given[-1], own, strict=True)) if given else own


def read_plan(path: Path) -> Plan:
    """The plan of a sidecar. Raises ManifestInvalid, as `inference.sidecar.read`."""
    return sidecar.read(Plan, path, faults)


def faults(plan: Plan) -> list[str]:
    """Rules between fields that do not hold, each as half a sentence."""
    rules = {
        "roi_size needs three positive numbers": len(plan.roi_size) == 3 and min(plan.roi_size) > 0,
        "overlap needs three numbers from 0 up to 1": len(plan.overlap) == 3
        and all(0 <= one < 1 for one in plan.overlap),
        "sigma_scale must be positive": plan.sigma_scale > 0,
        "channels must be positive": plan.channels > 0,
        "labels need 1 to 255 names": 0 < len(plan.labels) < 256,
        "a threshold decides on one label alone": plan.decision is Decision.ARGMAX or len(plan.labels) == 1,
        "axcodes must name each direction once": all(map(_is_orientation, plan.changes)),
        "pixdim needs three numbers": all(len(c.pixdim) == 3 for c in plan.changes if c.kind is Kind.SPACING),
        "margin and k_divisible need three numbers": all(map(_is_crop, plan.changes)),
        "subtrahend and divisor need one number for each channel": all(
            len(given) in (0, plan.channels if c.channel_wise else 1)
            for c in plan.changes
            for given in (c.subtrahend, c.divisor)
        ),
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _is_orientation(change: Change) -> bool:
    letters = [pair for code in change.axcodes for pair in ("LR", "PA", "IS") if code in pair]
    return change.kind is not Kind.ORIENTATION or (len(change.axcodes) == 3 and len(set(letters)) == 3)


def _is_crop(change: Change) -> bool:
    least_k = min(change.k_divisible, default=0)
    fine = len(change.margin) == 3 == len(change.k_divisible) and min(change.margin, default=-1) >= 0 < least_k
    return change.kind is not Kind.CROP or fine
