"""What nnU-Net decided for one trained configuration, read from a bundle's sidecar.

Field names are those of nnU-Net's own `plans.json`, `dataset.json` and checkpoints, so that a reader finds them again.
Axes are those of the network: after `transpose_forward`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from inference import sidecar

Size = tuple[int, int, int]
Spacing = tuple[float, float, float]


class Scheme(Enum):
    """How one channel's intensities are normalised."""

    ZSCORE = "ZScoreNormalization"
    CT = "CTNormalization"
    NONE = "NoNormalization"
    RESCALE = "RescaleTo01Normalization"
    RGB = "RGBTo01Normalization"


class Function(Enum):
    """How arrays are brought from one spacing to another."""

    DEFAULT = "resample_data_or_seg_to_shape"
    NONE = "no_resampling_hack"


class Reader(Enum):
    """What read the training images; it fixes the order and sense of the axes."""

    SIMPLEITK = "SimpleITKIO"
    SIMPLEITK_RAS = "SimpleITKIOWithReorient"
    NIBABEL = "NibabelIO"
    NIBABEL_RAS = "NibabelIOWithReorient"


@dataclass(frozen=True, slots=True)
class Intensity:
    """Statistics of one channel over the training set's foreground."""

    mean: float
    std: float
    median: float
    min: float
    max: float
    percentile_00_5: float
    percentile_99_5: float


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """One input channel. `intensity` is needed by CT normalisation alone."""

    name: str
    normalization_scheme: Scheme
    use_mask_for_norm: bool
    intensity: Intensity | None = None


@dataclass(frozen=True, slots=True)
class Resampling:
    """Spline orders in the plane and along a coarse axis; `force_separate_z` None lets the spacing decide."""

    function: Function
    order: int = 3
    order_z: int = 0
    force_separate_z: bool | None = None
    separate_z_anisotropy_threshold: float = 3.0


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """A label's name and the values of the training masks that it covers; several make it a region."""

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One trained configuration.

    Attributes:
        spacing: mm, network axes; two numbers for a 2D configuration, whose slices keep their distance.
        patch_size: Network input without batch and channels; two numbers for 2D.
        labels: In the order of `dataset.json`, without background and ignore.
        regions_class_order: The value painted for each region, in painting order; empty: labels exclude one another.
        allowed_mirroring_axes: Axes mirrored during training.
        mirror: Whether inference averages over mirrored inputs.
        tile_step_size: Distance of tiles as a share of the patch.
    """

    dataset_name: str
    plans_name: str
    configuration: str
    trainer_name: str
    folds: tuple[str, ...]
    network_class_name: str
    image_reader_writer: Reader
    file_ending: str
    num_training: int
    preprocessor_name: str
    label_manager: str
    transpose_forward: tuple[int, ...]
    transpose_backward: tuple[int, ...]
    spacing: tuple[float, ...]
    patch_size: tuple[int, ...]
    batch_size: int
    channels: tuple[ChannelPlan, ...]
    resampling_data: Resampling
    resampling_seg: Resampling
    resampling_probabilities: Resampling
    labels: tuple[LabelPlan, ...]
    regions_class_order: tuple[int, ...] = ()
    allowed_mirroring_axes: tuple[int, ...] = ()
    mirror: bool = True
    tile_step_size: float = 0.5
    use_gaussian: bool = True

    @property
    def is_flat(self) -> bool:
        """Whether the network takes slices."""
        return len(self.patch_size) == 2

    @property
    def tile(self) -> Size:
        """Tile (k, j, i) on the network's axes; one slice thick for 2D."""
        return (1, *self.patch_size) if self.is_flat else tuple(self.patch_size)  # type: ignore[return-value]

    @property
    def heads(self) -> int:
        """Maps that the network answers with."""
        return len(self.labels) if self.regions_class_order else len(self.labels) + 1

    @property
    def names(self) -> dict[int, str]:
        """Mask value -> name. A label is painted with its place in the list, a region with its own value."""
        values = self.regions_class_order or range(1, len(self.labels) + 1)
        return {value: label.name for value, label in zip(values, self.labels, strict=True)}

    def target_spacing(self, spacing: Spacing) -> Spacing:
        """Spacing that the network works at, for an image of `spacing`; both on the network's axes."""
        return (spacing[0], *self.spacing) if self.is_flat else tuple(self.spacing)  # type: ignore[return-value]


def read_plan(path: Path) -> Plan:
    """The plan of a sidecar. Raises ManifestInvalid, as `inference.sidecar.read`."""
    return sidecar.read(Plan, path, faults)


def faults(plan: Plan) -> list[str]:
    """Rules between fields that do not hold, each as half a sentence."""
    sides, back = len(plan.patch_size), plan.transpose_backward
    rules = {
        "transpose_forward must order three axes": sorted(plan.transpose_forward) == [0, 1, 2],
        "transpose_backward must undo transpose_forward": sorted(back) == [0, 1, 2]
        and [plan.transpose_forward[axis] for axis in back] == [0, 1, 2],
        "patch_size needs two or three positive numbers": sides in (2, 3) and min(plan.patch_size) > 0,
        "spacing needs as many positive numbers as patch_size": len(plan.spacing) == sides and min(plan.spacing) > 0,
        "channels is empty": bool(plan.channels),
        "CT normalisation needs the channel's intensity": all(map(_has_what_it_needs, plan.channels)),
        "labels is empty": bool(plan.labels),
        "mask values must lie between 1 and 255": all(0 < v < 256 for v in plan.regions_class_order)
        and len(plan.labels) < 256,
        "regions_class_order needs one value for each label": len(plan.regions_class_order) in (0, len(plan.labels)),
        "a mirroring axis lies outside the patch": all(0 <= axis < sides for axis in plan.allowed_mirroring_axes),
        "tile_step_size must lie above 0 and at most at 1": 0 < plan.tile_step_size <= 1,
        "spline orders run from 0 to 5": all(0 <= n <= 5 for r in _resamplings(plan) for n in (r.order, r.order_z)),
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _has_what_it_needs(channel: ChannelPlan) -> bool:
    return channel.normalization_scheme is not Scheme.CT or channel.intensity is not None


def _resamplings(plan: Plan) -> tuple[Resampling, ...]:
    return plan.resampling_data, plan.resampling_seg, plan.resampling_probabilities
