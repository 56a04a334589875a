"""What the detector's maps should say, and how far they are from it (SimOTA, YOLOX section 2.1, made simple)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

CENTRE_CELLS = 2.0
CANDIDATES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """All cells of all maps side by side: boxes (n, cells, 4) in pixel edges, logits, cell centres and strides."""

    boxes: Tensor
    objectness: Tensor
    classes: Tensor
    centres: Tensor
    strides: Tensor


def flatten(maps: Sequence[Tensor], strides: Sequence[int]) -> Flat:
    """Raw maps -> decoded cells; the same arithmetic as `inference.steps.decode.decode`."""
    boxes, objectness, classes, centres, steps = [], [], [], [], []
    for raw, stride in zip(maps, strides, strict=True):
        cells = raw.flatten(2).transpose(1, 2)
        height, width = raw.shape[2:]
        rows, columns = (torch.arange(n, device=raw.device) for n in (height, width))
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        corner = torch.stack([x.flatten(), y.flatten()], dim=-1).float()
        centre = (corner + cells[..., :2]) * stride
        half = torch.exp(cells[..., 2:4].clamp(max=8.0)) * stride / 2
        boxes.append(torch.cat([centre - half, centre + half], dim=-1))
        objectness.append(cells[..., 4])
        classes.append(cells[..., 5:])
        centres.append((corner + 0.5) * stride)
        steps.append(torch.full((height * width,), float(stride), device=raw.device))
    return Flat(
        torch.cat(boxes, 1), torch.cat(objectness, 1), torch.cat(classes, 1), torch.cat(centres), torch.cat(steps)
    )


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every box of a (m, 4) with every box of b (n, 4): (m, n)."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    return shared / (_area(a)[:, None] + _area(b)[None] - shared).clamp(min=1e-6)


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """GIoU of paired boxes (n, 4), in [-1, 1] (Rezatofighi et al. 2019)."""
    shared = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(-1)
    union = (_area(a) + _area(b) - shared).clamp(min=1e-6)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(-1).clamp(min=1e-6)
    return shared / union - (hull - union) / hull


@torch.no_grad()
def assign(flat: Flat, n: int, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which cells of picture n answer for which true box.

    Args:
        boxes: (m, 4) true boxes. labels: (m,) their classes.

    Returns:
        Cell indices, the true box each belongs to, and the overlap reached so far.
    """
    near = (flat.centres[None] - (boxes[:, None, :2] + boxes[:, None, 2:]) / 2).abs().amax(-1)
    inside = torch.minimum(flat.centres[None] - boxes[:, None, :2], boxes[:, None, 2:] - flat.centres[None]).amin(-1)
    allowed = (near < CENTRE_CELLS * flat.strides) | ((inside > 0) & (near < 4.0 * flat.strides))
    overlap = pair_iou(boxes, flat.boxes[n]).nan_to_num(0.0)
    likely = (flat.classes[n].sigmoid() * flat.objectness[n].sigmoid()[:, None]).sqrt()[:, labels].T
    cost = -torch.log(likely + 1e-6) - 3.0 * torch.log(overlap + 1e-6) + 1e5 * ~allowed
    best = torch.full_like(flat.centres[:, 0], float("inf"))
    owner = torch.full_like(flat.centres[:, 0], -1, dtype=torch.long)
    for m in range(len(boxes)):
        count = int(overlap[m][allowed[m]].topk(min(CANDIDATES, int(allowed[m].sum()))).values.sum().clamp(min=1.0))
        chosen = cost[m].topk(count, largest=False).indices
        better = chosen[cost[m][chosen] < best[chosen]]
        best[better], owner[better] = cost[m][better], m
    cells = torch.nonzero(owner >= 0).flatten()
    return cells, owner[cells], overlap[owner[cells], cells]


def detection_loss(flat: Flat, truth: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """5 x (1 - GIoU) + objectness + class cross-entropies, per assigned cell.

    Args:
        truth: (boxes (m, 4), labels (m,)) of each picture; m may be 0.
    """
    wanted = torch.zeros_like(flat.objectness)
    parts = []
    for n, (boxes, labels) in enumerate(truth):
        if len(boxes) == 0:
            continue
        cells, owner, overlap = assign(flat, n, boxes, labels)
        wanted[n, cells] = 1.0
        target = F.one_hot(labels[owner], flat.classes.shape[-1]) * overlap.clamp(min=0.3)[:, None]
        place = 1.0 - generalised_iou(flat.boxes[n, cells], boxes[owner])
        kind = F.binary_cross_entropy_with_logits(flat.classes[n, cells], target, reduction="none").sum(-1)
        parts.append(5.0 * place.sum() + kind.sum())
    count = max(1.0, float(wanted.sum()))
    objectness = F.binary_cross_entropy_with_logits(flat.objectness, wanted, reduction="sum")
    return (objectness + torch.stack(parts).sum() if parts else objectness) / count


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(-1)
