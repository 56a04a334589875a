"""From the network's logits to a mask on the image: class by class, slab by slab, so that no second field is held."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from inference.nnunet.plan import Plan
from inference.nnunet.prepare import Frame
from inference.nnunet.resample import Resize
from inference.volume import Floats, Labels

SLAB_VOXELS = 1 << 21
"""Voxels of a slab that one thread works on: two or three such fields of float32 are what the way back costs."""


def mask_of(logits: Floats, frame: Frame, plan: Plan, workers: ThreadPoolExecutor) -> Labels:
    """uint8 [k, j, i] on the image's own axes.

    Args:
        logits: float32 [head, k, j, i] at the network's spacing.
    """
    way = frame.outward(plan.resampling_probabilities)
    whole = np.zeros(frame.whole, dtype=np.uint8)
    inner = whole[frame.box]
    paint = _regions if plan.regions_class_order else _largest
    share = -(-frame.cropped[0] // (os.cpu_count() or 1))
    rows = max(1, min(share, SLAB_VOXELS // (frame.cropped[1] * frame.cropped[2])))

    def slab(start: int) -> None:
        stop = min(start + rows, frame.cropped[0])
        inner[start:stop] = paint(logits, way, start, stop, plan)

    list(workers.map(slab, range(0, frame.cropped[0], rows)))
    return np.ascontiguousarray(whole.transpose(plan.transpose_backward))


def _largest(logits: Floats, way: Resize, start: int, stop: int, _plan: Plan) -> Labels:
    """The label with the largest logit; of equals the first."""
    best = way.rows(logits[0], start, stop)
    labels = np.zeros(best.shape, dtype=np.uint8)
    for label in range(1, len(logits)):
        here = way.rows(logits[label], start, stop)
        labels[here > best] = label
        best = np.maximum(best, here)
    return labels


def _regions(logits: Floats, way: Resize, start: int, stop: int, plan: Plan) -> Labels:
    """Regions painted one over the other where their probability exceeds a half, which is where the logit is > 0."""
    labels = np.zeros((stop - start, *way.shape[1:]), dtype=np.uint8)
    for field, value in zip(logits, plan.regions_class_order, strict=True):
        labels[way.rows(field, start, stop) > 0] = value
    return labels


def probability_of(logits: Floats, frame: Frame, plan: Plan, labels: Labels) -> Floats:
    """float32 [k, j, i] on the image's axes: at labelled voxels the probability of not being background, else 0.

    It is read at the nearest of the network's voxels: a score for findings, which decides nothing.
    """
    turned = labels.transpose(plan.transpose_forward)[frame.box]
    at = np.nonzero(turned)
    scales = (work / crop for work, crop in zip(frame.worked, frame.cropped, strict=True))
    nearest = tuple(np.floor((n + 0.5) * s).astype(np.intp) for n, s in zip(at, scales, strict=True))
    said = logits[(slice(None), *nearest)]
    whole = np.zeros(frame.whole, dtype=np.float32)
    whole[frame.box][at] = _sigmoid(said.max(axis=0)) if plan.regions_class_order else _not_background(said)
    return np.ascontiguousarray(whole.transpose(plan.transpose_backward))


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -80.0, 80.0))), dtype=np.float32)


def _not_background(said: Floats) -> Floats:
    odds = np.exp(said - said.max(axis=0))
    return np.asarray(1.0 - odds[0] / odds.sum(axis=0), dtype=np.float32)
