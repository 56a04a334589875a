"""From images to what the network reads: turn, crop, normalise, resample - in this order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from inference.errors import InputRefused
from inference.nnunet.crop import Bools, Box, box_of, filled, nonzero
from inference.nnunet.normalise import normalised
from inference.nnunet.plan import Plan, Resampling, Size, Spacing
from inference.nnunet.resample import Resize, new_shape, resize
from inference.volume import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Where the network's voxels lie in the image, all on the network's axes.

    Attributes:
        whole, cropped, worked: Shape before and after cropping, and after resampling.
        box: What cropping kept.
        current, target: Spacing of the image and of the network, mm.
    """

    whole: Size
    cropped: Size
    worked: Size
    box: Box
    current: Spacing
    target: Spacing

    def inward(self, rule: Resampling) -> Resize:
        return resize(self.cropped, self.worked, self.current, self.target, rule)

    def outward(self, rule: Resampling) -> Resize:
        return resize(self.worked, self.cropped, self.target, self.current, rule)


def prepared(channels: Floats, spacing: Spacing, plan: Plan, workers: ThreadPoolExecutor) -> tuple[Floats, Frame]:
    """The network's voxels [c, k, j, i] and where they lie.

    Args:
        channels: float32 [c, k, j, i] on one grid; left as it is.
        spacing: mm along k, j, i.

    Raises:
        InputRefused: A channel is empty, constant, holds no numbers, or is too small for the network's spacing.
    """
    turned = channels.transpose(0, *(axis + 1 for axis in plan.transpose_forward))
    mask = nonzero(turned)
    frame = _frame(turned.shape[1:], box_of(mask), _turned(spacing, plan), plan)
    inside = filled(mask[frame.box]) if any(c.use_mask_for_norm for c in plan.channels) else None
    way = frame.inward(plan.resampling_data)

    def one(index: int) -> Floats:
        return _channel(turned[(index, *frame.box)], index, plan, inside, way)

    return np.stack(list(workers.map(one, range(len(channels))))), frame


def _channel(values: Floats, index: int, plan: Plan, inside: Bools | None, way: Resize) -> Floats:
    own = np.array(values, dtype=np.float32, order="C")
    return way.whole(normalised(own, plan.channels[index], inside))


def _frame(whole: tuple[int, ...], box: Box, current: Spacing, plan: Plan) -> Frame:
    target = plan.target_spacing(current)
    cropped = (box[0].stop - box[0].start, box[1].stop - box[1].start, box[2].stop - box[2].start)
    worked = new_shape(cropped, current, target)
    if min(worked) < 1:
        raise InputRefused("The image is thinner than one voxel of the network.", "Choose a larger series.")
    return Frame((whole[0], whole[1], whole[2]), cropped, worked, box, current, target)


def _turned(spacing: Spacing, plan: Plan) -> Spacing:
    k, j, i = (spacing[axis] for axis in plan.transpose_forward)
    return k, j, i
