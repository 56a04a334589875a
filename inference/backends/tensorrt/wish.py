"""All that an engine file depends on, apart from the machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inference import cache
from inference.backends.base import Arrays
from inference.backends.tensorrt.placement import Placement
from inference.result import Precision

# Raised whenever the builder makes another engine from the same wish.
RECIPE = "1"


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Real inputs, from which a weakly typed builder finds the ranges of int8 tensors itself."""

    feeds: tuple[Arrays, ...]

    @property
    def digest(self) -> str:
        found = hashlib.sha256()
        for feed in self.feeds:
            for name in sorted(feed):
                found.update(name.encode() + repr(feed[name].shape).encode() + feed[name].tobytes())
        return found.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What an engine shall be.

    Attributes:
        model: ONNX file. int8 takes one with Q/DQ nodes, or an fp32 one together with `calibration`.
        pools: Memory limits in bytes under TensorRT's names: "WORKSPACE", "DLA_MANAGED_SRAM", "DLA_LOCAL_DRAM",
            "DLA_GLOBAL_DRAM". What is not named keeps the library's default.
    """

    model: Path
    precision: Precision
    placement: Placement = field(default_factory=Placement)
    calibration: Calibration | None = None
    pools: Mapping[str, int] = field(default_factory=lambda: {"WORKSPACE": 1 << 30})

    @property
    def graph_precision(self) -> Precision:
        """The precision that the graph must state."""
        return self.precision if self.calibration is None else Precision.FP32

    @property
    def key(self) -> str:
        calibration = self.calibration.digest if self.calibration else ""
        pools = repr(sorted(self.pools.items()))
        return cache.key(
            cache.sha256(self.model), self.precision.value, repr(self.placement), calibration, pools, RECIPE
        )
