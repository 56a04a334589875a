"""From averaged answers to a mask: MONAI's Activations, Invert and AsDiscrete in this order."""

from __future__ import annotations

import numpy as np

from inference.monai.picture import Back
from inference.monai.plan import Activation, Decision, Plan
from inference.volume import Floats, Labels


def decided(field: Floats, plan: Plan, back: Back) -> tuple[Labels, Floats]:
    """Labels uint8 [i, j, k] on the image's own grid, and how probable the label of each voxel is."""
    shares = activated(field, plan.activation)
    if plan.decision is Decision.ARGMAX:
        return _largest(shares, plan, back)
    whole = back(shares[:1])[0]
    labels = (whole >= np.float32(plan.threshold)).astype(np.uint8)
    return labels, whole if plan.activation is Activation.SIGMOID else activated(whole, Activation.SIGMOID)


def activated(field: Floats, activation: Activation) -> Floats:
    """Probabilities [channel, *place], where the plan wants some."""
    if activation is Activation.SIGMOID:
        return np.asarray(1.0 / (1.0 + np.exp(-field)), dtype=np.float32)
    if activation is Activation.SOFTMAX:
        odds = np.exp(field - field.max(axis=0))
        return np.asarray(odds / odds.sum(axis=0), dtype=np.float32)
    return field


def _largest(shares: Floats, plan: Plan, back: Back) -> tuple[Labels, Floats]:
    """Channel by channel on the image's grid, which may be too large to hold them all; the first of equals wins."""
    best: Floats = np.array(back(shares[:1])[0])
    labels: Labels = np.zeros(best.shape, dtype=np.uint8)
    total = np.ones_like(best)
    for number in range(1, len(shares)):
        one = back(shares[number : number + 1])[0]
        wins = one > best
        total = np.where(wins, total * np.exp(np.minimum(best - one, 0)) + 1, total + np.exp(np.minimum(one - best, 0)))
        best[wins] = one[wins]
        labels[wins] = number
    # Without an activation, the share that a softmax would give the winner.
    return labels, np.asarray(1.0 / total if plan.activation is Activation.NONE else best, dtype=np.float32)
