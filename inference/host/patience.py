"""How long an engine may be silent before it counts as hung: what its work can take on the slowest machine we serve."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from inference.host.cost import Cost

VARIABLE = "INSULA_ENGINE_PATIENCE_S"
# Starting a process, importing libraries from a slow disk, and the first look at a GPU.
START_S = 120.0
# Whatever the work: a machine that swaps or saves power stands still this long and then goes on.
BASE_S = 30.0
# One core of a small Arm board reaches about 2 billion multiply-adds a second in fp32, and reads about 10 MB of
# weights a second while it arranges them for its kernels.
MACS_PER_S = 2e9
WEIGHT_BYTES_PER_S = 10e6
# Resampling by splines, labelling and counting take it about a second for this many voxels.
VOXELS_PER_S = 2e5
# TensorRT tries kernels out when it builds an engine; on a Jetson that takes up to an hour and says nothing.
BUILD_S = 3600.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of silence allowed.

    Attributes:
        load_s: While an engine is made.
        step_s: Between two steps of a running task; its last step also brings the answer back onto the source's grid.
    """

    load_s: float
    step_s: float


def patience(cost: Cost, voxels: int, backend: str) -> Patience:
    """Derive both from the graph's cost and the number of voxels of the job's volumes."""
    build = BUILD_S if backend == "tensorrt" else 0.0
    return Patience(
        BASE_S + build + cost.weight_bytes / WEIGHT_BYTES_PER_S,
        BASE_S + cost.macs / MACS_PER_S + voxels / VOXELS_PER_S,
    )


def fixed(environment: Mapping[str, str] = os.environ) -> float | None:
    """The limit that the user set in place of the derived one, in seconds."""
    try:
        seconds = float(environment.get(VARIABLE, ""))
    except ValueError:
        return None
    return seconds if seconds > 0 else None
